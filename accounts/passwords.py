"""Passwords: what may be one, and its hash.

Argon2id with OWASP's parameters, through passlib's CryptContext: a good log-in on an older hash
(Lucia's, or weaker parameters) gives a current one to store. Hashes are computed in a few
threads of their own, so that other pages stay fast while many people log in.

https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
"""

import hashlib
import hmac
import logging
import os
import re
import unicodedata
from contextlib import AbstractContextManager
from typing import Any

from passlib.context import CryptContext
from passlib.utils import to_bytes, to_unicode
from passlib.utils.handlers import MinimalHandler

from database import release

from .errors import InvalidPassword
from .hashing import HashingThreads

PASSWORD_MIN = 6  # code points, after normalising
PASSWORD_MAX = 255
RAW_MAX = 4 * PASSWORD_MAX  # before normalising, which is quadratic on hostile text
ARGON2 = {"memory_cost": 19_456, "time_cost": 2, "parallelism": 1}  # OWASP: 19 MiB

logger = logging.getLogger("vestibule.passwords")


class LuciaScrypt(MinimalHandler):
    """The hashes of Lucia: "s2:salt:hex" of v2 (scrypt, r=16) and "salt:hex" of v1 (r=8).

    Only verifies. The salt is used as text, N=16384, p=1, and 64 bytes stand in lower-case hex.
    Of Lucia v2, utils/crypto: generateScryptKey, validateLuciaPasswordHash.
    """

    name = "lucia_scrypt"
    setting_kwds = ()
    context_kwds = ()
    form = re.compile("(s2:)?([^:]+):([0-9a-f]{128})")

    @classmethod
    def identify(cls, hash: str | bytes) -> bool:  # noqa: A002 - passlib's name
        """Whether a stored hash has one of the two forms."""
        return bool(cls.form.fullmatch(to_unicode(hash)))

    @classmethod
    def verify(cls, secret: str | bytes, hash: str | bytes, **_context: Any) -> bool:  # noqa: A002
        """Whether `secret` (NFKC already) is the password of `hash`."""
        match = cls.form.fullmatch(to_unicode(hash))
        if match is None:
            raise ValueError("not a hash of Lucia")
        version, salt, wanted = match.groups()
        computed = hashlib.scrypt(
            to_bytes(secret), salt=salt.encode(), n=16_384, r=16 if version else 8, p=1,
            maxmem=2**26, dklen=64,
        )  # fmt: skip
        return hmac.compare_digest(computed.hex(), wanted)


def configure(threads: int, queue: int, **argon2: int) -> None:
    """Set up hashing: `threads` at once, `queue` waiting; argon2 parameters default to ARGON2."""
    global _threads, _context, _dummy_hash  # noqa: PLW0603 - set once at start
    _threads = HashingThreads(threads, queue)
    options: dict[str, Any] = {f"argon2__{key}": value for key, value in (argon2 or ARGON2).items()}
    _context = CryptContext(schemes=["argon2", LuciaScrypt], deprecated="auto", **options)
    _dummy_hash = _context.hash(os.urandom(16).hex())


_threads: HashingThreads
_context: CryptContext
_dummy_hash: str


def normalize_password(text: str) -> str:
    """Return the NFKC form, in which a password is hashed. Raises InvalidPassword.

    NFKC as in the original, so that an imported password works in every spelling it had.
    Nothing is trimmed, cut or case-changed; all that UTF-8 can encode is allowed.
    """
    password = _normalized(text)
    if password is None or len(password) < PASSWORD_MIN:
        raise InvalidPassword(f"A password has {PASSWORD_MIN} to {PASSWORD_MAX} characters.")
    return password


def _normalized(text: str) -> str | None:
    if len(text) > RAW_MAX or any("\ud800" <= character <= "\udfff" for character in text):
        return None
    password = unicodedata.normalize("NFKC", text)
    return password if len(password) <= PASSWORD_MAX else None


def same_password(one: str, other: str) -> bool:
    """Return whether two texts are one password."""
    return _normalized(one) == _normalized(other)


def check_login_length(text: str) -> None:
    """Raise InvalidPassword when a password typed at log-in is empty or longer than any is."""
    if not text or _normalized(text) is None:
        raise InvalidPassword(f"Type your password, 1 to {PASSWORD_MAX} characters.")


def place() -> AbstractContextManager[None]:
    """Hold a place in the queue for the hashes that are asked for inside. Raises Busy.

    To be taken before anything is written for a try: in a flood most are refused, and each would
    cost two commits, one that counts it and one that takes that back, which everybody waits for.
    Nobody waits for a place with a connection in hand.
    """
    release()
    return _threads.place()


def hash_password(password: str) -> str:
    """Return the hash of a password in its NFKC form, as passlib's text. Raises Busy."""
    return _threads.run(_context.hash, unicodedata.normalize("NFKC", password))


def verify_password(text: str, password_hash: str | None) -> bool:
    """Return whether `text` is the password.

    Costs one hash in every case: without a hash, with one that is damaged, and for a text that
    can be nobody's password. Raises Busy.
    """
    return _threads.run(_verify, _normalized(text), password_hash)


def _verify(password: str | None, password_hash: str | None) -> bool:
    if password is not None and password_hash is not None:
        try:
            return _context.verify(password, password_hash)
        except (ValueError, TypeError):  # damaged: passlib raises, each kind in its own way
            fields = {"event": "sys_error", "message": "a stored password hash is damaged"}
            logger.error("a stored password hash is damaged", extra={"fields": fields})
    _context.verify(password or "", _dummy_hash)
    return False


def is_known_hash(password_hash: str) -> bool:
    """Return whether a password can open this hash: it has a form that is verified here."""
    return bool(_context.identify(password_hash))


def current_form() -> str:
    """Return what all hashes made now begin with: their scheme and parameters."""
    return _dummy_hash.rpartition("$")[0].rpartition("$")[0] + "$"


def needs_rehash(password_hash: str | None) -> bool:
    """Return whether a hash that was just verified is older or weaker than those made now."""
    return bool(password_hash and _context.needs_update(password_hash))
