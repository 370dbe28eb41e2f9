"""POST /profile/notices: who may say that a notice was seen, and which (BEHAVIOUR 10)."""

import pytest
from conftest import PASSWORD, Browser, field_error, page_text, soup
from flask import Flask
from peewee import fn
from profile_pages import FIREFOX, NEW_PASSWORD, change_password, change_username

from accounts import users
from accounts.actor import OPERATOR, Actor
from features.notices.models import Notice
from models import Event, Session, User

from .conftest import PATH, acknowledge, counted, fail, fields_of, post, told

ERROR = "Enter your current password."


def test_a_session_that_began_before_and_did_not_cause_it_is_free(
    app: Flask, jane: Browser
) -> None:
    fail(app)
    answer = acknowledge(jane)
    assert (answer.status_code, answer.location) == (302, "/profile")
    assert "What you have seen is not shown again." in page_text(jane.get("/profile").text)
    assert told(jane) == []
    assert counted() == 0


def test_a_session_that_began_before_is_not_asked_for_the_password(
    app: Flask, jane: Browser
) -> None:
    Browser(app).log_in("Jane")
    assert "current_password" not in jane.get("/profile").text
    assert acknowledge(jane, "wrong horse").status_code == 302, "where none is needed, none counts"
    assert Event.select().where(Event.kind == "authn_login_fail").count() == 0


def test_a_session_that_began_later_sends_the_password_too(app: Flask, jane: Browser) -> None:
    fail(app)
    phone = Browser(app)
    phone.log_in("Jane")
    assert "current_password" in phone.get("/profile").text
    refused = acknowledge(phone)
    assert refused.status_code == 400
    assert field_error(refused.text, "current_password") == f"Error: {ERROR}"
    assert len(told(phone)) == 2
    assert Event.select().where(Event.kind == "authn_login_fail").count() == 1, "none was typed"
    assert acknowledge(phone, PASSWORD).location == "/profile"
    assert told(phone) == told(jane) == []


@pytest.mark.parametrize(
    "cause",
    [
        change_password,
        lambda jane: change_username(jane, "Joan"),
        lambda jane: change_password(jane, current="wrong horse"),
    ],
    ids=["password", "username", "wrong password"],
)
def test_the_session_that_caused_it_sends_the_password_too(
    older: Browser, jane: Browser, cause
) -> None:
    cause(jane)
    password = NEW_PASSWORD if cause is change_password else PASSWORD
    assert acknowledge(jane).status_code == 400
    if cause is not change_password:  # which ends the other session
        assert acknowledge(older).status_code == 302
    else:
        assert acknowledge(jane, password).status_code == 302
    assert counted() == 0


def test_it_stays_the_cause_with_another_token(jane: Browser) -> None:
    change_password(jane)
    change_password(jane, new=PASSWORD, current=NEW_PASSWORD)
    fields = fields_of(jane)
    first = str(int(fields["up_to"]) - 1)
    assert post(jane, up_to=first).status_code == 400
    assert post(jane, up_to=first, current_password=PASSWORD).status_code == 302
    assert told(jane) == ["Password changed"]


def test_of_several_who_failed_each_is_a_cause(app: Flask, older: Browser, jane: Browser) -> None:
    third = Browser(app)
    third.log_in("Jane")
    acknowledge(jane)
    for browser in (jane, older, jane):
        change_password(browser, current="wrong horse")
    assert told(third) == ["3 failed log-ins"]
    assert acknowledge(jane).status_code == acknowledge(older).status_code == 400
    assert acknowledge(third).status_code == 302


def test_a_thief_who_guesses_and_gets_in_cannot_hide_the_guesses(app: Flask, jane: Browser) -> None:
    phone = Browser(app)
    phone.log_in("Jane")
    acknowledge(jane)
    phone.log_out()
    fail(app, 3)
    phone.log_in("Jane")  # a thief at a browser that is known
    fail(app)  # later than the thief's session, but the notice began before
    assert told(phone) == ["4 failed log-ins"]
    assert acknowledge(phone).status_code == 400
    assert told(jane) == ["4 failed log-ins"]


def test_a_wrong_password_is_refused_and_counted(app: Flask, jane: Browser) -> None:
    phone = Browser(app)
    phone.log_in("Jane")
    refused = acknowledge(phone, "wrong horse")
    assert refused.status_code == 400
    assert "not your current password" in field_error(refused.text, "current_password")
    assert "1 failed log-in" in page_text(refused.text), "what it has just caused"
    assert Event.select().where(Event.kind == "authn_login_fail").count() == 1
    assert counted() == 2
    assert soup(refused.text).select_one(".badge").get_text() == "2 notices"


