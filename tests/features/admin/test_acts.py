"""What an admin does to another user, what the user reads, and what no admin may do."""

import json
import re

import pytest
from conftest import PASSWORD, Browser, everything, import_user, page_text, soup, stored
from flask import Flask

from accounts import hooks, users
from accounts.actor import OPERATOR, Actor
from app import create_app
from features.admin import rules
from models import Counter, Event, Key, Session, User

from .conftest import named, needs, of, offers, post, press

ADDRESS = "203.0.113.77"
MINE = {"current_password": PASSWORD}


@pytest.fixture
def admin(admin: Browser) -> Browser:
    """Jane's browser, at an address that no one else has."""
    admin.client.environ_base["REMOTE_ADDR"] = ADDRESS
    admin.client.environ_base["HTTP_USER_AGENT"] = "Admin/1.0"
    return admin


@pytest.fixture
def phone(app: Flask, lucy: User) -> Browser:
    """Lucy's browser, in which she is logged in."""
    browser = Browser(app)
    browser.log_in("Lucy")
    return browser


def acts(user: User | None) -> list[tuple[str, str | None]]:
    found = Event.select().where(Event.user == user, Event.actor.is_null(False))
    return [(event.kind, event.actor) for event in found.order_by(Event.id)]


def test_lock_and_unlock(admin: Browser, lucy: User, phone: Browser) -> None:
    assert press(admin, of(lucy), of(lucy, "lock")).location == of(lucy)
    assert "locked" in admin.get(of(lucy)).text
    assert not phone.is_signed_in()
    assert phone.log_in("Lucy").status_code == 400
    assert press(admin, of(lucy), of(lucy, "unlock")).location == of(lucy)
    assert phone.log_in("Lucy").status_code == 302
    jane = named("Jane").id
    assert acts(lucy) == [("user_locked", jane), ("session_ended", jane), ("user_unlocked", jane)]


def test_end_one_session_or_all(admin: Browser, lucy: User, phone: Browser, app: Flask) -> None:
    tablet = Browser(app)
    tablet.log_in("Lucy")
    handle = users.find_users("Lucy") and Session.select().where(Session.user == lucy).get().handle
    assert press(admin, of(lucy), of(lucy, f"sessions/{handle}/end")).location == of(lucy)
    assert Session.select().where(Session.user == lucy).count() == 1
    assert press(admin, of(lucy), of(lucy, "sessions/end")).location == of(lucy)
    assert Session.select().where(Session.user == lucy).count() == 0
    assert post(admin, of(lucy, f"sessions/{'f' * 12}/end")).status_code == 404
    assert phone.get("/profile").location == "/"
    assert "ended by an administrator" in phone.get("/").text


def test_ending_ones_own_sessions_keeps_this_browser(app: Flask, admin: Browser) -> None:
    other = Browser(app)
    other.log_in("Jane")
    jane = named("Jane")
    assert press(admin, of(jane), of(jane, "sessions/end")).status_code == 302
    assert "logged out everywhere else." in page_text(admin.get(of(jane)).text)
    assert admin.is_signed_in()
    assert not other.is_signed_in()


@pytest.mark.parametrize("site", ["https://localhost", ""])
def test_addresses_to_pass_on_are_those_of_the_public_url(
    app: Flask, admin: Browser, lucy: User, site: str
) -> None:
    """Also where the server does not know that its proxy speaks HTTPS."""
    app.config["PUBLIC_URL"] = site
    shown = []
    if offers("make_link"):
        shown += [admin.submit("/admin/users/new", {"username": "Mary"})]
        shown += [admin.submit(of(lucy, "reset-link"), MINE)]
    if offers("create_invitation"):
        shown += [admin.submit("/admin/invitations", {})]
    for answer in shown:
        address = soup(answer.text).select_one(".once code").text
        assert address.startswith(f"{site or 'http://localhost'}/")
        assert Browser(app).get(address.removeprefix(site)).status_code == 200


