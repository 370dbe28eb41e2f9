"""Recovery codes: 15 random symbols of Crockford's base 32 and his check symbol.

https://www.crockford.com/base32.html: no letter that is taken for a digit, and a check symbol that
finds every wrong symbol and every pair that changed places.
"""

import hashlib
import re
import secrets

from accounts.errors import AccountError

SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CHECK_SYMBOLS = SYMBOLS + "*~$=U"
LENGTH = 15  # 75 random bits
RAW_MAX = 100  # characters, with all blanks and dashes that people type between them
_code = re.compile(f"[{SYMBOLS}]{{{LENGTH}}}[{re.escape(CHECK_SYMBOLS)}]")
_between = re.compile(r"[\s\u2010-\u2015\u2212-]")  # blanks, and what word processors make of "-"
_meant = str.maketrans("OIL", "011")


class MistypedCode(AccountError):
    """The text cannot be a recovery code. Nothing was looked up, and no try counts."""

    field = "recovery_code"
    text = "This code is mistyped. Compare it with your list, symbol by symbol."


def make_code() -> str:
    """Return a new code."""
    symbols = "".join(secrets.choice(SYMBOLS) for _ in range(LENGTH))
    return symbols + _check_symbol(symbols)


def _check_symbol(symbols: str) -> str:
    value = 0
    for symbol in symbols:
        value = value * len(SYMBOLS) + SYMBOLS.index(symbol)
    return CHECK_SYMBOLS[value % len(CHECK_SYMBOLS)]


def in_fours(code: str) -> str:
    """Return a code as people read it: "4F2K-…"."""
    return "-".join(code[start : start + 4] for start in range(0, len(code), 4))


def parse_code(text: str) -> str:
    """Return the code that was typed, in any case, with any blanks and dashes, O for 0, I and L for
    1. Raises MistypedCode.
    """
    code = _between.sub("", text[: RAW_MAX + 1]).upper().translate(_meant)
    well_formed = len(text) <= RAW_MAX and _code.fullmatch(code)
    if not well_formed or code[-1] != _check_symbol(code[:-1]):
        raise MistypedCode
    return code


def hash_code(user_id: str, code: str) -> bytes:
    """Return what is stored of a user's code, 32 bytes: a guess at a copy of the database tries one
    account alone.
    """
    return hashlib.sha256(f"{user_id} {code}".encode()).digest()
