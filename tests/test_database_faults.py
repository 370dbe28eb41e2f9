"""The database is locked, full, gone, damaged, read-only, or of another version: the page says in
plain words that nothing was changed and keeps what was typed, one line tells the operator what to
do, and the application recovers without a restart. faults.py causes the faults.
"""

import sqlite3
import subprocess
import threading
import time
from contextlib import closing
from pathlib import Path

import faults
import pytest
from conftest import PASSWORD, Browser, field, hidden_fields, lacking, page_form, soup
from faults import impatient, log, settings
from peewee import DataError, InternalError, OperationalError
from processes import flask

from accounts import users
from accounts.actor import OPERATOR
from app import create_app
from database import database, release
from models import MODELS, Session, User

pytestmark = pytest.mark.database("sqlite")

FAULTS = {
    # how it is caused, what the operator reads, whether pages can still be read
    "b135-locked": (faults.locked, "fuser", True),
    "b137-full": (faults.full, "disk is full", True),
    "b138-failing": (faults.failing_writes, "disk fails", True),
    "b139-read-only": (faults.read_only, "owner and mode", True),
    "b139-read-only-folder": (faults.read_only_folder, "owner and mode", False),
    "b140-junk": (faults.junk, "damaged", False),
    "b140-cut": (faults.cut, "damaged", False),
    "b140-smashed": (faults.smashed, "damaged", False),
    "b141-empty": (faults.empty, "flask db init", False),
    "b141-missing-table": (faults.missing_table, "flask db init", True),
    "b141-older": (faults.older, "flask db init", False),
    "b141-not-ours": (faults.not_ours, "restore a backup", False),
    "b143-missing": (faults.missing, "is missing", False),
    "b144-deleted-while-open": (faults.deleted_while_open, "is missing", False),
    "b160-newer": (faults.newer, "newer than this code (9999_future)", False),
}
EACH = pytest.mark.parametrize("name", FAULTS)
__all__ = ["impatient", "log", "settings"]  # fixtures


def rows():
    """Return everything but counters."""
    release()
    tables = [model._meta.table_name for model in MODELS if model._meta.table_name != "counter"]
    return {name: sorted(database.execute_sql(f'SELECT * FROM "{name}"').fetchall(), key=repr)
            for name in tables}  # fmt: skip


def typed(browser, path, username):
    form = page_form(browser.get(path).text, path)
    return {"username": username, "password": PASSWORD} | hidden_fields(form)


@EACH
@pytest.mark.parametrize(("path", "username"), [("/signup", "Other"), ("/login", "Jane")])
def test_a_form_comes_back_as_typed_with_503_and_works_when_the_fault_is_over(
    app, jane, log, name, path, username
):
    fault, advice, _ = FAULTS[name]
    browser = Browser(app)
    form = typed(browser, path, username)
    before = rows()
    log()
    with fault():
        page = browser.client.post(path, data=form)
        lines = log()
    assert page.status_code == 503
    assert int(page.headers["Retry-After"]) > 0
    assert "Nothing was changed" in soup(page.text).find(role="alert").get_text()
    assert field(page.text, "username")["value"] == username
    assert field(page.text, "password").get("value") is None
    assert not [cookie for cookie in page.headers.getlist("Set-Cookie") if "known" in cookie]
    assert len(lines) == 1
    assert lines[0]["event"] == "sys_error"
    assert advice in lines[0]["message"] + lines[0]["advice"]
    assert rows() == before
    again = hidden_fields(page_form(page.text, path))
    assert browser.client.post(path, data=form | again).status_code == 302


@EACH
def test_pages_without_accounts_answer_and_readers_read_on_where_it_can_be_read(jane, log, name):
    fault, _, readable = FAULTS[name]
    stranger = Browser(jane.client.application)
    with fault():
        assert [stranger.get(path).status_code for path in ("/", "/signup", "/login")] == [200] * 3
        assert jane.get("/").status_code == (200 if readable else 503)
        assert stranger.get("/healthz").status_code == (200 if readable else 503)
    assert jane.is_signed_in()


@EACH
def test_commands_say_it_in_one_line_and_do_nothing(app, jane, runner, name):
    before = rows()
    release()
    with FAULTS[name][0]():
        done = runner.invoke(args=["users", "lock", "Jane"])
        database.close_all()
    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr.startswith("Error: the database cannot be used: ")
    assert FAULTS[name][1] in done.stderr  # what to do
    assert done.stderr.count("\n") == 1
    assert rows() == before


