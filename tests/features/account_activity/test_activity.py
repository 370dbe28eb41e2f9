"""GET /profile/activity (BEHAVIOUR 4), and the message after a log-in."""

import re

import pytest
from conftest import Browser, page_text, soup, sql
from profile_pages import FIREFOX, change_password

from accounts import events, sessions, times, users
from accounts.actor import OPERATOR, Actor
from accounts.events import Kind
from features.account_activity.pages import EVENTS_PER_PAGE
from models import Event, Session, User, now
from web import words

DAY = 86_400_000


@pytest.fixture
def jane(browser):
    """A browser in which Jane has signed up, Firefox on Linux at 203.0.113.7."""
    browser.client.environ_base["HTTP_USER_AGENT"] = FIREFOX
    browser.client.environ_base["REMOTE_ADDR"] = "203.0.113.7"
    browser.sign_up("Jane")
    return browser


def listed(browser, path="/profile/activity"):
    return [page_text(str(entry)) for entry in soup(browser.get(path).text).select(".day li")]


def test_what_happened_is_said_in_words_newest_first(app, jane):
    change_password(jane)
    jane.log_out()
    jane.log_in("Jane", "wrong horse")
    jane.log_in("Jane", "another horse")
    assert [re.sub(r" · [0-9a-f]{12}$", "", entry) for entry in listed(jane)] == [
        f"{what} Firefox on Linux · {times.in_words(event.at).split(', ')[1]} · 203.0.113.7"
        for what, event in zip(
            [
                "Logged in",
                "Failed log-in",
                "Logged out",
                "Password changed",
                "Logged out (password changed)",
                "Account created",
            ],
            Event.select().order_by(Event.id.desc()),
            strict=True,
        )
    ]


def test_what_the_operator_did_is_said_to_be_theirs(jane):
    users.set_password(User.get(), "operator's horse", OPERATOR)
    jane.log_in("Jane", "operator's horse")
    assert any("Password changed by the person who runs this site" in e for e in listed(jane))
    assert any("Logged out (new password) by the person" in entry for entry in listed(jane))


def test_events_stand_below_their_day_with_the_exact_time(jane):
    midnight = 1_800_000_000_000 // DAY * DAY
    Event.delete().execute()
    for moment in (midnight - 60_000, midnight, midnight + 60_000, 10**17):
        done = events.record(Kind.LOGIN_SUCCESS, User.get(), Actor("192.0.2.1", FIREFOX))
        Event.update(at=moment).where(Event.id == done).execute()
    days = soup(jane.get("/profile/activity").text).select(".day")
    assert [day.h2.get_text() for day in days] == [f"{10**17} ms", "15 January 2027",
                                                  "14 January 2027"]  # fmt: skip
    shown = [[time.get_text() for time in day.find_all("time")] for day in days]
    assert shown == [[f"{10**17} ms"], ["00:01 UTC", "00:00 UTC"], ["23:59 UTC"]]


def test_the_handle_is_the_one_of_the_sessions_page(jane):
    handle = Session.get().handle
    assert handle in listed(jane)[0]
    assert handle in jane.get("/profile/sessions").text


def fill(number):
    user = User.get()
    for at in range(number):
        Event.create(at=at, kind="authn_login_success", user=user, session="",
                     ip_address=f"192.0.2.{at % 250}", user_agent="", detail=str(at))  # fmt: skip


def test_it_is_paged_and_every_event_is_on_one_page(jane):
    fill(2 * EVENTS_PER_PAGE)
    pages, path = [], "/profile/activity"
    while path:
        pages.append(listed(jane, path))
        older = soup(jane.get(path).text).find("a", rel="next")
        path = older["href"] if older else None
    assert [len(page) for page in pages] == [EVENTS_PER_PAGE, EVENTS_PER_PAGE, 1]
    numbers = [int(n) for n in re.findall(r"Logged in \((\d+)\)", str(pages))]
    assert numbers == sorted(range(2 * EVENTS_PER_PAGE), reverse=True)


def test_the_last_page_says_that_it_is(jane):
    fill(EVENTS_PER_PAGE - 1)
    assert soup(jane.get("/profile/activity").text).find("a", rel="next") is None
    html = jane.get("/profile/activity?page=2").text
    assert "nothing on this page" in page_text(html)
    assert soup(html).find("a", rel="prev")["href"] == "/profile/activity?page=1"


