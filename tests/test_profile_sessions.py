"""GET /profile/sessions and ending them (BEHAVIOUR 4), as a browser sees it."""

import re

import pytest
from conftest import Browser, page_text, soup, sql
from profile_pages import FIREFOX, end_other_sessions, end_session, token_of

from accounts import sessions, times
from models import Session, now
from web import words

DAY, MINUTE = 86_400_000, 60_000


@pytest.fixture
def phone(app, jane):
    """A second browser in which Jane is logged in."""
    phone = Browser(app)
    phone.client.environ_base["HTTP_USER_AGENT"] = FIREFOX
    phone.client.environ_base["REMOTE_ADDR"] = "203.0.113.7"
    phone.log_in("Jane")
    return phone


def handle_of(browser):
    return sessions.validate_session(token_of(browser)).handle


def entry(browser, handle):
    listed = soup(browser.get("/profile/sessions").text).select("ul.entries > li")
    return next(item for item in listed if handle in item.get_text())


def test_every_live_session_is_there_with_browser_address_times_and_handle(app, jane, phone):
    sql(
        "UPDATE session SET created_at = ?, last_seen_at = ?",
        (now() - 3 * DAY, now() - 10 * MINUTE),
    )
    theirs, mine = entry(jane, handle_of(phone)), entry(jane, handle_of(jane))
    text = page_text(str(theirs))
    assert "Firefox on Linux" in text
    assert "203.0.113.7" in text
    assert "Last seen 10 minutes ago" in text
    for moment in (now() - 3 * DAY, now() - 10 * MINUTE):
        assert times.in_words(moment)[:-9] in text
    assert "this browser" not in text
    assert "this browser" in page_text(str(mine))
    for time in theirs.find_all("time"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", time["datetime"])
        assert re.search(r"\d+ \w+ \d{4}, \d\d:\d\d UTC", time.get_text())


def test_alone_one_reads_so_and_has_no_others_to_end(jane):
    html = jane.get("/profile/sessions").text
    assert "No other browser is logged in" in page_text(html)
    assert "end-others" not in html


def test_dead_sessions_and_those_of_others_are_not_there(app, jane, phone):
    other = Browser(app)
    other.sign_up("Other")
    handles = handle_of(phone), handle_of(other)
    Session.update(idle_expires_at=now() - 1).where(
        Session.id == sessions.hash_token(token_of(phone))
    ).execute()
    html = jane.get("/profile/sessions").text
    for handle in handles:
        assert handle not in html


def test_one_is_ended_by_its_button_and_reads_why_once(jane, phone):
    answer = jane.submit_to("/profile/sessions", f"/profile/sessions/{handle_of(phone)}/end", {})
    assert (answer.status_code, answer.location) == (302, "/profile/sessions")
    assert "has been logged out" in page_text(jane.get("/profile/sessions").text)
    assert "ended from another device" in page_text(phone.get("/").text)
    assert "ended from another device" not in page_text(phone.get("/").text)
    assert not phone.is_signed_in()
    assert jane.is_signed_in()


def test_all_others_are_ended_at_once(app, jane, phone):
    tablet = Browser(app)
    tablet.log_in("Jane")
    assert end_other_sessions(jane).location == "/profile/sessions"
    assert Session.select().count() == 1
    assert jane.is_signed_in()
    for browser in (phone, tablet):
        assert "ended from another device" in browser.get("/", follow_redirects=True).text


@pytest.mark.parametrize(
    "spoil",
    [str, str.upper, "{}0".format, *(lambda _, h=h: h for h in ("0" * 12, "%00", "x", "é" * 300))],
)
def test_another_users_or_a_made_up_handle_is_a_404(app, jane, spoil):
    other = Browser(app)
    other.sign_up("Other")
    handle = spoil(handle_of(other))
    assert end_session(jane, handle).status_code == 404
    assert other.is_signed_in()
    assert jane.is_signed_in()


def test_ones_own_current_handle_is_a_log_out_of_this_browser(jane, phone):
    answer = end_session(jane, handle_of(jane))
    assert (answer.status_code, answer.location) == (302, "/")
    assert answer.headers["Clear-Site-Data"]
    assert not jane.is_signed_in()
    assert phone.is_signed_in()
    assert "because" not in page_text(jane.get("/").text)


@pytest.mark.parametrize("path", ["/profile/sessions/0123456789ab/end",
                                  "/profile/sessions/end-others"])  # fmt: skip
def test_without_this_browsers_token_nothing_is_ended(jane, phone, path):
    assert jane.client.post(path).status_code == 400
    assert jane.get(path).status_code in (404, 405)
    assert phone.is_signed_in()


@pytest.mark.parametrize(
    ("user_agent", "said"),
    [
        (FIREFOX, "Firefox on Linux"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
         "like Gecko) Version/18.1 Mobile/15E148 Safari/604.1", "Safari on iOS"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
         "Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0", "Edge on Windows"),
        ("Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
         "Chrome/142.0.0.0 Mobile Safari/537.36", "Chrome on Android"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like "
         "Gecko) Version/18.1 Safari/605.1.15", "Safari on macOS"),
        ("curl/8.5.0", "curl"),
        ("(X11; Linux x86_64)", "Unknown browser on Linux"),
        ("", "Unknown browser"),
        ("<script>", "Unknown browser"),
    ],
)  # fmt: skip
def test_a_browser_is_named_in_words(user_agent, said):
    assert words.describe_browser(user_agent) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-100, "just now"), (0, "just now"), (59, "just now"), (60, "1 minute ago"),
        (3599, "59 minutes ago"), (3600, "1 hour ago"), (2 * 86_400, "2 days ago"),
        (8 * 86_400, "1 week ago"), (65 * 86_400, "2 months ago"), (800 * 86_400, "2 years ago"),
    ],
)  # fmt: skip
def test_a_length_of_time_is_said_in_words(monkeypatch, seconds, said):
    monkeypatch.setattr(times, "now", lambda: 10**12)
    assert times.ago(10**12 - seconds * 1000) == said