@EACH
def test_no_fault_of_the_installation_counts_as_the_programs(app, jane, name, monkeypatch):
    """DataError and InternalError are a 500: "the fault is ours"."""
    raised = []
    monkeypatch.setattr(database.obj, "advice", lambda error: raised.append(error) or "")
    with FAULTS[name][0]():
        assert Browser(app).sign_up("Other").status_code == 503
    assert raised
    assert not [error for error in raised if isinstance(error, DataError | InternalError)]


@EACH
def test_after_any_fault_the_database_is_sound(jane, name):
    with FAULTS[name][0]():
        Browser(jane.client.application).sign_up("Other")
    assert database.execute_sql("PRAGMA integrity_check").fetchone() == ("ok",)
    assert database.execute_sql("PRAGMA foreign_key_check").fetchall() == []


def test_b135_a_write_waits_for_another_one_that_ends_in_time(app, jane):
    database.pragma("busy_timeout", 5000, permanent=True)
    database.close_all()
    other = Browser(app)
    form = typed(other, "/signup", "Other")
    with closing(sqlite3.connect(database.path, check_same_thread=False)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        timer = threading.Timer(0.3, holder.rollback)
        timer.start()
        assert other.client.post("/signup", data=form).status_code == 302
        timer.join()


def test_b136_no_write_fails_because_somebody_else_wrote_in_between(app):
    database.pragma("busy_timeout", 5000, permanent=True)
    database.close_all()
    enough = threading.Event()

    def write():
        with closing(sqlite3.connect(database.path, isolation_level=None, timeout=10)) as other:
            while not enough.is_set():
                other.execute("UPDATE user SET created_at = created_at + 1")
                time.sleep(0.001)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(10):
            browser = Browser(app)
            assert browser.sign_up(f"name{number}").status_code == 302
            assert browser.log_out().status_code == 302
            assert browser.log_in(f"name{number}").status_code == 302
    finally:
        enough.set()
        writer.join()


@pytest.mark.slow
def test_b137_a_full_disk_refuses_and_works_again_when_there_is_space(settings, tmp_path):
    """A really full disk: a file system of half a megabyte in memory."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "none", str(tmp_path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        lacking("only root can mount a small file system")
    try:
        database.close_all()
        settings |= {"DATABASE_URL": f"sqlite:///{tmp_path}/small.db"}
        assert flask(settings, "db", "init").returncode == 0
        app = create_app(settings)
        assert Browser(app).sign_up("Jane").status_code == 302
        ballast = tmp_path / "ballast"
        with pytest.raises(OSError, match="No space left"):
            ballast.write_bytes(b"x" * 1_000_000)
        answers = [Browser(app).sign_up(f"name{number}") for number in range(30)]
        assert answers[-1].status_code == 503
        made = [answer for answer in answers if answer.status_code == 302]
        ballast.unlink()
        assert User.select().count() == Session.select().count() == 1 + len(made)
        assert Browser(app).sign_up("Other").status_code == 302
        assert database.execute_sql("PRAGMA integrity_check").fetchone() == ("ok",)
        database.close_all()
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_b144_a_backup_put_in_place_while_running_is_used_from_the_next_request_on(app, jane):
    copy = Path(database.path).with_name("copy")
    with closing(sqlite3.connect(copy)) as target:
        database.connection().backup(target)
    release()
    Browser(app).sign_up("Later")
    for file in Path(database.path).parent.glob("test.db-*"):
        file.unlink()  # otherwise the old WAL would be applied to the backup
    copy.rename(database.path)
    assert Browser(app).log_in("Later").status_code == 400
    assert jane.is_signed_in()


def test_b160_a_running_server_notices_a_newer_database_within_a_minute(jane, log, monkeypatch):
    """Another Vestibule was updated and migrated the shared database."""
    assert jane.is_signed_in()
    with closing(sqlite3.connect(database.path)) as other, other:
        other.execute("INSERT INTO schema_migration VALUES (9999, '9999_future', '2099-01-01')")
    later = time.monotonic() + 61
    monkeypatch.setattr(time, "monotonic", lambda: later)
    answer = jane.get("/profile")
    assert answer.status_code == 503
    assert "Set-Cookie" not in answer.headers
    assert "newer than this code (9999_future)" in log()[0]["message"]


def lose_the_transaction():
    with database.atomic():
        database.execute_sql("ROLLBACK")  # as SQLite does by itself on a full disk
        raise OperationalError("the disk is full")


def test_a_rollback_that_is_not_needed_any_more_hides_no_fault(app):
    with pytest.raises(OperationalError, match="the disk is full"):
        lose_the_transaction()
    assert users.create_user("Jane", PASSWORD, OPERATOR)
