"""bin/bench scale: pages over few and many session rows, and pruning dead rows beside log-ins."""

import asyncio
import hashlib
import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from flask import session

from . import visitors
from .compare import Contestant, compare
from .flood import SETTINGS, Seen, percentile, timed
from .peers import vestibule
from .servers import ROOT, serve

DAY = 86_400_000  # ms
SESSIONS_OF_A_USER = 5
ASKED = 20_000  # different sessions that request the page
LOGINS_PER_SECOND = 20
FREE_HASH = {"BENCH_HASH": "free"}
INSERT_USER = "INSERT INTO user (id, username, created_at) VALUES (?, ?, ?)"
INSERT_SESSION = """INSERT INTO session (id, user_id, created_at, authenticated_at, last_seen_at,
    active_expires_at, idle_expires_at, ip_address, user_agent)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""


def scale(folder: Path, quick: bool) -> dict[str, Any]:
    """Measure both."""
    many, dead = (100_000, 20_000) if quick else (5_000_000, 1_000_000)
    rounds, seconds = (3, 1) if quick else (9, 2)
    return {
        "pages": pages([1_000, many], folder, rounds, seconds),
        "prune": prune(folder / "prune", dead),
    }


def pages(sizes: list[int], folder: Path, rounds: int, seconds: float) -> dict[str, Any]:
    """Load a server with a database of each size in turn, with pages of random sessions."""
    with ExitStack() as stack:
        contestants = []
        for size in sizes:
            place = folder / f"rows-{size}"
            fill(place, size, dead=0)
            server = stack.enter_context(serve("vestibule", "granian", place))
            requests = page_requests(server.port, size)
            contestants.append(Contestant(str(size), server, requests))
        results = compare(contestants, rounds, seconds)
    few, many = (results[str(size)] for size in sizes)
    return {"rows": results, "ratio": many["per_second"] / few["per_second"]}


def fill(folder: Path, rows: int, dead: int, **settings: str) -> None:
    """Make a database with `rows` sessions, the first `dead` of them long dead."""
    folder.mkdir()
    arguments = [sys.executable, "-m", "benchmarks.peers.vestibule"]
    environment = {**os.environ, **settings, "BENCH_FOLDER": str(folder)}
    subprocess.run(arguments, env=environment, cwd=ROOT, check=True)
    with closing(sqlite3.connect(folder / "vestibule.db")) as db:
        db.execute("PRAGMA synchronous=off")
        kept = db.execute("SELECT name, sql FROM sqlite_master WHERE tbl_name = 'session' "
                          "AND type = 'index' AND sql IS NOT NULL").fetchall()  # fmt: skip
        for name, _ in kept:
            db.execute(f'DROP INDEX "{name}"')
        db.executemany(INSERT_USER, users(rows))
        db.executemany(INSERT_SESSION, sessions(rows, dead))
        for _, statement in kept:
            db.execute(statement)
        db.commit()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def users(rows: int) -> Iterator[tuple[object, ...]]:
    """Yield the users' rows."""
    for number in range(rows // SESSIONS_OF_A_USER + 1):
        yield f"n{number:014}", f"many{number:010}", 1_700_000_000_000


def sessions(rows: int, dead: int) -> Iterator[tuple[object, ...]]:
    """Yield the sessions' rows in the order of their ids, which are random like real ones."""
    now = time.time_ns() // 1_000_000
    order = sorted(
        (hashlib.sha256(token(number).encode()).digest(), number) for number in range(rows)
    )
    for session_id, number in order:
        at = now - 60 * DAY if number < dead else now
        user = f"n{number // SESSIONS_OF_A_USER:014}"
        yield session_id, user, at, at, at, at + DAY, at + 15 * DAY, "127.0.0.1", "Mozilla/5.0"


def token(number: int) -> str:
    """Return the token of a session."""
    return f"{number:043}"


def page_requests(port: int, rows: int) -> list[bytes]:
    """Return requests for the page by random sessions, their cookies signed as the server does."""
    visitors.page_requests(port)
    app = vestibule.create_app()
    signed = app.session_interface
    requests = []
    for number in random.sample(range(rows), min(rows, ASKED)):
        with app.test_request_context():
            session.update(token=token(number), csrf_token="x" * 22)
            response = app.response_class()
            signed.save_session(app, session, response)
        cookie = response.headers["Set-Cookie"].partition(";")[0]
        name, _, value = cookie.partition("=")
        requests.append(visitors.Visitor(port, {name: value}).raw("GET", "/profile"))
    return requests


def prune(folder: Path, dead: int) -> dict[str, float]:
    """Prune half of the rows, which are dead, beside log-ins at a steady rate. Hashing costs them
    nothing, so that they wait only for the database.
    """
    fill(folder, 2 * dead, dead, **FREE_HASH)
    database = folder / "vestibule.db"
    with serve("vestibule", "granian", folder, **FREE_HASH) as server:
        requests = visitors.login_requests(server.port)
        settings = {
            **SETTINGS,
            "DATABASE_URL": f"sqlite:///{database}",
            "FLASK_APP": "app:create_app",
        }
        start = time.perf_counter()
        pruning = subprocess.Popen(
            [sys.executable, "-m", "flask", "sessions", "prune"],
            env={**os.environ, **settings},
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )
        try:
            seen, wal = asyncio.run(log_in_beside(pruning, server.port, requests, database))
        finally:
            pruning.kill()
            pruning.wait()
    taken = time.perf_counter() - start
    with closing(sqlite3.connect(database)) as db:
        (left,) = db.execute("SELECT count(*) FROM session WHERE idle_expires_at < ?",
                             (time.time_ns() // 1_000_000,)).fetchone()  # fmt: skip
    times = seen.logins.get(302, [])
    others = sum(map(len, seen.logins.values())) - len(times)
    return {
        "rows": dead, "left": left, "seconds": taken, "logins": len(times), "other_answers": others,
        "login_p50_ms": percentile(times, 50), "login_p99_ms": percentile(times, 99),
        "login_max_ms": max(times, default=0.0), "wal_mb": wal / 1e6,
    }  # fmt: skip


async def log_in_beside(
    pruning: subprocess.Popen[bytes], port: int, requests: list[bytes], database: Path
) -> tuple[Seen, int]:
    """Log in at a steady rate until the pruning ends; return what was seen and the largest WAL."""
    seen, wal, tasks = Seen(), 0, []
    due = time.perf_counter()
    limit = due + 600
    while pruning.poll() is None and due < limit:
        await asyncio.sleep(due - time.perf_counter())
        tasks.append(asyncio.create_task(timed(port, random.choice(requests), due, seen.logins)))
        wal = max(wal, database.with_name(database.name + "-wal").stat().st_size)
        due += 1 / LOGINS_PER_SECOND
    await asyncio.gather(*tasks)
    return seen, wal
