"""Catalogue B-039 to B-054: cookies that are planted, replayed, forged, cut or signed by others.

B-039, B-040: also test_login.py. B-041: test_logout.py. B-042: test_users.py. B-043, B-044:
test_session_lifecycle.py. B-053: test_headers.py.
"""

import hashlib
import json

import pytest
from conftest import PASSWORD, SECRET_KEY, Browser, sql
from flask import Flask
from itsdangerous import URLSafeSerializer
from werkzeug.test import EnvironBuilder, TestResponse
from werkzeug.wrappers import Request

from app import create_app
from database import database

pytestmark = pytest.mark.usefixtures("steady")
COOKIE = "auth_session"
OTHER_KEY = "another key that nobody can guess 0123456789"


def cookie_of(browser: Browser) -> str:
    return browser.client.get_cookie(COOKIE).value


def restarted(settings: dict[str, str]) -> Flask:
    """Return the application, restarted with other settings."""
    database.close_all()
    return create_app(settings)


def signed(
    content: object, key: str = SECRET_KEY, salt: str = COOKIE, digest=hashlib.sha256
) -> str:
    """Make a cookie as the application does, or almost."""
    return URLSafeSerializer(
        key,
        salt=salt,
        signer_kwargs={"key_derivation": "hmac", "digest_method": digest},
        serializer_kwargs={"ensure_ascii": True},
    ).dumps(content)


def profile_with(app: Flask, cookie: str) -> TestResponse:
    """Ask for the profile with a cookie header of these characters."""
    client = app.test_client(use_cookies=False)
    return client.get("/profile", headers={"Cookie": f"{COOKIE}={cookie}"})


TOKEN = "A" * 43
SHAPES = {
    "list": [],
    "list of lists": [["token", TOKEN]],
    "number": 1,
    "string": "token",
    "nothing": None,
    "true": True,
    "other token": {"token": TOKEN},
    "no text as token": {"token": "é" * 43},
    "NUL in token": {"token": "\0" * 43},
    "user id as token": {"user_id": 1, "_user_id": "1", "sid": "x"},
    "flashes of a wrong type": {"_flashes": 7},
    "flashes of wrong things": {"_flashes": [["info"], 7, [1, 2]]},
    "next of another wrong type": {"next": {"a": 1}},
    "number as token": {"token": 7},
    "list as token": {"token": [TOKEN]},
    "map as token": {"token": {"token": TOKEN}},
    "null as token": {"token": None},
    "long token": {"token": "A" * 5000},
    "empty token": {"token": ""},
    "surrogate in token": {"token": "\ud800" + "A" * 42},
    "other digits in token": {"token": "٣" * 43},
    "next of a wrong type": {"next": ["/profile"]},
    "csrf token of a wrong type": {"csrf_token": 7},
}


@pytest.mark.parametrize("content", SHAPES.values(), ids=SHAPES)
def test_b050_b051_a_well_signed_cookie_of_another_shape_is_a_strangers(
    jane: Browser, app: Flask, content: object
) -> None:
    cookie = signed(content)
    assert profile_with(app, cookie).status_code == 302
    client = app.test_client(use_cookies=False)
    for path in ("/", "/login", "/signup"):
        assert client.get(path, headers={"Cookie": f"{COOKIE}={cookie}"}).status_code == 200


def forgeries(good: str) -> dict[str, str]:
    """Return cookies that carry a live session's token and are not signed by us."""
    content = signed_content(good)
    payload = good.rpartition(".")[0]
    return {
        "SHA-1": signed(content, digest=hashlib.sha1),
        "other salt": signed(content, salt="cookie-session"),
        "other key": signed(content, key=OTHER_KEY),
        "no key": signed(content, key=""),
        "no signature": payload,
        "empty signature": payload + ".",
        "plain JSON": json.dumps(content, separators=(",", ":")),
        "token alone": content["token"],
        "empty": "",
        "dots": "...",
        "none as algorithm": f"eyJhbGciOiJub25lIn0.{payload}.",
        "spaces": f"  {payload}  ",
        "9 KB": "A" * 9000,
        "not ASCII": "é" + good,
        "long": "A" * 4000 + good,
        "bomb": "." + "eJ" + "A" * 3000,
    }


