"""Every setting: its name, its default and the reason for it.

This is the only file that reads the environment. An invalid value stops the app from starting,
with a ConfigError that names the setting, so that a typing error shows at once.
"""

import ipaddress
import os
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from typing import Any

from click import ClickException
from limits import RateLimitItem, parse_many

from cores import available_cores

Limits = Sequence[RateLimitItem]
SECRET_KEY_BYTES = 32
WELL_KNOWN_KEYS = re.compile(
    "(?i)change.?me|your.?secret|secret.?key|192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc"
)
MAKE_A_KEY = "make one with  python -c 'import secrets; print(secrets.token_hex(32))'"
PUBLIC_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(:(?P<port>[0-9]{1,5}))?/?"
)
DEFAULT_PORTS = {"http": 80, "https": 443}
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class ConfigError(ClickException):
    """An invalid setting; the text names it. Every `flask` command shows it as one line."""


def site_name(value: str) -> str:
    """Parse a name of one line."""
    if not value.strip() or not value.isprintable() or len(value) > 40:
        raise ValueError("must be 1 to 40 characters that can be printed, and not only blanks")
    return value.strip()


def names(value: str) -> tuple[str, ...]:
    """Parse a comma-separated list."""
    return tuple(entry.strip() for entry in value.split(",") if entry.strip())


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """Return a parser for a whole number from `least` to `most`."""

    def parse(value: str) -> int:
        if not re.fullmatch("[0-9]{1,9}", value) or not least <= int(value) <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return int(value)

    return parse


def duration(value: str) -> timedelta:
    """Parse a length of time such as "90 s", "15 m", "24 h" or "14 d"."""
    match = re.fullmatch("([0-9]{1,6}) ?([smhd])", value)
    if not match or int(match[1]) == 0:
        raise ValueError('must be a length of time such as "90 s", "15 m", "24 h" or "14 d"')
    return timedelta(**{UNITS[match[2]]: int(match[1])})


def public_url(value: str) -> str:
    """Parse scheme and host, nothing after them; "" for none. Lower case, no default port."""
    if not value:
        return ""
    match = PUBLIC_URL.fullmatch(value.lower())
    if not match or int(match["port"] or 1) not in range(1, 65536):
        raise ValueError("must be a scheme and a host, as in https://accounts.example.org")
    port = int(match["port"] or DEFAULT_PORTS[match["scheme"]])
    origin = f"{match['scheme']}://{match['host']}"
    return origin if port == DEFAULT_PORTS[match["scheme"]] else f"{origin}:{port}"


def host(value: str) -> str:
    """Parse an IP address to listen on, or localhost."""
    if value != "localhost":
        ipaddress.ip_address(value)
    return value


def secret_key(value: str) -> str:
    """Parse a key that cannot be guessed: long, and not copied from documentation."""
    if len(value.encode()) < SECRET_KEY_BYTES:
        raise ValueError(f"must have at least {SECRET_KEY_BYTES} bytes: {MAKE_A_KEY}")
    if len(set(value)) < 10 or WELL_KNOWN_KEYS.search(value):
        raise ValueError(f"this key is well known or easy to guess: {MAKE_A_KEY}")
    return value


def secret_keys(value: str) -> list[str]:
    """Parse old keys, comma-separated, each as good as a current one."""
    return [secret_key(key) for key in names(value)]


def limits(value: str) -> Limits:
    """Parse limits such as "5/minute;30/hour" or "20 per 10 minutes"."""
    try:
        return parse_many(value)
    except ValueError:
        raise ValueError('must be limits such as "5/minute;30/hour;100/day"') from None


def choice(*allowed: str) -> Callable[[str], str]:
    """Return a parser for one word out of `allowed`."""

    def parse(value: str) -> str:
        if value not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return value

    return parse


def setting(default: str, parse: Callable[[str], Any], reason: str) -> Any:
    """Describe one setting: its default as an operator would write it, its parser, and why."""
    return field(metadata={"default": default, "parse": parse, "reason": reason})


