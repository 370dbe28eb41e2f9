"""Why was I logged out? A browser whose session was ended elsewhere learns why, exactly once."""

import pytest
from conftest import PASSWORD, Browser, hidden_fields, on_sqlite, page_form, page_text, soup, sql
from profile_pages import change_password, token_of

from accounts import sessions, users
from accounts.actor import OPERATOR
from accounts.sessions import Reason
from models import Event, Session, User, now
from web import words

DAY = 86_400_000


def age(**columns):
    Session.update(**columns).execute()


def set_password(_phone):
    users.set_password(User.get(), "operator's horse", OPERATOR)


def too_many(phone):
    app = phone.client.application
    for _ in range(2):
        Browser(app).log_in("Jane")


def clear_away(_phone):
    age(idle_expires_at=now() - 1)
    sessions.prune_sessions()


ENDINGS = {
    "the password was changed": lambda phone: change_password(again(phone)),
    "runs this site set a new password": set_password,
    "ended from another device": lambda phone: again(phone).submit_to(
        "/profile/sessions", "/profile/sessions/end-others", {}
    ),
    "ended by the person who runs this site": lambda _: sessions.invalidate_all_sessions(
        Reason.ENDED_BY_OPERATOR, OPERATOR
    ),
    "the account was locked": lambda _: users.lock_user(User.get(), OPERATOR),
    "too many browsers": too_many,
    "because your log-in expired": lambda _: age(idle_expires_at=now() - 1),
    "because your log-in expired.": lambda _: age(created_at=now() - 91 * DAY),
    "or the account was deleted": lambda _: users.delete_user(User.get(), OPERATOR),
    "your log-in expired, or": clear_away,
}


@pytest.fixture
def settings(settings):
    return {**settings, "SESSIONS_PER_USER": "2"}


def again(browser):
    """The same person in another browser."""
    other = Browser(browser.client.application)
    other.log_in("Jane")
    return other


def notices(html):
    return [notice.get_text(strip=True) for notice in soup(html).select(".notice")]


@pytest.mark.parametrize("said", ENDINGS)
@pytest.mark.parametrize("path", ["/", "/profile", "/login", "/nowhere"])
def test_the_reason_is_told_once_in_one_sentence(jane, said, path):
    ENDINGS[said](jane)
    told = [
        notice for _ in range(2) for notice in notices(jane.get(path, follow_redirects=True).text)
    ]
    told = [notice for notice in told if "logged out" in notice]
    assert len(told) == 1
    assert said in told[0]
    assert told[0].count(".") == 1


def test_the_cookie_is_emptied_of_all_but_the_message(jane):
    users.lock_user(User.get(), OPERATOR)
    jane.get("/profile")
    with jane.client.session_transaction() as cookie:
        assert set(cookie) == {"_flashes", "next"}
    jane.get("/")
    with jane.client.session_transaction() as cookie:
        assert set(cookie) == {"next"}


def test_logging_out_in_this_browser_gives_no_reason_even_to_a_copy_of_its_cookie(app, jane):
    copy = Browser(app)
    copy.client.set_cookie("auth_session", jane.client.get_cookie("auth_session").value)
    jane.log_out()
    assert notices(jane.get("/").text) == ["You are now logged out."]
    for browser in (jane, copy):
        assert notices(browser.get("/").text) == []


def test_a_form_sent_from_an_ended_session_does_nothing_and_tells_why(jane):
    token_before = token_of(jane)
    html = jane.get("/profile/username").text
    data = {**hidden_fields(page_form(html, "/profile/username")), "new_username": "Janet"}
    data["current_password"] = PASSWORD
    sessions.invalidate_user_sessions(User.get(), Reason.ENDED_ELSEWHERE, OPERATOR)
    answer = jane.client.post("/profile/username", data=data, follow_redirects=True)
    assert "ended from another device" in page_text(answer.text)
    assert "nothing was done" in page_text(answer.text)
    assert User.get().username == "Jane"
    assert sessions.validate_session(token_before) is None


def test_strangers_and_odd_tokens_are_told_nothing(app, browser):
    assert notices(browser.get("/").text) == []
    for token in ("", "x", 7, None, ["x"], "é" * 43):
        with browser.client.session_transaction() as cookie:
            cookie["token"] = token
        answer = browser.get("/")
        assert answer.status_code == 200
        assert notices(answer.text) == []


def test_the_question_is_answered_by_an_index(jane):
    sessions.why_ended(token_of(jane))
    if not on_sqlite():
        sql("SET enable_seqscan = off")  # otherwise it would scan such a small table
    explain = "EXPLAIN QUERY PLAN" if on_sqlite() else "EXPLAIN"
    plan = sql(
        f"{explain} SELECT * FROM event WHERE session = ? AND kind IN (?, ?) ORDER BY at DESC",
        ("0" * 12, "a", "b"),
    ).fetchall()
    assert "event_session" in str(plan)


def test_every_reason_has_its_sentence():
    # Features add reasons of their own.
    assert set(words.WHY_LOGGED_OUT) >= set(Reason) - {Reason.LOGGED_OUT, Reason.DELETED}
    assert not {Reason.LOGGED_OUT, Reason.DELETED} & set(words.WHY_LOGGED_OUT)
    assert words.why_logged_out("a reason of tomorrow") == "You have been logged out."


def test_no_rows_of_ended_sessions_are_kept(jane):
    users.lock_user(User.get(), OPERATOR)
    assert Session.select().count() == 0
    assert Event.select().where(Event.kind == "session_ended").count() == 1