def test_a_rename_obeys_the_rules_of_sign_up(admin: Browser, lucy: User) -> None:
    path = of(lucy, "rename")
    for name, words in (("abc", "4 to 31"), ("a b c d", "spaces"), ("JANE", "taken"),
                        ("admin", "reserved"), ("<script>", "only letters")):  # fmt: skip
        answer = admin.submit(path, {"new_username": name})
        assert answer.status_code == 400
        assert words in page_text(answer.text), name
    assert admin.submit(path, {"new_username": "Lucía"}).location == of(lucy)
    assert User.get_by_id(lucy.id).username == "Lucía"
    keys = Key.select().where(Key.user == lucy)
    assert [(key.provider, key.provider_user_id) for key in keys] == [("username", "lucía")]
    event = Event.get(Event.kind == "user_renamed")
    assert (event.actor, event.session, event.detail) == (named("Jane").id, "", "was Lucy")


def test_a_reset_link_is_shown_once_and_works(app: Flask, admin: Browser, lucy: User) -> None:
    needs(app, "recovery")
    wrong = admin.submit(of(lucy, "reset-link"), {"current_password": "wrong horse"})
    assert wrong.status_code == 400
    for hours in ("0", "73", "many", "²", "9" * 30, "00000002499999", "000000001" + "9" * 5000):
        answer = admin.submit(of(lucy, "reset-link"), {**MINE, "hours": hours})
        assert answer.status_code == 400, hours
    shown = admin.submit(of(lucy, "reset-link"), {**MINE, "hours": "2"})
    assert shown.status_code == 200
    [token] = set(re.findall(r"/reset/([\w-]{43})", shown.text))
    assert token not in admin.get(of(lucy)).text + admin.get("/admin/tables/reset_link").text
    assert Event.get(Event.kind == "reset_link_made").detail == "for 2 h"
    owner = Browser(app)
    assert owner.submit(f"/reset/{token}", {"new_password": "blue horse"}).status_code == 302


def test_a_new_user_chooses_the_password(app: Flask, admin: Browser) -> None:
    needs(app, "recovery")
    for name in ("abc", "jane", "admin"):
        assert admin.submit("/admin/users/new", {"username": name}).status_code == 400
    shown = admin.submit("/admin/users/new", {"username": "Mary"})
    [token] = set(re.findall(r"/reset/([\w-]{43})", shown.text))
    mary = named("Mary")
    assert Key.get(Key.user == mary).password_hash is None
    assert acts(mary) == [(kind, named("Jane").id) for kind in ("user_created", "reset_link_made")]
    owner = Browser(app)
    assert owner.submit(f"/reset/{token}", {"new_password": "blue horse"}).status_code == 302


def new_user_form(app: Flask, admin: Browser) -> dict[str, str]:
    """Return the fields of a form that makes Mary, to be sent more than once."""
    needs(app, "recovery")
    if not hooks.excuses:
        pytest.skip("taken out: sent_again")
    page = admin.get("/admin/users/new").text
    token = re.findall(r'name="csrf_token" value="([^"]+)', page)[0]
    return {"csrf_token": token, "username": "Mary"}


def test_the_same_form_sent_again_makes_a_new_link_for_the_user_it_made(
    app: Flask, admin: Browser
) -> None:
    fields = new_user_form(app, admin)
    answers = [admin.client.post("/admin/users/new", data=fields) for _ in range(2)]
    paths = [set(re.findall(r"/reset/[\w-]{43}", answer.text)).pop() for answer in answers]
    assert [Browser(app).get(path).status_code for path in paths] == [404, 200]
    assert User.select().where(User.username == "Mary").count() == 1
    other = admin.client.post("/admin/users/new", data={**fields, "x": "another form"})
    assert other.status_code == 400


