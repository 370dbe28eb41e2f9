"""Every setting: its name, its default and the reason for it.

This is the only file that reads the environment and, below it, the settings file: .env beside this
file, or the one that VESTIBULE_ENV names. An invalid value stops the app from starting, with a
ConfigError that names the setting, so that a typing error shows at once.
"""

import functools
import os
import secrets
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import timedelta
from pathlib import Path
from typing import Any

from dotenv import dotenv_values, find_dotenv
from flask.helpers import get_load_dotenv

from cores import available_cores, available_memory, hashes_that_fit
from parsing import (
    SECRET_KEY_BYTES,
    ConfigError,
    Given,
    Limits,
    choice,
    cookie_name,
    duration,
    host,
    limits,
    public_url,
    read_settings_file,
    reserved_names,
    secret_key,
    secret_keys,
    setting,
    site_name,
    whole_number,
)

FOLDER = Path(__file__).parent
HASHES, WAITING = hashes_that_fit(available_cores(), available_memory())
RESERVED = (
    "abuse,admin,administrator,anonymous,billing,contact,everyone,help,helpdesk,hostmaster,info,"
    "moderator,no-reply,nobody,official,operator,owner,postmaster,root,security,service,staff,"
    "superuser,support,sysadmin,system,team,webmaster"
)


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
    SESSION_ACTIVE_PERIOD: timedelta = setting(
        "1 d", duration(400), "a session is renewed once a day"
    )
    SESSION_IDLE_PERIOD: timedelta = setting("14 d", duration(400), "unused for longer, it is over")
    SESSION_MAX_AGE: timedelta = setting(
        "90 d", duration(400), "a stolen cookie stops working one day"
    )
    SESSIONS_PER_USER: int = setting(
        "100", whole_number(1, 10_000), "more browsers than a person has; the oldest session goes"
    )
    SESSION_COOKIE_NAME: str = setting(
        "auth_session", cookie_name, "a browser has one cookie of a name for all ports of a host"
    )
    RESERVED_USERNAMES: tuple[str, ...] = setting(
        RESERVED, reserved_names, "visitors would trust these; only the operator may give them"
    )
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
    EVENT_RETENTION: timedelta = setting(
        "365 d", duration(3650), "how long events of accounts are kept"
    )
    HASH_THREADS: int = setting(
        str(HASHES), whole_number(1, 256), "passwords hashed at once: 20 MiB each"
    )
    HASH_QUEUE: int = setting(
        str(WAITING),
        whole_number(0, 1000),
        "log-ins that may wait for a hash; the next is told to retry",
    )

    @classmethod
    def load(cls, instance_path: str, overrides: Mapping[str, str] | None = None) -> "Config":
        """Return the settings: each of `overrides`, else of the environment, else of the settings
        file. An empty value counts as not given. Without a SECRET_KEY, makes the instance folder
        and a key in it. Raises ConfigError.
        """
        items = {item.name: item.metadata for item in fields(cls)}
        given = given_settings(frozenset(items), overrides or {})
        values: dict[str, Any] = {}
        for name, data in items.items():
            text, place = given.get(name) or Given(data["default"], "")
            try:
                text.encode()
                values[name] = data["parse"](text)
            except UnicodeEncodeError:
                raise ConfigError(f"{name}: not UTF-8 text{place}") from None
            except ValueError as error:
                raise ConfigError(f"{name}: {error}{place}") from None
        for name in ("SESSION_ACTIVE_PERIOD", "SESSION_IDLE_PERIOD"):
            if name in given and values[name] > values["SESSION_MAX_AGE"]:
                raise ConfigError(f"{name}: longer than SESSION_MAX_AGE{given[name].place}")
        if not values["SECRET_KEY"]:
            values["SECRET_KEY"] = kept_secret_key(Path(instance_path), make=not only_looks())
        return cls(**values)

    @property
    def SETTINGS_FILE(self) -> Path:  # noqa: N802 # app.config takes what is in capitals
        """The file below the environment, whether it is there or not."""
        return settings_file()

    @property
    def over_https(self) -> bool:
        """Whether people reach this server over TLS."""
        return self.PUBLIC_URL.startswith("https:")


