"""GET, POST /profile/delete (BEHAVIOUR 4)."""

from pathlib import Path

import pytest
from conftest import PASSWORD, Browser, field_error, page_text
from profile_pages import change_username, delete_account

from accounts import events, users
from accounts.actor import OPERATOR
from database import database
from models import Event, Key, Session, User


def rows():
    return [table.select().count() for table in (User, Key, Session)]


def test_everything_of_the_account_goes_and_the_cookie_is_emptied(app, jane):
    phone = Browser(app)
    phone.log_in("Jane")
    answer = delete_account(jane)
    assert (answer.status_code, answer.location) == (302, "/")
    assert answer.headers["Clear-Site-Data"]
    assert rows() == [0, 0, 0]
    assert "has been deleted" in page_text(jane.get("/").text)
    assert not jane.is_signed_in()
    assert "account was deleted" in page_text(phone.get("/").text)
    assert Browser(app).log_in("Jane").status_code == 400


def test_what_remains_names_nobody(app, jane, tmp_path):
    change_username(jane, "Janet")
    user_id = User.get().id
    delete_account(jane, "Janet")
    left = Event.get()
    assert Event.select().count() == 1
    assert (left.kind, left.user, left.session, left.ip_address, left.user_agent, left.detail) == (
        "user_deleted", None, "", "", "", "",
    )  # fmt: skip
    assert user_id not in str(list(Event.select().tuples()))


def test_the_browser_forgets_whom_it_knew(jane):
    delete_account(jane)
    known = jane.client.get_cookie("known_browser").value
    signed = jane.client.application.session_interface.serializers["known_browser"]
    assert signed.loads(known)["users"] == []


@pytest.mark.parametrize("typed", ["Jane", "jane", "JANE"])
def test_the_name_may_be_typed_in_any_case(jane, typed):
    assert delete_account(jane, typed).status_code == 302
    assert rows() == [0, 0, 0]


@pytest.mark.parametrize(
    ("typed", "current", "wrong", "words"),
    [
        ("Janet", PASSWORD, "username", "not your username"),
        ("", PASSWORD, "username", "Enter your username."),
        ("Other", PASSWORD, "username", "not your username"),
        ("Jane", "wrong horse", "current_password", "not your current password"),
        ("Jane", "", "current_password", "Enter your current password."),
    ],
)
def test_a_refusal_stands_at_its_field_and_deletes_nothing(app, jane, typed, current, wrong, words):
    users.create_user("Other", PASSWORD, OPERATOR)
    answer = delete_account(jane, typed, current)
    assert answer.status_code == 400
    assert words in field_error(answer.text, wrong)
    assert rows() == [2, 2, 1]
    assert jane.is_signed_in()


def test_a_deletion_that_crashes_half_way_deletes_nothing(jane, monkeypatch):
    monkeypatch.setattr(events, "record", lambda *_: 1 / 0)
    assert delete_account(jane).status_code == 500
    assert rows() == [1, 1, 1]


def test_no_other_account_is_touched(app, jane):
    other = Browser(app)
    other.sign_up("Other")
    delete_account(jane)
    assert rows() == [1, 1, 1]
    assert other.is_signed_in()


def test_the_name_is_free_and_its_next_owner_begins_with_nothing(app, jane):
    delete_account(jane)
    other = Browser(app)
    assert other.sign_up("Jane", "other horse").status_code == 302
    assert Event.select().where(Event.user == User.get()).count() == 1


@pytest.mark.database("sqlite")
def test_the_file_holds_no_trace_of_the_rows(jane):
    user_id = User.get().id
    delete_account(jane)
    database.execute_sql("VACUUM")
    database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    assert user_id.encode() not in Path(database.path).read_bytes()
