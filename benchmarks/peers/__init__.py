"""The compared applications: each in its own file, built as its own documentation shows.

All have the same pages, /profile and /login, from the same two templates; the same hash
parameters; the same SQLite settings with connections kept; the same users. The others show
constants where Vestibule shows its session row, of which they have none (Django's has no times).
"""

import os
from pathlib import Path

FOLDER = Path(os.environ.get("BENCH_FOLDER", "."))
TEMPLATES = Path(__file__).parent / "templates"
FREE = os.environ.get("BENCH_HASH") == "free"
ARGON2 = (
    {"memory_cost": 8, "time_cost": 1, "parallelism": 1}
    if FREE  # shows everything in a log-in except the hash
    else {"memory_cost": 19_456, "time_cost": 2, "parallelism": 1}
)
PRAGMAS = (
    "PRAGMA busy_timeout=5000",
    "PRAGMA journal_mode=wal",
    "PRAGMA synchronous=full",
    "PRAGMA foreign_keys=on",
)
NAMES = [f"visitor{number:03}" for number in range(200)]
PASSWORD = "correct horse"
SECRET = "3f0d9a6c1b7e4825" * 4
THREADS = 16  # of the server, so that each of them may keep a connection

# What the page shows where a peer stores no such value.
PAGE = {
    "user_id": "k3v9x0q2m7c1z8a",
    "since_iso": "2026-11-23T11:54:00Z",
    "since": "23 November 2026, 11:54 UTC",
    "until_iso": "2026-12-08T11:54:00Z",
    "until": "8 December 2026, 11:54 UTC",
    "handle": "5e1f0c9a7b3d",
}