def test_wrong_passwords_are_limited(settings: dict[str, str], request) -> None:
    settings["LIMIT_LOGIN_KNOWN_BROWSER"] = "3/hour"
    app = request.getfixturevalue("app")
    jane = Browser(app)
    jane.sign_up("Jane")
    change_username(jane, "Joan")
    assert [acknowledge(jane, f"wrong {n}").status_code for n in range(4)] == [400, 400, 400, 429]
    assert acknowledge(jane, PASSWORD).status_code == 429


def test_what_a_page_did_not_show_is_not_acknowledged(app: Flask, jane: Browser) -> None:
    users.rename_user(User.get(), "Joan", OPERATOR)
    shown = fields_of(jane)
    users.rename_user(User.get(), "Jane", OPERATOR)
    assert jane.client.post(PATH, data=shown).status_code == 302
    assert told(jane) == ["Username changed (was Joan)"]
    assert jane.client.post(PATH, data=shown).status_code == 302
    assert told(jane) == ["Username changed (was Joan)"]


def test_a_failure_after_the_page_is_not_acknowledged(app: Flask, jane: Browser) -> None:
    fail(app)
    shown = fields_of(jane)
    fail(app)
    assert jane.client.post(PATH, data=shown).status_code == 302
    assert told(jane) == ["2 failed log-ins"]


def test_no_id_comes_back(app: Flask, jane: Browser) -> None:
    """A page that is left open for a day must not acknowledge what happens later."""
    users.rename_user(User.get(), "Joan", OPERATOR)
    users.rename_user(User.get(), "Jane", OPERATOR)
    old_page = fields_of(jane)
    assert acknowledge(jane).status_code == 302
    assert acknowledge_nothing(jane) == 302
    fail(app)
    assert jane.client.post(PATH, data=old_page).status_code == 302
    assert told(jane) == ["1 failed log-in"]


def acknowledge_nothing(browser: Browser) -> int:
    return post(browser, up_to="99").status_code


def test_nothing_is_kept_of_what_was_seen_but_the_last(jane: Browser) -> None:
    for name in ("Joan", "Jane", "Joan"):
        users.rename_user(User.get(), name, OPERATOR)
    acknowledge(jane)
    assert [row.detail for row in Notice.select()] == ["was Jane"]


MALFORMED = ["", "-1", "x", "1.5", "1e3", " 1 2", "٢", "9" * 19, "9" * 400, "0x1", "\0", "1;", "²"]


@pytest.mark.parametrize("up_to", MALFORMED)
@pytest.mark.usefixtures("steady")
def test_what_is_no_number_is_refused(app: Flask, jane: Browser, up_to: str) -> None:
    fail(app)
    refused = post(jane, up_to=up_to)
    assert refused.status_code == 400
    assert "Open your profile again" in page_text(refused.text)
    assert told(jane) == ["1 failed log-in"]


@pytest.mark.parametrize("up_to", ["0", "00", str(2**63 - 1)])
def test_a_number_of_no_notice_is_fine(app: Flask, jane: Browser, up_to: str) -> None:
    assert post(jane, up_to=up_to).status_code == 302
    fail(app)
    assert told(jane) == ["1 failed log-in"]


def test_without_up_to_nothing_is_acknowledged(app: Flask, jane: Browser) -> None:
    fail(app)
    assert post(jane).status_code == 400
    assert told(jane) == ["1 failed log-in"]


def test_a_page_without_notices_says_so(jane: Browser) -> None:
    refused = post(jane, up_to="x")
    assert refused.status_code == 400
    assert "nothing that you have not seen" in page_text(refused.text)


def test_strangers_and_forms_of_other_sites_are_refused(app: Flask, jane: Browser) -> None:
    fail(app)
    assert Browser(app).client.post(PATH, data={"up_to": "9"}).location == "/"
    assert jane.client.post(PATH, data={"up_to": "9"}).status_code == 400
    assert jane.get(PATH).location == "/profile", "where Back leads after a refusal"
    assert told(jane) == ["1 failed log-in"]


def test_a_session_of_the_same_moment_is_asked(app: Flask, jane: Browser) -> None:
    """No clock tells which came first."""
    users.begin_session(User.get(), Actor("192.0.2.1", FIREFOX))
    began = Session.select(fn.MIN(Session.created_at)).scalar()
    Notice.update(since=began).execute()
    assert acknowledge(jane).status_code == 400
    Notice.update(since=began + 1).execute()
    assert acknowledge(jane).status_code == 302
