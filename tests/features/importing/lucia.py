"""The data of an installation of the tutorial (Lucia v2, Prisma): data/lucia-prisma-dev.json and
.db; and databases like it with any oddity that a test needs.
"""

import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path

DATABASE = Path(__file__).parent / "data/lucia-prisma-dev.db"
FIXTURE = json.loads(DATABASE.with_suffix(".json").read_text())
USERS = FIXTURE["users"]
V2_HASH = USERS[0]["keys"][0]["hashed_password"]
V2_PASSWORD = USERS[0]["password"]
TABLES = """
CREATE TABLE "User" ("id" TEXT NOT NULL PRIMARY KEY, "username" TEXT NOT NULL);
CREATE TABLE "Session" (
    "id" TEXT NOT NULL PRIMARY KEY, "user_id" TEXT NOT NULL,
    "active_expires" BIGINT NOT NULL, "idle_expires" BIGINT NOT NULL);
CREATE TABLE "Key" (
    "id" TEXT NOT NULL PRIMARY KEY, "hashed_password" TEXT, "user_id" TEXT NOT NULL);
CREATE INDEX "Key_user_id_idx" ON "Key"("user_id");
"""
LOWER_CASE_TABLES = (
    TABLES.replace("User", "user").replace("Session", "session").replace("Key", "key")
)


def user(username: str, *keys: str, user_id: str = "", password_hash: str | None = V2_HASH):
    """Return a user for add(), with keys as PROVIDER:NAME, or the one that sign-up creates."""
    user_id = user_id or hashlib.sha256(username.encode()).hexdigest()[:15]
    return user_id, username, keys or (f"username:{username.lower()}",), password_hash


def make(path: Path, *users, tables: str = TABLES) -> Path:
    """Create a database with these users."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(tables)
        add(connection, *users)
        connection.commit()
    return path


def add(connection: sqlite3.Connection, *users) -> None:
    """Add users to a database."""
    for user_id, username, keys, password_hash in users:
        connection.execute('INSERT INTO "User" VALUES (?, ?)', (user_id, username))
        for key in keys:
            connection.execute('INSERT INTO "Key" VALUES (?, ?, ?)', (key, password_hash, user_id))
