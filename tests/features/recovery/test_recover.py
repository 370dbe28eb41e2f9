"""GET and POST /recover."""

import argon2
import pytest
from conftest import PASSWORD, Browser, field, field_error, hidden_fields, page_form, page_text
from flask import Flask

from accounts import users
from accounts.actor import OPERATOR
from features.recovery.codes import make_code
from features.recovery.models import RecoveryCode, ResetLink
from models import Event, Session, User, now

from .conftest import NEW_PASSWORD, make_kit, recover

REFUSALS = [
    "unknown name", "wrong code", "used code", "code of another", "no kit", "locked", "waiting",
    "deleted",
]  # fmt: skip


@pytest.fixture
def refused(jane: Browser, codes: list[str], app: Flask, request) -> tuple[str, str]:
    """The name and the code of a refusal."""
    other = Browser(app)
    other.sign_up("Lucy")
    match request.param:
        case "unknown name":
            return "Nobody", codes[0]
        case "wrong code":
            return "Jane", make_code()
        case "used code":
            recover(Browser(app), codes[0])
        case "code of another":
            return "Jane", make_kit(other)[0]
        case "no kit":
            return "Lucy", codes[0]
        case "locked":
            users.lock_user(User.get(User.username == "Jane"), OPERATOR)
        case "waiting":
            User.update(waiting_since=now()).where(User.username == "Jane").execute()
        case "deleted":
            users.delete_user(User.get(User.username == "Jane"), OPERATOR)
    return "Jane", codes[0]


def test_log_in_links_to_it(browser: Browser) -> None:
    assert 'href="/recover"' in browser.get("/login").text


def test_members_are_sent_to_the_profile(jane: Browser) -> None:
    assert jane.get("/recover").location == "/profile"
    assert jane.client.post("/recover").location == "/profile"


def test_a_right_code_sets_the_password_and_logs_in(
    jane: Browser, codes: list[str], app: Flask, link
) -> None:
    link()
    browser = Browser(app)
    answer = recover(browser, codes[0].lower().replace("-", " "), "JANE")
    assert (answer.status_code, answer.location) == (302, "/profile")
    assert "7 recovery codes left" in page_text(browser.get("/profile").text)
    assert not jane.is_signed_in(), "every other session is over"
    assert Session.select().count() == 1
    assert ResetLink.select().count() == 0
    assert Browser(app).log_in("Jane", NEW_PASSWORD).status_code == 302
    assert Browser(app).log_in("Jane", PASSWORD).status_code == 400


def test_other_browsers_are_told_why(jane: Browser, codes: list[str], app: Flask) -> None:
    recover(Browser(app), codes[0])
    assert "because the password was changed" in page_text(jane.get("/").text)


def test_each_code_works_once(jane: Browser, codes: list[str], app: Flask) -> None:
    for number, code in enumerate(codes):
        assert recover(Browser(app), code, password=f"horse {number}").status_code == 302
        assert recover(Browser(app), code).status_code == 400
    assert RecoveryCode.select().count() == 0


@pytest.mark.parametrize("refused", REFUSALS, indirect=True)
def test_a_refusal_is_the_same_bytes_but_for_token_name_and_code(
    app: Flask, refused: tuple[str, str]
) -> None:
    def answer(name: str, code: str) -> tuple[str, list, str]:
        page = recover(Browser(app), code, name)
        assert "Incorrect username or recovery code" in page_text(page.text)
        body = page.text
        token = hidden_fields(page_form(body, "/recover"))["csrf_token"]
        assert field(body, "username")["value"] == name
        for varies in (token, f'value="{name}"', f'value="{code}"'):
            body = body.replace(varies, "")
        headers = [(key, value) for key, value in page.headers if key != "Content-Length"]
        return page.status, headers, body

    assert answer(*refused) == answer("Somebody", make_code())


