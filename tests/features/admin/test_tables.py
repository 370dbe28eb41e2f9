"""The data browser: everything that may be seen, nothing that may not, whatever is asked."""

import json
import re
from urllib.parse import urlencode

import pytest
from conftest import PASSWORD, Browser, soup
from flask import Flask
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from peewee import TextField
from profile_pages import token_of

from accounts import events, users
from accounts.actor import OPERATOR, Actor
from accounts.sessions import opening
from database import database
from features.admin import columns, tables
from models import MODELS, Counter, Event, Key, Session, User

from .conftest import named, of, offers


def address(table: str, **query: str) -> str:
    return f"/admin/tables/{table}?{urlencode(query)}"


def cells(browser: Browser, path: str) -> list[dict[str, str]]:
    """Return the rows of all pages from this one on, by column."""
    found = []
    for _ in range(100):
        page = soup(browser.get(path).text)
        head = [each.get_text() for each in page.select("th")]
        for row in page.select("tbody tr"):
            texts = [cell.get_text() for cell in row.select("td")]
            found.append(dict(zip(head, texts, strict=True)))
        link = page.find("a", rel="next")
        if not link:
            return found
        path = link["href"]
    raise AssertionError("the pages have no end")


@pytest.fixture
def full(app: Flask, admin: Browser, lucy: User) -> Browser:
    """Rows in every table."""
    Browser(app).log_in("Lucy")
    Browser(app).log_in("Nobody")
    if offers("make_link"):
        admin.submit("/profile/recovery", {"current_password": PASSWORD})
        admin.submit(of(lucy, "reset-link"), {"current_password": PASSWORD})
    if offers("create_invitation"):
        admin.submit("/admin/invitations", {"label": "club"})
    return admin


def secrets_of(browser: Browser) -> list[str]:
    """Return everything that must not be shown, as the database and as people write it."""
    found = [key.password_hash for key in Key.select()] + [token_of(browser)]
    for model in MODELS:
        for field in model._meta.sorted_fields:
            if field.field_type in ("BLOB", "BYTEA"):
                values = [value for (value,) in model.select(field).tuples() if value]
                found += [bytes(value).hex() for value in values]
    assert len(found) > 5
    return found


def test_every_table_is_listed_and_opens(full: Browser) -> None:
    page = full.get("/admin/tables").text
    for model in MODELS:
        name = model._meta.table_name
        assert f'href="/admin/tables/{name}"' in page
        rows = cells(full, address(name))
        assert len(rows) == model.select().count(), name
        assert not rows or set(rows[0]) == set(tables.columns(model)), name
    assert full.get("/admin/tables/sqlite_master").status_code == 404
    assert full.get("/admin/tables/schema_migration").status_code == 404


def test_no_page_shows_a_secret(full: Browser, lucy: User) -> None:
    secrets = secrets_of(full)
    pages = ["/admin", "/admin/users", of(lucy), "/admin/events"]
    pages += ["/admin/invitations"] * offers("create_invitation")
    for model in MODELS:
        pages += [address(model._meta.table_name, sort=name) for name in tables.columns(model)]
    for path in pages:
        answer = full.get(path)
        assert answer.status_code == 200, path
        for secret in secrets:
            assert secret not in answer.text + str(answer.headers), path


def test_what_is_shown_of_a_secret_column(full: Browser) -> None:
    assert {row["password_hash"] for row in cells(full, address("key"))} == {"set"}
    Key.update(password_hash=None).execute()
    assert {row["password_hash"] for row in cells(full, address("key"))} == {""}
    handles = {session.handle for session in Session.select()}
    assert {row["id"] for row in cells(full, address("session"))} == handles
    assert {row["id"] for row in cells(full, address("counter"))} == {tables.MASK}


def test_secrets_are_masked_in_the_select_itself(
    full: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="peewee")
    full.get(address("key"))
    full.get(address("counter"))
    said = [str(record.getMessage()) for record in caplog.records if record.name == "peewee"]
    shown = [each for each in said if 'FROM "key"' in each or 'FROM "counter"' in each]
    assert len(shown) >= 4
    for statement in shown:
        assert not re.search(r'(SELECT|,) "t1"\."(password_hash|id)"', statement), statement


@pytest.fixture
def new_column(full: Browser) -> str:
    """A column that someone adds to the users and lists nowhere."""
    database.execute_sql('ALTER TABLE "user" ADD COLUMN pin TEXT')
    User._meta.add_field("pin", TextField(null=True))
    User.update(pin="7391 hush").execute()
    opening._session_and_user._compiled.clear()  # as in a process that starts with it
    yield "pin"
    User._meta.remove_field("pin")
    opening._session_and_user._compiled.clear()
    database.execute_sql('ALTER TABLE "user" DROP COLUMN pin')