def test_the_same_form_sent_again_makes_no_link_for_a_member(app: Flask, admin: Browser) -> None:
    """Who has the name by then, because it was free again or because the admin gave it to them."""
    fields = new_user_form(app, admin)
    assert "/reset/" in admin.client.post("/admin/users/new", data=fields).text
    users.rename_user(named("Mary"), "Mary1", OPERATOR)
    Browser(app).sign_up("Mary")
    again = admin.client.post("/admin/users/new", data=fields)
    assert (again.status_code, "/reset/" in again.text) == (400, False)
    users.rename_user(named("Mary"), "Mary2", OPERATOR)
    users.rename_user(named("Mary1"), "Mary", OPERATOR)
    users.set_password(named("Mary"), PASSWORD, OPERATOR)  # whom the admin made, but who is in now
    again = admin.client.post("/admin/users/new", data=fields)
    assert (again.status_code, "/reset/" in again.text) == (400, False)


def test_an_admin_renames_themselves_on_their_profile_alone(admin: Browser) -> None:
    """Which asks for the password."""
    refused = admin.submit(of(named("Jane"), "rename"), {"new_username": "Joan"})
    assert refused.status_code == 400
    assert "Change your own username on your profile." in page_text(refused.text)
    assert named("Jane")


def test_a_role_is_one_of_two(admin: Browser, lucy: User) -> None:
    answer = post(admin, of(lucy, "role"), role="xyz", current_password=PASSWORD)
    assert answer.status_code == 400
    assert named("Lucy").admin_since is None


