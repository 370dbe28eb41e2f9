"""What a username may be, and its form that must be unique (RFC 8265).

A username is stored as typed (UsernameCasePreserved) for display; its key (UsernameCaseMapped)
must be unique and is what people log in with. So spaces, invisible characters or two compositions
of one letter never make two names that read the same. New names are of letters, digits and a few
signs; imported ones may hold more.
"""

import functools
import re
import unicodedata

import regex
from precis_i18n import get_profile

from . import settings
from .actor import OPERATOR, Actor
from .errors import InvalidUsername

USERNAME_PROVIDER = "username"  # of the keys that people log in with by name
USERNAME_MIN = 4  # code points, after normalizing
USERNAME_MAX = 31
RAW_MAX = 4 * USERNAME_MAX  # before normalizing, which is quadratic on hostile text

_plain = re.compile("[!-~]+")  # ASCII without the space, which RFC 8265 leaves as it is
_preserved = get_profile("UsernameCasePreserved")
_mapped = get_profile("UsernameCaseMapped")

# Letters and digits with their marks, and the signs that Django allows.
_allowed = regex.compile(r"[\p{L}\p{M}\p{N}@.+_-]+")
_begins_well = regex.compile(r"[\p{L}\p{N}_]")

# One script, or a mixture that a language is written in: "highly restrictive" of Unicode UTS 39,
# over the scripts that UAX 31 recommends for identifiers.
_SCRIPTS = (
    "Arab|Armn|Beng|Bopo|Cyrl|Deva|Ethi|Geor|Grek|Gujr|Guru|Hang|Hani|Hebr|Hira|Kana|Khmr|Knda|"
    "Laoo|Latn|Mlym|Mymr|Orya|Sinh|Taml|Telu|Thaa|Thai|Tibt|"
    "Latn,Hani,Hira,Kana|Latn,Hani,Bopo|Latn,Hani,Hang"
)
_one_script = regex.compile(
    "|".join(
        "[" + "".join(rf"\p{{scx={script}}}" for script in f"{mixture},Zyyy,Zinh".split(",")) + "]+"
        for mixture in _SCRIPTS.split("|")
    )
)
_LENGTHS = f"Username must be {USERNAME_MIN} to {USERNAME_MAX} characters."
_REASONS = {
    "spaces": "Username cannot contain spaces.",
    "controls": "Username cannot contain control characters.",
    "precis_ignorable_properties": "Username cannot contain invisible characters.",
    "zero_width_joiner": "Username cannot contain invisible characters.",
    "zero_width_nonjoiner": "Username cannot contain invisible characters.",
    "bidi_rule": "Username cannot mix writing directions like this.",
    "symbols": "Username cannot contain symbols or emoji.",
}


class Username(str):
    """A username as it is shown; `key` is its form that must be unique."""

    key: str

    def __new__(cls, display: str, key: str) -> "Username":
        """Return a username with its key."""
        username = super().__new__(cls, display)
        username.key = key
        return username


def parse_username(text: str, actor: Actor | None = None) -> Username:
    """Return a text as a username that a new account may have; only the operator may give one that
    is reserved. Raises InvalidUsername.
    """
    if isinstance(text, Username):
        return text
    name = _normalized(text)
    if not USERNAME_MIN <= len(name) <= USERNAME_MAX:
        raise InvalidUsername(_LENGTHS)
    if not _allowed.fullmatch(name):
        raise InvalidUsername("Username can contain only letters, digits and @ . + - _")
    if not _begins_well.match(name):
        raise InvalidUsername("Username must begin with a letter, a digit or _")
    if not _one_script.fullmatch(name):
        raise InvalidUsername("Username cannot mix scripts, and its script must be in common use.")
    if actor is not OPERATOR and _reads_as(name.key) in _reserved(settings.RESERVED_USERNAMES):
        raise InvalidUsername("This username is reserved.")
    return name


def _normalized(text: str) -> Username:
    if not text:
        raise InvalidUsername(f"Enter a username of {USERNAME_MIN} to {USERNAME_MAX} characters.")
    if len(text) > RAW_MAX:
        raise InvalidUsername(_LENGTHS)
    if _plain.fullmatch(text):
        return Username(text, text.lower())
    try:
        name = Username(_preserved.enforce(text), _mapped.enforce(text))
    except UnicodeEncodeError as error:
        raise InvalidUsername(_reason(error)) from None
    if "\u200c" in name.key or "\u200d" in name.key:  # RFC 8265 allows them in some scripts
        raise InvalidUsername(_REASONS["zero_width_joiner"])
    return name


def _reason(error: UnicodeEncodeError) -> str:
    kind = error.reason.removeprefix("DISALLOWED/")
    if unicodedata.category(error.object[error.start]) == "Zs":  # wide, narrow, no-break …
        kind = "spaces"
    return _REASONS.get(kind, "Username cannot contain this kind of character.")


# What passes for another letter: adm1n, Supp0rt, heIp.
_LOOK_ALIKES = str.maketrans("01345lıɑø", "oieasiiao")


def _reads_as(key: str) -> str:
    """Return what a key looks like at a glance: a.d.m.i.n, ádmin and adm1n all like admin."""
    letters = (c for c in unicodedata.normalize("NFD", key) if c.isalnum())
    return "".join(letters).translate(_LOOK_ALIKES)


@functools.cache
def _reserved(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(_reads_as(key) for key in map(login_key, names) if key)


def login_key(text: str) -> str | None:
    """Return the key to look a typed name up by; None for what cannot be a username."""
    try:
        return _normalized(text).key
    except InvalidUsername:
        return None


def parse_typed_username(text: str) -> str:
    """Return a name typed to log in. Raises InvalidUsername if it is empty or longer than any."""
    # Imported names were counted as typed, and composing makes some longer, U+0958 for one.
    lengths = [len(text), len(unicodedata.normalize("NFC", text[:RAW_MAX]))]
    if len(text) > RAW_MAX or not 1 <= min(lengths) <= USERNAME_MAX:
        raise InvalidUsername(f"Enter your username, at most {USERNAME_MAX} characters.")
    return text
