"""Every setting: its name, its default, and one line of reason.

This is the only file that reads the environment. A value that makes no sense stops the start
with a ConfigError that names its key, so a typing mistake never becomes a surprise at midnight.
"""

import ipaddress
import os
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from typing import Any

from click import ClickException
from limits import RateLimitItem, parse_many

Limits = Sequence[RateLimitItem]
SECRET_KEY_BYTES = 32
WELL_KNOWN_KEYS = re.compile(
    "change.?me|your.?secret|secret.?key|192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc",
    re.IGNORECASE,
)
PUBLIC_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(:(?P<port>[0-9]{1,5}))?/?"
)
DEFAULT_PORTS = {"http": 80, "https": 443}
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class ConfigError(ClickException):
    """A setting that cannot be used; the text names the key and says what is wanted.

    A ClickException, so that every `flask` command shows it as one line.
    """


def text(value: str) -> str:
    """Any text."""
    return value


def names(value: str) -> tuple[str, ...]:
    """A comma-separated list; blanks around an entry do not count."""
    return tuple(entry.strip() for entry in value.split(",") if entry.strip())


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """Return a parser for a whole number from `least` to `most`."""

    def parse(value: str) -> int:
        if not re.fullmatch("[0-9]{1,9}", value) or not least <= int(value) <= most:
            raise ValueError(f"a whole number from {least} to {most} is wanted")
        return int(value)

    return parse


def duration(value: str) -> timedelta:
    """A length of time such as "90 s", "15 m", "24 h" or "14 d"."""
    match = re.fullmatch("([0-9]{1,6}) ?([smhd])", value)
    if not match or int(match[1]) == 0:
        raise ValueError('a length of time such as "90 s", "15 m", "24 h" or "14 d" is wanted')
    return timedelta(**{UNITS[match[2]]: int(match[1])})


def public_url(value: str) -> str:
    """The address people type: scheme and host, nothing after them; "" for none."""
    if not value:
        return ""
    match = PUBLIC_URL.fullmatch(value.lower())
    if not match or int(match["port"] or 1) not in range(1, 65536):
        raise ValueError("scheme and host are wanted, as in https://accounts.example.org")
    port = int(match["port"] or DEFAULT_PORTS[match["scheme"]])
    origin = f"{match['scheme']}://{match['host']}"
    return origin if port == DEFAULT_PORTS[match["scheme"]] else f"{origin}:{port}"


def host(value: str) -> str:
    """An IP address to listen on, or localhost."""
    if value != "localhost":
        ipaddress.ip_address(value)
    return value


def secret_key(value: str) -> str:
    """A key that nobody can guess: long enough, not from somebody's documentation."""
    if len(value.encode()) < SECRET_KEY_BYTES:
        raise ValueError(f"at least {SECRET_KEY_BYTES} bytes are wanted: {HOW_TO_MAKE_A_KEY}")
    if len(set(value)) < 10 or WELL_KNOWN_KEYS.search(value):
        raise ValueError(f"this key is well known or easy to guess: {HOW_TO_MAKE_A_KEY}")
    return value


HOW_TO_MAKE_A_KEY = "make one with  python -c 'import secrets; print(secrets.token_hex(32))'"


def secret_keys(value: str) -> list[str]:
    """Old keys, comma-separated, each as good as a current one."""
    return [secret_key(key) for key in names(value)]


def limits(value: str) -> Limits:
    """Limits such as "5/minute;30/hour" or "20 per 10 minutes"."""
    try:
        return parse_many(value)
    except ValueError:
        raise ValueError('limits such as "5/minute;30/hour;100/day" are wanted') from None


def choice(*allowed: str) -> Callable[[str], str]:
    """Return a parser for one word out of `allowed`."""

    def parse(value: str) -> str:
        if value not in allowed:
            raise ValueError(f"one of {', '.join(allowed)} is wanted")
        return value

    return parse


def setting(default: str, reason: str, parse: Callable[[str], Any]) -> Any:
    """Describe one setting: its default as an operator would write it, why, and its parser."""
    return field(metadata={"default": default, "reason": reason, "parse": parse})


