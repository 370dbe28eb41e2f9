"""Throttling: how often somebody may try before they have to wait.

A try is counted before its password is hashed, in one statement that adds to all its counters
or, once one of them is full, to none: of fifty guesses at the same instant only the allowed
number is ever looked at. The counters are rows, so all processes and hosts count together.

A stranger cannot lock the owner out: a browser that has logged in to an account before has a
budget of its own there (https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies).
"""

import hmac
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from limits import RateLimitItem
from peewee import EXCLUDED, Case, Expression, Query

from database import database
from models import Counter, now

from .client import Client
from .errors import TooManyAttempts
from .statements import statement

Limits = Sequence[RateLimitItem]
COUNTER_ID_BYTES = 16
CLOCKS_APART = 60_000  # ms that the clocks of hosts that share a database may be
EXPIRED_PER_TRY = 5  # rows deleted with each try, so that no backlog forms


@dataclass(frozen=True)
class Policy:
    """What is allowed, each as the limits of a budget."""

    login_account: Limits
    login_known_browser: Limits
    login_address: Limits
    signup_address: Limits


_policy: Policy
_secret: bytes


def configure(secret_key: str, **limits: Limits) -> None:
    """Set the budgets, and the key under which names and addresses are hashed in the counters:
    people type passwords where names belong.
    """
    global _policy, _secret  # noqa: PLW0603 - set once at start
    _policy = Policy(**limits)
    _secret = secret_key.encode()


class LoginAttempt:
    """One try at the password of an account, counted when it is made.

    A browser that has logged in to the account before has a budget of its own there, and no
    other counts. Raises TooManyAttempts.
    """

    def __init__(self, account: str, client: Client) -> None:
        self.known = account in client.known_users
        if self.known:
            self.budgets = [login_known_browser(account, client.browser_id)]
        else:
            self.budgets = [login_account(account), login_address(client)]
        count_try(*self.budgets)

    def take_back(self) -> None:
        """Uncount it: it was not looked at, or it was no failure."""
        take_back(*self.budgets)

    def forgive(self) -> None:
        """The password was right. That clears a known browser's own failures and nobody
        else's: a thief who has an account of his own must not wipe his traces with it.
        """
        if self.known:
            self.budgets[0].clear()
        else:
            self.take_back()


def login_account(account: str) -> "Budget":
    """Return the budget of failures at one account from browsers it does not know.

    account: a user id, or the name typed where there is no such user: both count alike.
    """
    return Budget(_policy.login_account, "account", account)


def login_known_browser(account: str, browser_id: str) -> "Budget":
    """Return the budget of one browser that has logged in to this account before."""
    return Budget(_policy.login_known_browser, "browser", f"{browser_id} {account}")


def login_address(client: Client) -> "Budget":
    """Return the budget of failures from one address, whatever the names."""
    return Budget(_policy.login_address if client.network else (), "login", client.network)


def signup_address(client: Client) -> "Budget":
    """Return the budget of accounts made from one address."""
    return Budget(_policy.signup_address if client.network else (), "signup", client.network)


class Budget:
    """The counters of one subject: one for each of its limits."""

    def __init__(self, limits: Limits, kind: str, subject: str) -> None:
        self.limits = {_counter_id(kind, subject, limit): limit for limit in limits}

    def clear(self) -> None:
        """Start afresh."""
        _delete_counters(ids=list(self.limits))


@statement
def _delete_counters(ids: Any) -> Query:
    return Counter.delete().where(_in_order(ids))


def _in_order(ids: Any) -> Expression:
    # Everybody takes counters in one order, or two hosts could wait for each other.
    counters = Counter.select(Counter.id).where(Counter.id.in_(ids)).order_by(Counter.id)
    condition: Expression = Counter.id.in_(database.claim(counters))
    return condition


def take_back(*budgets: Budget) -> None:
    """Uncount one try from all these budgets."""
    keys = [key for budget in budgets for key in budget.limits]
    if keys:
        _subtract_one(ids=keys)


@statement
def _subtract_one(ids: Any) -> Query:
    return Counter.update(count=Counter.count - 1).where(_in_order(ids), Counter.count > 0)


def _counter_id(kind: str, subject: str, limit: RateLimitItem) -> bytes:
    return _keyed_hash(f"{kind} {limit.get_expiry()} {subject}")


def _keyed_hash(text: str) -> bytes:
    return hmac.digest(_secret, text.encode(errors="surrogatepass"), "sha256")[:COUNTER_ID_BYTES]


def fingerprint(name: str) -> str:
    """Return what stands in the log for a name that nobody has: the same for the same name."""
    return _keyed_hash(name)[:6].hex()


def count_try(*budgets: Budget) -> None:
    """Count one try against all these budgets, or, when one is spent, against none.

    Raises TooManyAttempts, which says how long to wait.
    """
    limits = {key: limit for budget in budgets for key, limit in budget.limits.items()}
    if not limits:
        return
    ids = sorted(limits)  # as _in_order
    with database.unsynced():  # a power cut may make a present of a try
        moment = now()
        ends = [moment + limits[key].get_expiry() * 1000 for key in ids]
        waits = [
            min(expires_at - moment, limits[bytes(key)].get_expiry() * 1000)
            for key, count, expires_at in _add_one(ids=ids, ends=ends, moment=moment).fetchall()
            if count > limits[bytes(key)].amount
        ]
        if waits:
            raise TooManyAttempts(math.ceil(max(waits) / 1000))
        delete_expired_counters(EXPIRED_PER_TRY)


@statement
def _add_one(ids: Any, ends: Any, moment: Any) -> Query:
    """Add one to each counter, beginning anew where its time is over. A time further off than
    the whole window means that the clock was set back: nobody waits longer than the window. A
    little further is another host's clock, which must not begin the window anew.
    """
    rows = [{"id": key, "count": 1, "expires_at": end} for key, end in zip(ids, ends, strict=True)]
    apart = 0 if database.writes_alone else CLOCKS_APART
    over = (Counter.expires_at <= moment) | (Counter.expires_at > EXCLUDED.expires_at + apart)
    counting = Counter.insert_many(rows).on_conflict(
        conflict_target=[Counter.id],
        update={
            Counter.count: Case(None, [(over, 1)], Counter.count + 1),
            Counter.expires_at: Case(None, [(over, EXCLUDED.expires_at)], Counter.expires_at),
        },
    )
    return counting.returning(Counter)


def delete_expired_counters(most: int) -> int:
    """Delete up to `most` counters whose time is over; return how many there were."""
    return int(_delete_expired(moment=now(), most=most).rowcount)


@statement
def _delete_expired(moment: Any, most: Any) -> Query:
    expired = Counter.select(Counter.id).where(Counter.expires_at <= moment).limit(most)
    return Counter.delete().where(Counter.id.in_(database.unclaimed(expired)))
