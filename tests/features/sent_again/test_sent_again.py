"""A form that its own sender sends again is answered truly: BEHAVIOUR 2, "Sent again"."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import pytest
from conftest import PASSWORD, Browser, everything, hidden_fields, page_form, page_text, stored
from flask import Flask
from werkzeug.test import TestResponse

from accounts import passwords, sessions, users
from accounts.actor import OPERATOR
from accounts.sessions import Reason
from app import create_app
from database import release
from features.sent_again import answers
from features.sent_again.models import Answer
from models import Event, Session, User, now

NEW = "another horse"


class Form(NamedTuple):
    """A form that is filled in, and the cookies of the browser that it stands in."""

    app: Flask
    path: str
    data: dict[str, str]
    cookies: dict[str, str]

    def send(self, **changed: str) -> tuple[Browser, TestResponse]:
        """Send it with these cookies, from a browser that has not seen any answer to it."""
        browser = Browser(self.app)
        for name, value in self.cookies.items():
            browser.client.set_cookie(name, value)
        path, data = changed.pop("path", self.path), {**self.data, **changed}
        return browser, browser.client.post(path, data=data)


def cookies_of(browser: Browser) -> dict[str, str]:
    found = {name: browser.client.get_cookie(name) for name in ("auth_session", "known_browser")}
    return {name: cookie.value for name, cookie in found.items() if cookie}


def fill_in(browser: Browser, page: str, action: str = "", **fields: str) -> Form:
    """Open a page and fill in its form, but do not send it."""
    html = browser.get(page).text
    data = {**hidden_fields(page_form(html, action or page)), **fields}
    return Form(browser.client.application, action or page, data, cookies_of(browser))


def sign_up(browser: Browser) -> Form:
    return fill_in(browser, "/signup", username="Jane", password=PASSWORD)


def log_in(browser: Browser) -> Form:
    return fill_in(browser, "/login", username="Jane", password=PASSWORD)


def change_password(browser: Browser) -> Form:
    return fill_in(browser, "/profile/password", current_password=PASSWORD, new_password=NEW)


def change_username(browser: Browser) -> Form:
    return fill_in(browser, "/profile/username", new_username="Janet", current_password=PASSWORD)


def delete(browser: Browser) -> Form:
    return fill_in(browser, "/profile/delete", username="Jane", current_password=PASSWORD)


def log_out(browser: Browser) -> Form:
    return fill_in(browser, "/profile", "/logout")


def end_other(browser: Browser) -> Form:
    other = Browser(browser.client.application)
    other.log_in("Jane")
    with other.client.session_transaction() as cookie:
        handle = sessions.hash_token(cookie["token"])[:6].hex()
    return fill_in(browser, "/profile/sessions", f"/profile/sessions/{handle}/end")


def end_own(browser: Browser) -> Form:
    handle = Session.get().handle
    token = hidden_fields(page_form(browser.get("/profile").text, "/logout"))
    path = f"/profile/sessions/{handle}/end"
    return Form(browser.client.application, path, token, cookies_of(browser))


def end_others(browser: Browser) -> Form:
    Browser(browser.client.application).log_in("Jane")
    return fill_in(browser, "/profile/sessions", "/profile/sessions/end-others")


MEMBERS = [
    change_password, change_username, delete, log_out, end_other, end_own, end_others,
]  # fmt: skip
LEAVING = (delete, log_out, end_own)


@pytest.fixture(params=[sign_up, log_in, *MEMBERS], ids=lambda fill: fill.__name__)
def form(request: pytest.FixtureRequest, browser: Browser) -> Form:
    """Each form of the hall, filled in by Jane."""
    if request.param is not sign_up:
        users.create_user("Jane", PASSWORD, OPERATOR)
    if request.param in MEMBERS:
        browser.log_in("Jane")
    return request.param(browser)


def everyone() -> list[tuple[str, int, int]]:
    return [(user.username, user.keys.count(), user.sessions.count()) for user in User.select()]


def test_it_leads_where_the_first_led_with_its_message_and_changes_nothing(form: Form) -> None:
    first, answer = form.send()
    before = everyone()
    again, repeated = form.send()
    for header in ("Location", "Clear-Site-Data"):
        assert repeated.headers.get(header) == answer.headers.get(header)
    assert (repeated.status_code, everyone()) == (302, before)
    seen, expected = again.get(repeated.location).text, first
    with expected.client.session_transaction() as cookie:
        messages = [text for _, text in cookie.get("_flashes", [])]
    assert all(message in page_text(seen) for message in messages)
    assert "nothing was done" not in page_text(seen)


def test_it_is_answered_so_as_often_as_it_is_sent(form: Form) -> None:
    sent = [form.send()[1] for _ in range(5)]
    assert {answer.status_code for answer in sent} == {302}
    assert len({answer.location for answer in sent}) == 1


@pytest.mark.parametrize("fill", [sign_up, log_in, change_password])
def test_the_sender_gets_a_new_token_and_an_unused_first_session_ends(
    app: Flask, browser: Browser, fill: Callable[[Browser], Form]
) -> None:
    if fill is not sign_up:
        users.create_user("Jane", PASSWORD, OPERATOR)
    if fill is change_password:
        browser.log_in("Jane")
    form = fill(browser)
    first, again = form.send()[0], form.send()[0]
    assert Session.select().count() == 1
    assert again.is_signed_in()
    assert not first.is_signed_in()
    assert "the form was sent twice" in page_text(first.get("/").text)
    assert cookies_of(again)["auth_session"] != cookies_of(first)["auth_session"]


@pytest.mark.parametrize("fill", [sign_up, log_in, change_password])
def test_a_first_session_that_was_used_lives_on(
    browser: Browser, fill: Callable[[Browser], Form]
) -> None:
    if fill is not sign_up:
        users.create_user("Jane", PASSWORD, OPERATOR)
    if fill is change_password:
        browser.log_in("Jane")
    form = fill(browser)
    first, _ = form.send()
    assert first.is_signed_in()
    again, _ = form.send()
    assert first.is_signed_in()
    assert again.is_signed_in()


def gone(browser: Browser) -> None:
    browser.log_out()


def locked(_browser: Browser) -> None:
    users.lock_user(User.get(), OPERATOR)


def locked_and_unlocked(_browser: Browser) -> None:
    users.lock_user(User.get(), OPERATOR)
    users.unlock_user(User.get(), OPERATOR)


def ended(_browser: Browser) -> None:
    sessions.invalidate_user_sessions(User.get(), Reason.ENDED_BY_OPERATOR, OPERATOR)


def password_set(_browser: Browser) -> None:
    users.set_password(User.get(), NEW, OPERATOR)


def password_changed_elsewhere(browser: Browser) -> None:
    other = Browser(browser.client.application)
    other.log_in("Jane")
    change_password(other).send()


def ten_minutes(_browser: Browser) -> None:
    Answer.update(at=Answer.at - answers.KEPT).execute()


ENDINGS = [
    gone, locked, locked_and_unlocked, ended, password_set, password_changed_elsewhere, ten_minutes
]  # fmt: skip


@pytest.mark.parametrize("used", [True, False])
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_sign_up_is_not_repeated_after(
    browser: Browser, ending: Callable[[Browser], None], used: bool
) -> None:
    form = sign_up(browser)
    first, _ = form.send()
    if used:
        assert first.is_signed_in()
    ending(first)
    before = Session.select().count()
    again, answer = form.send()
    assert answer.status_code == 400
    assert "taken" in answer.text
    assert Session.select().count() == before
    assert not again.is_signed_in()


def test_after_a_deletion_the_name_is_free_and_the_sign_up_is_done_again(browser: Browser) -> None:
    form = sign_up(browser)
    form.send()
    old = User.get().id
    users.delete_user(User.get(), OPERATOR)
    assert form.send()[1].status_code == 302
    assert User.get().id != old


@pytest.mark.parametrize("ending", [gone, locked, ended, password_set])
@pytest.mark.parametrize("fill", [change_username, end_other])
def test_a_members_form_is_not_repeated_after(
    jane: Browser, fill: Callable[[Browser], Form], ending: Callable[[Browser], None]
) -> None:
    form = fill(jane)
    first, _ = form.send()
    ending(first)
    again, answer = form.send()
    assert answer.location == "/"
    assert "nothing was done" in page_text(again.get("/").text)


def test_a_change_of_password_is_not_repeated_after_another(jane: Browser) -> None:
    form = change_password(jane)
    form.send()
    other = Browser(jane.client.application)
    other.log_in("Jane", NEW)
    fields = {"current_password": NEW, "new_password": "blue horse"}
    assert fill_in(other, "/profile/password", **fields).send()[1].status_code == 302
    again, answer = form.send()
    assert answer.location == "/"
    assert not again.is_signed_in()


def test_only_the_same_bytes_to_the_same_path_with_the_same_secret_are_a_repeat(
    app: Flask, browser: Browser
) -> None:
    form = sign_up(browser)
    form.send()
    other = sign_up(Browser(app))
    strangers = [
        form.send(password="correct horsE"),
        form.send(username="jane"),
        form.send(path="/signup?x=1"),
        form._replace(cookies={}).send(),
        form._replace(cookies=other.cookies).send(),
        form._replace(cookies=other.cookies).send(csrf_token=other.data["csrf_token"]),
    ]
    for visitor, answer in strangers:
        assert answer.status_code == 400
        assert not visitor.is_signed_in()
    assert Session.select().count() == 1


def test_a_form_from_another_site_is_never_a_repeat(browser: Browser) -> None:
    form = sign_up(browser)
    form.send()
    headers = {"Sec-Fetch-Site": "cross-site"}
    answer = Browser(form.app).client.post("/signup", data=form.data, headers=headers)
    assert answer.status_code == 403
    again = Browser(form.app)
    again.client.set_cookie("auth_session", form.cookies["auth_session"])
    assert again.client.post("/signup", data=form.data, headers=headers).status_code == 403


def test_after_it_was_answered_a_copy_of_the_old_cookie_opens_nothing(form: Form) -> None:
    form.send()
    thief = Browser(form.app)
    thief.client.set_cookie("auth_session", form.cookies["auth_session"])
    ended = form.path in ("/signup", "/login", "/profile/password", "/profile/delete", "/logout")
    if ended:
        assert not thief.is_signed_in()


def test_a_copy_of_the_old_cookie_is_no_way_to_guess_the_new_password(jane: Browser) -> None:
    form = change_password(jane)
    form.send()
    for _ in range(100):
        form.send(new_password="a guess")
    thief, answer = form.send()
    assert answer.location == "/"
    assert not thief.is_signed_in()


def test_a_copy_of_the_cookie_from_before_a_log_in_is_no_way_round_its_limits(
    app: Flask, browser: Browser
) -> None:
    create_app({**app_settings(app), "LIMIT_LOGIN_ACCOUNT": "5/hour"})
    users.create_user("Jane", PASSWORD, OPERATOR)
    form = log_in(browser)
    form.send()
    for _ in range(5):
        assert form.send(password="a guess")[1].status_code == 400
    assert form.send()[1].status_code == 302
    for _ in range(100):
        assert form.send(password="a guess")[1].status_code == 429
    assert form.send()[1].status_code == 429


def test_what_was_refused_is_no_first(jane: Browser) -> None:
    wrong = fill_in(jane, "/profile/username", new_username="Janet", current_password="wrong")
    for _ in range(2):
        assert wrong.send()[1].status_code == 400
    assert Answer.select().where(Answer.content.is_null()).count() == 0


def test_what_can_be_done_again_is_done_again(jane: Browser) -> None:
    there = change_username(jane)
    there.send()
    back = fill_in(jane, "/profile/username", new_username="Jane", current_password=PASSWORD)
    back.send()
    there.send()
    assert User.get().username == "Janet"
    assert Event.select().where(Event.kind == "user_renamed").count() == 3


def test_a_repeat_counts_as_no_try_and_no_failure(app: Flask, browser: Browser) -> None:
    form = sign_up(browser)
    form.send()
    before = everything()["counter"]
    form.send()
    assert [row[1] for row in everything()["counter"]] == [row[1] for row in before]
    assert Event.select().where(Event.kind == "authn_login_fail").count() == 0


def test_a_first_that_spent_the_budget_is_repeated(app: Flask, browser: Browser) -> None:
    create_app({**app_settings(app), "LIMIT_SIGNUP_ADDRESS": "1/hour"})
    form = sign_up(browser)
    assert form.send()[1].status_code == 302
    assert form.send()[1].status_code == 302


def app_settings(app: Flask) -> dict[str, str]:
    names = ("DATABASE_URL", "SECRET_KEY")
    return {name: app.config[name] for name in names}


def test_a_log_in_remembers_where_to_go(app: Flask, browser: Browser) -> None:
    users.create_user("Jane", PASSWORD, OPERATOR)
    browser.get("/profile/sessions")
    form = log_in(browser)
    assert [form.send()[1].location for _ in range(2)] == ["/profile/sessions"] * 2


def test_a_rotation_of_the_key_in_between_changes_nothing(app: Flask, browser: Browser) -> None:
    form = sign_up(browser)
    form.send()
    keys = {"SECRET_KEY": "fedcba9876543210" * 4, "SECRET_KEY_FALLBACKS": app.config["SECRET_KEY"]}
    rotated = create_app({**app_settings(app), **keys})
    assert form._replace(app=rotated).send()[1].status_code == 302


def test_nothing_of_what_was_sent_is_stored(browser: Browser) -> None:
    form = sign_up(browser)
    form.send(password="a secret that is sent")
    assert b"a secret that is sent" not in stored()
    assert form.data["csrf_token"].encode() not in stored()


def test_nothing_of_a_deleted_account_is_left(browser: Browser) -> None:
    form = fill_in(browser, "/signup", username="Rumpelstilzchen", password=PASSWORD)
    browser, _ = form.send()
    assert "Rumpelstilzchen" in Answer.get().content
    fields = {"username": "Rumpelstilzchen", "current_password": PASSWORD}
    assert browser.submit("/profile/delete", fields).status_code == 302
    assert "Rumpelstilzchen" not in str(everything())


def test_a_deletion_forgets_no_one_else_s_answers(app: Flask, browser: Browser) -> None:
    form = sign_up(browser)
    form.send()
    other = Browser(app)
    other.sign_up("Other")
    fields = {"username": "Other", "current_password": PASSWORD}
    assert other.submit("/profile/delete", fields).status_code == 302
    assert form.send()[1].location == "/profile"


def test_old_answers_are_deleted_a_few_with_each_log_in(app: Flask, browser: Browser) -> None:
    users.create_user("Jane", PASSWORD, OPERATOR)
    rows = [{"id": bytes([number] * 32), "at": 1, "session": None} for number in range(12)]
    Answer.insert_many(rows).execute()
    for _ in range(3):
        Browser(app).log_in("Jane")
        assert Answer.select().where(Answer.at == 1).count() in (7, 2, 0)
    assert Answer.select().where(Answer.at == 1).count() == 0
    assert Answer.select().count() == 3


def test_when_the_server_died_before_it_answered_a_repeat_leads_to_the_profile(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = sign_up(browser)
    form.send()
    Answer.update(content=None).execute()
    monkeypatch.setattr(answers.time, "sleep", lambda _: None)
    again, answer = form.send()
    assert answer.location == "/profile"
    assert again.is_signed_in()


def test_a_repeat_waits_for_an_answer_that_is_being_written(
    jane: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = end_other(jane)
    form.send()
    content = Answer.get(Answer.content.contains("sessions")).content
    Answer.update(content=None).where(Answer.content == content).execute()

    def write(_seconds: float) -> None:
        Answer.update(content=content).where(Answer.content.is_null()).execute()

    monkeypatch.setattr(answers.time, "sleep", write)
    assert form.send()[1].location == "/profile/sessions"


def send_and_release(form: Form) -> tuple[Browser, TestResponse]:
    """Send it in a thread of its own; again while the server says that it is busy."""
    while True:
        browser, answer = form.send()
        release()
        if answer.status_code != 503:
            return browser, answer


@pytest.mark.parametrize("times", [2, 50])
def test_at_once_all_are_answered_alike_and_one_session_is_left(form: Form, times: int) -> None:
    at_once = threading.Barrier(times)

    def send(_: int) -> tuple[Browser, TestResponse]:
        at_once.wait()
        return send_and_release(form)

    with ThreadPoolExecutor(times) as threads:
        sent = list(threads.map(send, range(times)))
    assert {answer.status_code for _, answer in sent} == {302}
    assert len({answer.location for _, answer in sent}) == 1
    if form.path in ("/signup", "/login", "/profile/password"):
        assert everyone()[0][1:] == (1, 1)
        assert sum(browser.is_signed_in() for browser, _ in sent) == 1
    messages = {page_text(browser.get(answer.location).text) for browser, answer in sent}
    assert not any("nothing was done" in text for text in messages)


def wait_until_the_clock_has_moved() -> None:
    begun = now()
    while now() == begun:
        pass


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("fill", [sign_up, log_in])
def test_of_two_in_flight_the_one_that_was_sent_last_keeps_its_session(
    app: Flask, browser: Browser, fill: Callable[[Browser], Form], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first click is hashed so slowly that the second is answered before it."""
    if fill is log_in:
        users.create_user("Jane", PASSWORD, OPERATOR)
    form = fill(browser)
    overtakes: list[Browser] = []
    name = "hash_password" if fill is sign_up else "verify_password"
    original = getattr(passwords, name)

    def slowly(*args: Any) -> Any:
        monkeypatch.setattr(passwords, name, original)
        wait_until_the_clock_has_moved()  # within one millisecond, neither was sent last
        with ThreadPoolExecutor(1) as other:
            overtakes.append(other.submit(send_and_release, form).result()[0])
        return original(*args)

    monkeypatch.setattr(passwords, name, slowly)
    slow, answer = form.send()
    assert answer.status_code == 302
    assert overtakes[0].is_signed_in()
    assert not slow.is_signed_in()
    assert Session.select().count() == 1