@dataclass(frozen=True)
class Config:
    """All settings, parsed. Attribute names are the names of the environment variables."""

    HOST: str = setting("127.0.0.1", host, "where bin/serve listens: this machine only")
    PORT: int = setting("5000", whole_number(1, 65535), "Flask's usual port")
    SITE_NAME: str = setting("Vestibule", site_name, "the name that visitors read on every page")
    PUBLIC_URL: str = setting(
        "", public_url, "the address people use; https turns on Secure __Host- cookies and HSTS"
    )
    PROXY_HOPS: int = setting(
        "0", whole_number(0, 9), "trusted proxies; one too many lets visitors forge their address"
    )
    DATABASE_URL: str = setting(
        "sqlite:///vestibule.db", str, "one file serves one machine; postgresql://… serves many"
    )
    SECRET_KEY: str = setting(
        "", lambda key: key and secret_key(key), "signs the cookies; made on first start and kept"
    )
    SECRET_KEY_FALLBACKS: list[str] = setting("", secret_keys, "old keys, accepted in a rotation")
    SESSION_ACTIVE_PERIOD: timedelta = setting("1 d", duration, "a session is renewed once a day")
    SESSION_IDLE_PERIOD: timedelta = setting("14 d", duration, "unused for longer, it is over")
    SESSION_MAX_AGE: timedelta = setting("90 d", duration, "a stolen cookie stops working one day")
    SESSIONS_PER_USER: int = setting(
        "100", whole_number(1, 10_000), "more browsers than a person has; the oldest session goes"
    )
    RESERVED_USERNAMES: tuple[str, ...] = setting("", names, "not for users, in any spelling")
    PASSWORD_COMMON: str = setting(
        "warn", choice("warn", "refuse"), "tell the owner of a very common password, or refuse it"
    )
    LIMIT_LOGIN_ACCOUNT: Limits = setting(
        "5/minute;30/hour;100/day", limits, "failures at one name from new browsers (NIST: 100)"
    )
    LIMIT_LOGIN_KNOWN_BROWSER: Limits = setting(
        "5/minute;30/hour;100/day", limits, "failures at one name from a browser it knows"
    )
    LIMIT_LOGIN_ADDRESS: Limits = setting(
        "20 per 10 minutes", limits, "failures from one address (/32, /64), whatever the names"
    )
    LIMIT_SIGNUP_ADDRESS: Limits = setting("10/hour", limits, "accounts made from one address")
    EVENT_RETENTION: timedelta = setting("365 d", duration, "how long events of accounts are kept")
    HASH_THREADS: int = setting(
        str(min(available_cores(), 256)), whole_number(1, 256), "passwords hashed at once"
    )
    HASH_QUEUE: int = setting(
        "40", whole_number(0, 1000), "log-ins that may wait for a hash; the next is told to retry"
    )

    @classmethod
    def load(cls, instance_path: str, overrides: Mapping[str, str] | None = None) -> "Config":
        """Return the settings of the environment and, over them, of `overrides`. An empty value
        counts as not given. Without a SECRET_KEY, makes the instance folder and a key in it. Raises
        ConfigError.
        """
        given = {**os.environ, **(overrides or {})}
        values: dict[str, Any] = {}
        for item in fields(cls):
            try:
                value = given.get(item.name) or item.metadata["default"]
                values[item.name] = item.metadata["parse"](value)
            except ValueError as error:
                raise ConfigError(f"{item.name}: {error}") from None
        if not values["SECRET_KEY"]:
            values["SECRET_KEY"] = kept_secret_key(Path(instance_path))
        return cls(**values)

    @property
    def over_https(self) -> bool:
        """Whether people reach this server over TLS."""
        return self.PUBLIC_URL.startswith("https:")


def kept_secret_key(folder: Path) -> str:
    """Return the key kept in `folder`/secret_key, making it (mode 0600) the first time. Raises
    ConfigError when the folder cannot be used. os.link never overwrites: of two processes that
    start at once the second finds the first one's key, and both sign alike.
    """
    path = folder / "secret_key"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _make_secret_key(path)
        return secret_key(path.read_text("ascii").strip())
    except OSError as error:
        raise ConfigError(f"SECRET_KEY: none is given and {path} cannot be kept: {error}") from None
    except ValueError as error:
        raise ConfigError(f"SECRET_KEY: the one kept in {path} is invalid: {error}") from None


def _make_secret_key(path: Path) -> None:
    draft = path.with_name(f".secret_key.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(SECRET_KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
