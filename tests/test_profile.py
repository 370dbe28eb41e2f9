"""GET /profile, and what a request of a logged-in user costs and does to the session."""

import re
from datetime import UTC, datetime

import pytest
from conftest import Browser, everything, page_text, soup
from peewee import fn
from playhouse.test_utils import count_queries
from profile_pages import change_password

from accounts import users
from accounts.actor import OPERATOR
from blueprints.account_pages import AccountPage, pages
from models import Event, Key, Session, User, now

HOUR = 3_600_000
DAY = 24 * HOUR


def facts(html):
    """Return what the page says, by heading."""
    pairs = zip(soup(html).find_all("dt"), soup(html).find_all("dd"), strict=True)
    return {name.get_text(strip=True): value for name, value in pairs}


def test_the_profile_shows_username_user_id_and_member_since(jane):
    page = jane.get("/profile")
    said = facts(page.text)
    assert page.status_code == 200
    assert said["Username"].get_text(strip=True) == "Jane"
    assert said["User ID"].get_text(strip=True) == User.get().id
    since = datetime.fromisoformat(said["Member since"].time["datetime"])
    assert since.timestamp() == User.get().created_at // 1000
    assert f"{since:%B %Y, %H:%M} UTC" in said["Member since"].get_text()


def test_the_profile_shows_this_session_by_a_handle_that_opens_nothing(app, jane):
    html = jane.get("/profile").text
    handle = facts(html)["Handle"].code.get_text(strip=True)
    assert handle == Session.get().handle
    assert re.fullmatch("[0-9a-f]{12}", handle)
    with jane.client.session_transaction() as session:
        assert session["token"] not in html


def test_the_profile_is_that_of_the_visitor_and_of_nobody_else(app, jane):
    other = Browser(app)
    other.sign_up("Other")
    assert "Other" in page_text(other.get("/profile").text)
    assert "Other" not in page_text(jane.get("/profile").text)


@pytest.mark.parametrize(("path", "selects"), [("/", 1), ("/profile/password", 1), ("/profile", 2)])
def test_a_request_of_a_member_is_one_select_and_sends_no_cookie(jane, path, selects):
    """The profile alone may ask once more: how things stand, for all its rows."""
    jane.get(path)
    with count_queries() as queries:
        answer = jane.get(path)
    statements = [record.msg[0] for record in queries.get_queries()]
    assert len(statements) == selects
    assert all(statement.startswith("SELECT") for statement in statements)
    assert "Set-Cookie" not in answer.headers


def rows(html):
    """Return the rows of the profile: what can be done, and how things stand."""
    return {
        row.a.get_text(strip=True): page_text(str(row.p)) for row in soup(html).select(".rows > li")
    }


def test_the_profile_says_first_what_can_be_done_and_how_things_stand(app, jane):
    hall = {
        "Change password": "Never changed since sign-up",
        "Change username": "Jane",
        "Browsers": "No other browsers",
    }
    assert rows(jane.get("/profile").text).items() >= hall.items()
    main = soup(jane.get("/profile").text).main
    order = [
        each.name for each in main.find_all(["h1", "ul", "details"]) if not each.find_parent("nav")
    ]
    assert order == ["h1", "ul", "details"]
    assert "User ID" in main.details.get_text()
    assert main.select_one(".apart a")["href"] == "/profile/delete"


def test_the_rows_of_the_profile_follow_what_happens(app, jane):
    for _ in range(2):
        Browser(app).log_in("Jane")
    Session.update(idle_expires_at=now() - 1).where(Session.id == Session.select(
        Session.id).order_by(Session.created_at.desc()).limit(1)).execute()  # fmt: skip
    assert rows(jane.get("/profile").text)["Browsers"] == "1 other browser"
    change_password(jane)
    Event.update(at=now() - 95 * DAY).execute()
    said = rows(jane.get("/profile").text)
    assert said["Change password"].startswith("Changed 3 months ago, ")
    assert said["Browsers"] == "No other browsers"


def test_what_was_forgotten_is_not_said_never_to_have_happened(jane):
    """Events are kept for a year: of an older account nobody knows."""
    User.update(created_at=now() - 800 * DAY).execute()
    said = rows(jane.get("/profile").text)["Change password"]
    assert said.startswith("Not changed since ")
    assert str(datetime.now(UTC).year - 1) in said


def test_a_feature_adds_its_page_to_the_rows_and_to_the_links_beside_each_page(app, jane):

    def count(known):
        return Key.select(fn.COUNT(Key.user)).where(Key.user == known["user"])

    pages.append(AccountPage("Keys", "auth.home", lambda user, found: f"{found} key", count))
    assert rows(jane.get("/profile").text)["Keys"] == "1 key"
    for path in ("/profile", "/profile/password", "/profile/sessions"):
        beside = soup(jane.get(path).text).find("nav", attrs={"aria-label": "Your account"})
        assert [link["href"] for link in beside.find_all("a", href="/")] == ["/"]
        assert [link["href"] for link in beside.select("[aria-current=page]")] == [path]


