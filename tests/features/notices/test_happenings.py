"""What is a notice: each happening exactly once, until it is acknowledged (BEHAVIOUR 10)."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import PASSWORD, Browser, hidden_fields, page_form, page_text, soup
from flask import Flask
from profile_pages import FIREFOX, NEW_PASSWORD, change_password, change_username, token_of

from accounts import events, hooks, sessions, users
from accounts.actor import OPERATOR, Actor
from features.notices import rules
from features.notices.models import Notice
from models import Event, Session, User
from web.words import EVENTS

from .conftest import acknowledge, counted, fail, mark, post, told

NEW_BROWSER = "Logged in from a new browser"


def test_a_log_in_from_a_browser_not_seen_before(app: Flask, jane: Browser) -> None:
    phone = Browser(app)
    phone.client.environ_base |= {"HTTP_USER_AGENT": FIREFOX, "REMOTE_ADDR": "203.0.113.7"}
    phone.log_in("Jane")
    assert told(jane) == told(phone) == [NEW_BROWSER]
    assert "from Firefox on Linux, 203.0.113.7" in page_text(jane.get("/profile").text)


def test_not_one_from_a_browser_seen_before_nor_a_sign_up(jane: Browser) -> None:
    jane.log_out()
    jane.log_in("Jane")
    assert told(jane) == []
    assert Notice.select().count() == 0


def test_a_password_that_was_changed(jane: Browser) -> None:
    change_password(jane)
    assert told(jane) == ["Password changed"]


def test_a_password_that_the_operator_set(jane: Browser) -> None:
    users.set_password(User.get(), NEW_PASSWORD, OPERATOR)
    jane.log_in("Jane", NEW_PASSWORD)
    assert told(jane) == ["Password changed"]
    assert "by the person who runs this site" in page_text(jane.get("/profile").text)


def test_a_username_that_was_changed(jane: Browser) -> None:
    change_username(jane, "Joan")
    assert told(jane) == ["Username changed (was Jane)"]
    users.rename_user(User.get(), "Jane", OPERATOR)
    assert told(jane) == ["Username changed (was Jane)", "Username changed (was Joan)"]


def test_failed_log_ins_are_one_notice_with_a_number(app: Flask, jane: Browser) -> None:
    fail(app)
    assert told(jane) == ["1 failed log-in"]
    fail(app, 2)
    assert told(jane) == ["3 failed log-ins"]
    change_password(jane, current="wrong horse")
    assert told(jane) == ["4 failed log-ins"]
    assert Notice.select().count() == counted() == 1


def test_failed_log_ins_are_counted_from_one_once_acknowledged(app: Flask, jane: Browser) -> None:
    fail(app, 2)
    assert acknowledge(jane).status_code == 302
    assert told(jane) == []
    fail(app)
    assert told(jane) == ["1 failed log-in"]


def test_failed_log_ins_are_not_told_by_a_message_as_well(app: Flask, jane: Browser) -> None:
    fail(app, 3)
    phone = Browser(app)
    phone.log_in("Jane")
    page = soup(phone.get("/profile").text)
    assert "attempt" not in page.get_text()
    assert not page.select(".notice.warning")
    assert told(phone) == ["3 failed log-ins", NEW_BROWSER]


def test_guesses_at_no_account_leave_nothing(app: Flask, jane: Browser) -> None:
    Browser(app).log_in("Nobody", "wrong horse")
    assert Notice.select().count() == 0


def test_a_kit_that_was_made(jane: Browser) -> None:
    pytest.importorskip("features.recovery")
    jane.submit("/profile/recovery", {"current_password": PASSWORD})
    assert told(jane) == ["Recovery codes made"]


def test_a_code_that_was_used_is_one_notice_in_any_browser(app: Flask, jane: Browser) -> None:
    kit = pytest.importorskip("features.recovery.kit")
    actor = Actor(session=users_session(jane))
    codes = kit.make_kit(PASSWORD, actor)
    assert acknowledge(jane, PASSWORD).status_code == 302
    jane.log_out()
    for browser in (jane, Browser(app)):
        form = {"username": "Jane", "recovery_code": codes.pop(), "new_password": PASSWORD}
        assert browser.submit("/recover", form).location == "/profile"
        assert told(browser) == ["Password changed (with a recovery code)"]
        Notice.update(since=Notice.since + 60_000).execute()  # whatever the clocks say
        assert post(browser, up_to="99").status_code == 400, "its session has caused it"
        assert acknowledge(browser, PASSWORD).status_code == 302


def users_session(browser: Browser) -> object:
    return sessions.validate_session(token_of(browser))


def test_a_reset_link_that_was_made_and_used(app: Flask, jane: Browser) -> None:
    links = pytest.importorskip("features.recovery.links")
    token = links.make_link(User.get(), 24, OPERATOR)
    assert told(jane) == ["Reset link made (for 24 h)"]
    browser = Browser(app)
    browser.submit(f"/reset/{token}", {"new_password": PASSWORD})
    used = "Password changed (with a reset link)"
    assert told(browser) == ["Reset link made (for 24 h)", used]


def test_what_a_feature_says_that_the_owner_ought_to_know(jane: Browser) -> None:
    """So passkeys, second factors and roles become notices."""
    hooks.notable.append("role_granted")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(EVENTS, "role_granted", "Role")
        events.record("role_granted", User.get(), OPERATOR, detail="admin")
        events.record("of_no_interest", User.get(), OPERATOR)
        assert told(jane) == ["Role (admin)"]


def test_a_log_in_by_other_means_than_the_password(app: Flask, jane: Browser) -> None:
    """As by a passkey: its detail does not make it part of something else."""
    with_passkey = [Actor("192.0.2.1", FIREFOX), "with a passkey"]
    users.begin_session(User.get(), *with_passkey)
    assert told(jane) == ["Logged in (with a passkey) from a new browser"]


def test_a_log_in_that_is_sent_twice_is_one_notice(app: Flask, jane: Browser) -> None:
    answers = pytest.importorskip("features.sent_again.answers")
    assert answers.SENT_AGAIN == rules.SENT_TWICE
    send_twice(Browser(app), "/login", username="Jane", password=PASSWORD)
    assert Session.select().count() == 2, "the first of the two is over"
    assert told(jane) == [NEW_BROWSER]


def test_a_sign_up_that_is_sent_twice_is_none(app: Flask) -> None:
    pytest.importorskip("features.sent_again")
    send_twice(Browser(app), "/signup", username="Jane", password=PASSWORD)
    assert counted() == 0


def test_a_code_or_link_that_is_sent_twice_is_one_notice(app: Flask, jane: Browser) -> None:
    pytest.importorskip("features.sent_again")
    kit = pytest.importorskip("features.recovery.kit")
    links = pytest.importorskip("features.recovery.links")
    codes = kit.make_kit(PASSWORD, Actor(session=users_session(jane)))
    path = f"/reset/{links.make_link(User.get(), 24, OPERATOR)}"
    acknowledge(jane, PASSWORD)
    send_twice(Browser(app), path, new_password=PASSWORD)
    assert counted() == 1
    form = {"username": "Jane", "recovery_code": codes[0], "new_password": PASSWORD}
    send_twice(Browser(app), "/recover", **form)
    (phone := Browser(app)).log_in("Jane")
    used = ["Password changed (with a reset link)", "Password changed (with a recovery code)"]
    assert told(phone) == [*used, NEW_BROWSER]


def send_twice(browser: Browser, path: str, **typed: str) -> None:
    """Send a form a second time before the answer to the first is there."""
    form = {**hidden_fields(page_form(browser.get(path).text, path)), **typed}
    cookie = browser.client.get_cookie("auth_session").value
    for _ in range(2):
        client = browser.client.application.test_client()
        client.set_cookie("auth_session", cookie)
        assert client.post(path, data=form).status_code == 302


def test_they_survive_log_out_and_the_events(app: Flask, jane: Browser) -> None:
    change_username(jane, "Joan")
    Notice.update(since=1, at=1).execute()
    jane.log_out()
    Event.delete().execute()
    jane.log_in("Joan")
    assert told(jane) == ["Username changed (was Jane)"]


@pytest.mark.parametrize("path", ["/", "/profile", "/profile/password", "/nowhere"])
def test_a_mark_in_the_navigation_of_every_page(app: Flask, jane: Browser, path: str) -> None:
    assert mark(jane, path) == ""
    fail(app, 2)
    assert mark(jane, path) == "1 notice"
    change_username(jane, "Joan")
    assert mark(jane, path) == "2 notices"
    assert acknowledge(jane, PASSWORD).status_code == 302
    assert mark(jane, path) == ""


def test_strangers_see_no_mark(app: Flask, jane: Browser) -> None:
    fail(app)
    assert 'class="badge"' in jane.get("/").text
    assert 'class="badge"' not in Browser(app).get("/").text


def test_nobody_elses_notices_are_there(app: Flask, jane: Browser) -> None:
    lucy = Browser(app)
    lucy.sign_up("Lucy")
    fail(app)
    assert told(lucy) == []
    assert mark(lucy) == ""
    assert post(lucy, up_to="99").status_code == 302
    assert told(jane) == ["1 failed log-in"]


def test_of_many_the_first_are_shown_and_the_rest_after_them(jane: Browser) -> None:
    for number in range(rules.MOST + 2):
        users.rename_user(User.get(), f"Jane{number:02}", OPERATOR)
    shown = told(jane)
    assert len(shown) == rules.MOST
    assert "These are the first 20 of 22." in page_text(jane.get("/profile").text)
    assert acknowledge(jane).status_code == 302
    assert told(jane) == ["Username changed (was Jane19)", "Username changed (was Jane20)"]


def test_a_deletion_takes_them_along(app: Flask, jane: Browser) -> None:
    fail(app)
    users.delete_user(User.get(), OPERATOR)
    assert Notice.select().count() == 0


def test_hostile_browsers_and_details_are_text(app: Flask, jane: Browser) -> None:
    hostile = Actor("192.0.2.1", "<script>Firefox/1 (X11; Linux)")
    users.begin_session(User.get(), hostile, "<b>\u202e")
    html = jane.get("/profile").text
    assert "<script>F" not in html
    assert "<b>" not in html


def a_change(_app: Flask, _jane: Browser) -> None:
    users.rename_user(User.get(), "Joan", OPERATOR)


@pytest.mark.parametrize("happening", [a_change, lambda app, _: fail(app, 3)], ids=["one", "three"])
def test_the_export_has_them_and_the_docs_say_so(
    app: Flask, jane: Browser, happening: Callable[..., None]
) -> None:
    pytest.importorskip("features.export")
    happening(app, jane)
    (entry,) = jane.get("/profile/export").json["notices"]
    text = Path(app.root_path, "docs/notices.md").read_text()
    documented = re.findall(r"^\| `notices\[\]\.(\w+)`", text, re.MULTILINE)
    assert set(documented) == set(entry)
    assert (entry["number"], entry["acknowledged_at"]) in ((1, None), (3, None))
    assert acknowledge(jane).status_code == 302
    assert jane.get("/profile/export").json["notices"][0]["acknowledged_at"]
