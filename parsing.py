"""How settings are written: the file they may stand in, and the text of their values.

A parser returns what a text means, or raises a ValueError that says what to write instead. It
never repeats a text that may be a secret.
"""

import ipaddress
import re
from collections.abc import Callable, Sequence
from dataclasses import field
from datetime import timedelta
from difflib import get_close_matches
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

from click import ClickException
from dotenv.parser import Binding, parse_stream
from limits import RateLimitItem, parse_many

Limits = Sequence[RateLimitItem]
SECRET_KEY_BYTES = 32
WELL_KNOWN_KEYS = re.compile(
    "(?i)change.?me|your.?secret|secret.?key|192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc"
)
MAKE_A_KEY = "make one with  python3 -c 'import secrets; print(secrets.token_hex(32))'"
PUBLIC_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(:(?P<port>[0-9]{1,5}))?/?"
)
HOST_LABEL = re.compile("(?!-)[a-z0-9-]{1,63}(?<!-)")
DEFAULT_PORTS = {"http": 80, "https": 443}
READABLE = "run this as a user who can read it, or let VESTIBULE_ENV name another file"
JOINERS = "\u200c\u200d"
MOST_TRIES = 1_000_000
LONGEST_WINDOW = 31 * 24 * 3600  # seconds
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class ConfigError(ClickException):
    """An invalid setting; the text names it. Every `flask` command shows it as one line."""


class Given(NamedTuple):
    """A setting as it stands in the file, and the place: " (FILE, line 3)"."""

    text: str
    place: str


def setting(default: str, parse: Callable[[str], Any], reason: str) -> Any:
    """Describe one setting: its default as an operator would write it, its parser, and why."""
    return field(metadata={"default": default, "parse": parse, "reason": reason})


def read_settings_file(path: Path, names: frozenset[str], must_exist: bool) -> dict[str, Given]:
    """Return the settings in a file of lines like NAME='value'. No value means anything but
    itself: a $ is a $. What other programs keep there is ignored. Raises ConfigError.
    """
    try:
        lines = list(parse_stream(StringIO(path.read_bytes().decode(), newline="")))
    except FileNotFoundError:
        if must_exist or path.is_symlink():
            raise ConfigError(f"the settings file {path} does not exist") from None
        return {}
    except OSError as error:
        raise ConfigError(f"the settings file {path}: {error.strerror}; {READABLE}") from None
    except UnicodeDecodeError as error:
        number = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}, line {number}: not UTF-8 text; save it as UTF-8") from None
    found = {}
    for line in lines:
        place, key = f"{path}, line {_number(line)}", line.key or ""
        value = line.value or ""
        is_none = line.error or (key and line.value is None)
        if is_none or (key in names and any(character < " " for character in value)):
            raise ConfigError(f"{place}: not NAME='value' on one line; is a quote missing?")
        if key in names:
            found[key] = Given(value, f" ({place})")
        elif meant := _meant(key, names):
            raise ConfigError(f"{place}: there is no setting {key}; perhaps {meant} is meant")
    return found


def _number(line: Binding) -> int:
    blank = re.match(r"\s*", line.original.string)  # lines before it count as part of it
    return line.original.line + len(re.findall("\r\n?|\n", blank[0] if blank else ""))


def _meant(key: str, names: frozenset[str]) -> str | None:
    """Return the setting that a misspelt key must mean. TEST_DATABASE_URL is another program's."""
    near = get_close_matches(key.upper(), names, 1, cutoff=0.8)
    return near[0] if near and not key.upper().endswith(f"_{near[0]}") else None


def site_name(value: str) -> str:
    """Parse a name of one line. Joiners belong to some scripts and emoji."""
    seen = value.translate(dict.fromkeys(map(ord, JOINERS))).strip()
    if not seen or not seen.isprintable() or len(value) > 40:
        raise ValueError("must be one line of 1 to 40 characters, none of them invisible")
    return value.strip()


def reserved_names(value: str) -> tuple[str, ...]:
    """Parse a comma-separated list of usernames, or "off" for none."""
    if value.lower() == "off":
        return ()
    names = _entries(value)
    if any(re.search(r"[\s;]", name) for name in names):
        raise ValueError('must be names with commas between them, or "off" for none')
    return names


def _entries(value: str) -> tuple[str, ...]:
    return tuple(entry.strip() for entry in value.split(",") if entry.strip())


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """Return a parser for a whole number from `least` to `most`."""

    def parse(value: str) -> int:
        if not re.fullmatch("[0-9]{1,9}", value) or not least <= int(value) <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return int(value)

    return parse