@dataclass(frozen=True)
class Config:
    """All settings, parsed. Attribute names are the names of the environment variables."""

    HOST: str = setting("127.0.0.1", "where bin/serve listens: this machine only", host)
    PORT: int = setting("5000", "Flask's usual port", whole_number(1, 65535))
    PUBLIC_URL: str = setting(
        "", "the address people use; https turns on Secure __Host- cookies and HSTS", public_url
    )
    PROXY_HOPS: int = setting(
        "0",
        "trusted proxies in front; one too many lets visitors forge their address",
        whole_number(0, 9),
    )
    DATABASE_URL: str = setting(
        "sqlite:///vestibule.db", "one file serves one machine; postgresql://… serves many", text
    )
    SECRET_KEY: str = setting(
        "", "signs the cookies; made on first start and kept in the instance folder", text
    )
    SECRET_KEY_FALLBACKS: list[str] = setting(
        "", "old keys, still accepted while rotating", secret_keys
    )
    SESSION_ACTIVE_PERIOD: timedelta = setting(
        "1 d", "no write for a day, as in the original", duration
    )
    SESSION_IDLE_PERIOD: timedelta = setting(
        "14 d", "a browser unused for 15 days is signed out, as in the original", duration
    )
    SESSION_MAX_AGE: timedelta = setting("90 d", "a stolen cookie does not live for ever", duration)
    SESSIONS_PER_USER: int = setting(
        "100", "the oldest goes; more than anybody's browsers", whole_number(1, 10_000)
    )
    RESERVED_USERNAMES: tuple[str, ...] = setting(
        "", "names nobody may take, in any spelling", names
    )
    PASSWORD_COMMON: str = setting(
        "warn",
        "a password among the most common: its owner is told (warn), or it is refused (refuse)",
        choice("warn", "refuse"),
    )
    LIMIT_LOGIN_ACCOUNT: Limits = setting(
        "5/minute;30/hour;100/day",
        "failures at one name from browsers it does not know; NIST allows 100",
        limits,
    )
    LIMIT_LOGIN_KNOWN_BROWSER: Limits = setting(
        "5/minute;30/hour;100/day",
        "failures at one name from a browser that logged in there before",
        limits,
    )
    LIMIT_LOGIN_ADDRESS: Limits = setting(
        "20 per 10 minutes", "failures from one address (/32, /64), whatever the names", limits
    )
    LIMIT_SIGNUP_ADDRESS: Limits = setting("10/hour", "accounts made from one address", limits)
    EVENT_RETENTION: timedelta = setting(
        "365 d", "how long it is known what happened to an account", duration
    )
    HASH_THREADS: int = setting(
        str(os.cpu_count() or 1),
        "passwords hashed at once: the number of cores",
        whole_number(1, 256),
    )
    HASH_QUEUE: int = setting(
        "16",
        "log-ins that may wait for a hash; the next is told to come back",
        whole_number(0, 1000),
    )

    @classmethod
    def load(cls, instance_path: str, overrides: Mapping[str, str] | None = None) -> "Config":
        """Read the environment, then `overrides` of the same names.

        An empty value counts as not given. Raises ConfigError. Makes the instance folder and the
        secret key in it when no SECRET_KEY is given.
        """
        given = {**os.environ, **(overrides or {})}
        values = {item.name: _parse(item.name, given, item.metadata) for item in fields(cls)}
        if values["SECRET_KEY"]:
            values["SECRET_KEY"] = _checked("SECRET_KEY", secret_key, values["SECRET_KEY"])
        else:
            values["SECRET_KEY"] = kept_secret_key(Path(instance_path))
        return cls(**values)

    @property
    def over_https(self) -> bool:
        """Whether people reach this server over TLS."""
        return self.PUBLIC_URL.startswith("https:")


def _parse(name: str, given: Mapping[str, str], metadata: Mapping[str, Any]) -> Any:
    return _checked(name, metadata["parse"], given.get(name) or metadata["default"])


def _checked(name: str, parse: Callable[[str], Any], value: str) -> Any:
    try:
        return parse(value)
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from None


def kept_secret_key(folder: Path) -> str:
    """Return the key kept in `folder`/secret_key, making it (mode 0600) the first time.

    Raises ConfigError when the folder cannot be used. os.link never overwrites: of two processes
    that start at once the second finds the first one's key and both sign alike.
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
        raise ConfigError(f"SECRET_KEY: the one kept in {path} is of no use: {error}") from None


def _make_secret_key(path: Path) -> None:
    draft = path.with_name(f".secret_key.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(SECRET_KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink(missing_ok=True)
