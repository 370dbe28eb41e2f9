import shutil
import sqlite3
from pathlib import Path

import pytest
from conftest import PASSWORD
from flask import Flask
from peewee import IntegrityError, OperationalError, SqliteDatabase
from processes import flask, flask_at_once

import migrations
from accounts import sessions, users
from accounts.actor import OPERATOR, Actor
from app import create_app
from database import database
from models import MODELS, User

pytestmark = pytest.mark.database("sqlite")

HISTORY = "schema_migration"
FAMILY = ("user", "key", "session")  # one row in each for every user who signed up


@pytest.fixture
def empty(settings: dict[str, str]):
    """An application whose database does not exist yet."""
    create_app(settings)
    yield Path(database.path)
    database.close_all()


@pytest.fixture
def filled(app: Flask) -> dict[str, list[tuple]]:
    """Everything in a database with users, keys and sessions."""
    for number in range(20):
        users.sign_up(f"user{number}", PASSWORD, Actor("192.0.2.1", "Firefox"))
    database.execute_sql("UPDATE user SET locked_at = 1 WHERE username = 'user7'")
    database.execute_sql("UPDATE key SET password_hash = NULL WHERE provider_user_id = 'user8'")
    return content()


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with today's migrations, to which a test adds future ones."""
    folder = tmp_path / "scripts"
    shutil.copytree(migrations.FOLDER, folder)
    monkeypatch.setattr(migrations, "FOLDER", folder)
    return folder


def schema(path: Path) -> dict[str, str]:
    connection = sqlite3.connect(path)
    try:
        rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        return {name: sql for name, sql in rows if not name.startswith(HISTORY)}
    finally:
        connection.close()


def content() -> dict[str, list[tuple]]:
    tables = [model._meta.table_name for model in MODELS]
    return {
        table: sorted(database.execute_sql(f'SELECT * FROM "{table}"').fetchall(), key=repr)
        for table in tables
    }


def write(folder: Path, name: str, step: str) -> None:
    lines = "".join(f"    {line}\n" for line in step.splitlines())
    (folder / f"{name}.py").write_text(f"from peewee import *\n\n\ndef up(migrator, db):\n{lines}")


def test_migrating_from_nothing_gives_the_schema_of_the_models(empty: Path, tmp_path: Path) -> None:
    applied = migrations.upgrade()
    assert applied == sorted(script.stem for script in migrations.FOLDER.glob("[0-9]*.py"))
    modelled = SqliteDatabase(str(tmp_path / "models.db"))
    with modelled.bind_ctx(MODELS), modelled:
        modelled.create_tables(MODELS)
    # A table that a feature has left behind has no model.
    tables = tuple(model._meta.table_name for model in MODELS)
    migrated = {name: made for name, made in schema(empty).items() if name.startswith(tables)}
    assert migrated == schema(tmp_path / "models.db")
    assert len(migrated) > len(MODELS)
    assert migrations.differences() == ""


def test_migrating_again_changes_nothing(filled: dict, settings: dict[str, str]) -> None:
    before = (
        schema(Path(database.path)),
        database.execute_sql(f"SELECT * FROM {HISTORY}").fetchall(),
    )
    assert migrations.upgrade() == []
    after = schema(Path(database.path)), database.execute_sql(f"SELECT * FROM {HISTORY}").fetchall()
    assert after == before
    assert content() == filled


def test_a_new_database_is_its_owners_alone(empty: Path) -> None:
    migrations.upgrade()
    users.create_user("Jane", PASSWORD, OPERATOR)
    files = [file for file in empty.parent.iterdir() if file.name.startswith(empty.name)]
    assert len(files) > 1, "the WAL is a separate file"
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_a_missing_folder_is_an_error_in_words(tmp_path: Path, settings: dict[str, str]) -> None:
    settings["DATABASE_URL"] = f"sqlite:///{tmp_path}/no/such/folder/x.db"
    create_app(settings)
    with pytest.raises(OperationalError, match=r"x.db: No such file or directory"):
        migrations.upgrade()


def test_what_is_no_database_is_refused_and_left_alone(empty: Path) -> None:
    empty.write_bytes(b"my shopping list " * 500)
    with pytest.raises(Exception, match="not a database"):
        migrations.upgrade()
    assert empty.read_bytes() == b"my shopping list " * 500