def signed_content(cookie: str) -> dict:
    return URLSafeSerializer(
        SECRET_KEY,
        salt=COOKIE,
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    ).loads(cookie)


def test_the_test_signs_as_the_application_does(jane: Browser, app: Flask) -> None:
    content = signed_content(cookie_of(jane))
    assert profile_with(app, signed(content)).status_code == 200


@pytest.mark.parametrize("kind", forgeries(signed({"token": TOKEN})))
def test_b045_b047_b052_a_forged_cookie_is_a_strangers(
    jane: Browser, app: Flask, kind: str
) -> None:
    forged = forgeries(cookie_of(jane))[kind]
    assert profile_with(app, forged).status_code == 302
    assert jane.is_signed_in()


def test_b046_a_cookie_with_any_character_changed_is_a_strangers(jane: Browser, app: Flask) -> None:
    good = cookie_of(jane)
    for place in range(0, len(good), 3):
        # The last character of a signature has two unused bits: change the others.
        other = "w" if good[place] in "ABCDEFGHIJKLMNOP" else "A"
        changed = good[:place] + other + good[place + 1 :]
        assert profile_with(app, changed).status_code == 302, place


def test_b046_a_cookie_cut_at_any_length_is_a_strangers(jane: Browser, app: Flask) -> None:
    good = cookie_of(jane)
    for length in range(0, len(good), 3):
        assert profile_with(app, good[:length]).status_code == 302, length


def test_b047_a_hundred_cookies_are_no_trouble(jane: Browser, app: Flask) -> None:
    others = "; ".join(f"c{number}=x" for number in range(100))
    assert profile_with(app, f"{cookie_of(jane)}; {others}").status_code == 200
    assert profile_with(app, f"x; {others}").status_code == 302


HEADERS = ["=x", "x", ";;;", "auth_session", "auth_session=", '"', '"="="', "a b=c d", "\x01=\x02",
           "\xff\xfe=\xff", "auth_session=\xff\xfe", "=", ",",
           "auth_session=x,auth_session=y"]  # fmt: skip


@pytest.mark.parametrize("header", HEADERS, ids=ascii)
def test_b049_a_cookie_header_of_any_shape_is_answered(jane: Browser, app: Flask, header) -> None:
    client = app.test_client(use_cookies=False)
    answer = client.get("/profile", environ_overrides={"HTTP_COOKIE": header})
    assert answer.status_code == 302
    beside = f"{header}; {COOKIE}={cookie_of(jane)}"
    answer = client.get("/profile", environ_overrides={"HTTP_COOKIE": beside})
    assert answer.status_code in (200, 302)


def test_b049_a_quoted_cookie_is_the_same_session(jane: Browser, app: Flask) -> None:
    assert profile_with(app, f'"{cookie_of(jane)}"').status_code == 200, "RFC 6265 allows quotes"


def test_b039_a_made_up_cookie_planted_before_log_in_is_replaced(app: Flask) -> None:
    jane = Browser(app)
    jane.client.set_cookie(COOKIE, signed({"token": TOKEN}))
    jane.sign_up("Jane")
    assert TOKEN not in str(signed_content(cookie_of(jane)))
    planted = Browser(app)
    planted.client.set_cookie(COOKIE, signed({"token": TOKEN}))
    assert not planted.is_signed_in()


def test_b041_a_cookie_of_an_ended_session_is_written_to_the_log(
    jane: Browser, app: Flask, capsys: pytest.CaptureFixture[str]
) -> None:
    cookie = cookie_of(jane)
    jane.log_out()
    assert profile_with(app, cookie).status_code == 302
    assert '"event": "session_use_after_expire"' in capsys.readouterr().err


