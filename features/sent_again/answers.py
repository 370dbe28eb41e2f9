"""What a form led to, for a sender who has not seen the answer and sends the same again.

A post is known by a keyed hash of the secret in its cookie, its address and its bytes. The hash is
stored in the transaction of what the post did: the second of two at once that finds a name taken
finds this too. The answer is added right after. It is given again while the session that the sender
had then lives: not after a log-out, a lock, a deletion or a password change by another session.

If both made a session, that of the post sent last stays. The other ends, unless it was used: a
browser that sends a form twice follows its last answer alone.
"""

import functools
import hmac
import time
from dataclasses import dataclass, field
from typing import Any

from limits import parse_many
from peewee import JOIN, SQL, Query, fn

from accounts import events, settings, throttling
from accounts.actor import Actor
from accounts.events import Kind
from accounts.sessions import SignedIn
from accounts.users import begin_session
from accounts.users.lookup import lock_for_update
from database import database, release
from database.statements import statement
from models import Session, User, now

from .models import Answer

KEPT = 600_000  # ms
OLD_ROWS_PER_POST = 5  # so that no backlog forms
SENT_AGAIN = "form sent again"  # why a session ended, and how its successor began
REPEATS = parse_many("100 per 10 minutes")


@dataclass
class Post:
    """A form that was sent. noted: the session in which its sender is after what was noted last,
    as handle and user id, or NO_SESSION; None if nothing was noted.
    """

    ids: list[bytes]  # the first is stored, all are looked for
    at: int = field(default_factory=now)
    noted: tuple[str, str] | None = None

    @classmethod
    def of(cls, *parts: bytes) -> "Post":
        """Return a post by what makes it the same; an older key still knows it."""
        keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
        message = b"\0".join((b"post", *parts))
        return cls([hmac.digest(key.encode(), message, "sha256") for key in keys])

    @functools.cached_property
    def first(self) -> Answer | None:
        """What it led to before. Ask when it is refused: this may be why."""
        return find(self)


NO_SESSION = ("", "")


def count_repeat(secret: str) -> None:
    """Count a form that may be a repeat: a copy of a cookie must not help to guess passwords.
    Raises TooManyAttempts.
    """
    throttling.count_try(throttling.budget(REPEATS, "repeat", secret))


def is_repeat(actor: Actor) -> bool:
    """Return whether what an actor sent has succeeded before: its refusal is no failed try."""
    return actor.post is not None and actor.post.first is not None


def follow(user: User | None, actor: Actor, event: dict[str, Any]) -> None:
    """Note that a post does something, in the transaction of the event that records it."""
    kind, session = event["kind"], event["session"]
    # A stranger ends sessions only beside something else, which is recorded too.
    aside = kind == Kind.LOGIN_FAIL or (kind == Kind.SESSION_ENDED and actor.session is None)
    if kind == Kind.USER_DELETED:
        _forget_the_deleted(actor)
    if (post := actor.post) and not aside:
        before, post.noted = post.noted, _session_after(kind, user, actor, session)
        if post.noted != before and (ended := _note(post)):
            events.record(Kind.SESSION_ENDED, user, actor, ended, SENT_AGAIN)


def _forget_the_deleted(actor: Actor) -> None:
    # Messages may hold a name: those to an admin who deletes, and those to the deleted.
    if actor.session:
        Answer.update(content="").where(Answer.session == actor.session.id).execute()
    # None of these is given again: its session is over.
    alive = Session.select().where(Session.id == Answer.session)
    over = Answer.select(Answer.id).where(Answer.session.is_null(False), ~fn.EXISTS(alive))
    Answer.delete().where(Answer.id.in_(database.skip_locked(over))).execute()


def _session_after(kind: str, user: Any, actor: Actor, session: str) -> tuple[str, str]:
    mine = (actor.session.handle, actor.session.user.id) if actor.session else NO_SESSION
    current: tuple[str, str] = actor.post.noted or mine
    if kind in (Kind.SESSION_ENDED, Kind.SESSION_EXPIRED):
        return NO_SESSION if session == current[0] else current
    return (session, user.id) if session else current


def _note(post: Post) -> str:
    """Store it; return the handle of a session that ends for it, or ""."""
    expired = now() - KEPT
    row = {"id": post.ids[0], "at": post.at, "expired": expired, **_place(post)}
    while not (added := _add(**row).fetchall()):
        if first := Answer.get_or_none(id=post.ids[0]):  # else too old, and just deleted
            return _note_again(post, first)
    if added[0][1]:
        old = Answer.select(Answer.id).where(Answer.at < expired).limit(OLD_ROWS_PER_POST)
        Answer.delete().where(Answer.id.in_(database.skip_locked(old))).execute()
    return ""


def _place(post: Post) -> dict[str, Any]:
    handle, user = post.noted or NO_SESSION
    first = bytes.fromhex(handle)
    return {"user": user, "lowest": first.ljust(32, b"\x00"), "highest": first.ljust(32, b"\xff")}


@statement
def _add(id: Any, at: Any, expired: Any, **place: Any) -> Query:  # noqa: A002 - the column
    added = Answer.insert({Answer.id: id, Answer.at: at, Answer.session: _session_at(**place)})
    has_old = fn.EXISTS(Answer.select(SQL("1")).where(Answer.at < expired))
    return added.on_conflict_ignore().returning(Answer.id, has_old)


def _session_at(user: Any, lowest: Any, highest: Any) -> Any:
    mine = (Session.user == user) & Session.id.between(lowest, highest)
    return Session.select(Session.id).where(mine)


def _note_again(post: Post, first: Answer) -> str:
    ended, kept = first.session, _session_at(**_place(post)).scalar()
    if database.serializes_writes and post.at < first.at:  # the clocks of several hosts differ
        ended, kept = kept, ended
    Answer.update(at=max(post.at, first.at), session=kept).where(Answer.id == first.id).execute()
    unused = (Session.id == ended) & (Session.last_seen_at == Session.authenticated_at)
    gone = ended not in (None, kept) and Session.delete().where(unused).execute()
    return Session(id=ended).handle if gone else ""


def find(post: Post) -> Answer | None:
    """Return what the same post led to, with the `user_id` of the session that it left, if any."""
    if post.noted:
        return None
    alive = (Session.idle_expires_at >= now()) & User.locked_at.is_null()
    found = Answer.select(Answer, User.id.alias("user_id")).where(
        Answer.id.in_(post.ids), Answer.at > now() - KEPT, Answer.session.is_null() | alive
    )
    found = found.join(Session, JOIN.LEFT_OUTER, on=(Answer.session == Session.id))
    return found.join(User, JOIN.LEFT_OUTER).objects().first()  # type: ignore[no-any-return]


def log_in_again(first: Answer, actor: Actor) -> SignedIn | None:
    """Log the sender of a post in that did so before: the first has proved who they are. None if
    the account has changed since.
    """
    with database.atomic():
        lock_for_update(User(id=first.user_id))
        if find(actor.post) is None:
            return None
        user = User.get_by_id(first.user_id)
        return begin_session(user, actor, SENT_AGAIN)


def keep_content(post: Post, content: str) -> None:
    """Keep how a post was answered; "" if that is not to be given again."""
    with database.unsynced():
        Answer.update(content=content).where(Answer.id == post.ids[0]).execute()


def content_of(post: Post) -> str | None:
    """Return how the first was answered, which may yet be written. None if that process died."""
    for _ in range(50):
        if (first := find(post)) is None or first.content is not None:
            return first.content if first else ""
        release()
        time.sleep(0.02)
    return None
