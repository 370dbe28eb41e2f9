"""Tell the owner of an account what happened to it, until they acknowledge it."""

from typing import Any

from peewee import SQL, Expression, Query, fn

from accounts import hooks, sessions, users
from accounts.actor import Actor
from accounts.errors import AccountChanged, AccountError
from accounts.events import Kind
from database import database
from database.statements import statement
from models import Session, User, now

from .models import Notice

NOTABLE = (Kind.PASSWORD_CHANGE, Kind.USER_RENAMED)
SENT_TWICE = "form sent again"  # why a session ended, or one that a repeated form began
MOST = 20  # shown at once
ID_MAX = 2**63 - 1


class PasswordNeeded(AccountError):
    """This session may have caused what it is to acknowledge, or began later."""

    field = "current_password"
    text = "Enter your current password."


class NoNotice(AccountError):
    """What should be the id of a notice is none."""

    text = "It is not clear what you have seen. Open your profile again."


def follow(user: User | None, actor: Actor, event: dict[str, Any]) -> None:
    """Make a notice of an event that is one, in the transaction that records it."""
    kind = event["kind"]
    if kind == Kind.LOGIN_FAIL:
        _count_failure(event)
    elif user is None:
        return
    elif kind == Kind.LOGIN_SUCCESS:
        is_told = event["detail"] == SENT_TWICE or _is_part_of_another(event)
        if not is_told and user.id not in actor.known_users:
            _add(event)
    elif kind == Kind.SESSION_ENDED:
        if event["detail"] == SENT_TWICE:
            _take_off_twin(user, event)
    elif kind in NOTABLE or kind in hooks.notable:
        _add(event)


def _count_failure(event: dict[str, Any]) -> None:
    """Failed log-ins are one notice with a number. Each makes it the latest: who acknowledges what
    a page showed has not seen this one. An unknown name takes the same way and changes nothing.
    """
    _add({**event, "user": event["user"] or "", "detail": ""}, number=0, once=event["kind"])
    kept = {name: event[name] for name in ("kind", "at", "session", "ip_address", "user_agent")}
    _repeat(user=event["user"] or "", began=_began(event), **kept)


def _add(event: dict[str, Any], number: int = 1, once: str = "") -> None:
    users.lock_for_update(User(id=event["user"]))
    _insert(once=once, number=number, since=event["at"], began=_began(event), **event)
    _recount(user=event["user"])


def _began(event: dict[str, Any]) -> str:
    caused_by = sessions.find_session(event["session"], User(id=event["user"]))
    return f" {caused_by.created_at}" if caused_by else ""


@statement
def _insert(user: Any, once: Any, **columns: Any) -> Query:
    """once: the kind of which there is to be one alone."""
    # Of a user who is there: for an unknown name it costs the same.
    values = {"user": User.id, "id": _next_id(user), **columns}
    there_is_one = fn.EXISTS(Notice.select(SQL("1")).where(_open(user), Notice.kind == once))
    rows = User.select(*values.values()).where(User.id == user, ~there_is_one)
    return Notice.insert_from(rows, [getattr(Notice, name) for name in values])


@statement
def _repeat(user: Any, kind: Any, began: Any, **latest: Any) -> Query:
    causes = fn.REPLACE(Notice.began, began, SQL("''")).concat(began)
    changes = {"id": _next_id(user), "number": Notice.number + SQL("1"), "began": causes, **latest}
    return Notice.update(changes).where(_open(user), Notice.kind == kind)


def _next_id(user: Any) -> Query:
    every = Notice.alias()
    number = fn.COALESCE(fn.MAX(every.id), SQL("0")) + SQL("1")
    return every.select(number).where(every.user == user)


@statement
def _recount(user: Any) -> Query:
    number = Notice.select(fn.COUNT(Notice.id)).where(_open(user))
    return User.update(notices=number).where(User.id == user)


def _open(user: Any) -> Expression:
    return (Notice.user == user) & Notice.acknowledged_at.is_null()  # type: ignore[no-any-return]


def _is_part_of_another(event: dict[str, Any]) -> bool:
    """Return whether a log-in is part of a new password that a code or link set, and note there
    that its session caused it.
    """
    if not event["detail"]:
        return False
    same = (Notice.kind == Kind.PASSWORD_CHANGE) & (Notice.detail == event["detail"])
    this_one = _open(event["user"]) & same & (Notice.session == "")
    changes = {"session": event["session"], "began": _began(event)}
    return bool(Notice.update(changes).where(this_one).execute())


def _take_off_twin(user: User, event: dict[str, Any]) -> None:
    """Leave one notice of a log-in that was sent twice: that of the session that stays, if any."""
    logged_in = _open(user.id) & (Notice.kind == Kind.LOGIN_SUCCESS)
    ended = Notice.session == event["session"]
    if Notice.select().where(logged_in, ~ended, Notice.user_agent == event["user_agent"]).exists():
        _take_off(user, logged_in & ended)


def notices_of(user: User) -> list[Notice]:
    """Return what a user has not acknowledged yet, the first MOST, oldest first."""
    return list(Notice.select().where(_open(user)).order_by(Notice.id).limit(MOST))


def needs_password(notice: Notice, session: Session) -> bool:
    """Return whether a session cannot acknowledge a notice by itself: it caused it or began later,
    and may be a thief's.
    """
    return session.created_at >= notice.since or str(session.created_at) in notice.began.split()


def parse_up_to(text: str) -> int:
    """Return the id of the last notice that was shown. Raises NoNotice."""
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= ID_MAX):
        raise NoNotice
    return int(text)


def acknowledge(up_to: str, current_password: str, actor: Actor) -> None:
    """Let the user who acts have seen all notices up to this id, of those that there are now. The
    password counts only where one is needed. Raises NoNotice, PasswordNeeded, WrongPassword,
    TooManyAttempts, Busy, AccountChanged.
    """
    user, key = actor.session.user, None
    found = list(Notice.select().where(_open(user), Notice.id <= parse_up_to(up_to)))
    # What happens from here on gets a higher id, and a thief may have chosen any.
    seen = Notice.id <= max((one.id for one in found), default=0)
    if any(needs_password(one, actor.session) for one in found):
        if not current_password:
            raise PasswordNeeded
        key = users.confirm_password(current_password, actor)
    with database.atomic():
        if key:
            users.lock_confirmed(key, actor)
        else:
            _lock_session(actor)
        _take_off(user, seen)


def _lock_session(actor: Actor) -> None:
    users.lock_for_update(actor.session.user)
    if not Session.select().where(Session.id == actor.session.id).exists():
        raise AccountChanged  # a new password has ended it meanwhile, and is not to be hidden


def _take_off(user: User, these: Expression) -> None:
    users.lock_for_update(user)
    Notice.update(acknowledged_at=now()).where(_open(user), these).execute()
    highest = Notice.select(fn.MAX(Notice.id)).where(Notice.user == user)
    seen = (Notice.user == user) & Notice.acknowledged_at.is_null(False)
    Notice.delete().where(seen, Notice.id < highest).execute()
    _recount(user=user.id)