def test_b052_the_two_cookies_are_never_taken_for_each_other(jane: Browser, app: Flask) -> None:
    known = jane.client.get_cookie("known_browser").value
    assert profile_with(app, known).status_code == 302
    thief = app.test_client(use_cookies=False)
    header = {"Cookie": f"known_browser={cookie_of(jane)}"}
    assert thief.get("/profile", headers=header).status_code == 302


def test_b054_a_token_anywhere_but_in_the_cookie_is_ignored(jane: Browser, app: Flask) -> None:
    token, cookie = signed_content(cookie_of(jane))["token"], cookie_of(jane)
    stranger = app.test_client()
    for value in (token, cookie):
        for name in ("token", "sid", COOKIE, "session"):
            headers = {"Authorization": f"Bearer {value}", "X-Session": value, f"X-{name}": value}
            answer = stranger.get(f"/profile?{name}={value}", headers=headers)
            assert answer.status_code == 302
            assert stranger.post("/logout", data={name: value}).status_code == 302
    assert jane.is_signed_in()


def test_b048_of_two_cookies_the_first_counts(jane: Browser, app: Flask) -> None:
    good, forged = cookie_of(jane), signed({"token": TOKEN}, key=OTHER_KEY)
    assert profile_with(app, f"{good}; {COOKIE}={forged}").status_code == 200
    assert profile_with(app, f"{forged}; {COOKIE}={good}").status_code == 302


def test_b052_b153_the_secret_key_is_rotated_without_logging_anyone_out(
    jane: Browser, app: Flask, settings: dict[str, str]
) -> None:
    old_cookie = cookie_of(jane)
    rotated = restarted({**settings, "SECRET_KEY": OTHER_KEY, "SECRET_KEY_FALLBACKS": SECRET_KEY})
    assert profile_with(rotated, old_cookie).status_code == 200

    laptop = Browser(rotated)
    laptop.client.set_cookie(COOKIE, old_cookie)
    sql("UPDATE session SET active_expires_at = 0")
    assert laptop.is_signed_in()
    new_cookie = cookie_of(laptop)
    assert new_cookie != old_cookie
    assert new_cookie == signed(signed_content(old_cookie), key=OTHER_KEY)

    finished = restarted({**settings, "SECRET_KEY": OTHER_KEY})
    assert profile_with(finished, new_cookie).status_code == 200
    assert profile_with(finished, old_cookie).status_code == 302


def test_a_form_opened_before_the_rotation_can_be_sent_after_it(
    app: Flask, browser: Browser, settings: dict[str, str]
) -> None:
    browser.get("/signup")
    rotated = restarted({**settings, "SECRET_KEY": OTHER_KEY, "SECRET_KEY_FALLBACKS": SECRET_KEY})
    content = signed_content(cookie_of(browser))
    client = rotated.test_client()
    client.set_cookie(COOKIE, cookie_of(browser))
    fields = {"username": "Jane", "password": PASSWORD, "csrf_token": content["csrf_token"]}
    assert client.post("/signup", data=fields).status_code == 302


@pytest.mark.parametrize(
    "header",
    [
        "auth_session=a.b; known_browser=c",
        "auth_session=first; auth_session=second",
        'auth_session="quoted \\073 \\303\\251"; other=',
        "caf\xe9=\xff\xfe; auth_session=after bytes that are no text",
        "; ;=nameless;no value;auth_session",
        "",
    ],
)
def test_cookies_are_read_as_werkzeug_reads_them(app: Flask, header: str) -> None:
    environ = EnvironBuilder().get_environ() | {"HTTP_COOKIE": header}
    assert app.request_class(environ).cookies == Request(environ).cookies


def test_a_cookie_that_was_compressed_by_an_earlier_version_is_read(app: Flask) -> None:
    cookie = signed({"_flashes": [["info", "well " * 50]]})
    assert cookie.startswith("."), "itsdangerous marks what it has compressed"
    client = app.test_client(use_cookies=False)
    assert "well well" in client.get("/", headers={"Cookie": f"{COOKIE}={cookie}"}).text