def test_a_new_column_is_masked_until_it_is_listed(
    full: Browser, new_column: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = cells(full, address("user"))
    assert {row["pin"] for row in rows} == {tables.MASK}
    for query in ({"column": "pin", "value": "7391"}, {"column": "pin", "value": "1111"},
                  {"sort": "pin"}, {"sort": "pin", "order": "asc"}):  # fmt: skip
        assert cells(full, address("user", **query)) == rows, query
    for path in ("/admin/users", of(named("Lucy")), "/admin/events"):
        assert "7391" not in full.get(path).text
    shown = (*columns.PLAIN["user"], "pin")
    monkeypatch.setitem(columns.PLAIN, "user", shown)
    assert {row["pin"] for row in cells(full, address("user"))} == {"7391 hush"}


def test_a_table_that_nobody_listed_is_masked_whole(
    full: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(columns.PLAIN, "user")
    rows = cells(full, address("user", sort="username", column="username", value="Jane"))
    assert len(rows) == 2
    assert {value for row in rows for value in row.values()} == {tables.MASK}


def test_a_key_that_nobody_listed_is_in_no_link_to_a_next_page(
    full: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(columns.PLAIN, "user")
    monkeypatch.setattr(tables, "SIZE", 1)
    assert not [user for user in User.select() if user.id in full.get(address("user")).text]
    assert tables.rows(User, tables.Asked()).after == ""


def test_a_place_is_no_way_to_try_ids(full: Browser) -> None:
    """Of an id only the handle is shown; the rest could be found by halves."""
    first = tables.rows(Session, tables.Asked())
    assert len(first.rows) > 1
    for length in (5, 7, 16, 32):
        after = json.dumps([bytes(Session.select().first().id)[:length].hex()])
        assert tables.rows(Session, tables.Asked(after=after)) == first


def test_every_listed_column_exists(app: Flask) -> None:
    found = {model._meta.table_name: set(tables.columns(model)) for model in MODELS}
    for known in (columns.PLAIN, columns.IN_PART):
        for table in found.keys() & known.keys():
            assert set(known[table]) <= found[table]
    both = {table: set(columns.PLAIN[table]) & set(columns.IN_PART[table])
            for table in columns.IN_PART}  # fmt: skip
    assert not any(both.values())


@pytest.mark.parametrize("look_at", [9, 1000])
def test_sorted_by_any_column_each_row_is_shown_once(
    full: Browser, monkeypatch: pytest.MonkeyPatch, look_at: int
) -> None:
    monkeypatch.setattr(tables, "LOOK_AT", look_at)
    for number in range(40):
        users.create_user(f"user{number}", PASSWORD, OPERATOR)
    User.update(locked_at=1).where(User.username.startswith("user")).execute()
    for model in (User, Key, Event, Session, Counter):
        for name, field in tables.listed(model).items():
            for order in ("asc", "desc"):
                rows = cells(full, address(model._meta.table_name, sort=name, order=order))
                there = model.select().where(field.is_null(False)) if field.null else model.select()
                assert len(rows) == there.count(), (model, name, order)
    names = [row["username"] for row in cells(full, address("user", sort="username"))]
    assert names == sorted(names)


@pytest.mark.parametrize("letter", ["x", "é", "🐎"])
def test_the_next_page_begins_after_a_long_text(full: Browser, letter: str) -> None:
    for number in range(60):
        text = letter * 250 + f"{number:05}"
        Key.create(provider=letter * 31, provider_user_id=text, user=named("Lucy"))
        events.record("x", None, Actor(user_agent=text), detail=text)
    for model, sort in ((Key, "provider_user_id"), (Event, "user_agent"), (Event, "detail")):
        rows = cells(full, address(model._meta.table_name, sort=sort))
        assert len(rows) == model.select().count(), sort


@pytest.mark.parametrize("look_at", [9, 1000])
def test_filters(full: Browser, monkeypatch: pytest.MonkeyPatch, look_at: int) -> None:
    monkeypatch.setattr(tables, "LOOK_AT", look_at)
    lucy = named("Lucy")
    for table, column, value, expected in (
        ("user", "username", "Lu", User.username == "Lucy"),
        ("user", "notices", "0", User.notices == 0),
        ("event", "user_id", lucy.id, Event.user == lucy),
        ("event", "kind", "authn_", Event.kind.startswith("authn_")),
        ("event", "ip_address", "127", Event.ip_address.startswith("127")),
        ("event", "id", "x", Event.id < 0),
        ("session", "ip_address", "127", Session.user.is_null(False)),
        ("key", "provider_user_id", "lucy", Key.user == lucy),
    ):
        model = tables.tables()[table]
        for query in ({}, {"sort": column, "order": "desc"}):
            asked = address(table, column=column, value=value, **query)
            assert len(cells(full, asked)) == model.select().where(expected).count(), asked


def test_no_one_can_ask_for_what_is_masked(full: Browser) -> None:
    """A filter or an order would tell what a hash begins with."""
    rows = cells(full, address("key"))
    begins = Key.select().first().password_hash[:9]
    for query in (
        {"column": "password_hash", "value": begins},
        {"column": "password_hash", "value": "x"},
        {"sort": "password_hash"},
    ):
        assert cells(full, address("key", **query)) == rows
    rows = cells(full, address("session"))
    handle = Session.select().first().handle
    assert cells(full, address("session", column="id", value=handle)) == rows


def test_links_lead_along_foreign_keys(full: Browser, lucy: User) -> None:
    page = soup(full.get(address("session", column="user_id", value=lucy.id)).text)
    assert page.select_one("td a")["href"] == of(lucy)
    page = soup(full.get(of(lucy)).text)
    links = [link["href"] for link in page.select("dd a")]
    for table in ("key", "session", "event"):
        [link] = [each for each in links if each.startswith(f"/admin/tables/{table}?")]
        assert {row["user_id"] for row in cells(full, link)} == {lucy.id}


def test_a_foreign_key_is_no_beginning(full: Browser, lucy: User) -> None:
    """Imported ids may be of any length."""
    longer = User.create(id=f"{lucy.id}2", username="Longer", created_at=1)
    for each in (lucy, longer):
        Event.create(at=1, kind="x", user=each, session="", ip_address="", user_agent="",
                     detail="")  # fmt: skip
    links = [a["href"] for a in soup(full.get(of(lucy)).text).select("dd a")]
    [link] = [each for each in links if each.startswith("/admin/tables/event?")]
    assert {row["user_id"] for row in cells(full, link)} == {lucy.id}
    rows = cells(full, address("event", column="user_id", value=longer.id))
    assert [row["user_id"] for row in rows] == [longer.id]


def test_a_large_table_is_sorted_by_what_has_an_index(
    full: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "MOST", 1)
    for name, sortable in (
        ("event", {"id", "at", "user_id", "session"}),
        ("session", {"user_id", "idle_expires_at"}),
        ("user", {"id", "created_at"}),
        ("key", {"provider", "user_id"}),
    ):
        assert set(tables.sortable(tables.tables()[name])) == sortable, name
        assert full.get(address(name, sort="ip_address")).status_code == 200


def test_nothing_can_be_changed(full: Browser) -> None:
    for name in tables.tables():
        assert full.client.post(f"/admin/tables/{name}").status_code == 405
        page = soup(full.get(address(name)).text)
        assert not page.select("main form[method=post]")


TEXTS = st.text(max_size=20) | st.sampled_from(
    ["password_hash", "id", "user_id", "username", "[1]", '["a"]', "[null]", '["00"]', "[]", "desc",
     "9" * 30, "-1", "' OR 1=1 --", '"', "%", "\0", "\ud800",
     "[[[[", '{"a": 1}', "[1e999]", "[true]",
     '["ffffffffffff"]', '["username", "x"]', "["*3000, "NaN", "[99999999999999999999]"]
)  # fmt: skip


@given(
    table=st.sampled_from([model._meta.table_name for model in MODELS]),
    query=st.dictionaries(
        st.sampled_from(["column", "value", "sort", "order", "after", "x"]), TEXTS
    ),
)
@hypothesis_settings(max_examples=150)
def test_whatever_is_asked_is_no_fault_and_shows_no_secret(
    full: Browser, table: str, query: dict[str, str]
) -> None:
    encoded = urlencode({name: text.encode(errors="surrogatepass") for name, text in query.items()})
    answer = full.get(f"/admin/tables/{table}?{encoded}")
    assert answer.status_code == 200
    assert not [each for each in secrets_of(full) if each in answer.text]


@given(query=st.dictionaries(
    st.sampled_from(["q", "state", "sort", "after", "kind", "user", "actor"]), TEXTS))  # fmt: skip
@hypothesis_settings(max_examples=150)
@pytest.mark.parametrize("path", ["/admin/users", "/admin/events"])
def test_whatever_a_list_is_asked_is_no_fault(
    full: Browser, path: str, query: dict[str, str]
) -> None:
    encoded = urlencode({name: text.encode(errors="surrogatepass") for name, text in query.items()})
    answer = full.get(f"{path}?{encoded}")
    assert answer.status_code == 200
    assert not [each for each in secrets_of(full) if each in answer.text]


@pytest.mark.parametrize(
    "part", ["%00", "%ff", "%ed%a0%80", "'", "a" * 3000, "..", "%2e%2e", "{{1}}"]
)
def test_odd_addresses_are_not_found(admin: Browser, part: str) -> None:
    for path in (f"/admin/users/{part}x", f"/admin/tables/{part}x"):
        assert admin.get(path).status_code == 404
