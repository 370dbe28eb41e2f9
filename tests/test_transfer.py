"""flask db copy: from SQLite to PostgreSQL."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from conftest import CHEAP_ARGON2, PASSWORD, Browser, everything
from flask import Flask
from peewee import PeeweeException

import migrations
from accounts import passwords, users
from accounts.actor import Actor
from app import create_app
from database import database
from database.postgresql import transfer
from models import MODELS, Event

pytestmark = pytest.mark.database("postgresql")


@pytest.fixture
def here(settings: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """Vestibule on SQLite, with users in it; the settings are those of PostgreSQL."""
    monkeypatch.setattr(passwords, "ARGON2", CHEAP_ARGON2)
    app = create_app({**settings, "DATABASE_URL": f"sqlite:///{tmp_path}/here.db"})
    migrations.upgrade()
    for name in ("Jane", "Ørjan", "josé"):
        users.sign_up(name, PASSWORD, Actor("192.0.2.1", "Firefox"))
    return app


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """No connection stays open, whichever application opened it."""
    yield
    database.close_all()


def copy(app: Flask, url: str) -> Result:
    database.close()
    return app.test_cli_runner().invoke(args=["db", "copy", "--to", url])


def test_everything_is_there_and_people_stay_signed_in(
    here: Flask, settings: dict[str, str]
) -> None:
    jane = Browser(here)
    jane.log_in("Jane")
    before = everything()
    done = copy(here, settings["DATABASE_URL"])
    assert (done.exit_code, done.stderr) == (0, "")
    copied = "3 users, 3 keys, 4 sessions, 4 events, 4 counters"  # then those of features
    assert done.stdout.startswith("Copied to PostgreSQL, ")
    assert f" and compared: {copied}" in done.stdout
    assert "_" not in done.stdout.partition(" and compared: ")[2]
    there = create_app(settings)
    assert everything() == before
    moved = Browser(there)
    moved.client._cookies.update(jane.client._cookies)
    assert moved.is_signed_in()
    assert Browser(there).log_in("josé").status_code == 302
    assert Browser(there).sign_up("Newcomer").status_code == 302
    assert Browser(there).sign_up("jane").status_code == 400


def test_numbers_of_events_go_on_where_they_were(here: Flask, settings: dict[str, str]) -> None:
    last = Event.select().order_by(Event.id.desc()).get().id
    assert copy(here, settings["DATABASE_URL"]).exit_code == 0
    there = create_app(settings)
    Browser(there).sign_up("Newcomer")
    assert Event.select().order_by(Event.id.desc()).get().id == last + 1


def test_an_empty_installation_moves_too(settings: dict[str, str], tmp_path: Path) -> None:
    app = create_app({**settings, "DATABASE_URL": f"sqlite:///{tmp_path}/here.db"})
    migrations.upgrade()
    assert copy(app, settings["DATABASE_URL"]).exit_code == 0
    assert Browser(create_app(settings)).sign_up("Jane").status_code == 302


def test_a_database_with_accounts_in_it_is_refused(here: Flask, settings: dict[str, str]) -> None:
    assert copy(here, settings["DATABASE_URL"]).exit_code == 0
    again = copy(here, settings["DATABASE_URL"])
    assert (again.exit_code, again.stdout) == (1, "")
    assert again.stderr.endswith("is not empty\n")


def test_what_somebody_writes_meanwhile_is_never_lost_silently(
    here: Flask, settings: dict[str, str], tmp_path: Path
) -> None:
    def write(_rows: int) -> None:
        with sqlite3.connect(tmp_path / "here.db") as other:
            other.execute("UPDATE user SET locked_at = 1")
        other.close()

    database.close()
    target = transfer.target_at(settings["DATABASE_URL"])
    with pytest.raises(transfer.CopyRefused, match="stop the server"):
        transfer.copy_to(target, MODELS, migrations.upgrade, write)
    create_app(settings)
    assert not any(everything().values()), "nothing was copied"


@pytest.mark.parametrize("table", ["user", "key", "session", "event"])
def test_a_row_that_comes_out_as_another_is_noticed(
    here: Flask, settings: dict[str, str], table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = type(transfer.database_at(settings["DATABASE_URL"]))
    copy_in = target.copy_in

    def careless(self: object, into: str, rows: Iterator[tuple]) -> None:
        kept = list(rows)
        copy_in(self, into, iter(kept[:-1] if f'"{table}" ' in into else kept))

    monkeypatch.setattr(target, "copy_in", careless)
    done = copy(here, settings["DATABASE_URL"])
    assert (done.exit_code, done.stdout) == (1, "")
    create_app(settings)
    assert not any(everything().values())


def test_a_name_that_postgresql_cannot_keep_is_refused_and_nothing_is_copied(
    here: Flask, settings: dict[str, str]
) -> None:
    database.execute_sql("UPDATE user SET username = ? WHERE username = 'Jane'", ("Ja\0ne",))
    done = copy(here, settings["DATABASE_URL"])
    assert (done.exit_code, done.stdout) == (1, "")
    assert "NUL" in done.stderr
    create_app(settings)
    assert not any(everything().values())


def test_only_from_sqlite_to_postgresql(
    here: Flask, settings: dict[str, str], tmp_path: Path
) -> None:
    refused = copy(here, f"sqlite:///{tmp_path}/there.db")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "flask db backup" in refused.stderr
    there = create_app(settings)
    migrations.upgrade()
    refused = copy(there, settings["DATABASE_URL"])
    assert refused.exit_code == 1
    assert "pg_dump" in refused.stderr


def test_a_server_that_is_not_there_is_said_in_one_line(here: Flask) -> None:
    refused = copy(here, "postgresql://jane:secret@127.0.0.1:1/vestibule")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.count("\n") == 1
    assert "secret" not in refused.stderr
    target = transfer.target_at("postgresql://127.0.0.1:1/vestibule")
    with pytest.raises(PeeweeException):
        transfer.copy_to(target, MODELS, migrations.upgrade, print)


@pytest.mark.parametrize("rows_per_report", [1, 2, 3, 1000])
def test_every_row_is_reported_once_when_copied_and_once_when_compared(
    here: Flask, settings: dict[str, str], rows_per_report: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "ROWS_PER_REPORT", rows_per_report)
    total, reports = transfer.count_rows(MODELS), []
    target = transfer.target_at(settings["DATABASE_URL"])
    transfer.copy_to(target, MODELS, migrations.upgrade, reports.append)
    assert total > 10
    assert sum(reports) == 2 * total
