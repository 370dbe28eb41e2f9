"""What a username may be, and the form of it that makes it unique (RFC 8265).

A username is kept as typed (UsernameCasePreserved) for display; its key (UsernameCaseMapped) is
what must be unique and what people log in with. The original took any text, so that spaces,
invisible characters and two compositions of one letter made names that read the same.
"""

import re
import unicodedata
from typing import NamedTuple

import regex
from precis_i18n import get_profile

from .errors import InvalidUsername

USERNAME_PROVIDER = "username"  # keys of people who log in by name
LUCIA_PROVIDER = "lucia"  # imported names that are not their own RFC 8265 form, verbatim
LOGIN_PROVIDERS = (USERNAME_PROVIDER, LUCIA_PROVIDER)
USERNAME_MIN = 4  # code points, after normalising
USERNAME_MAX = 31
RAW_MAX = 4 * USERNAME_MAX  # before normalising, which is quadratic on hostile text

_plain = re.compile("[!-~]+")  # ASCII without the space, which RFC 8265 leaves as it is
_preserved = get_profile("UsernameCasePreserved")
_mapped = get_profile("UsernameCaseMapped")

# One script, or one of the mixtures that a language is written in: "highly restrictive" of
# Unicode UTS 39, over the scripts that UAX 31 recommends for identifiers.
_SCRIPTS = [
    "Arab",
    "Armn",
    "Beng",
    "Bopo",
    "Cyrl",
    "Deva",
    "Ethi",
    "Geor",
    "Grek",
    "Gujr",
    "Guru",
    "Hang",
    "Hani",
    "Hebr",
    "Hira",
    "Kana",
    "Khmr",
    "Knda",
    "Laoo",
    "Latn",
    "Mlym",
    "Mymr",
    "Orya",
    "Sinh",
    "Taml",
    "Telu",
    "Thaa",
    "Thai",
    "Tibt",
    "Latn,Hani,Hira,Kana",
    "Latn,Hani,Bopo",
    "Latn,Hani,Hang",
]
_one_script = regex.compile(
    "|".join(
        "[" + "".join(rf"\p{{scx={script}}}" for script in [*mixture.split(","), "Zyyy", "Zinh"])
        + "]+"
        for mixture in _SCRIPTS
    )
)  # fmt: skip

_REASONS = {
    "spaces": "A username cannot contain spaces.",
    "controls": "A username cannot contain control characters.",
    "precis_ignorable_properties": "A username cannot contain invisible characters.",
    "zero_width_joiner": "A username cannot contain invisible characters.",
    "zero_width_nonjoiner": "A username cannot contain invisible characters.",
    "bidi_rule": "A username cannot mix writing directions like this.",
    "symbols": "A username cannot contain symbols or emoji.",
}
_reserved: frozenset[str] = frozenset()


class Username(NamedTuple):
    """A username as it is shown, and its key."""

    display: str
    key: str


def configure(reserved: tuple[str, ...]) -> None:
    """Say which names nobody may take, in any spelling."""
    global _reserved  # noqa: PLW0603 - set once at start
    _reserved = frozenset(filter(None, map(login_key, reserved)))


def parse_username(text: str) -> Username:
    """Return a username that may be given to somebody new. Raises InvalidUsername."""
    name = _normalized(text)
    if not USERNAME_MIN <= len(name.display) <= USERNAME_MAX:
        raise InvalidUsername(_length_message())
    if unicodedata.category(name.display[0]).startswith("M"):
        raise InvalidUsername("A username cannot begin with a combining mark.")
    if not _one_script.fullmatch(name.display):
        raise InvalidUsername(
            "A username cannot mix scripts, and its script must be one in common use."
        )
    if name.key in _reserved:
        raise InvalidUsername("This username is reserved.")
    return name


def _length_message() -> str:
    return f"A username has {USERNAME_MIN} to {USERNAME_MAX} characters."


def _normalized(text: str) -> Username:
    if not text or len(text) > RAW_MAX:
        raise InvalidUsername(_length_message())
    if _plain.fullmatch(text):
        return Username(text, text.lower())
    try:
        name = Username(_preserved.enforce(text), _mapped.enforce(text))
    except UnicodeEncodeError as error:
        raise InvalidUsername(_reason(error)) from None
    if "\u200c" in name.key or "\u200d" in name.key:  # allowed by RFC 8265 in some scripts
        raise InvalidUsername(_REASONS["zero_width_joiner"])
    return name


def _reason(error: UnicodeEncodeError) -> str:
    kind = error.reason.removeprefix("DISALLOWED/")
    if unicodedata.category(error.object[error.start]) == "Zs":  # wide, narrow, unbreakable …
        kind = "spaces"
    return _REASONS.get(kind, "A username cannot contain this kind of character.")


def login_key(text: str) -> str | None:
    """Return the key to look a typed name up by; None for what can be nobody's username."""
    try:
        return _normalized(text).key
    except InvalidUsername:
        return None


def lucia_key(text: str) -> str | None:
    """Return the key that Lucia looked a typed name up by: JavaScript's toLowerCase and nothing
    else (Python's lower does the same, final sigma included); None for what was nobody's there.
    """
    if len(text) > RAW_MAX or any("\ud800" <= character <= "\udfff" for character in text):
        return None
    return text.lower()


def check_login_length(text: str) -> None:
    """Raise InvalidUsername when a name typed at log-in is empty or longer than any name is."""
    # Imported names were counted as typed, and composing makes some longer, U+0958 for one.
    if len(text) > RAW_MAX or not (
        1 <= len(text) <= USERNAME_MAX
        or 1 <= len(unicodedata.normalize("NFC", text)) <= USERNAME_MAX
    ):
        raise InvalidUsername(f"Type your username, 1 to {USERNAME_MAX} characters.")