def duration(most_days: int) -> Callable[[str], timedelta]:
    """Return a parser for a length of time such as "90 s", "15 m", "24 h" or "14 d"."""

    def parse(value: str) -> timedelta:
        match = re.fullmatch("([0-9]{1,9}) ?([smhd])", value)
        length = timedelta(**{UNITS[match[2]]: int(match[1])}) if match else timedelta()
        if not timedelta() < length <= timedelta(days=most_days):
            examples = '"90 s", "15 m", "24 h" or "14 d"'
            raise ValueError(f"must be a length of time such as {examples}, up to {most_days} d")
        return length

    return parse


def public_url(value: str) -> str:
    """Parse scheme and host, nothing after them; "" for none. As browsers write it: lower case, no
    default port.
    """
    if not value:
        return ""
    match = PUBLIC_URL.fullmatch(value.lower())
    try:
        if not match or int(match["port"] or 1) not in range(1, 65536):
            raise ValueError
        name = _host_name(match["host"])
    except ValueError:
        wanted = "must be a scheme and a host alone, as in https://accounts.example.org"
        ascii_only = "" if value.isascii() else ", in ASCII (xn--…)"
        raise ValueError(f"{wanted}{ascii_only}") from None
    port = int(match["port"] or DEFAULT_PORTS[match["scheme"]])
    origin = f"{match['scheme']}://{name}"
    return origin if port == DEFAULT_PORTS[match["scheme"]] else f"{origin}:{port}"


def _host_name(text: str) -> str:
    if text.startswith("["):
        return f"[{ipaddress.IPv6Address(text[1:-1])}]"
    *_, last = labels = text.split(".")
    if last.isdigit():
        return str(ipaddress.IPv4Address(text))
    if len(text) > 253 or not all(map(HOST_LABEL.fullmatch, labels)):
        raise ValueError
    return text


def host(value: str) -> str:
    """Parse an IP address to listen on, or localhost."""
    try:
        return value if value == "localhost" else str(ipaddress.ip_address(value))
    except ValueError:
        wanted = "must be an address of this machine, as 127.0.0.1, 0.0.0.0 (all) or ::1"
        raise ValueError(f"{wanted}; PUBLIC_URL is the name that people use") from None


def cookie_name(value: str) -> str:
    """Parse a cookie's name (RFC 9110 token); over https, __Host- comes before it."""
    if not re.fullmatch(r"(?!__)[\w!#$%&'*+.^`|~-]{1,64}", value, re.ASCII):
        raise ValueError("must be 1 to 64 letters, digits or - _ . and not begin with __")
    return value


def secret_key(value: str) -> str:
    """Parse a key that cannot be guessed: long, and not copied from documentation."""
    if len(value.encode()) < SECRET_KEY_BYTES:
        raise ValueError(f"must have at least {SECRET_KEY_BYTES} bytes: {MAKE_A_KEY}")
    if len(set(value)) < 10 or WELL_KNOWN_KEYS.search(value):
        raise ValueError(f"is well known or easy to guess: {MAKE_A_KEY}")
    return value


def secret_keys(value: str) -> list[str]:
    """Parse old keys, comma-separated, each as good as a current one."""
    keys = _entries(value)
    for number, key in enumerate(keys, 1):
        try:
            secret_key(key)
        except ValueError as error:
            raise ValueError(f"key {number} of {len(keys)} {error}") from None
    return [*keys]


def limits(value: str) -> Limits:
    """Parse limits such as "5/minute;30/hour" or "20 per 10 minutes", or "off" for none."""
    if value.lower() == "off":
        return ()
    try:
        parsed = parse_many(value)
    except ValueError:
        raise ValueError('must be limits such as "5/minute;30/hour;100/day", or "off"') from None
    windows = {limit.get_expiry() for limit in parsed}
    if re.search(r"(?<!\d)0+(?!\d)", value) or max(limit.amount for limit in parsed) > MOST_TRIES:
        raise ValueError(f'the numbers must be from 1 to {MOST_TRIES}; "off" for no limit')
    if len(windows) < len(parsed) or max(windows) > LONGEST_WINDOW:
        raise ValueError("the lengths of time must differ, and be 31 days at most")
    return parsed


def choice(*allowed: str) -> Callable[[str], str]:
    """Return a parser for one word out of `allowed`."""

    def parse(value: str) -> str:
        if value not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return value

    return parse
