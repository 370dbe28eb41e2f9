import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import CHEAP_ARGON2, OLD_HASH, OLD_PASSWORD, PASSWORD, sql
from flask import Flask
from processes import flask

import migrations
from accounts import passwords, users
from accounts.actor import OPERATOR, Actor
from app import create_app
from cli import doctor as doctor_command
from database import database

pytestmark = pytest.mark.database("sqlite")

CHECKS = [
    "secret key", "cookies", "hash time", "files", "pragmas", "schema", "integrity", "old hashes",
    "dead rows",
]  # fmt: skip


@pytest.fixture
def kept(settings: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """A clean installation with its own instance folder, which holds the secret key."""
    folder = tmp_path / "instance"
    monkeypatch.setattr(passwords, "ARGON2", CHEAP_ARGON2)
    monkeypatch.setattr("flask.Flask.auto_find_instance_path", lambda _app: str(folder))
    app = create_app({**settings, "SECRET_KEY": "", "DATABASE_URL": "sqlite:///vestibule.db"})
    migrations.upgrade()
    yield app
    database.close_all()


def examined(app: Flask) -> dict[str, dict]:
    result = app.test_cli_runner().invoke(args=["doctor", "--json"])
    rows = {row["check"]: row for row in json.loads(result.stdout)}
    assert result.exit_code == any(row["state"] == "wrong" for row in rows.values())
    table = app.test_cli_runner().invoke(args=["doctor"])
    assert table.exit_code == result.exit_code
    for row in rows.values():
        if row["check"] != "hash time":
            assert row["finding"] in table.stdout
        assert not row["fix"] or f"fix: {row['fix']}" in table.stdout
    return rows


def test_a_clean_installation_is_well(kept: Flask) -> None:
    rows = examined(kept)
    assert list(rows) == CHECKS
    assert {row["state"] for row in rows.values()} == {"ok"}


def test_doctor_changes_nothing(kept: Flask) -> None:
    users.create_user("Jane", PASSWORD, OPERATOR)
    folder = Path(kept.instance_path)
    before = {file.name: file.read_bytes() for file in folder.iterdir() if "-" not in file.name}
    examined(kept)
    after = {file.name: file.read_bytes() for file in folder.iterdir() if "-" not in file.name}
    assert before == after


def instance(mode: int, name: str = "") -> Callable[[Flask], None]:
    return lambda app: Path(app.instance_path, name).chmod(mode)


def plant(statement: str) -> Callable[[Flask], object]:
    return lambda _app: sql(statement)


def leave_only_the_wal(app: Flask) -> None:
    users.create_user("Jane", PASSWORD, OPERATOR)
    wal = Path(f"{database.path}-wal").read_bytes()
    database.close_all()
    Path(database.path).unlink()
    Path(f"{database.path}-wal").write_bytes(wal)


def lose_the_database(app: Flask) -> None:
    database.close_all()
    Path(database.path).unlink()


def damage(app: Flask) -> None:
    for number in range(50):
        users.create_user(f"user{number}", PASSWORD, OPERATOR)
    database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close_all()
    with Path(database.path).open("r+b") as file:
        file.seek(4096 * 3 + 100)
        file.write(b"\xff" * 3000)


def orphan(app: Flask) -> None:
    database.execute_sql("PRAGMA foreign_keys = 0")
    sql("INSERT INTO key VALUES ('username', 'ghost', 'nobody', NULL)")
    database.execute_sql("PRAGMA foreign_keys = 1")


def bury(app: Flask) -> None:
    user = users.create_user("Jane", PASSWORD, OPERATOR)
    sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i <= 1000) "
        "INSERT INTO session SELECT randomblob(32), ?, 1, 1, 1, 1, 1, '', '' FROM n",
        (user.id,),
    )


def unknown_hash(app: Flask) -> None:
    users.create_user("Jane", PASSWORD, OPERATOR)
    sql("UPDATE key SET password_hash = '$2a$10$abc'")


def slow(app: Flask) -> None:
    doctor_command.SLOW_HASH = 0


def insecure(app: Flask) -> None:
    app.session_interface.attributes["httponly"] = False


def over_http(app: Flask) -> None:
    app.config["PUBLIC_URL"] = "http://accounts.example.org"


@pytest.mark.parametrize(
    ("plant", "check", "finding", "fix"),
    [
        (instance(0o644, "secret_key"), "secret key", "(mode 0644)", "chmod 600"),
        (instance(0o777), "secret key", "(mode 0777)", "chmod 700"),
        (insecure, "cookies", "sends a cookie of ['SameSite=Lax']", "PUBLIC_URL"),
        (over_http, "cookies", "in clear", "https://"),
        (slow, "hash time", "ms for each log-in", "faster machine"),
        (lose_the_database, "database", "there is no", "flask db init"),
        (leave_only_the_wal, "database", "without its database", "put vestibule.db back"),
        (instance(0o640, "vestibule.db"), "files", "(mode 0640)", "chmod 600"),
        (plant("PRAGMA foreign_keys = 0"), "pragmas", "foreign_keys is 0", "disk of this machine"),
        (plant("PRAGMA synchronous = 1"), "pragmas", "synchronous is 1", "disk"),
        (plant("DELETE FROM schema_migration"), "schema", "pending: 0001", "flask db init"),
        (plant("INSERT INTO schema_migration (name, applied) VALUES ('9999_x', '2099-01-01')"),
         "schema", "newer than this code: 9999_x", "update"),
        (plant("CREATE INDEX x ON user (username)"), "schema", "not as in models.py", "migration"),
        (damage, "integrity", "", "last backup"),
        (orphan, "integrity", "a row of key without its user", "last backup"),
        (unknown_hash, "old hashes", "1 account with a hash", "flask users set-password NAME"),
        (bury, "dead rows", "1001 sessions are over", "flask sessions prune"),
    ],
)  # fmt: skip
def test_a_fault_is_reported_with_its_fix(
    kept: Flask, plant, check: str, finding: str, fix: str, monkeypatch
) -> None:
    monkeypatch.setattr(doctor_command, "SLOW_HASH", 60)
    plant(kept)
    row = examined(kept)[check]
    assert row["state"] == "wrong"
    assert finding in row["finding"]
    assert fix in row["fix"]


def test_old_hashes_that_still_open_are_no_fault(kept: Flask) -> None:
    users.create_user("Jane", PASSWORD, OPERATOR)
    sql("UPDATE key SET password_hash = ?", (OLD_HASH,))
    row = examined(kept)["old hashes"]
    assert (row["state"], row["finding"]) == ("note", "1 account, until they log in next")
    users.log_in("Jane", OLD_PASSWORD, Actor())
    assert examined(kept)["old hashes"]["state"] == "ok"


def test_a_missing_proxy_setting_is_worth_a_note(settings, app: Flask) -> None:
    secure = create_app({**settings, "PUBLIC_URL": "https://accounts.example.org"})
    assert examined(secure)["cookies"]["state"] == "note"
    good = {**settings, "PUBLIC_URL": "https://accounts.example.org", "PROXY_HOPS": "1"}
    row = examined(create_app(good))["cookies"]
    assert row["finding"] == "https://accounts.example.org: HttpOnly, SameSite=Lax, Secure"


def test_a_weak_key_stops_it_with_its_fix(app: Flask, settings: dict[str, str]) -> None:
    result = flask({**settings, "SECRET_KEY": "too short"}, "doctor")
    assert (result.returncode, result.stdout) == (1, "")
    assert "make one with" in result.stderr
    assert flask(settings, "doctor").returncode == 0