def given_settings(names: frozenset[str], overrides: Mapping[str, str]) -> dict[str, Given]:
    """Return all settings that are not empty, each from the first that has it."""
    variables = environment()
    # A worker that bin/serve starts later, by a fork, has the settings that the others have.
    read = _read_once if "FLASK_RUN_FROM_CLI" in variables else read_settings_file
    kept = read(settings_file(), names, must_exist=bool(variables.get("VESTIBULE_ENV")))
    return {name: given for name, given in kept.items() if given.text} | {
        name: Given(source[name], "")
        for source in (variables, overrides)
        for name in names
        if source.get(name)
    }


def settings_file() -> Path:
    """Return the file below the environment, whether it is there or not."""
    return FOLDER / (environment().get("VESTIBULE_ENV") or ".env")


_read_once = functools.cache(read_settings_file)


def environment() -> dict[str, str]:
    """Return the environment without what the command `flask` has put there by itself: it takes
    .env and .flaskenv from where it is started, whatever they belong to. bin/flask forbids that.
    """
    if "FLASK_RUN_FROM_CLI" in os.environ and get_load_dotenv():
        for file in (".flaskenv", ".env"):
            for name, value in dotenv_values(find_dotenv(file, usecwd=True)).items():
                if os.environ.get(name) == value:
                    del os.environ[name]  # also for the server's workers, which start elsewhere
    return dict(os.environ)


def only_looks() -> bool:
    """Return whether this is the command that makes nothing, not even a key: flask doctor."""
    return "FLASK_RUN_FROM_CLI" in os.environ and "doctor" in sys.argv


def kept_secret_key(folder: Path, make: bool = True) -> str:
    """Return the key kept in `folder`/secret_key, made (mode 0600) the first time, or "" if none is
    to be made. Raises ConfigError. os.link never overwrites: of two processes that start at once
    the second finds the first one's key, and both sign alike.
    """
    path = folder / "secret_key"
    try:
        if not make and not path.exists():
            return ""
        if not folder.exists():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            give_to_owner(folder, folder)
        if not path.exists():
            _make_secret_key(path)
        for _ in range(50):  # without hard links, another process may be about to write it
            if path.stat().st_size:
                break
            time.sleep(0.02)
        return secret_key(path.read_text("ascii").strip())
    except OSError as error:
        why = f"none is given and {path} cannot be used: {error.strerror}"
        raise ConfigError(f"SECRET_KEY: {why}; run this as the server's user, or set it") from None
    except ValueError as error:
        raise ConfigError(f"SECRET_KEY: the one kept in {path} is invalid: {error}") from None


def _make_secret_key(path: Path) -> None:
    draft = path.with_name(f".secret_key.{secrets.token_hex(8)}")
    try:
        _write_secret_key(draft)
        try:
            os.link(draft, path)
        except (AttributeError, OSError):  # it exists by now, or this file system has no hard links
            with suppress(FileExistsError):
                _write_secret_key(path)
    finally:
        draft.unlink(missing_ok=True)


def give_to_owner(path: Path, made: Path | int) -> None:
    """Give what root has just made to the owner of the folder around it, as SQLite does: a command
    that root ran once must not keep the server out. made: a folder, or a file's descriptor. By its
    name it may be a link by now, with which that owner would get any file of root's.
    """
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        with suppress(OSError):
            around = path.parent.stat()
            give: Any = os.fchown if isinstance(made, int) else os.lchown
            give(made, around.st_uid, around.st_gid)


def _write_secret_key(path: Path) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        give_to_owner(path, file.fileno())
        file.write(secrets.token_hex(SECRET_KEY_BYTES) + "\n")
        file.flush()
        with suppress(OSError):  # refused on some file systems; a lost key only logs users out
            os.fsync(file.fileno())
