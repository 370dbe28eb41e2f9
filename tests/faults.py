"""Faults of the database, each caused as it happens in real life, and undone at the end."""

import itertools
import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from peewee import OperationalError

from database import database

NOBODY = 65534


@pytest.fixture
def settings(settings):
    """The database is in a folder that every user may enter: some tests act as user "nobody"."""
    with tempfile.TemporaryDirectory(prefix="vestibule-") as folder:
        Path(folder).chmod(0o755)
        yield settings | {"DATABASE_URL": f"sqlite:///{folder}/test.db"}


@pytest.fixture(autouse=True)
def impatient(app):
    """Make a write wait only briefly for another one."""
    database.pragma("busy_timeout", 50, permanent=True)
    database.close_all()


@pytest.fixture
def log(app, capfd):
    """Return the faults logged since the last call."""

    def lines():
        parsed = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
        return [line for line in parsed if line["level"] == "error"]

    return lines


def path():
    return Path(database.path)


@contextmanager
def kept_aside():
    """Close all connections, and put the files back as they were at the end."""
    database.close_all()
    with closing(sqlite3.connect(path())) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    copy = path().with_name("kept-aside")
    shutil.copy(path(), copy)
    yield
    database.close_all()
    for file in path().parent.glob(f"{path().name}*"):
        file.unlink()
    copy.rename(path())


@contextmanager
def missing():
    with kept_aside():
        for file in path().parent.glob(f"{path().name}*"):
            file.unlink()
        yield
        assert not path().exists(), "it was created again"


@contextmanager
def deleted_while_open():
    """Remove the file while connections to it are in the pool."""
    copy = path().with_name("kept-aside")
    with closing(sqlite3.connect(path())) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    for file in path().parent.glob(f"{path().name}*"):
        file.unlink()
    yield
    assert not path().exists(), "it was created again"
    copy.rename(path())


@contextmanager
def content(data):
    """Put something else in the file; nothing may write to it."""
    with kept_aside():
        path().write_bytes(data)
        yield
        assert path().read_bytes() == data


def junk():
    return content(b"This is no database. " * 500)


def empty():
    return content(b"")


def cut():
    """Leave only half of the file."""
    with kept_aside():
        data = path().read_bytes()
    return content(data[: len(data) // 2])


@contextmanager
def smashed():
    """Overwrite all pages but the first two, which point to them."""
    with kept_aside():
        data = bytearray(path().read_bytes())
        data[4096:] = b"\xa5" * (len(data) - 4096)
        path().write_bytes(data)
        yield


@contextmanager
def changed(statement):
    """Change the schema."""
    with kept_aside():
        with closing(sqlite3.connect(path())) as connection, connection:
            connection.executescript(statement)
        yield


def missing_table():
    return changed("DROP TABLE event")


def older():
    return changed("DELETE FROM schema_migration WHERE name LIKE '0002%'")


def newer():
    return changed("INSERT INTO schema_migration VALUES (9999, '9999_future', '2099-01-01')")


def not_ours():
    return changed("DROP TABLE schema_migration; CREATE TABLE photo (id INTEGER)")


LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
"""


@contextmanager
def locked():
    """Let another process write and not finish."""
    process = subprocess.Popen(
        [sys.executable, "-c", LOCK, path()], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout.readline() == b"locked\n"
        yield
    finally:
        process.communicate()


@contextmanager
def full():
    """Keep the file from growing, with all its pages full."""
    database.pragma("synchronous", "off")
    database.pragma("wal_checkpoint(TRUNCATE)")
    pages = database.pragma("page_count")
    database.pragma("max_page_count", pages, permanent=True)
    for table in FILLERS:
        fill(table)
    yield
    database.pragma("max_page_count", 2**30, permanent=True)
    database.close_all()
    database.execute_sql("DELETE FROM user WHERE id LIKE 'filler%'")
    database.execute_sql("DELETE FROM event WHERE kind = 'filler'")
    database.execute_sql("DELETE FROM counter WHERE expires_at = 4102444800000")


FILLERS = {
    "user": "INSERT INTO user (id, username, created_at) VALUES ('filler' || ?, 'filler', 1)",
    "counter": "INSERT INTO counter VALUES (randomblob(16), ?, 4102444800000)",
    "event": "INSERT INTO event VALUES "
    "(NULL, 4102444800000 + ?, 'filler', NULL, '', '', '', '', NULL)",
}


def fill(table):
    with pytest.raises(OperationalError, match="full"):
        insert_for_ever(table)


def insert_for_ever(table):
    for number in itertools.count():
        database.execute_sql(FILLERS[table], (number,))


@contextmanager
def failing_writes():
    """Let the disk fail: nothing can be written beyond the end of the existing files."""
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    wal = path().with_name(path().name + "-wal")
    resource.setrlimit(resource.RLIMIT_FSIZE, (wal.stat().st_size, limit[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)


@contextmanager
def without_rights():
    """Act as the user "nobody" for a moment: root may write everywhere."""
    if os.geteuid():
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@contextmanager
def read_only_folder():
    """Make file and folder read-only; no other process has the file open."""
    database.close_all()
    folder = path().parent
    folder.chmod(0o555)
    path().chmod(0o444)
    try:
        with without_rights():
            yield
            database.close_all()
    finally:
        folder.chmod(0o755)
        path().chmod(0o600)


@contextmanager
def read_only():
    """The same while another process has the file open, so that the WAL's files exist."""
    database.close_all()
    with closing(sqlite3.connect(path())) as other:
        other.execute("SELECT count(*) FROM user").fetchone()
        for file in path().parent.glob(f"{path().name}-*"):
            file.chmod(0o444)
        with read_only_folder():
            yield
        for file in path().parent.glob(f"{path().name}-*"):
            file.chmod(0o600)
