import os
import re
import shutil
import sqlite3
import stat
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from commands import done, refused
from conftest import PASSWORD
from flask import Flask
from flask.testing import FlaskCliRunner
from processes import flask

import migrations
from accounts import users
from accounts.actor import OPERATOR
from app import create_app
from cli.version import VERSION
from database import backup, database, release

pytestmark = pytest.mark.database("sqlite")

HUNDRED = range(100)


@pytest.fixture
def run(runner: FlaskCliRunner):
    """Run flask db backup …."""
    return lambda file: runner.invoke(args=["db", "backup", str(file)])


def dump(path: Path | str) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return list(connection.iterdump())


def test_a_backup_holds_everything_and_is_its_owners_alone(run, tmp_path: Path) -> None:
    users.create_user("Jane", PASSWORD, OPERATOR)
    os.umask(os.umask(0))
    done(run(tmp_path / "copy.db"), "Wrote")
    assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600
    assert dump(tmp_path / "copy.db") == dump(database.path)
    assert [file.name for file in tmp_path.glob("*copy*")] == ["copy.db"]


@pytest.mark.parametrize("links", [True, False], ids=["hard links", "a USB stick"])
def test_a_backup_overwrites_nothing(run, tmp_path: Path, monkeypatch, links: bool) -> None:
    def no_links(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    if not links:
        monkeypatch.setattr(os, "link", no_links)
    done(run(tmp_path / "copy.db"), "Wrote")
    before = (tmp_path / "copy.db").read_bytes()
    users.create_user("Jane", PASSWORD, OPERATOR)
    refused(run(tmp_path / "copy.db"), "overwrites nothing")
    refused(run(database.path), "overwrites nothing")
    for suffix in ("-wal", "-journal"):  # of another database, and would be taken for the copy's
        (tmp_path / f"other.db{suffix}").touch()
        refused(run(tmp_path / "other.db"), "overwrites nothing")
        (tmp_path / f"other.db{suffix}").unlink()
    assert (tmp_path / "copy.db").read_bytes() == before
    (tmp_path / "link.db").symlink_to("nowhere")
    refused(run(tmp_path / "link.db"), "overwrites nothing")
    # Even a file that appears during the copy is kept.
    monkeypatch.setattr(os.path, "lexists", lambda _path: False)
    refused(run(tmp_path / "copy.db"), "File exists")
    assert (tmp_path / "copy.db").read_bytes() == before
    assert len(list(tmp_path.glob("*copy*"))) == 1


@pytest.mark.parametrize("file", ["nowhere/copy.db", "test.db/copy.db"])
def test_a_place_that_cannot_be_written_is_refused(run, tmp_path: Path, file: str) -> None:
    refused(run(tmp_path / file), "director")


def test_a_damaged_database_is_refused_and_leaves_no_backup(app: Flask, tmp_path, settings) -> None:
    for number in HUNDRED:
        users.create_user(f"user{number}", PASSWORD, OPERATOR)
    database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close_all()
    with Path(database.path).open("r+b") as file:
        file.seek(4096 * 2)
        file.write(os.urandom(4096 * 5))
    result = flask(settings, "db", "backup", str(tmp_path / "copy.db"))
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert list(tmp_path.glob("*copy*")) == []


def test_without_a_database_there_is_no_backup(settings, tmp_path: Path) -> None:
    runner = create_app(settings).test_cli_runner()
    refused(runner.invoke(args=["db", "backup", str(tmp_path / "copy.db")]), "flask db init")
    assert list(tmp_path.glob("*copy*")) == []
    database.close_all()


def test_ctrl_c_leaves_nothing_behind(run, tmp_path: Path, monkeypatch) -> None:
    def interrupt(_draft: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(backup, "_sync", interrupt)
    result = run(tmp_path / "copy.db")
    assert (result.exit_code, result.stdout) == (1, "")
    assert list(tmp_path.glob("*copy*")) == []


def test_under_write_load_it_holds_every_commit_acknowledged_before(
    app: Flask, settings: dict[str, str], tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(backup, "PAGES", 1)
    acknowledged: list[str] = []
    beside = 0
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            acknowledged.append(
                users.create_user(f"user{len(acknowledged)}", PASSWORD, OPERATOR).username
            )
        release()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(5):
            time.sleep(0.1)
            before = list(acknowledged)
            backup.write_backup(tmp_path / f"copy{number}.db")
            beside += len(acknowledged) - len(before)
            restored = tmp_path / "restored.db"
            shutil.copy(tmp_path / f"copy{number}.db", restored)
            with closing(sqlite3.connect(restored)) as connection:
                assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
                assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
                held = {row[0] for row in connection.execute("SELECT username FROM user")}
            assert set(before) <= held
        assert beside, "writing went on meanwhile"
    finally:
        stop.set()
        writer.join()
    # The result is a Vestibule database.
    other = {**settings, "DATABASE_URL": f"sqlite:///{restored}"}
    assert flask(other, "db", "status").returncode == 0
    assert flask(other, "users", "show", before[0]).returncode == 0


@pytest.fixture
def future(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A migration that is yet to be applied."""
    folder = tmp_path / "scripts"
    shutil.copytree(migrations.FOLDER, folder)
    monkeypatch.setattr(migrations, "FOLDER", folder)
    script = folder / "0900_next.py"
    script.write_text(
        "def up(migrator, db):\n    db.execute_sql('CREATE TABLE hat (id INTEGER)')\n"
    )
    return script


def test_before_a_migration_a_copy_is_kept_beside_the_database(
    runner: FlaskCliRunner, tmp_path: Path, future: Path
) -> None:
    users.create_user("Jane", PASSWORD, OPERATOR)
    before = dump(database.path)
    result = runner.invoke(args=["db", "init"])
    assert result.exit_code == 0, result.output
    (copy,) = tmp_path.glob("test-before-*.db")
    assert re.fullmatch(rf"test-before-{VERSION}-\d{{8}}T\d{{6}}Z\.db", copy.name)
    assert str(copy) in result.stdout
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert dump(copy) == before
    assert runner.invoke(args=["db", "init"]).exit_code == 0
    assert list(tmp_path.glob("test-before-*.db")) == [copy], "only when something changes"
    future.unlink()  # the code of before
    older = runner.invoke(args=["db", "init"])
    refused(older, "update Vestibule")
    assert str(copy) in older.stderr


def test_a_new_database_has_no_copy(settings: dict[str, str], tmp_path: Path) -> None:
    done(create_app(settings).test_cli_runner().invoke(args=["db", "init"]), "made")
    assert list(tmp_path.glob("*-before-*")) == []


def test_the_newest_three_copies_are_kept_and_nothing_else_is_deleted(
    app: Flask, tmp_path: Path
) -> None:
    dates = ("20250101T000000Z", "20250102T000000Z", "20250103T000000Z", "20250104T000000Z")
    old = [tmp_path / f"test-before-0.{9 - n}.0-{date}.db" for n, date in enumerate(dates)]
    others = [tmp_path / "test-before-lunch.db", tmp_path / "other-before-1-20250101T000000Z.db"]
    for file in [*old, *others]:
        file.touch()
    copy = backup.keep_copy(VERSION)
    assert backup.kept_copies() == [*old[2:], copy]
    assert all(file.exists() for file in others)
    assert not old[0].exists()


@pytest.mark.parametrize(
    "fault", [OSError(28, "No space left on device"), sqlite3.OperationalError("disk is full")]
)
def test_without_room_for_the_copy_nothing_is_migrated(
    runner: FlaskCliRunner, tmp_path: Path, future: Path, monkeypatch, fault: Exception
) -> None:
    def full(_copy: object) -> None:
        raise fault

    before = dump(database.path)
    monkeypatch.setattr(backup, "_copy", full)
    full_disk = runner.invoke(args=["db", "init"])
    refused(full_disk, "not migrated")
    assert str(fault.args[-1]) in full_disk.stderr
    assert dump(database.path) == before
    assert list(tmp_path.glob("*before*")) == []
