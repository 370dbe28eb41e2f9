"""Checks of what does not need the database: settings, secret key, cookies, hash time."""

import os
import platform
import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask

from accounts import passwords

from ..commands import count
from ..version import VERSION
from .files import open_to_others
from .result import FAIL, OK, WARN, Outcome

SLOW_HASH = 1.0  # seconds; with two ahead of it in the queue, a log-in is told to come back
OLD_KEY = 400  # days
LOCAL = ("localhost", "127.0.0.1", "::1")
FLAGS = "remove SESSION_COOKIE_… from the application's own settings; PUBLIC_URL decides"
USE_TLS = "put a proxy with a certificate in front, and set PUBLIC_URL to its https:// address"
HOPS = "set PROXY_HOPS=1 when a proxy is in front, or all visitors count as one address: its own"


def check_version() -> Outcome:
    """Say what runs here, and check that the clock is not older than that."""
    if time.time() < Path(__file__).stat().st_mtime - 86_400:
        today = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
        return FAIL, f"the clock is wrong: {today}", "set it; better let NTP do so"
    return OK, f"{VERSION}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"


def check_settings(app: Flask) -> Outcome:
    """Say which settings file is used, and check that no one else reads a key in it."""
    file: Path = app.config["SETTINGS_FILE"]
    if not file.exists():
        return OK, f"the environment alone: there is no {file}"
    key = app.config["SECRET_KEY"]
    if key and key in file.read_text() and (fault := open_to_others(file.resolve(), 0o077)):
        return FAIL, *fault
    return OK, f"{file}, below the environment"


def check_secret_key(app: Flask) -> Outcome:
    """Check the key that signs the cookies. A weak one has stopped the app already."""
    file = Path(app.instance_path, "secret_key")
    key = str(app.config["SECRET_KEY"])
    if not key:
        return OK, f"not made yet: the first start makes {file}"
    if not file.exists() or file.read_text("ascii").strip() != key:
        return OK, f"given as SECRET_KEY, {len(key.encode())} bytes"
    real = file.resolve()
    if fault := open_to_others(real, 0o077) or open_to_others(real.parent, 0o022):
        return FAIL, *fault
    days = int((time.time() - real.stat().st_mtime) / 86_400)
    if days > OLD_KEY:
        return WARN, f"kept in {file}, {count(days, 'day')} old", "change it once a year"
    if old := len(app.config["SECRET_KEY_FALLBACKS"]):
        return WARN, f"kept in {file}; {count(old, 'old key')} accepted too", "unset them in time"
    return OK, f"kept in {file}"


def check_cookies(app: Flask) -> Outcome:
    """Check the cookie that a visitor is really sent, against PUBLIC_URL."""
    url = app.config["PUBLIC_URL"] or "http://localhost"
    hops = app.config["PROXY_HOPS"]
    app.config["SECRET_KEY"] = app.config["SECRET_KEY"] or os.urandom(32).hex()  # not made yet
    cookie = app.test_client().get("/login", base_url=url).headers.get("Set-Cookie", "")
    flags = {"Secure", "HttpOnly", "SameSite=Lax"} & {part.strip() for part in cookie.split(";")}
    https = urlsplit(url).scheme == "https"
    if flags != {"HttpOnly", "SameSite=Lax"} | ({"Secure"} if https else set()):
        return FAIL, f"{url} sends a cookie of {sorted(flags)}", FLAGS
    if not https and urlsplit(url).hostname not in LOCAL:
        return FAIL, f"{url}: passwords and cookies travel in clear", USE_TLS
    if https and not hops:
        return WARN, f"{url}, but PROXY_HOPS is 0", HOPS
    return OK, f"{url}, PROXY_HOPS={hops}: {', '.join(sorted(flags))}"


def check_hash_time() -> Outcome:
    """Check how long one password takes here."""
    taken = min(_time_one_hash() for _ in range(3))  # the machine may be busy just now
    finding = f"{taken * 1000:.0f} ms for each log-in"
    if taken > SLOW_HASH:
        return FAIL, finding, "use a faster machine, or run less on this one"
    return OK, finding


def _time_one_hash() -> float:
    started = time.perf_counter()
    passwords.hash_password(passwords.parse_password("how long does this take?"))
    return time.perf_counter() - started
