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

from peewee import JOIN, Query

from database import database, release
from database.statements import statement
from models import Answer, Session, User, now

from . import settings

KEPT = 600_000  # ms
SENT_AGAIN = "form sent again"  # why a session ended


@dataclass
class Post:
    """A form that was sent; without ids, one that cannot be sent again. session: the id of the
    sender's session, None for a stranger.
    """

    ids: list[bytes] = field(default_factory=list)  # the first is stored, all are looked for
    at: int = field(default_factory=now)
    session: bytes | None = None
    noted: tuple[bytes | None, ...] = ()

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


def note(post: Post) -> str:
    """Note that a post does something, in the same transaction. Return the handle of a session
    that ends for it, or "".
    """
    if not post.ids or post.noted == (post.session,):
        return ""
    added = _add(id=post.ids[0], at=post.at, session=post.session).fetchall()
    ended = "" if added else _note_again(post)
    post.noted = (post.session,)
    return ended


@statement
def _add(**columns: Any) -> Query:
    return Answer.insert(columns).on_conflict_ignore().returning(Answer.id)


def _note_again(post: Post) -> str:
    if (first := Answer.get_or_none(id=post.ids[0])) is None:  # too old, and just deleted
        return note(post)
    ended, kept = first.session, post.session
    if database.serializes_writes and post.at < first.at:  # the clocks of several hosts differ
        ended, kept = kept, ended
    Answer.update(at=max(post.at, first.at), session=kept).where(Answer.id == first.id).execute()
    unused = (Session.id == ended) & (Session.last_seen_at == Session.authenticated_at)
    gone = ended not in (None, kept) and Session.delete().where(unused).execute()
    return Session(id=ended).handle if gone else ""


def find(post: Post) -> Answer | None:
    """Return what the same post led to, with the `user_id` of the session that it left, if any."""
    if not post.ids or post.noted:
        return None
    alive = (Session.idle_expires_at >= now()) & User.locked_at.is_null()
    found = Answer.select(Answer, User.id.alias("user_id")).where(
        Answer.id.in_(post.ids), Answer.at > now() - KEPT, Answer.session.is_null() | alive
    )
    found = found.join(Session, JOIN.LEFT_OUTER, on=(Answer.session == Session.id))
    return found.join(User, JOIN.LEFT_OUTER).objects().first()  # type: ignore[no-any-return]


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
