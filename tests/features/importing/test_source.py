import hashlib
import itertools
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from commands import done, refused
from flask import Flask
from flask.testing import FlaskCliRunner
from lucia import DATABASE, TABLES, make, user

from database import database
from database.backup import write_backup
from features.importing import source
from models import User

# Opens a database, runs statements in it, says so, and waits to be killed.
HOLDER = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
for statement in sys.argv[2:]:
    connection.execute(statement)
print("ready", flush=True)
time.sleep(600)
"""


@pytest.fixture
def run(runner: FlaskCliRunner, monkeypatch: pytest.MonkeyPatch):
    """Run flask users import-lucia …, without waiting long for a lock."""
    monkeypatch.setattr(source, "MAX_WAIT", 0.2)
    return lambda *args: runner.invoke(args=["users", "import-lucia", *map(str, args)])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "prisma"
    folder.mkdir()
    return make(folder / "dev.db", user("Jane"))


@contextmanager
def held(path: Path, *statements: str) -> Iterator[subprocess.Popen[str]]:
    """Open the database in another process, and kill it at the end as a crash would."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, path, *statements], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def files(path: Path) -> dict[str, str]:
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in path.parent.iterdir()
    }


def names() -> list[str]:
    return sorted(user.username for user in User.select())


@pytest.mark.parametrize("option", ["--dry-run", "--json"])
def test_the_source_stays_as_it_is_and_nothing_appears_beside_it(run, tmp_path, option) -> None:
    folder = tmp_path / "prisma"
    folder.mkdir()
    path = Path(shutil.copy(DATABASE, folder))
    before = files(path), path.stat().st_mtime_ns
    assert run(path, option).exit_code == 0
    assert (files(path), path.stat().st_mtime_ns) == before


def test_a_read_only_source_is_enough(run, path: Path) -> None:
    path.chmod(0o400)
    path.parent.chmod(0o500)
    done(run(path), "Imported 1 user.")


def test_what_stands_only_in_the_wal_of_a_running_application_comes_too(run, path: Path) -> None:
    with held(path, "PRAGMA journal_mode=WAL", "INSERT INTO User VALUES ('new', 'Newcomer')"):
        before = files(path)
        assert "dev.db-wal" in before
        done(run(path), "Imported 2 users.")
        assert files(path) == before
    assert names() == ["Jane", "Newcomer"]


def test_a_wal_left_by_a_crash_is_read_and_left_where_it_is(run, path: Path) -> None:
    with held(path, "PRAGMA journal_mode=WAL", "INSERT INTO User VALUES ('new', 'Newcomer')"):
        pass
    path.with_name("dev.db-shm").unlink()
    before = files(path)
    assert "dev.db-wal" in before
    done(run(path), "Imported 2 users.")
    assert files(path) == before


def test_what_a_crash_left_half_done_is_rolled_back_in_the_copy_alone(run, path: Path) -> None:
    with held(path, "PRAGMA cache_size=1", "PRAGMA cache_spill=1", "BEGIN",
              "UPDATE User SET username = 'Half'", "CREATE TABLE filler (x)",
              "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) "
              "INSERT INTO filler SELECT randomblob(200) FROM n"):  # fmt: skip
        refused(run(path), "it is locked by another process")
    before = files(path)
    assert "dev.db-journal" in before
    done(run(path), "Imported 1 user.")
    assert names() == ["Jane"]
    assert files(path) == before


def test_a_writer_that_has_not_begun_to_write_the_file_does_not_disturb(run, path: Path) -> None:
    with held(path, "BEGIN IMMEDIATE", "INSERT INTO User VALUES ('new', 'Uncommitted')"):
        done(run(path), "Imported 1 user.")
    assert names() == ["Jane"]


def test_one_that_is_locked_by_another_process_is_refused(run, path: Path) -> None:
    with held(path, "BEGIN EXCLUSIVE"):
        before = files(path)
        refused(run(path), "it is locked by another process")
        assert files(path) == before
    done(run(path), "Imported 1 user.")


def test_one_that_is_written_to_all_the_time_is_refused(run, path: Path, monkeypatch) -> None:
    states = itertools.count()
    monkeypatch.setattr(source, "_state", lambda _path: next(states))
    refused(run(path), "it is being written to all the time")


def empty(path: Path) -> None:
    path.write_bytes(b"")


def no_database(path: Path) -> None:
    path.write_text("my shopping list " * 500)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:9000])


def overwritten(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096 : 4096 * 4] = os.urandom(4096 * 3)
    path.write_bytes(content)


def another_database(path: Path) -> None:
    path.unlink()
    make(path, tables="CREATE TABLE Post (id INTEGER)")


def another_application(path: Path) -> None:
    path.unlink()
    make(path, tables=TABLES.replace('"hashed_password"', '"hash"'))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (Path.unlink, "No such file"),
        (empty, "the file is empty"),
        (no_database, "not a SQLite database"),
        (folder, "not a file"),
        (pipe, "not a file"),
        (cut, "damaged"),
        (overwritten, "damaged"),
        (another_database, "it has no table User"),
        (another_application, "its table Key has no column hashed_password"),
    ],
)
def test_what_is_no_sound_database_of_lucia_is_refused_in_one_line(
    run, path: Path, spoil, words: str
) -> None:
    spoil(path)
    refused(run(path), words)
    assert names() == []


@pytest.mark.database("sqlite")
def test_ones_own_database_is_refused_and_its_locks_stay(app: Flask, run) -> None:
    refused(run(database.path), "this is Vestibule's own database")


@pytest.mark.database("sqlite")
def test_a_backup_of_ours_is_no_source(app: Flask, run, tmp_path: Path) -> None:
    write_backup(tmp_path / "backup.db")
    refused(run(tmp_path / "backup.db"), "restore it as a backup")


@pytest.mark.database("sqlite")
def test_where_the_source_is_taken_for_our_own_it_is_said(
    app: Flask, run, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.close_all()
    shutil.copy(path, database.path)
    refused(run(database.path), "Set DATABASE_URL to a database of its own")


def test_the_private_copy_goes_whatever_happens(run, path: Path, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    done(run(path), "Imported 1 user.")
    overwritten(path)
    refused(run(path), "damaged")
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_source_in_utf_16_is_read_too(run, tmp_path: Path) -> None:
    path = make(tmp_path / "x.db", user("Zoë1"), tables="PRAGMA encoding = 'UTF-16';" + TABLES)
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA encoding").fetchone() == ("UTF-16le",)
    connection.close()
    done(run(path), "Imported 1 user.")
    assert names() == ["Zoë1"]


def test_a_system_without_such_locks_is_refused(path: Path, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("sys.platform", "win32")
    with pytest.raises(source.ImportRefused, match="Linux"):
        source._copy(path, tmp_path / "copy")