def test_a_rebuild_of_a_table_with_children_loses_nothing(filled: dict, scripts: Path) -> None:
    write(scripts, "0900_rebuild", "migrator.migrate(migrator.drop_not_null('user', 'created_at'))")
    before = schema(Path(database.path))
    assert migrations.upgrade() == ["0900_rebuild"]
    assert schema(Path(database.path))["user"] != before["user"], "the table was rebuilt"
    assert content() == filled
    assert database.execute_sql("PRAGMA foreign_keys").fetchone() == (1,)
    users.delete_user(User.get(User.username == "user0"), OPERATOR)
    assert {
        table: len(rows) for table, rows in content().items() if table in FAMILY
    } == dict.fromkeys(FAMILY, 19)


def test_a_new_column_and_a_new_table_lose_nothing(filled: dict, scripts: Path) -> None:
    write(
        scripts,
        "0900_more",
        "migrator.migrate(migrator.add_column('user', 'more', TextField(null=True)))\n"
        "db.execute_sql('CREATE TABLE more (id INTEGER PRIMARY KEY) STRICT')",
    )
    migrations.upgrade()
    assert [row[:-1] for row in content()["user"]] == filled["user"]
    assert {**content(), "user": []} == {**filled, "user": []}


@pytest.mark.parametrize(
    ("step", "error"),
    [
        ("db.execute_sql('DELETE FROM user')", IntegrityError),
        ("db.execute_sql('UPDATE user SET id = id || 1')", IntegrityError),
        ("db.execute_sql('DROP TABLE key')\nraise ValueError('half way')", ValueError),
        ("db.execute_sql('DROP TABLE key')\ndb.execute_sql('nonsense')", OperationalError),
    ],
    ids=["orphans by delete", "orphans by update", "crash", "wrong SQL"],
)
def test_a_script_that_fails_or_would_orphan_rows_is_rolled_back(
    filled: dict, scripts: Path, step: str, error: type[Exception]
) -> None:
    write(scripts, "0900_bad", step)
    before = schema(Path(database.path))
    with pytest.raises(error):
        migrations.upgrade()
    assert content() == filled
    assert schema(Path(database.path)) == before
    assert database.execute_sql("PRAGMA foreign_keys").fetchone() == (1,)
    pending = [migration.name for migration in migrations.status() if not migration.applied]
    assert pending == ["0900_bad"]
    (scripts / "0900_bad.py").unlink()
    assert migrations.upgrade() == []


def test_what_came_before_a_failing_script_stays_applied(filled: dict, scripts: Path) -> None:
    write(scripts, "0900_good", "db.execute_sql('CREATE TABLE good (id INTEGER PRIMARY KEY)')")
    write(scripts, "0901_bad", "raise ValueError('half way')")
    with pytest.raises(ValueError, match="half way"):
        migrations.upgrade()
    assert "good" in schema(Path(database.path))
    (scripts / "0901_bad.py").unlink()
    assert migrations.upgrade() == []


def test_b160_a_database_of_a_newer_vestibule_is_refused_untouched(
    filled: dict, settings: dict[str, str], scripts: Path
) -> None:
    database.execute_sql(
        f"INSERT INTO {HISTORY} (name, applied) VALUES ('9999_future', '2099-01-01 00:00:00')"
    )
    write(scripts, "0900_more", "db.execute_sql('CREATE TABLE more (id INTEGER PRIMARY KEY)')")
    with pytest.raises(OperationalError, match=r"newer than this code .*9999_future"):
        migrations.upgrade()
    assert "more" not in schema(Path(database.path))
    assert content() == filled
    for command in ("db", "init"), ("serve",):
        done = flask(settings, *command)
        assert done.returncode == 1, command
        assert "9999_future" in done.stderr
        assert done.stderr.count("\n") == 1


def test_of_several_starts_at_once_one_migrates(settings: dict[str, str]) -> None:
    done = flask_at_once(settings, "db", "init", times=5)
    assert [process.returncode for process in done] == [0] * 5, [p.stderr for p in done]
    done_by = [process.stdout.split(": ")[-1].split()[0] for process in done]
    assert sorted(done_by) == ["made", "up", "up", "up", "up"]


def test_a_filled_database_survives_starts_at_once(filled: dict, settings: dict[str, str]) -> None:
    """It is started again while a session is in use: no row is lost, no one is logged out."""
    token = users.log_in("user1", PASSWORD, Actor()).token
    done = flask_at_once(settings, "db", "init", times=3)
    assert {process.stdout.split(": ")[-1].strip() for process in done} == {
        "up to date, nothing to do"
    }
    assert sessions.validate_session(token)
