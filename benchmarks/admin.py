"""bin/bench admin: each page of admins over a million users, without a server.

The database is filled in a few minutes. A page counts with its median and its size.
"""

import hashlib
import json
import os
import random
import re
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from .peers import NAMES, PASSWORD
from .servers import ROOT

DAY = 86_400_000  # ms
TIMES = 7  # that a page is asked for
TABLES = ("user", "key", "session", "event")
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
INSERTS = {
    "user": "(id, username, created_at, locked_at, waiting_since, notices) VALUES (?,?,?,?,?,0)",
    "key": "(provider, provider_user_id, user_id, password_hash) VALUES (?,?,?,?)",
    "session": "(id, user_id, created_at, authenticated_at, last_seen_at, active_expires_at, "
    "idle_expires_at, ip_address, user_agent) VALUES (?,?,?,?,?,?,?,?,?)",
    "event": "(at, kind, user_id, session, ip_address, user_agent, detail, actor) "
    "VALUES (?,?,?,?,?,?,'',?)",
}
PAGES = {
    "overview": "/admin",
    "users": "/admin/users",
    "users by name": "/admin/users?sort=name",
    "users, prefix": "/admin/users?q=many077",
    "users, id": "/admin/users?q=id:{user}",
    "locked": "/admin/users?state=locked",
    "locked by name": "/admin/users?state=locked&sort=name",
    "waiting": "/admin/users?state=waiting",
    "no password": "/admin/users?state=no-password",
    "never logged in": "/admin/users?state=never-logged-in",
    "one user": "/admin/users/{user}",
    "events": "/admin/events",
    "events of a kind": "/admin/events?kind=user_locked",
    "events of a user": "/admin/events?user={user}",
    "acts of an admin": "/admin/events?actor={user}",
    "tables": "/admin/tables",
    "table session": "/admin/tables/session",
    "table event, newest": "/admin/tables/event?sort=at&order=desc",
    "table key, filtered": "/admin/tables/key?column=provider_user_id&value=many09",
}
SEARCHES = {"users, part": "/admin/users?q=0777", "users, no such part": "/admin/users?q=nobody0"}


def admin(folder: Path, quick: bool) -> dict[str, Any]:
    """Measure every page, and searches, over many users, three sessions and five events each."""
    users = 20_000 if quick else 1_000_000
    place = folder / f"admin-{users}"
    place.mkdir()
    environment = {**os.environ, "BENCH_FOLDER": str(place)}
    run = [sys.executable, "-m", "benchmarks.peers.vestibule"]
    subprocess.run(run, env=environment, cwd=ROOT, check=True)
    fill(place / "vestibule.db", users)
    run = [sys.executable, "-m", "benchmarks.admin"]
    done = subprocess.run(
        run, env=environment, cwd=ROOT, check=True, capture_output=True, text=True
    )
    return {"users": users, **json.loads(done.stdout)}


def fill(path: Path, users: int) -> None:
    """Insert the rows without their indexes, and make those at the end."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA synchronous=off")
        kept = [
            row
            for table in TABLES
            for row in db.execute(
                "SELECT name, sql FROM sqlite_master WHERE tbl_name = ? AND type = 'index' "
                "AND sql IS NOT NULL",
                (table,),
            )
        ]
        for name, _ in kept:
            db.execute(f'DROP INDEX "{name}"')
        for table in TABLES:
            db.executemany(f'INSERT INTO "{table}" {INSERTS[table]}', rows(table, users))
        for _, statement in kept:
            db.execute(statement)
        db.execute('UPDATE "user" SET admin_since = 1 WHERE username = ?', (NAMES[0],))
        db.commit()


def rows(table: str, users: int) -> Iterator[tuple[object, ...]]:
    """Yield the rows of a table: every thousandth user is locked, every two thousandth waits."""
    now, chance = time.time_ns() // 1_000_000, random.Random(1)
    year = 365 * DAY
    if table == "user":
        for n in range(users):
            at = now - year + n * year // users
            waits = at if n % 2000 == 7 else None
            yield f"u{n:014}", f"Many{n:07}", at, at if n % 1000 == 5 else None, waits
    elif table == "key":
        for n in range(users):
            yield "username", f"many{n:07}", f"u{n:014}", None if n % 5000 == 1 else "$argon2id$"
    elif table == "session":
        for digest in sorted(hashlib.sha256(b"%d" % n).digest() for n in range(3 * users)):
            at, user = now - chance.randrange(10 * DAY), f"u{chance.randrange(users):014}"
            yield digest, user, at, at, at, at + DAY, at + 15 * DAY, "192.0.2.1", BROWSER
    else:
        for n in range(5 * users):
            kind = ("authn_login_success", "authn_login_fail", "session_ended")[n % 5 % 3]
            user, actor = f"u{chance.randrange(users):014}", None
            if n % 5000 == 0:
                kind, actor = "user_locked", f"u{77777 % users:014}"
            yield now - year + n * year // (5 * users), kind, user, "", "192.0.2.1", BROWSER, actor


def measure() -> dict[str, Any]:
    """Return the median milliseconds of each page, as an admin who has logged in."""
    from .peers.vestibule import create_app  # noqa: PLC0415 - it reads BENCH_FOLDER

    client = create_app().test_client()
    token = re.findall(r'name="csrf_token" value="([^"]+)', client.get("/login").text)[0]
    typed = {"csrf_token": token, "username": NAMES[0], "password": PASSWORD}
    client.post("/login", data=typed)
    user = f"u{7777:014}"
    found, largest = {}, 0
    for name, path in (PAGES | SEARCHES).items():
        taken = []
        for _ in range(TIMES):
            begun = time.perf_counter()
            answer = client.get(path.format(user=user))
            taken.append((time.perf_counter() - begun) * 1000)
            if answer.status_code != 200:
                raise SystemExit(f"{path}: {answer.status_code}")
        found[name] = statistics.median(taken)
        largest = max(largest, len(answer.data))
    return {
        "pages_ms": {name: found[name] for name in PAGES},
        "searches_ms": {name: found[name] for name in SEARCHES},
        "largest_page_bytes": largest,
    }


if __name__ == "__main__":
    print(json.dumps(measure()))
