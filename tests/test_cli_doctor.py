import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from conftest import CHEAP_ARGON2, OLD_HASH, OLD_PASSWORD, PASSWORD, lacking, sql
from flask import Flask
from processes import ROOT, environment, flask

import migrations
from accounts import passwords, users
from accounts.actor import OPERATOR, Actor
from app import create_app
from cli.doctor import content, files, installation
from database import database, untouched

pytestmark = pytest.mark.database("sqlite")

CHECKS = [
    "version", "settings", "secret key", "cookies", "hash time", "disk", "database", "files",
    "place", "pragmas", "schema", "integrity", "accounts", "old hashes", "dead rows",
]  # fmt: skip


@pytest.fixture
def kept(settings: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """A clean installation with its own instance folder, which holds the secret key."""
    folder = tmp_path / "instance"
    monkeypatch.setattr(passwords, "ARGON2", CHEAP_ARGON2)
    monkeypatch.setattr(files, "MOUNTS", tmp_path / "none")  # this may be a container
    monkeypatch.setattr("flask.Flask.auto_find_instance_path", lambda _app: str(folder))
    app = create_app({**settings, "SECRET_KEY": "", "DATABASE_URL": "sqlite:///vestibule.db"})
    migrations.upgrade()
    yield app
    database.close_all()


def examined(app: Flask) -> dict[str, dict]:
    result = app.test_cli_runner().invoke(args=["doctor", "--json"])
    rows = {row["check"]: row for row in json.loads(result.stdout)}
    assert result.exit_code == any(row["state"] == "fail" for row in rows.values())
    table = app.test_cli_runner().invoke(args=["doctor"])
    assert table.exit_code == result.exit_code
    for row in rows.values():
        if row["check"] not in {"hash time", "disk"}:
            assert row["finding"] in table.stdout
        assert not row["fix"] or f"fix: {row['fix']}" in table.stdout
    return rows


def test_a_clean_installation_is_well(kept: Flask) -> None:
    rows = examined(kept)
    assert [name for name in rows if name in CHECKS] == CHECKS  # and those of features
    assert {row["state"] for row in rows.values()} == {"ok"}


def test_doctor_changes_nothing(kept: Flask) -> None:
    users.create_user("Jane", PASSWORD, OPERATOR)
    database.close_all()
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


def change_journal(app: Flask) -> None:
    database.close_all()
    with closing(sqlite3.connect(database.path)) as connection:
        connection.execute("PRAGMA journal_mode = delete")


def overwrite(content: bytes) -> Callable[[Flask], object]:
    def act(_app: Flask) -> None:
        database.close_all()
        Path(database.path).write_bytes(content)

    return act


def cut(size: int) -> Callable[[Flask], object]:
    def act(_app: Flask) -> None:
        database.close_all()
        os.truncate(database.path, size if size < 512 else 4096 * 12 + size)

    return act


def empty(app: Flask) -> None:
    overwrite(b"")(app)


def make_folder(app: Flask) -> None:
    lose_the_database(app)
    Path(database.path).mkdir()


def link_twice(app: Flask) -> None:
    Path(f"{database.path}.2").hardlink_to(database.path)


def through_a_link(app: Flask) -> None:
    database.close_all()
    real = Path(app.instance_path, "data", "real.db")
    real.parent.mkdir(mode=0o700)
    Path(database.path).rename(real)
    Path(database.path).symlink_to(real)
    real.chmod(0o640)


def unknown_hash(app: Flask) -> None:
    users.create_user("Jane", PASSWORD, OPERATOR)
    sql("UPDATE key SET password_hash = '$2a$10$abc'")


def slow(app: Flask) -> None:
    installation.SLOW_HASH = 0


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
        (change_journal, "pragmas", "journal_mode is delete", "disk of this machine"),
        (plant("DELETE FROM schema_migration WHERE name LIKE '0003%'"),
         "schema", "pending: 0003", "flask db init"),
        (plant("DROP TABLE schema_migration"), "database", "lost its table", "backup"),
        (plant("DROP TABLE session"), "schema", "session", "migration"),
        (plant("DROP TABLE session"), "dead rows", "no such table: session", "flask db init"),
        (plant("DROP INDEX session_idle_expires_at"), "schema", "idle_expires_at", "migration"),
        (overwrite(b"my shopping list " * 500), "database", "not a database", "backup"),
        (overwrite(b"x"), "database", "not a database", "backup"),
        (cut(2500), "database", "malformed", "backup"),
        (cut(100), "database", "not a database", "backup"),
        (empty, "accounts", "no such table", "flask db init"),
        (make_folder, "database", "is a folder", "DATABASE_URL"),
        (link_twice, "files", "2 names", "remove the other names"),
        (through_a_link, "files", "(mode 0640)", "chmod 600"),
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
    monkeypatch.setattr(installation, "SLOW_HASH", 60)
    monkeypatch.setattr(untouched, "PATIENCE", 0)
    plant(kept)
    row = examined(kept)[check]
    assert row["state"] == "fail"
    assert finding in row["finding"]
    assert fix in row["fix"]


def test_old_hashes_that_still_open_are_no_fault(kept: Flask) -> None:
    users.create_user("Jane", PASSWORD, OPERATOR)
    sql("UPDATE key SET password_hash = ?", (OLD_HASH,))
    row = examined(kept)["old hashes"]
    assert (row["state"], row["finding"]) == ("warn", "1 account, until they log in next")
    users.log_in("Jane", OLD_PASSWORD, Actor())
    assert examined(kept)["old hashes"]["state"] == "ok"


def test_a_missing_proxy_setting_is_worth_a_note(settings, app: Flask) -> None:
    secure = create_app({**settings, "PUBLIC_URL": "https://accounts.example.org"})
    assert examined(secure)["cookies"]["state"] == "warn"
    good = {**settings, "PUBLIC_URL": "https://accounts.example.org", "PROXY_HOPS": "1"}
    row = examined(create_app(good))["cookies"]
    assert (
        row["finding"]
        == "https://accounts.example.org, PROXY_HOPS=1: HttpOnly, SameSite=Lax, Secure"
    )


def test_a_weak_key_stops_it_with_its_fix(app: Flask, settings: dict[str, str]) -> None:
    result = flask({**settings, "SECRET_KEY": "too short"}, "doctor")
    assert (result.returncode, result.stdout) == (1, "")
    assert "make one with" in result.stderr
    assert flask(settings, "doctor").returncode == 0


def test_the_clock_behind_the_last_event_is_worth_a_warning(kept: Flask) -> None:
    users.create_user("Jane", PASSWORD, OPERATOR)
    sql("UPDATE event SET at = at + 3600000")
    row = examined(kept)["accounts"]
    assert (row["state"], row["fix"]) == ("warn", "set the clock; better let NTP do so")
    assert "59 minutes behind" in row["finding"] or "60 minutes behind" in row["finding"]


def all_of(folder: Path) -> dict[str, tuple[object, ...]]:
    return {
        str(path): (path.is_file() and path.read_bytes(), path.lstat().st_mtime_ns)
        for path in [folder, *folder.rglob("*")]
    }


def test_a_settings_file_with_the_key_is_its_owners_alone(
    settings: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "settings"
    file.write_text("".join(f"{name}='{value}'\n" for name, value in settings.items()))
    file.chmod(0o644)
    done = flask({"VESTIBULE_ENV": str(file)}, "doctor")
    assert f"fix: chmod 600 {file}" in done.stdout
    file.chmod(0o600)
    assert f"ok     settings      {file}" in flask({"VESTIBULE_ENV": str(file)}, "doctor").stdout


def test_a_clock_before_this_code_is_wrong(kept: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 86_400.0)
    assert installation.check_version()[0] == "fail"


@pytest.mark.parametrize("state", ["at rest", "killed", "killed, no -shm", "old schema", "damaged"])
def test_it_makes_and_changes_nothing_beside_a_database(
    settings: dict[str, str], kept: Flask, tmp_path: Path, state: str
) -> None:
    for number in range(30):
        users.create_user(f"user{number}", PASSWORD, OPERATOR)
    if state == "old schema":
        sql("DELETE FROM schema_migration WHERE name LIKE '0003%'")
    folder = tmp_path / "copies"
    folder.mkdir(mode=0o700)
    if not state.startswith("killed"):
        database.close_all()
    for file in Path(kept.instance_path).glob("vestibule.db*"):
        if state != "killed, no -shm" or "-shm" not in file.name:
            shutil.copy(file, folder)
    database.close_all()
    if state == "damaged":
        os.truncate(folder / "vestibule.db", 4096 * 9 + 7)
    before = {name: kept for name, kept in all_of(folder).items() if "-shm" not in name}
    names = set(all_of(folder))
    done = flask({**settings, "DATABASE_URL": f"sqlite:///{folder}/vestibule.db"}, "doctor")
    assert "Traceback" not in done.stderr
    assert ("30 users" in done.stdout) == (state != "damaged")
    assert set(all_of(folder)) == names
    assert {name: kept for name, kept in all_of(folder).items() if "-shm" not in name} == before


def test_on_a_fresh_clone_it_makes_neither_key_nor_folder_nor_database(tmp_path: Path) -> None:
    code = (
        "import flask, sys; from flask.cli import main; folder = sys.argv.pop();"
        "flask.Flask.auto_find_instance_path = lambda self: folder; main()"
    )
    settings = {"DATABASE_URL": "sqlite:///vestibule.db"}
    done = subprocess.run(
        [sys.executable, "-c", code, "doctor", str(tmp_path / "a/instance")],
        env=environment(settings), cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "not made yet" in done.stdout
    assert "flask db init" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_check_that_blows_up_is_a_finding_and_stops_no_other(
    kept: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode() -> None:
        raise UnicodeDecodeError("utf-8", b"x", 0, 1, "no\nluck")

    for name in ("schema", "integrity"):
        monkeypatch.setitem(content.CONTENT, name, explode)
    monkeypatch.setattr(files, "_mounts", explode)
    rows = examined(kept)
    assert [name for name in rows if name in CHECKS] == CHECKS  # and those of features
    failed = [name for name, row in rows.items() if row["state"] == "fail"]
    assert failed == ["place", "schema", "integrity"]


LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute(sys.argv[2])
connection.execute("BEGIN IMMEDIATE")
connection.execute("SELECT * FROM user")
print("locked", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("pragma", ["PRAGMA locking_mode = exclusive", "SELECT 1"])
def test_a_database_that_another_process_keeps_locked_is_reported(
    kept: Flask, monkeypatch: pytest.MonkeyPatch, pragma: str
) -> None:
    monkeypatch.setattr(untouched, "PATIENCE", 0)
    database.close_all()
    holder = subprocess.Popen(
        [sys.executable, "-c", LOCK, database.path, pragma],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    with holder:
        holder.stdout.readline()
        row = examined(kept)["database"]
        holder.communicate()
    assert row["state"] == "fail"
    assert "locked" in row["finding"]
    assert "fuser" in row["fix"]
    assert examined(kept)["database"]["state"] == "ok"


@pytest.mark.parametrize(
    ("kind", "state", "words"),
    [("ext4", "ok", "on ext4"), ("nfs4", "warn", "write-ahead"),
     ("fuse.sshfs", "warn", "write-ahead"),
     ("overlay", "warn", "inside the container"), ("tmpfs", "warn", "in memory")],
)  # fmt: skip
@pytest.mark.parametrize("mounted", ["folder", "file"])
def test_it_sees_what_the_database_is_on(
    kept: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, state: str, words: str,
    mounted: str,
) -> None:  # fmt: skip
    folder = str(Path(kept.instance_path)).replace(" ", "\\040")
    point = folder if mounted == "folder" else f"{folder}/vestibule.db"
    lines = [
        "21 1 254:0 / / rw,relatime shared:1 - btrfs /dev/vda rw",
        f"22 21 254:0 /x {point} rw,relatime - {kind} x rw",
        "23 21 0:5 / /proc rw - proc proc rw",
    ]
    (tmp_path / "mountinfo").write_text("\n".join(lines) + "\n")
    monkeypatch.setattr(files, "MOUNTS", tmp_path / "mountinfo")
    row = examined(kept)["place"]
    if mounted == "file":
        state, words = "fail", "without its folder"
        assert f"mount the folder {kept.instance_path}" in row["fix"]
    assert row["state"] == state
    assert words in row["finding"]


@pytest.mark.parametrize(
    ("free", "inodes", "state"),
    [(10**10, 10**6, "ok"), (10**8, 10**6, "warn"), (10**7, 10**6, "fail"), (10**10, 99, "warn"),
     (10**10, 0, "fail")],
)  # fmt: skip
def test_low_disk_is_seen(
    kept: Flask, monkeypatch: pytest.MonkeyPatch, free: int, inodes: int, state: str
) -> None:
    monkeypatch.setattr(files, "_room", lambda _folder: (free, inodes))
    assert examined(kept)["disk"]["state"] == state


def test_wrong_owners_are_seen(kept: Flask) -> None:
    if os.geteuid() != 0:
        lacking("only root can give files away")
    users.create_user("Jane", PASSWORD, OPERATOR)
    wal = Path(f"{database.path}-wal")
    database.close_all()
    wal.touch(0o600)
    os.chown(wal, 12345, 12345)
    row = examined(kept)["files"]
    assert (row["state"], row["fix"]) == ("fail", f"chown 0 {wal}")
