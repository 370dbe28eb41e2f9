"""What flask doctor looks at apart from the database."""

import time
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask

from accounts import passwords

from ..commands import count
from .finding import NOTE, OK, WRONG, Finding, open_to_others

SLOW_HASH = 1.0  # seconds; whoever waits for two others is told to come back
LOCAL = ("localhost", "127.0.0.1", "::1")


def secret_key(app: Flask) -> Finding:
    """The key that signs the cookies. A weak one has stopped the start already."""
    file = Path(app.instance_path, "secret_key")
    key = str(app.config["SECRET_KEY"])
    if not file.exists() or file.read_text("ascii").strip() != key:
        return Finding("secret key", OK, f"given as SECRET_KEY, {len(key.encode())} bytes")
    if fault := open_to_others(file, 0o077) or open_to_others(file.parent, 0o022):
        return Finding("secret key", WRONG, *fault)
    if old := len(app.config["SECRET_KEY_FALLBACKS"]):
        return Finding("secret key", NOTE, f"kept in {file}; {count(old, 'old key')} accepted too")
    return Finding("secret key", OK, f"kept in {file}")


def cookies(app: Flask) -> Finding:
    """The cookie that a visitor is really sent, against PUBLIC_URL."""
    url = app.config["PUBLIC_URL"] or "http://localhost"
    answer = app.test_client().get("/login", base_url=url)
    cookie = answer.headers.get("Set-Cookie", "")
    flags = {"Secure", "HttpOnly", "SameSite=Lax"} & {part.strip() for part in cookie.split(";")}
    https = urlsplit(url).scheme == "https"
    if flags != {"HttpOnly", "SameSite=Lax"} | ({"Secure"} if https else set()):
        return Finding("cookies", WRONG, f"{url} sends a cookie of {sorted(flags)}", FLAGS)
    if not https and urlsplit(url).hostname not in LOCAL:
        return Finding("cookies", WRONG, f"{url}: passwords and cookies travel in clear", USE_TLS)
    if https and not app.config["PROXY_HOPS"]:
        return Finding("cookies", NOTE, f"{url}, but PROXY_HOPS is 0", HOPS)
    return Finding("cookies", OK, f"{url}: {', '.join(sorted(flags))}")


FLAGS = "take SESSION_COOKIE_… out of the application's own settings; PUBLIC_URL decides"
USE_TLS = "put a proxy with a certificate in front, and set PUBLIC_URL to its https:// address"
HOPS = "set PROXY_HOPS=1 when a proxy is in front, or its address counts as everybody's"


def hash_time() -> Finding:
    """How long one password takes here."""
    taken = min(_time_one_hash() for _ in range(3))  # others may be busy here just now
    found = f"{taken * 1000:.0f} ms for each log-in"
    if taken > SLOW_HASH:
        return Finding("hash time", WRONG, found, "a faster machine, or fewer others on it")
    return Finding("hash time", OK, found)


def _time_one_hash() -> float:
    started = time.perf_counter()
    passwords.hash_password("how long does this take?")
    return time.perf_counter() - started
