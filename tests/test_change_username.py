"""GET, POST /profile/username (BEHAVIOUR 4)."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import OLD_HASH, PASSWORD, Browser, field, field_error, page_text
from profile_pages import change_username

from accounts import hooks, users
from accounts.actor import OPERATOR
from accounts.errors import AccountError, UsernameTaken
from database import release
from models import Event, Key, Session, User
from web.words import describe_event


def test_the_old_name_no_longer_logs_in_the_new_one_does_in_any_case(app, jane):
    answer = change_username(jane, "Janet")
    assert (answer.status_code, answer.location) == (302, "/profile")
    assert "Janet" in page_text(jane.get("/profile").text)
    for name in ("Jane", "jane", "JANE"):
        assert Browser(app).log_in(name).status_code == 400
    for name in ("Janet", "janet", "JANET", "Ｊanet"):
        assert Browser(app).log_in(name).status_code == 302


def test_the_name_freed_can_be_taken_by_another(app, jane):
    change_username(jane, "Janet")
    other = Browser(app)
    assert other.sign_up("jane", "other horse").status_code == 302
    assert User.select().count() == 2
    assert Browser(app).log_in("Jane", PASSWORD).status_code == 400


def test_the_person_stays(app, jane):
    phone = Browser(app)
    phone.log_in("Jane")
    before = User.get().id, Key.get().password_hash, Session.select().count()
    change_username(jane, "Janet")
    assert (User.get().id, Key.get().password_hash, Session.select().count()) == before
    assert "Janet" in page_text(phone.get("/").text)


def test_only_the_letter_case_may_change(app, jane):
    assert change_username(jane, "jAnE").status_code == 302
    assert User.get().username == "jAnE"
    assert Browser(app).log_in("Jane").status_code == 302


@pytest.mark.parametrize(
    ("new", "current", "wrong", "words"),
    [
        ("Other", PASSWORD, "new_username", "taken"),
        ("ｏTHER", PASSWORD, "new_username", "taken"),
        ("Jan", PASSWORD, "new_username", "4"),
        ("J" * 32, PASSWORD, "new_username", "31"),
        ("Ja ne", PASSWORD, "new_username", "spaces"),
        ("Jane", PASSWORD, "new_username", "already"),
        ("Janet", "wrong horse", "current_password", "not your current password"),
        ("Other", "wrong horse", "current_password", "not your current password"),
        ("Janet", "", "current_password", "Enter your current password."),
    ],
)
def test_a_refusal_stands_at_its_field_with_what_was_typed(app, jane, new, current, wrong, words):
    users.create_user("Other", PASSWORD, OPERATOR)
    answer = change_username(jane, new, current)
    assert answer.status_code == 400
    assert words in field_error(answer.text, wrong)
    assert field(answer.text, "new_username")["value"] == new
    assert field(answer.text, "current_password").get("value") is None
    assert {user.username for user in User.select()} == {"Jane", "Other"}
    assert Browser(app).log_in("Jane").status_code == 302


def test_a_refused_rename_leaves_the_old_name_to_its_owner(app, jane):
    users.create_user("Other", PASSWORD, OPERATOR)
    with pytest.raises(UsernameTaken):
        users.rename_user(User.get(User.username == "Jane"), "Other", OPERATOR)
    assert Browser(app).log_in("Jane").status_code == 302


def test_of_many_who_want_one_name_one_gets_it(app):
    everybody = [users.create_user(f"user{number}", PASSWORD, OPERATOR) for number in range(8)]
    at_once = threading.Barrier(8)

    def rename(user):
        at_once.wait()
        try:
            users.rename_user(user, "Wanted", OPERATOR)
        except UsernameTaken:
            return "taken"
        finally:
            release()
        return "renamed"

    release()
    with ThreadPoolExecutor(8) as threads:
        assert sorted(threads.map(rename, everybody)) == ["renamed"] + ["taken"] * 7
    assert User.select().where(User.username == "Wanted").count() == 1
    assert Key.select().count() == 8


def test_of_several_keys_of_names_one_is_left_with_the_password(app, jane, monkeypatch):
    """A feature may add keys with names of its own."""
    monkeypatch.setattr(hooks, "name_providers", ["nickname"])
    user = User.get()
    Key.delete().execute()
    Key.create(provider="nickname", provider_user_id="JANE!", user=user, password_hash=OLD_HASH)
    Key.create(provider="username", provider_user_id="jane", user=user, password_hash=None)
    Key.create(provider="passkey", provider_user_id="x", user=user, password_hash=None)
    users.rename_user(user, "Janet", OPERATOR)
    left = {(k.provider, k.provider_user_id, k.password_hash) for k in Key.select()}
    assert left == {("username", "janet", OLD_HASH), ("passkey", "x", None)}


def test_nobody_who_is_gone_is_renamed(app, jane):
    user = User.get()
    users.delete_user(user, OPERATOR)
    with pytest.raises(AccountError, match="no longer exists"):
        users.rename_user(user, "Janet", OPERATOR)
    assert Key.select().count() == 0


def test_the_event_tells_the_name_before(jane):
    change_username(jane, "Janet")
    event = Event.select().order_by(Event.id.desc()).get()
    assert (event.kind, event.detail, event.session) == (
        "user_renamed", "was Jane", Session.get().handle,
    )  # fmt: skip
    assert describe_event(event) == "Username changed (was Jane)"
