"""What a password may be, and its hash.

Argon2id with OWASP's parameters, through passlib's CryptContext, which also verifies the hashes
that features bring (hooks.hash_handlers) and tells when a hash should be replaced by a current one.

https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
"""

import base64
import contextlib
import functools
import logging
import os
import unicodedata
from collections.abc import Sequence
from typing import Any

from passlib.context import CryptContext
from passlib.hash import argon2

from . import hashing, hooks, settings
from .errors import Busy, InvalidPassword
from .throttling import Budgets

PASSWORD_MIN = 6  # code points, after normalizing
PASSWORD_MAX = 255
RAW_MAX = 4 * PASSWORD_MAX  # before normalizing, which is quadratic on hostile text
ARGON2 = {"memory_cost": 19_456, "time_cost": 2, "parallelism": 1}  # OWASP: 19 MiB

logger = logging.getLogger("vestibule.passwords")
argon2.set_backend()  # now: of two threads that hash first at once, one would fail in passlib


class TypedPassword(str):
    """A password typed to log in, in the form in which it is hashed (NFKC)."""


class Password(TypedPassword):
    """One that an account may have."""


def parse_password(text: str) -> Password:
    """Return a text as a password, never trimmed or cut. Raises InvalidPassword."""
    if isinstance(text, Password):
        return text
    password = _normalized(text)
    if password is None or len(password) < PASSWORD_MIN:
        raise InvalidPassword(f"Password must be {PASSWORD_MIN} to {PASSWORD_MAX} characters.")
    return Password(password)


def parse_new_password(text: str, username: str) -> Password:
    """Return a new password of a user. Raises InvalidPassword, also if weak ones are refused."""
    password = parse_password(text)
    refuses = settings.PASSWORD_COMMON == "refuse"  # noqa: S105
    if refuses and (weakness := find_weakness(password, username)):
        raise InvalidPassword(f"This password is {weakness}. Choose another.")
    return password


def find_weakness(password: str, username: str) -> str:
    """Return the end of "This password is …" if a feature calls it weak; "" otherwise."""
    return next(filter(None, (check(password, username) for check in hooks.password_checks)), "")


def parse_typed_password(text: str) -> TypedPassword:
    """Return a password typed to log in. Raises InvalidPassword if it is empty or too long."""
    password = _normalized(text)
    if not password:
        raise InvalidPassword(f"Enter your password, at most {PASSWORD_MAX} characters.")
    return TypedPassword(password)


def _normalized(text: str) -> str | None:
    """Return the NFKC form; None for what cannot be a password."""
    if isinstance(text, TypedPassword):
        return text
    if len(text) > RAW_MAX or any("\ud800" <= character <= "\udfff" for character in text):
        return None
    password = unicodedata.normalize("NFKC", text)
    return password if len(password) <= PASSWORD_MAX else None


def hash_password(password: TypedPassword, budgets: Budgets | None = None) -> str:
    """Return the hash of a password in passlib's form. Raises what hashing.run raises."""
    return hashing.run(_context().hash, password, budgets=budgets)


def verify_password(
    text: str, hashes: Sequence[str | None], budgets: Budgets | None = None
) -> str | None:
    """Return the one of these hashes that `text` is the password of, or None. Each costs one hash,
    also None, a damaged one, or for a text that cannot be a password. Raises what hashing.run
    raises.
    """
    return hashing.run(_find_match, _normalized(text), hashes, budgets=budgets)


def _find_match(password: str | None, hashes: Sequence[str | None]) -> str | None:
    return next((each for each in hashes if _verify(password, each)), None)


def _verify(password: str | None, password_hash: str | None) -> bool:
    if password is not None and password_hash is not None:
        try:
            return _context().verify(password, password_hash)
        except (ValueError, TypeError) as error:  # passlib raises, each scheme in its own way
            if hashing.is_shortage(error):
                raise  # a right password must not become a wrong one
            message = "a stored password hash is damaged"
            logger.error(message, extra={"fields": {"event": "sys_error", "message": message}})
    _context().verify(password or "", _dummy_hash(current_form()))
    return False


def is_known_hash(password_hash: str) -> bool:
    """Return whether a hash has a form that can be verified here."""
    return bool(_context().identify(password_hash))


def current_form() -> str:
    """Return what all hashes made now begin with: their scheme and parameters."""
    memory, time, parallelism = ARGON2.values()
    return f"$argon2id$v=19$m={memory},t={time},p={parallelism}$"


def better_hash(text: str, password_hash: str) -> str | None:
    """Return a current hash of a password whose hash, just verified, is older or weaker; None
    otherwise, and when the server is busy: a later log-in will do it.
    """
    if _context().needs_update(password_hash):
        with contextlib.suppress(Busy):
            return hash_password(parse_typed_password(text))
    return None


@functools.cache
def _dummy_hash(form: str) -> str:
    """Return a hash that no password opens and that costs what one of this form costs."""
    salt, digest = (base64.b64encode(os.urandom(size)).decode().rstrip("=") for size in (16, 32))
    return f"{form}{salt}${digest}"


def _context() -> CryptContext:
    return _context_of(*hooks.hash_handlers, **ARGON2)


@functools.cache
def _context_of(*handlers: Any, **parameters: int) -> CryptContext:
    options: dict[str, Any] = {f"argon2__{name}": value for name, value in parameters.items()}
    return CryptContext(schemes=["argon2", *handlers], deprecated="auto", **options)
