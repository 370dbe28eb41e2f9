"""The known-browser cookie: it gives its own budget of tries, and nothing else (BEHAVIOUR 3)."""

import hashlib
from email.utils import parsedate_to_datetime

import pytest
from conftest import NO_LIMITS, PASSWORD, SECRET_KEY, Browser
from itsdangerous import URLSafeSerializer

from accounts import users
from accounts.actor import OPERATOR
from app import create_app
from database import database
from models import Session, User

COOKIE = "known_browser"
OTHER_KEY = "another key that nobody can guess 0123456789"


@pytest.fixture
def settings(settings):
    """After one failure, every unknown browser has to wait."""
    return settings | NO_LIMITS | {"LIMIT_LOGIN_ACCOUNT": "1/hour"}


def serializer(key=SECRET_KEY, salt=COOKIE, digest=hashlib.sha256):
    signing = {"key_derivation": "hmac", "digest_method": digest}
    return URLSafeSerializer(key, salt=salt, signer_kwargs=signing)


def content(browser, name=COOKIE):
    return serializer().loads(browser.client.get_cookie(name).value)


def attacked(app, name="Jane"):
    """Use up the tries that strangers have at this account."""
    assert Browser(app).log_in(name, "wrong horse").status_code == 400
    assert Browser(app).log_in(name).status_code == 429


def gets_in(app, cookie, name="Jane"):
    """Return whether a browser with this cookie can log in while strangers have to wait."""
    browser = Browser(app)
    browser.client.set_cookie(COOKIE, cookie)
    status = browser.log_in(name).status_code
    assert status in (302, 429)
    return status == 302


@pytest.mark.parametrize(
    ("public_url", "name", "secure"),
    [("", COOKIE, False), ("https://accounts.example.org", f"__Host-{COOKIE}", True)],
)
def test_its_attributes_are_those_of_a_cookie_no_script_and_no_other_site_can_use(
    settings, request, public_url, name, secure
):
    settings["PUBLIC_URL"] = public_url
    app = request.getfixturevalue("app")
    origin = public_url or "http://localhost"
    client = app.test_client()
    with client.session_transaction(base_url=origin) as session:
        session["csrf_token"] = "x"
    form = {"username": "Jane", "password": PASSWORD, "csrf_token": "x"}
    answer = client.post("/signup", data=form, base_url=origin)
    sent = [line for line in answer.headers.getlist("Set-Cookie") if line.startswith(f"{name}=")]
    assert len(sent) == 1
    attributes = sent[0].split("; ")[1:]
    wanted = {"HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=31536000"} | (
        {"Secure"} if secure else set()
    )
    assert {part for part in attributes if not part.startswith("Expires=")} == wanted
    assert not any(part.startswith("Domain") for part in attributes)
    expires = next(part for part in attributes if part.startswith("Expires="))
    age = parsedate_to_datetime(expires.removeprefix("Expires=")).timestamp()
    assert abs(age - Session.get().created_at / 1000 - 365 * 86_400) < 60
    assert len(sent[0]) < 400


def test_it_comes_with_sign_up_and_log_in_and_not_otherwise(app, browser):
    browser.get("/")
    browser.log_in("Jane", "wrong horse")
    assert browser.client.get_cookie(COOKIE) is None
    browser.sign_up("Other")
    assert browser.client.get_cookie(COOKIE)
    users.create_user("Third", PASSWORD, OPERATOR)
    phone = Browser(app)
    phone.log_in("Third")
    assert phone.client.get_cookie(COOKIE)


def test_it_holds_ids_and_no_name(jane):
    known = content(jane)
    assert set(known) == {"id", "users"}
    assert known["users"] == [User.get().id]
    assert len(known["id"]) == 22
    assert "jane" not in str(known).lower()


def test_it_is_kept_through_log_out(app, jane):
    before = jane.client.get_cookie(COOKIE).value
    jane.log_out()
    assert jane.client.get_cookie(COOKIE).value == before
    attacked(app)
    assert gets_in(app, before)


def test_it_is_kept_through_the_end_of_a_session_from_elsewhere(app, jane):
    Session.delete().execute()
    assert not jane.is_signed_in()
    attacked(app)
    assert jane.log_in("Jane").status_code == 302