@pytest.mark.parametrize(
    "query",
    ["page=0", "page=-1", "page=x", "page=", "page=1e9", "page=٢", "page=999999999999999999999",
     "page=1&page=2", "page[]=1", "page=%00", "page=%ff", "page=999999", "x"],
)  # fmt: skip
def test_an_odd_page_is_never_a_fault(jane, query):
    assert jane.get(f"/profile/activity?{query}").status_code == 200


def test_nobody_elses_events_are_there(app, jane):
    other = Browser(app)
    other.sign_up("Other")
    assert len(listed(other)) == 1


def test_every_kind_of_event_has_its_words():
    missing = set(Kind) - set(words.EVENTS) - {Kind.USER_DELETED}
    assert not missing
    odd = Event(kind="some_new_kind", detail="", session="")
    assert words.describe_event(odd) == "Some new kind"


def test_an_expired_session_was_ended_by_nobody(jane):
    Session.update(idle_expires_at=now() - 1).execute()
    jane.get("/")
    jane.log_in("Jane")
    assert any(entry.startswith("Log-in expired") for entry in listed(jane))


@pytest.fixture
def without_notices(app):
    """As where the feature that tells of them otherwise is out."""
    app.blueprints.pop("notices", None)


def notices(browser):
    shown = soup(browser.get("/profile").text).select(".notice")
    said = [notice.get_text(strip=True) for notice in shown]
    return [words for words in said if "attempt" in words]  # other features advise other things


@pytest.mark.usefixtures("without_notices")
def test_after_a_log_in_failed_attempts_since_the_last_are_told_once(app, jane):
    jane.log_out()
    sql("UPDATE event SET at = at - ?", (3 * DAY,))
    for _ in range(3):
        Browser(app).log_in("Jane", "wrong horse")
    jane.log_in("Jane")
    assert notices(jane) == [
        "Last log-in 3 days ago, from Firefox on Linux, 203.0.113.7; 3 failed attempts since then."
    ]
    assert notices(jane) == []
    jane.log_out()
    jane.log_in("Jane")
    assert notices(jane) == [], "the log-in before has reported those"


@pytest.mark.usefixtures("without_notices")
def test_one_failed_attempt_is_one(app, jane):
    Browser(app).log_in("Jane", "wrong horse")
    phone = Browser(app)
    phone.log_in("Jane")
    assert "; 1 failed attempt since then." in notices(phone)[0]


@pytest.mark.usefixtures("without_notices")
def test_after_a_log_in_without_any_nothing_is_said(app, jane):
    phone = Browser(app)
    phone.log_in("Jane")
    assert notices(phone) == []


@pytest.mark.usefixtures("without_notices")
def test_attempts_before_the_first_log_in_are_told_too(app, browser):
    users.create_user("Jane", "correct horse", OPERATOR)
    browser.log_in("Jane", "wrong horse")
    browser.log_in("Jane")
    assert notices(browser) == ["Your first log-in; 1 failed attempt before it."]


@pytest.mark.usefixtures("without_notices")
def test_failed_attempts_at_another_account_are_not_mine(app, jane):
    Browser(app).sign_up("Other")
    Browser(app).log_in("Other", "wrong horse")
    phone = Browser(app)
    phone.log_in("Jane")
    assert notices(phone) == []


def test_hostile_browsers_and_details_are_text(app, jane):
    hostile = Browser(app)
    hostile.client.environ_base["HTTP_USER_AGENT"] = "<script>Firefox/1 (X11; Linux)"
    hostile.log_in("Jane")
    sessions.invalidate_user_sessions(
        User.get(), "<b>\u202e", OPERATOR, keep=sessions.live_sessions().first()
    )
    for path in ("/profile/activity", "/profile/sessions"):
        html = hostile.get(path).text
        assert "<script>" not in html
        assert "<b>" not in html


def row(browser):
    rows = soup(browser.get("/profile").text).select(".rows > li")
    return next(page_text(str(each.p)) for each in rows if each.a.get_text() == "Activity")


def test_its_row_counts_the_failed_log_ins_of_the_last_month(app, jane):
    assert row(jane) == "No failed log-ins in the last 30 days"
    Browser(app).log_in("Jane", "wrong horse")
    assert row(jane) == "1 failed log-in in the last 30 days"
    Event.update(at=now() - 95 * DAY).execute()
    assert row(jane) == "No failed log-ins in the last 30 days"
