"""Throttling: how many tries a visitor has before they have to wait.

A try is counted before its password is hashed: of fifty guesses at the same instant only the
allowed number is checked. The counters are rows, so all processes and hosts count together.

A stranger cannot lock the owner out: a browser that has logged in to an account before has a
budget of its own there (https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies).
"""

import hmac
import math
from collections.abc import Mapping
from typing import Any

from limits import RateLimitItem
from peewee import EXCLUDED, SQL, Case, Expression, Query

from database import database
from database.statements import statement
from models import Counter, now

from . import hooks, settings
from .actor import Actor
from .errors import TooManyAttempts
from .settings import Limits

COUNTER_ID_BYTES = 16
CLOCK_SKEW = 60_000  # ms between the clocks of hosts that share a database
EXPIRED_PER_TRY = 5  # rows deleted with each try, so that no backlog forms


# The tries that subjects have left: the ids of their counters, and the limit of each.
Budgets = Mapping[bytes, RateLimitItem]


def login_budgets(account: str, actor: Actor) -> Budgets:
    """Return the budgets of failed log-ins at one account: a user id or, if no user has it, the
    name typed. A browser that has logged in there before has a budget of its own, and no other.
    """
    if account in actor.known_users:
        browser = f"{actor.browser_id} {account}"
        return budget(settings.LIMIT_LOGIN_KNOWN_BROWSER, "browser", browser)
    named = budget(settings.LIMIT_LOGIN_ACCOUNT, "account", account)
    return {**named, **login_address(actor)}


def login_address(actor: Actor) -> Budgets:
    """Return the budget of failures from one address, whatever the names."""
    return budget(settings.LIMIT_LOGIN_ADDRESS if actor.network else (), "login", actor.network)


def signup_address(actor: Actor) -> Budgets:
    """Return the budget of accounts created from one address."""
    return budget(settings.LIMIT_SIGNUP_ADDRESS if actor.network else (), "signup", actor.network)


def budget(limits: Limits, kind: str, subject: str) -> Budgets:
    """Return the budget that one subject has of tries of one kind."""
    return {_keyed_hash(f"{kind} {limit.get_expiry()} {subject}"): limit for limit in limits}


def _keyed_hash(text: str) -> bytes:
    # People type passwords where names belong: nothing typed is stored in clear.
    key, message = settings.SECRET_KEY.encode(), text.encode(errors="surrogatepass")
    return hmac.digest(key, message, "sha256")[:COUNTER_ID_BYTES]


def fingerprint(name: str) -> str:
    """Return what the log shows for an unknown name: the same for the same name."""
    return _keyed_hash(name)[:6].hex()


def count_try(budgets: Budgets) -> None:
    """Count one try against all these budgets. Raises TooManyAttempts if one is spent: then the
    transaction is undone, and none has counted it.
    """
    if not budgets:
        return
    ids = sorted(budgets)  # as in _in_order
    with database.unsynced():  # a power cut may give a try away
        moment = now()
        ends = [moment + budgets[key].get_expiry() * 1000 for key in ids]
        counted = _add_one(ids=ids, ends=ends, moment=moment).fetchall()
        waits = [
            min(expires_at - moment, budgets[bytes(key)].get_expiry() * 1000)
            for key, count, expires_at in counted
            if count > budgets[bytes(key)].amount
        ]
        if waits:
            raise TooManyAttempts(math.ceil(max(waits) / 1000))
        _delete_expired(moment=moment, most=EXPIRED_PER_TRY)


@statement
def _add_one(ids: Any, ends: Any, moment: Any) -> Query:
    # Start again where the time of a counter is over. If it is further off than the whole window,
    # the clock was set back: a wait is never longer than the window. A little further is another
    # host's clock, which must not start the window again.
    rows = [(key, SQL("1"), end) for key, end in zip(ids, ends, strict=True)]
    skew = SQL("0") if database.serializes_writes else SQL(str(CLOCK_SKEW))
    over = (Counter.expires_at <= moment) | (Counter.expires_at > EXCLUDED.expires_at + skew)
    columns = [Counter.id, Counter.count, Counter.expires_at]
    counting = Counter.insert_many(rows, columns).on_conflict(
        conflict_target=[Counter.id],
        update={
            Counter.count: Case(None, [(over, SQL("1"))], Counter.count + SQL("1")),
            Counter.expires_at: Case(None, [(over, EXCLUDED.expires_at)], Counter.expires_at),
        },
    )
    return counting.returning(Counter)


def take_back(budgets: Budgets) -> None:
    """Uncount one try, inside a transaction: it was not checked, or it did not fail."""
    if budgets:
        _subtract_one(ids=[*budgets])


@statement
def _subtract_one(ids: Any) -> Query:
    some = Counter.count > SQL("0")
    return Counter.update(count=Counter.count - SQL("1")).where(_in_order(ids), some)


def excuse(failed: Budgets, actor: Actor) -> bool:
    """Return whether a feature says that a failed try is none; then uncount it."""
    is_excused = any(excuses(actor) for excuses in hooks.excuses)
    if is_excused:
        take_back(failed)
    return is_excused


def forgive(account: str, actor: Actor) -> None:
    """Uncount a try with the right password. It clears a known browser's own failures and no
    others: a thief with an account of their own must not cover their tracks with it.
    """
    budgets = login_budgets(account, actor)
    if budgets and account in actor.known_users:
        Counter.delete().where(_in_order([*budgets])).execute()
    else:
        take_back(budgets)


def _in_order(ids: Any) -> Expression:
    # Everybody takes counters in one order, or two hosts could wait for each other.
    counters = Counter.select(Counter.id).where(Counter.id.in_(ids)).order_by(Counter.id)
    condition: Expression = Counter.id.in_(database.lock_for_update(counters))
    return condition


@statement
def _delete_expired(moment: Any, most: Any) -> Query:
    expired = Counter.select(Counter.id).where(Counter.expires_at <= moment).limit(most)
    return Counter.delete().where(Counter.id.in_(database.skip_locked(expired)))
