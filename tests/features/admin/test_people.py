"""The list of users and that of events: states, search, pages, and no page that is lost between."""

import re
from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from conftest import PASSWORD, Browser, import_user, soup
from flask import Flask

from accounts import events, users
from accounts.actor import OPERATOR, Actor
from features.admin import people, record, tables
from models import Event, Key, Session, User, now

from .conftest import named, of, offers, press

STATES = ("all", "locked", "waiting", "admins", "no-password", "never-logged-in")


def names(browser: Browser, query: str = "") -> list[str]:
    """Return the names on a page of users."""
    page = soup(browser.get(f"/admin/users?{query}").text)
    return [link.get_text() for link in page.select("main ul strong a")]


def all_pages(browser: Browser, path: str, select: str) -> list[list[str]]:
    """Follow "Next page" to the end; return what each page shows."""
    found = []
    while path:
        page = soup(browser.get(path).text)
        found.append([each.get_text() for each in page.select(f"main {select}")])
        link = page.find("a", rel="next")
        path = link["href"] if link else ""
        assert len(found) < 100, path
    return found


def make(names: list[str]) -> None:
    for name in names:
        users.create_user(name, None, OPERATOR)


@pytest.fixture
def several(admin: Browser, lucy: User) -> Browser:
    """Users in every state."""
    users.lock_user(users.create_user("Locked", PASSWORD, OPERATOR), OPERATOR)
    make(["Keyless"])
    waits = users.create_user("Waiting", PASSWORD, OPERATOR)
    User.update(waiting_since=1).where(User.id == waits.id).execute()
    return admin


@pytest.mark.parametrize("order", people.ORDERS)
@pytest.mark.parametrize(
    ("state", "shown"),
    [
        ("all", {"Jane", "Lucy", "Locked", "Keyless", "Waiting"}),
        ("locked", {"Locked"}),
        ("waiting", {"Waiting"}),
        ("admins", {"Jane"}),
        ("no-password", {"Keyless"}),
        ("never-logged-in", {"Lucy", "Locked", "Keyless", "Waiting"}),
        ("made-up", {"Jane", "Lucy", "Locked", "Keyless", "Waiting"}),
    ],
)
def test_states(several: Browser, state: str, shown: set[str], order: str) -> None:
    found = names(several, f"state={state}&sort={order}")
    assert set(found) == shown
    assert len(found) == len(shown)


def test_orders(several: Browser) -> None:
    newest = ["Waiting", "Keyless", "Locked", "Lucy", "Jane"]
    for number, user in enumerate(reversed(newest)):
        User.update(created_at=number).where(User.username == user).execute()
    assert names(several) == newest
    assert names(several, "sort=oldest") == newest[::-1]
    assert names(several, "sort=name") == ["Jane", "Keyless", "Locked", "Lucy", "Waiting"]


def test_a_row_says_what_is_known(several: Browser) -> None:
    text = several.get("/admin/users?q=jane").text
    assert "1 live session<" in text
    assert '<span class="tag">admin</span>' in text
    assert named("Jane").id in text
    assert "no log-in known" in several.get("/admin/users?q=lucy").text
    Browser(several.client.application).log_in("Lucy")
    assert "no log-in known" not in several.get("/admin/users?q=lucy").text


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("anna", ["Anna", "Annabel", "Hannah", "Joanna"]),
        ("ANNA", ["Anna", "Annabel", "Hannah", "Joanna"]),
        ("ｊｏ", ["Joanna"]),
        ("nobody", []),
        ("%", []),
        ("_", ["_under"]),
        ("'", []),
        ("id:nobody", []),
        ("<b>", ["<b>"]),
        ("Ö", ["Öner"]),
    ],
)
def test_search(admin: Browser, search: str, found: list[str]) -> None:
    make(["Joanna", "Annabel", "Anna", "Hannah", "_under", "Öner"])
    imported = import_user("<b>")
    Key.update(provider="lucia").where(Key.user == imported).execute()
    if "lucia" not in people.login_providers():
        found = [name for name in found if name != "<b>"]
    page = soup(admin.client.get("/admin/users", query_string={"q": search}).text)
    assert [link.get_text() for link in page.select("main ul strong a")] == found


def test_search_by_id_and_state(several: Browser, lucy: User) -> None:
    assert names(several, f"q=id:{lucy.id}") == ["Lucy"]
    assert names(several, "q=l&state=locked") == ["Locked"]
    assert names(several, "q=uc&state=locked") == []


@pytest.mark.parametrize("query", ["sort=newest", "sort=oldest", "sort=name", "q=user", "q=ser",
                                   "state=no-password", "state=locked", "state=never-logged-in",
                                   "state=locked&sort=name", "q=user&state=locked"])  # fmt: skip