@pytest.mark.parametrize("refused", REFUSALS, indirect=True)
def test_a_refusal_costs_exactly_one_hash(
    app: Flask, refused: tuple[str, str], hashes: list[str]
) -> None:
    browser = Browser(app)
    hashes.clear()
    assert recover(browser, refused[1], refused[0]).status_code == 400
    assert len(hashes) == 1


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A list that grows with every Argon2 computation."""
    ran: list[str] = []
    for name in ("hash_secret", "verify_secret"):
        function = getattr(argon2.low_level, name)

        def counted(*args, function=function, **options):
            ran.append(function.__name__)
            return function(*args, **options)

        monkeypatch.setattr(argon2.low_level, name, counted)
    return ran


@pytest.mark.parametrize("refused", REFUSALS, indirect=True)
def test_a_refusal_changes_nothing(app: Flask, refused: tuple[str, str]) -> None:
    before = [*RecoveryCode.select().order_by(RecoveryCode.id).tuples()], Session.select().count()
    recover(Browser(app), refused[1], refused[0])
    after = [*RecoveryCode.select().order_by(RecoveryCode.id).tuples()], Session.select().count()
    assert after == before


def test_a_wrong_code_is_a_failed_log_in(jane: Browser, app: Flask, codes: list[str]) -> None:
    recover(Browser(app), make_code())
    assert Event.select().where(Event.kind == "authn_login_fail").count() == 1


class TestLimits:
    """Tries at codes and passwords count together."""

    @pytest.fixture
    def settings(self, settings: dict[str, str]) -> dict[str, str]:
        return {**settings, "LIMIT_LOGIN_ACCOUNT": "3/hour"}

    def test_wrong_codes_lead_to_429_as_wrong_passwords_do(
        self, jane: Browser, app: Flask, codes: list[str]
    ) -> None:
        assert Browser(app).log_in("Jane", "wrong horse").status_code == 400
        statuses = [recover(Browser(app), make_code()).status_code for _ in range(3)]
        assert statuses == [400, 400, 429]
        assert Browser(app).log_in("Jane").status_code == 429
        answer = recover(Browser(app), codes[0])
        assert answer.status_code == 429
        assert int(answer.headers["Retry-After"]) > 0
        assert RecoveryCode.select().count() == 8

    def test_unknown_names_count_alike(self, jane: Browser, app: Flask) -> None:
        statuses = [recover(Browser(app), make_code(), "Nobody").status_code for _ in range(4)]
        assert statuses == [400, 400, 400, 429]

    def test_a_mistyped_code_and_a_bad_password_are_no_tries(
        self, jane: Browser, app: Flask, codes: list[str], hashes: list[str]
    ) -> None:
        hashes.clear()
        wrong = codes[0][:-1] + ("0" if codes[0][-1] != "0" else "1")
        for _ in range(5):
            answer = recover(Browser(app), wrong)
            assert answer.status_code == 400
            assert "mistyped" in field_error(answer.text, "recovery_code")
            answer = recover(Browser(app), codes[0], password="short")
            assert answer.status_code == 400
            assert "6 to 255" in field_error(answer.text, "new_password")
        assert hashes == []
        assert RecoveryCode.select().count() == 8
        assert Event.select().where(Event.kind == "authn_login_fail").count() == 0
        assert recover(Browser(app), codes[0]).status_code == 302

    def test_a_right_code_is_no_failed_try(
        self, jane: Browser, app: Flask, codes: list[str]
    ) -> None:
        assert [recover(Browser(app), code).status_code for code in codes[:5]] == [302] * 5


def test_nothing_typed_is_a_message_at_each_field(browser: Browser) -> None:
    page = recover(browser, "", "", "").text
    for name in ("username", "recovery_code", "new_password"):
        assert field_error(page, name), name


def test_a_mistyped_code_stays_to_be_put_right_and_a_password_does_not(browser: Browser) -> None:
    page = recover(browser, "ABCD-EFGH", "Jane", NEW_PASSWORD).text
    assert field(page, "recovery_code")["value"] == "ABCD-EFGH"
    assert field(page, "new_password").get("value") is None


class TestCommonPasswords:
    """PASSWORD_COMMON=refuse holds here too."""

    @pytest.fixture
    def settings(self, settings: dict[str, str]) -> dict[str, str]:
        return {**settings, "PASSWORD_COMMON": "refuse"}

    def test_a_common_password_is_refused_and_uses_nothing_up(
        self, jane: Browser, codes: list[str], link, app: Flask
    ) -> None:
        pytest.importorskip("features.common_passwords")
        path = link()
        for answer in (
            recover(Browser(app), codes[0], password="password"),
            Browser(app).submit(path, {"new_password": "password"}),
        ):
            assert answer.status_code == 400
            assert "very common" in field_error(answer.text, "new_password")
        assert (RecoveryCode.select().count(), ResetLink.select().count()) == (8, 1)


def test_sent_again_it_leads_where_the_first_led(app: Flask, codes: list[str]) -> None:
    pytest.importorskip("features.sent_again")
    browser = Browser(app)
    form = hidden_fields(page_form(browser.get("/recover").text, "/recover"))
    form |= {"username": "Jane", "recovery_code": codes[0], "new_password": NEW_PASSWORD}
    cookie = browser.client.get_cookie("auth_session").value
    assert browser.client.post("/recover", data=form).location == "/profile"
    again = Browser(app)
    again.client.set_cookie("auth_session", cookie)
    assert again.client.post("/recover", data=form).location == "/profile"
    assert again.is_signed_in()
    assert RecoveryCode.select().count() == 7