def test_an_act_that_concerns_no_user_is_in_the_log_too(
    app: Flask, admin: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    needs(app, "invitations")
    admin.submit("/admin/invitations", {"label": "club"})
    fields = [getattr(record, "fields", {}) for record in caplog.records]
    [made] = [each for each in fields if each.get("event") == "invitation_created"]
    assert (made["ip"], made["actor"]) == (ADDRESS, named("Jane").id)


def test_making_users_takes_nothing_from_the_budgets_of_the_address(
    settings: dict[str, str], request: pytest.FixtureRequest
) -> None:
    """They count nothing, so they must take nothing back either."""
    settings |= {"LIMIT_SIGNUP_ADDRESS": "3/hour", "LIMIT_LOGIN_ADDRESS": "20/hour"}
    admin = request.getfixturevalue("jane")
    rules.grant(named("Jane"), OPERATOR)
    app = request.getfixturevalue("app")
    needs(app, "recovery")
    Browser(app).log_in("Nobody")
    before = sorted(Counter.select(Counter.id, Counter.count).tuples())
    assert [count for _, count in before].count(1) >= 2
    for name in ("Mary", "Mary", "Anna", "x"):
        admin.submit("/admin/users/new", {"username": name})
    assert sorted(Counter.select(Counter.id, Counter.count).tuples()) == before


def test_make_an_admin_and_the_user_is_told(admin: Browser, lucy: User, phone: Browser) -> None:
    needs(admin.client.application, "notices")
    assert admin.submit(of(lucy, "role"), {"current_password": "wrong horse"}).status_code == 400
    assert admin.submit(of(lucy, "role"), MINE).location == of(lucy)
    assert phone.get("/admin").status_code == 200
    told = page_text(phone.get("/profile").text)
    assert "Made an admin" in told
    assert "by an administrator" in told


def test_delete_leaves_no_row_with_the_name(admin: Browser, lucy: User, phone: Browser) -> None:
    phone.client.environ_base["REMOTE_ADDR"] = "198.51.100.9"
    for fields in ({"username": "Lucy", "current_password": "wrong horse"},
                   {"username": "Mary", **MINE}, {"username": "", **MINE}, MINE):  # fmt: skip
        assert admin.submit(of(lucy, "delete"), fields).status_code == 400
    answer = admin.submit(of(lucy, "delete"), {"username": "LUCY", **MINE})
    assert answer.location == "/admin/users"
    assert admin.get(of(lucy)).status_code == 404
    left = Event.get(Event.kind == "user_deleted")
    jane = named("Jane").id
    assert (left.user_id, left.actor, left.ip_address, left.user_agent) == (None, jane, "", "")
    rows = repr(everything()).lower()
    for word in ("lucy", lucy.id, "198.51.100.9"):
        assert word not in rows


def test_no_message_to_the_admin_keeps_the_name(admin: Browser, lucy: User) -> None:
    users.rename_user(lucy, "Lucretia", OPERATOR)
    post(admin, of(lucy, "lock"))
    fields = {"username": "Lucretia", "current_password": PASSWORD}
    assert admin.submit(of(lucy, "delete"), fields).status_code == 302
    admin.get("/admin/users")
    assert b"Lucretia" not in stored()


def test_the_same_deletion_sent_twice_leads_where_the_first_led(admin: Browser, lucy: User) -> None:
    if not hooks.excuses:
        pytest.skip("taken out: sent_again")
    fields = {"username": "Lucy", **MINE}
    page = admin.get(of(lucy, "delete")).text
    token = re.findall(r'name="csrf_token" value="([^"]+)', page)[0]
    for _ in range(2):
        answer = admin.client.post(of(lucy, "delete"), data={**fields, "csrf_token": token})
        assert (answer.status_code, answer.location) == (302, "/admin/users")


def test_the_target_never_sees_the_admins_address_and_the_log_has_both(
    admin: Browser, lucy: User, phone: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    needs(admin.client.application, "notices", "activity", "export", "recovery")
    press(admin, of(lucy), of(lucy, "lock"))
    press(admin, of(lucy), of(lucy, "unlock"))
    admin.submit(of(lucy, "rename"), {"new_username": "Lucia"})
    admin.submit(of(lucy, "reset-link"), MINE)
    phone.log_in("Lucia")
    pages = [phone.get(path).text for path in ("/profile", "/profile/activity", "/profile/export")]
    assert "by an administrator" in pages[0]
    assert pages[1].count("by an administrator") >= 5
    exported = json.loads(pages[2])
    assert {event["actor"] for event in exported["events"]} == {None, named("Jane").id}
    for text in (*pages, repr(list(Event.select().where(Event.user == lucy).tuples()))):
        assert ADDRESS not in text
        assert "Admin/1.0" not in text
    fields = [record.fields for record in caplog.records if hasattr(record, "fields")]
    [line] = [each for each in fields if each["event"] == "user_locked"]
    assert (line["user"], line["actor"], line["ip"]) == (lucy.id, named("Jane").id, ADDRESS)


def test_an_event_outlives_the_admin_who_did_it(admin: Browser, lucy: User) -> None:
    jane = named("Jane")
    press(admin, of(lucy), of(lucy, "lock"))
    users.delete_user(jane, OPERATOR)
    assert acts(lucy) == [("user_locked", jane.id)]


def test_pages_do_not_act_on_another_admin_but_end_sessions(
    admin: Browser, lucy: User, phone: Browser
) -> None:
    rules.grant(lucy, OPERATOR)
    before = (User.get_by_id(lucy.id).__data__, everything()["key"])
    link = ["reset-link"] * offers("make_link")
    for page in ("lock", "unlock", "rename", *link, "role", "delete"):
        fields = {**MINE, "username": "Lucy", "new_username": "Other"}
        answer = post(admin, of(lucy, page), **fields)
        assert answer.status_code == 400, page
        assert "This user is an admin too" in page_text(answer.text), page
    assert (User.get_by_id(lucy.id).__data__, everything()["key"]) == before
    assert phone.is_signed_in()
    assert press(admin, of(lucy), of(lucy, "sessions/end")).status_code == 302
    assert not phone.is_signed_in()


def test_the_last_admin_stays(app: Flask, admin: Browser, lucy: User) -> None:
    """Also beside admins who are locked, wait, or have no password."""
    jane = named("Jane")
    for name, change in (("Locked", {"locked_at": 1}), ("Waiting", {"waiting_since": 1})):
        user = users.create_user(name, PASSWORD, OPERATOR)
        User.update(admin_since=1, **change).where(User.id == user.id).execute()
    rules.grant(users.create_user("Nokey", None, OPERATOR), OPERATOR)
    for page in ("lock", "role", "delete"):
        answer = post(admin, of(jane, page), username="Jane", **MINE)
        assert answer.status_code == 400, page
        assert "the last admin who can log in" in page_text(answer.text), page
    gone = admin.submit("/profile/delete", {"username": "Jane", **MINE})
    assert gone.status_code == 400
    assert "the last admin who can log in" in page_text(gone.text)
    assert admin.get("/admin").status_code == 200
    rules.grant(lucy, OPERATOR)
    assert post(admin, of(jane, "role"), **MINE).location == "/profile"
    assert admin.get("/admin").status_code == 404
    assert admin.submit("/profile/delete", {"username": "Jane", **MINE}).status_code == 302


def test_an_admin_may_delete_their_own_account(app: Flask, admin: Browser, lucy: User) -> None:
    rules.grant(lucy, OPERATOR)
    jane = named("Jane")
    answer = admin.submit(of(jane, "delete"), {"username": "Jane", **MINE})
    assert (answer.status_code, answer.location) == (302, "/")
    assert "has been deleted" in admin.get("/").text
    assert User.get_or_none(User.id == jane.id) is None


def test_an_admin_who_was_one_when_the_page_opened_does_nothing(admin: Browser, lucy: User) -> None:
    """Revoked between the gate and the transaction."""
    actor = Actor("192.0.2.1", session=Session.select().where(Session.user == named("Jane")).get())
    rules.revoke(named("Jane"), OPERATOR)
    with pytest.raises(rules.NotAllowed):
        rules.act(users.lock_user, lucy, actor)
    with pytest.raises(rules.NotAllowed):
        rules.end_sessions(lucy, actor)
    assert User.get_by_id(lucy.id).locked_at is None


def test_a_name_that_is_markup_is_text_everywhere(app: Flask, admin: Browser) -> None:
    user = import_user("<script>alert(1)</script>")
    post(admin, of(user, "lock"))
    pages = ["", "rename", "role", "delete", *["reset-link"] * offers("make_link")]
    lists = ["", "/users", "/users?q=<script>", "/events", "/tables/user", "/tables/key"]
    for path in [*(f"/admin{each}" for each in lists), *(of(user, page) for page in pages)]:
        text = admin.get(path).text
        assert "<script>alert" not in text, path
        assert "script&gt;" in text, path


def test_approve_lets_in_who_waits(app: Flask, admin: Browser, lucy: User) -> None:
    needs(app, "invitations")
    User.update(waiting_since=1).where(User.id == lucy.id).execute()
    assert "Approve" in admin.get(of(lucy)).text
    assert press(admin, of(lucy), of(lucy, "approve")).location == of(lucy)
    assert User.get_by_id(lucy.id).waiting_since is None
    assert acts(lucy) == [("user_approved", named("Jane").id)]


def test_invitations_are_made_listed_and_revoked(app: Flask, admin: Browser) -> None:
    needs(app, "invitations")
    for wrong in ({"uses": "0"}, {"days": "x"}, {"label": "x" * 101}, {"label": "a\nb"}):
        assert admin.submit("/admin/invitations", wrong).status_code == 400, wrong
    shown = admin.submit("/admin/invitations", {"label": "<b>club", "uses": "2", "admin": "y"})
    [token] = set(re.findall(r"/invitation/([\w-]{43})", shown.text))
    listing = admin.get("/admin/invitations").text
    assert token not in listing
    assert "&lt;b&gt;club" in listing
    member = Browser(app)
    assert (
        member.submit(
            f"/invitation/{token}", {"username": "Mary", "password": PASSWORD}
        ).status_code
        == 302
    )
    assert member.get("/admin").status_code == 200
    shown = admin.submit("/admin/invitations", {})
    [path] = set(re.findall(r"/invitation/[\w-]{43}", shown.text))
    handles = re.findall(r"/admin/invitations/(\w+)/revoke", admin.get("/admin/invitations").text)
    for handle in handles:
        action = f"/admin/invitations/{handle}/revoke"
        assert press(admin, "/admin/invitations", action).location == "/admin/invitations"
    assert Browser(app).get(path).status_code == 404
    assert post(admin, "/admin/invitations/ffffffffffff/revoke").status_code == 404
    kinds = Event.select(Event.kind).where(Event.kind.startswith("invitation"), Event.actor != "")
    assert kinds.count() == 2 + len(handles)


def test_a_bad_label_is_said_at_its_field(app: Flask, admin: Browser) -> None:
    needs(app, "invitations")
    for label in ("x" * 101, "a\nb"):
        answer = admin.submit("/admin/invitations", {"label": label, "uses": "7"})
        page = soup(answer.text)
        field = page.select_one("input[name=label]")
        assert answer.status_code == 400
        assert field["aria-invalid"] == "true"
        error = page.select_one(f"#{field['aria-describedby'].split()[-1]}")
        assert "A label is one line of at most 100 characters." in error.get_text()
        assert page.select_one("input[name=uses]")["value"] == "7"


def test_while_sign_up_is_closed_no_one_is_invited(
    settings: dict[str, str], request: pytest.FixtureRequest
) -> None:
    app = request.getfixturevalue("app")
    needs(app, "invitations")
    admin = request.getfixturevalue("admin")
    admin.submit("/admin/invitations", {"label": "left over"})
    closed = create_app({**settings, "SIGNUP": "closed"})
    browser = Browser(closed)
    browser.log_in("Jane")
    page = browser.get("/admin/invitations").text
    assert "Sign-up is closed" in page_text(page)
    assert "SIGNUP=invite" in page
    assert 'name="uses"' not in page
    assert "left over" in page
    refused = post(browser, "/admin/invitations")
    assert refused.status_code == 400
    assert "set SIGNUP=invite" in page_text(refused.text)


def test_the_page_of_a_role_says_what_is_done_to_whom(admin: Browser, lucy: User) -> None:
    for user, title in ((lucy, "Make Lucy an admin"), (named("Jane"), "Stop being an admin")):
        page = soup(admin.get(of(user, "role")).text)
        assert page.h1.get_text(strip=False).strip() == title
        assert page.title.get_text().startswith(title)


@pytest.mark.parametrize(
    ("offer", "paths"),
    [
        ("create_user_with_link", ["/admin/users/new"]),
        ("make_link", ["/admin/users/{}/reset-link"]),
        ("approve_user", ["/admin/users/{}/approve"]),
        ("create_invitation", ["/admin/invitations"]),
    ],
)
def test_what_a_feature_does_is_gone_with_it(
    admin: Browser, lucy: User, monkeypatch: pytest.MonkeyPatch, offer: str, paths: list[str]
) -> None:
    left = [(name, each) for name, each in hooks.offers if name != offer]
    if offer == "create_invitation":
        left = [(name, each) for name, each in left if "invitation" not in name]
    monkeypatch.setattr(hooks, "offers", left)
    for path in paths:
        assert post(admin, path.format(lucy.id), **MINE).status_code == 404
        assert path.format(lucy.id) not in admin.get("/admin").text + admin.get(of(lucy)).text


def test_no_admin_sees_or_types_a_password_of_another(admin: Browser, lucy: User) -> None:
    pages = [admin.get(of(lucy, page)).text for page in ("", "rename", "reset-link", "role")]
    for text in pages:
        assert 'name="new_password"' not in text
        assert 'name="password"' not in text
    assert Key.get(Key.user == lucy).password_hash.encode() in stored()