@pytest.mark.parametrize("look_at", [7, 30, 1000])
def test_pages_show_each_user_once_and_none_is_lost(
    admin: Browser, monkeypatch: pytest.MonkeyPatch, query: str, look_at: int
) -> None:
    """Also when all were created at one moment, and when few rows are looked at."""
    monkeypatch.setattr(people, "LOOK_AT", look_at)
    made = [f"user{number:02}" for number in range(60)] + ["other_user"]
    make(made)
    User.update(created_at=now(), locked_at=1).where(User.username.in_(made)).execute()
    pages = all_pages(admin, f"/admin/users?{query}", "ul strong a")
    shown = [name for page in pages for name in page if name != "Jane"]
    assert sorted(shown) == sorted(made)
    assert max(map(len, pages)) <= people.SIZE
    assert len(pages) < 60 / min(people.SIZE, look_at) + 5


def test_no_one_is_said_never_to_have_logged_in_whose_events_are_pruned(
    settings: dict[str, str], request: pytest.FixtureRequest
) -> None:
    settings["EVENT_RETENTION"] = "30 d"
    admin = request.getfixturevalue("admin")
    make(["Long_ago", "Lately"])
    for name, days in (("Long_ago", 31), ("Lately", 29)):
        User.update(created_at=now() - days * 86_400_000).where(User.username == name).execute()
    assert names(admin, "state=never-logged-in") == ["Lately"]


@pytest.fixture
def imported(app: Flask, admin: Browser) -> Browser:
    """Users with names that Lucia allowed; Éloïse has one of ours too."""
    needs_imported_names()
    for name in ("Ö", "Two  Spaces", "Éloïse", *(f"Ünal {number:02}" for number in range(50))):
        user = import_user(name)
        Key.update(provider="lucia", provider_user_id=name).where(Key.user == user).execute()
    Key.create(provider="username", provider_user_id="éloïse", user=User.get(username="Éloïse"))
    make(["Zoe_1"])
    return admin


def needs_imported_names() -> None:
    if "lucia" not in people.login_providers():
        pytest.skip("taken out: importing")


@pytest.mark.parametrize("state", ["all", "never-logged-in"])
@pytest.mark.parametrize("look_at", [7, 1000])
def test_imported_users_are_listed_by_name(
    imported: Browser, monkeypatch: pytest.MonkeyPatch, state: str, look_at: int
) -> None:
    monkeypatch.setattr(people, "LOOK_AT", look_at)
    pages = all_pages(imported, f"/admin/users?sort=name&state={state}", "ul strong a")
    shown = [name for page in pages for name in page]
    assert len(shown) == User.select().count() - (state != "all")
    assert len(set(shown)) == len(shown)


@pytest.mark.parametrize(
    ("search", "found"), [("Ö", ["Ö"]), ("LOÏS", ["Éloïse"]), ("  Sp", ["Two  Spaces"]),
                          ("Ünal 4", [f"Ünal 4{number}" for number in range(10)])]
)  # fmt: skip
def test_imported_names_are_found_as_typed(
    imported: Browser, search: str, found: list[str]
) -> None:
    page = soup(imported.client.get("/admin/users", query_string={"q": search}).text)
    assert [link.get_text() for link in page.select("main ul strong a")] == found


def test_an_imported_name_is_shown_as_it_is(admin: Browser) -> None:
    user = import_user("Two  Spaces")
    events.record("user_renamed", user, OPERATOR, detail="was A  B")
    assert "Two  Spaces" in admin.get("/admin/users").text
    text = admin.get("/admin/events").text
    assert "Two  Spaces" in text
    assert "was A  B" in text


def test_a_page_of_25_long_names_is_light(admin: Browser) -> None:
    make([chr(0x4E00 + number) * 31 for number in range(26)])
    for user in User.select().where(User.username != "Jane"):
        press(admin, of(user), of(user, "lock"))
    for number in range(60):
        events.record(f"kind{number}", named("Jane"), OPERATOR)
    for _ in range(26 * offers("create_invitation")):
        admin.submit("/admin/invitations", {"label": "𠀀" * 100})
    Event.update(user_agent="🐎" * 255, detail="𠀀" * 40).execute()
    lists = ["/admin/users", "/admin/events", "/admin/invitations", "/admin"]
    for path in (*lists, *(f"/admin/tables/{name}" for name in ("user", "key", "event"))):
        if (answer := admin.get(path)).status_code == 200:
            assert len(answer.data) < 40_000, path


@pytest.mark.parametrize(
    "after", ["x", ".", "1", "1.", "9999999999999999999.x", "-1.x", "²³.x", "+", "+ ", "\0", "1.\0"]
)
@pytest.mark.parametrize("path", ["/admin/users", "/admin/users?sort=name", "/admin/users?q=a",
                                  "/admin/events", "/admin/tables/user"])  # fmt: skip