def test_it_keeps_its_id_and_learns_each_account_that_logs_in(app, jane):
    first = content(jane)
    jane.log_out()
    jane.sign_up("Other")
    second = content(jane)
    assert second["id"] == first["id"]
    assert second["users"] == [User.get(username="Other").id, *first["users"]]
    jane.log_out()
    jane.log_in("Jane")
    assert content(jane)["users"] == second["users"][::-1]


def test_it_knows_the_last_five_accounts(app, browser):
    for number in range(7):
        browser.sign_up(f"name{number}")
        browser.log_out()
    names = [User.get_by_id(user).username for user in content(browser)["users"]]
    assert names == ["name6", "name5", "name4", "name3", "name2"]


def test_only_accounts_that_logged_in_from_it_are_known(app, jane):
    users.create_user("Other", PASSWORD, OPERATOR)
    attacked(app, "Other")
    assert not gets_in(app, jane.client.get_cookie(COOKIE).value, "Other")


def test_a_failed_log_in_makes_nothing_known(app, jane):
    users.create_user("Other", PASSWORD, OPERATOR)
    jane.log_out()
    before = jane.client.get_cookie(COOKIE).value
    jane.log_in("Other", "wrong horse")
    assert jane.client.get_cookie(COOKIE).value == before


def forgeries(jane):
    """Return cookies that name Jane but are not one that her browser was given."""
    known, good = content(jane), jane.client.get_cookie(COOKIE).value
    user = known["users"][0]
    return {
        "unsigned": good.rpartition(".")[0],
        "signature cut": good[:-4],
        "other key": serializer(OTHER_KEY).dumps(known),
        "SHA-1": serializer(digest=hashlib.sha1).dumps(known),
        "signed as a session": serializer(salt="auth_session").dumps(known),
        "session cookie": jane.client.get_cookie("auth_session").value,
        "list": serializer().dumps([known]),
        "text": serializer().dumps(user),
        "nothing": serializer().dumps(None),
        "no id": serializer().dumps({"users": [user]}),
        "no users": serializer().dumps({"id": "x"}),
        "number as id": serializer().dumps({"id": 7, "users": [user]}),
        "text as users": serializer().dumps({"id": "x", "users": user}),
        "lists as users": serializer().dumps({"id": "x", "users": [[user], {"id": user}, 7, None]}),
        "empty": "",
        "long": "A" * 4000,
    }


def test_a_forged_or_foreign_or_misshapen_one_is_none(app, jane):
    forged = forgeries(jane)
    attacked(app)
    assert [kind for kind, cookie in forged.items() if gets_in(app, cookie)] == []
    assert gets_in(app, jane.client.get_cookie(COOKIE).value)


def test_a_misshapen_one_is_replaced_at_the_next_log_in(app, jane):
    phone = Browser(app)
    phone.client.set_cookie(COOKIE, serializer().dumps({"id": ["x"], "users": "y"}))
    assert phone.log_in("Jane").status_code == 302
    assert content(phone)["users"] == [User.get().id]
    assert content(phone)["id"] != content(jane)["id"]


def test_it_opens_nothing_without_the_password(app, jane):
    phone = Browser(app)
    phone.client.set_cookie(COOKIE, jane.client.get_cookie(COOKIE).value)
    assert not phone.is_signed_in()
    assert phone.log_in("Jane", "wrong horse").status_code == 400
    moved = app.test_client()
    moved.set_cookie("auth_session", jane.client.get_cookie(COOKIE).value)
    assert moved.get("/profile").status_code == 302


def test_a_rotated_key_keeps_it_and_signs_it_again_at_the_next_log_in(app, jane, settings):
    old = jane.client.get_cookie(COOKIE).value
    database.close_all()
    rotated = create_app(settings | {"SECRET_KEY": OTHER_KEY, "SECRET_KEY_FALLBACKS": SECRET_KEY})
    attacked(rotated)
    phone = Browser(rotated)
    phone.client.set_cookie(COOKIE, old)
    assert phone.log_in("Jane").status_code == 302
    new = phone.client.get_cookie(COOKIE).value
    assert serializer(OTHER_KEY).loads(new) == serializer().loads(old)

    database.close_all()
    finished = create_app(settings | {"SECRET_KEY": OTHER_KEY})
    assert gets_in(finished, new)
    assert not gets_in(finished, old)
