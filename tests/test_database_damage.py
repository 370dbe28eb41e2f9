"""A database that cannot be used at the start, and rows that Vestibule did not write."""

import faults
import pytest
from conftest import PASSWORD, Browser, page_text
from faults import impatient, log, settings
from peewee import IntegrityError
from processes import flask

from accounts import users
from accounts.actor import OPERATOR
from database import database
from models import Event, Key, User

pytestmark = pytest.mark.database("sqlite")
__all__ = ["impatient", "log", "settings"]  # fixtures


@pytest.mark.parametrize("fault", [faults.read_only, faults.read_only_folder])
def test_b139_a_database_that_cannot_be_written_is_refused_at_the_start(jane, runner, fault):
    with fault():
        done = runner.invoke(args=["db", "init"])
        database.close_all()
    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "stored",
    ["", "junk", "$argon2id$v=19$m=8,t=1,p=1$cut", "$argon2id$", "$2b$12$" + "x" * 53, "s2:salt:",
     "s2:salt:" + "g" * 128, "plain text", "é" * 100],
)  # fmt: skip
def test_b142_a_damaged_hash_is_a_wrong_password_and_a_line_for_the_operator(
    app, jane, log, stored, monkeypatch
):
    Key.update(password_hash=stored).execute()
    log()
    page = Browser(app).log_in("Jane")
    assert page.status_code == 400
    assert "Incorrect username or password" in page_text(page.text)
    assert [line["message"] for line in log()] == ["a stored password hash is damaged"]
    assert Event.select().order_by(Event.id.desc()).get().kind == "authn_login_fail"
    user = User.get()
    users.set_password(user, PASSWORD, OPERATOR)
    assert Browser(app).log_in("Jane").status_code == 302


@pytest.mark.parametrize("kind", ["folder", "no such folder", "not ours"])
def test_b145_a_path_that_cannot_be_used_is_refused_at_the_start_in_one_line(
    settings, tmp_path, kind
):
    path = {"folder": tmp_path, "no such folder": tmp_path / "a/b.db", "not ours": "/proc/x.db"}
    done = flask(settings | {"DATABASE_URL": f"sqlite:///{path[kind]}"}, "serve")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: the database cannot be used: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("value", ["x" * 1_000_000, "", None, b"bytes", "x" * 32])
def test_b146_what_is_past_the_rules_of_the_forms_is_refused_by_the_database_too(jane, value):
    with pytest.raises(IntegrityError):
        database.execute_sql("UPDATE user SET username = ?", (value,))
    assert User.get().username == "Jane"