def test_a_stay_that_cannot_be_longer_is_not_promised_to_be(jane):
    said = facts(jane.get("/profile").text)["Logged in here until"]
    assert "not past" in said.small.get_text()
    Session.update(created_at=now() - 89 * DAY, idle_expires_at=now() + 5 * DAY).execute()
    said = facts(jane.get("/profile").text)["Logged in here until"]
    assert said.small is None
    until = datetime.fromisoformat(said.time["datetime"])
    assert until.timestamp() * 1000 < now() + DAY + 60_000


def test_a_request_of_a_member_writes_nothing(jane):
    jane.get("/")  # the first use of a session is written
    before = everything()
    with count_queries() as queries:
        jane.get("/profile")
    assert [
        query.msg for query in queries.get_queries() if not query.msg[0].startswith("SELECT")
    ] == []
    assert everything() == before


def test_a_strangers_request_asks_the_database_nothing(browser):
    with count_queries() as queries:
        browser.get("/profile")
        browser.get("/")
        browser.get("/login")
    assert queries.get_queries() == []


def test_a_static_file_asks_the_database_nothing_for_any_visitor(jane):
    with count_queries() as queries, jane.get("/static/style.css") as answer:
        assert answer.status_code == 200
    assert queries.get_queries() == []


def test_last_seen_is_written_at_most_once_an_hour(jane):
    Session.update(last_seen_at=now() - HOUR + 60_000).execute()
    before = Session.get().last_seen_at
    jane.get("/profile")
    assert Session.get().last_seen_at == before
    Session.update(last_seen_at=now() - HOUR).execute()
    answer = jane.get("/profile")
    assert now() - Session.get().last_seen_at < 60_000
    assert "Set-Cookie" not in answer.headers


def test_an_idle_session_is_renewed_and_so_is_its_cookie(jane):
    Session.update(active_expires_at=now() - 1, idle_expires_at=now() + DAY).execute()
    answer = jane.get("/profile")
    session = Session.get()
    assert answer.status_code == 200
    assert session.active_expires_at - now() == pytest.approx(DAY, abs=60_000)
    assert session.idle_expires_at - now() == pytest.approx(15 * DAY, abs=60_000)
    [cookie] = answer.headers.getlist("Set-Cookie")
    assert f"Max-Age={15 * 86_400};" in cookie
    assert "Set-Cookie" not in jane.get("/profile").headers


@pytest.mark.parametrize(
    "aged",
    [
        lambda: {"active_expires_at": now() - DAY, "idle_expires_at": now() - 1},
        lambda: {"created_at": now() - 90 * DAY - 1},
    ],
    ids=["idle for too long", "older than 90 days"],
)
def test_a_dead_session_is_a_strangers_its_cookie_emptied_and_its_row_gone(jane, aged):
    Session.update(**aged()).execute()
    page = jane.get("/")
    assert "Come in" in page.text
    assert page.headers["Set-Cookie"].startswith("auth_session=")
    with jane.client.session_transaction() as cookie:
        assert not cookie
    assert Session.select().count() == 0


def test_a_session_is_never_renewed_past_90_days(jane):
    Session.update(created_at=now() - 89 * DAY, active_expires_at=now() - 1).execute()
    assert jane.is_signed_in()
    session = Session.get()
    assert session.idle_expires_at <= session.created_at + 90 * DAY


@pytest.mark.parametrize(
    "ended",
    [
        lambda user: users.lock_user(user, OPERATOR),
        lambda user: users.delete_user(user, OPERATOR),
        lambda user: users.set_password(user, "another horse", OPERATOR),
        lambda user: User.update(locked_at=now()).execute(),
    ],
    ids=["locked", "deleted", "password set", "locked by hand in the database"],
)
def test_a_browser_whose_account_was_closed_is_a_strangers_at_once(jane, ended):
    ended(User.get())
    answer = jane.get("/profile")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")


def test_the_cookie_of_a_member_outlives_the_browser_and_is_out_of_reach_of_scripts(browser):
    cookie = browser.sign_up("Jane").headers["Set-Cookie"]
    assert re.match(r"auth_session=[\w.-]+; ", cookie)
    assert {"HttpOnly", "Path=/", "SameSite=Lax", f"Max-Age={15 * 86_400}"} <= set(
        cookie.split("; ")
    )
    assert "Domain" not in cookie


def test_a_strangers_cookie_ends_with_the_browser(browser):
    cookie = browser.get("/login").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Max-Age" not in cookie
    assert "Expires" not in cookie