def test_an_odd_place_to_begin_is_no_fault(admin: Browser, path: str, after: str) -> None:
    address = f"{path}{'&' if '?' in path else '?'}{urlencode({'after': after})}"
    assert admin.get(address).status_code == 200


@pytest.fixture
def happened(admin: Browser, lucy: User) -> Browser:
    """Many events of two users, some by an admin."""
    for number in range(60):
        events.record(f"kind{number % 3}", lucy, Actor("192.0.2.1"), detail=f"no {number}")
    press(admin, of(lucy), of(lucy, "lock"))
    return admin


@pytest.mark.parametrize("look_at", [10, 1000])
@pytest.mark.parametrize(
    ("query", "condition"),
    [
        ("", lambda: Event.id > 0),
        ("kind=kind1", lambda: Event.kind == "kind1"),
        ("kind=user_locked", lambda: Event.kind == "user_locked"),
        ("user=LUCY", lambda: Event.user == named("Lucy")),
        ("user=LUCY&kind=kind2", lambda: (Event.user == named("Lucy")) & (Event.kind == "kind2")),
        ("actor=JANE", lambda: Event.actor == named("Jane").id),
        ("actor=nobody", lambda: Event.actor == "nobody"),
    ],
)
def test_events_are_filtered_and_each_is_shown_once(
    happened: Browser,
    monkeypatch: pytest.MonkeyPatch,
    query: str,
    condition: Callable,
    look_at: int,
) -> None:
    monkeypatch.setattr(record, "LOOK_AT", look_at)
    query = query.replace("LUCY", named("Lucy").id).replace("JANE", named("Jane").id)
    pages = all_pages(happened, f"/admin/events?{query}", "ul.links > li time")
    assert sum(map(len, pages)) == Event.select().where(condition()).count()


@pytest.mark.parametrize("path", ["/admin/users?state=no-password", "/admin/events?kind=x",
                                  "/admin/tables/event?column=kind&value=x"])  # fmt: skip
def test_a_page_without_rows_leads_on(
    happened: Browser, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    for module in (people, record, tables):
        monkeypatch.setattr(module, "LOOK_AT", 2)
    page = soup(happened.get(path).text)
    assert "search further below" in page.select_one("main .lead").text
    assert page.find("a", rel="next").text == "Search further"


def test_the_overview_counts_and_has_the_last_acts(happened: Browser, lucy: User) -> None:
    page = soup(happened.get("/admin").text)
    numbers = dict(
        zip(
            (term.get_text(strip=True) for term in page.select("main dt")),
            (value.get_text(strip=True) for value in page.select("main dd")),
            strict=True,
        )
    )
    assert numbers == {
        "Users": "2", "Locked": "1", "Waiting": "0", "Admins": "1", "Live sessions": "1",
    }  # fmt: skip
    [act] = page.select("main ul.links > li")
    assert re.search(rf"Account locked.*Lucy.*{named('Jane').id}", act.get_text(" ", strip=True))


def test_the_last_acts_are_not_the_log_outs_that_follow_them(admin: Browser, lucy: User) -> None:
    press(admin, of(lucy), of(lucy, "lock"))
    press(admin, of(lucy), of(lucy, "unlock"))
    mary = users.create_user("Mary", PASSWORD, OPERATOR)
    for name in ["Lucy", "Mary"] * 10:
        Browser(admin.client.application).log_in(name)
    press(admin, of(lucy), of(lucy, "lock"))
    admin.submit(of(mary, "delete"), {"username": "Mary", "current_password": PASSWORD})
    assert Session.select().where(Session.user != named("Jane")).count() == 0
    acts = [each.get_text() for each in soup(admin.get("/admin").text).select("main li strong")]
    assert acts == ["User deleted", "Account locked", "Account unlocked", "Account locked"]


def test_millions_are_not_counted(monkeypatch: pytest.MonkeyPatch, admin: Browser) -> None:
    monkeypatch.setattr(people, "MOST", 3)
    make(["Anna", "Bella"])
    assert people.count_at_most(User.select()) == "3"
    make(["Carla"])
    assert people.count_at_most(User.select()) == "more than 3"


def test_no_page_uses_offset(
    app: Flask, happened: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="peewee")
    for path in ("/admin/users?sort=name", "/admin/events?kind=kind1", "/admin/tables/event"):
        assert all_pages(happened, path, "ul")
    statements = [record.getMessage() for record in caplog.records if record.name == "peewee"]
    assert len(statements) > 5
    assert not [each for each in statements if "OFFSET" in each]
