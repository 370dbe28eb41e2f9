"""SIGNUP = open, approval, invite or closed: what a visitor finds at /signup."""

from pathlib import Path

import pytest
from conftest import PASSWORD, Browser, hidden_fields, page_form, page_text, soup
from flask import Flask
from flask.testing import FlaskCliRunner

from accounts import users
from accounts.actor import OPERATOR
from app import create_app
from config import ConfigError
from features.invitations import settings as feature
from models import Event, Key, Session, User

from .conftest import FORM, mode

EVERY = ("open", "approval", "invite", "closed")


def rows() -> tuple[int, int, int]:
    return User.select().count(), Key.select().count(), Session.select().count()


@mode("open")
def test_open_is_sign_up_as_without_the_feature(browser: Browser) -> None:
    assert "approve" not in page_text(browser.get("/signup").text)
    answer = browser.sign_up("Jane")
    assert (answer.status_code, answer.location, rows()) == (302, "/profile", (1, 1, 1))
    assert browser.is_signed_in()
    assert User.get().waiting_since is None


@mode("approval")
def test_approval_shows_the_form_and_says_that_somebody_has_to_approve(browser: Browser) -> None:
    page = browser.get("/signup")
    assert page.status_code == 200
    assert page_form(page.text, "/signup")["method"] == "post"
    assert "approve" in page_text(page.text)


@mode("approval")
def test_approval_makes_an_account_that_waits_and_logs_no_one_in(browser: Browser) -> None:
    answer = browser.sign_up("Jane")
    assert (answer.status_code, answer.location, rows()) == (302, "/", (1, 1, 0))
    assert "approve" in page_text(browser.get("/").text)
    assert not browser.is_signed_in()
    assert User.get().waiting_since >= User.get().created_at
    [event] = Event.select()
    assert (event.kind, event.user_id, event.detail) == (
        "user_created", User.get().id, "waits for approval",
    )  # fmt: skip


@mode("approval")
@pytest.mark.parametrize(
    ("name", "password", "words"), [("Jane", "short", "6"), ("x", PASSWORD, "4")]
)
def test_approval_refuses_what_is_wrong_as_ever(
    browser: Browser, name: str, password: str, words: str
) -> None:
    answer = browser.sign_up(name, password)
    assert (answer.status_code, rows()) == (400, (0, 0, 0))
    assert words in page_text(answer.text)
    assert "approve" in page_text(answer.text)


@mode("approval")
def test_a_name_that_waits_is_taken(app: Flask, browser: Browser) -> None:
    browser.sign_up("Jane")
    answer = Browser(app).sign_up("JANE", "another horse")
    assert (answer.status_code, "taken" in answer.text, rows()) == (400, True, (1, 1, 0))


@mode("invite", "closed")
def test_without_sign_up_there_is_a_page_without_a_form(signup: str, browser: Browser) -> None:
    page = browser.get("/signup")
    assert page.status_code == 200
    assert not soup(page.text).find_all("form")
    text = page_text(page.text)
    assert ("invitation" in text) == (signup == "invite")
    assert ("closed" in text) == (signup == "closed")


@mode("open")
@pytest.mark.parametrize("later", ["invite", "closed"])
def test_closed_means_closed_for_a_form_that_was_opened_before(
    settings: dict[str, str], browser: Browser, later: str
) -> None:
    token = hidden_fields(page_form(browser.get("/signup").text, "/signup"))
    cookie = browser.client.get_cookie("auth_session").value
    again = Browser(create_app({**settings, "SIGNUP": later}))
    again.client.set_cookie("auth_session", cookie)
    answer = again.client.post("/signup", data={**FORM, **token})
    assert (answer.status_code, rows()) == (403, (0, 0, 0))
    assert "No account was created" in page_text(answer.text)
    assert not soup(answer.text).find("input", attrs={"name": "username"})


@mode(*EVERY)
def test_the_link_is_on_pages_if_people_can_sign_up_there(signup: str, browser: Browser) -> None:
    offered = signup in ("open", "approval")
    for path in ("/", "/login", "/signup", "/nowhere"):
        page = soup(browser.get(path).text)
        links = page.find_all("a", href="/signup")
        assert bool(links) == offered, path
        assert offered or "Sign up" not in [link.get_text(strip=True) for link in page("a")]
    browser.get("/profile")
    assert bool(soup(browser.get("/").text).find_all("a", href="/signup")) == offered


@mode(*EVERY)
def test_members_are_sent_to_their_profile(signup: str, app: Flask, browser: Browser) -> None:
    users.create_user("Jane", PASSWORD, OPERATOR)
    browser.log_in("Jane")
    answer = browser.get("/signup")
    assert (answer.status_code, answer.location) == (302, "/profile")


@mode(*EVERY)
def test_the_operator_makes_accounts_whatever_the_terms(
    signup: str, runner: FlaskCliRunner, app: Flask
) -> None:
    done = runner.invoke(args=["users", "create", "Jane", "--password-stdin"], input=PASSWORD)
    assert done.exit_code == 0
    assert Browser(app).log_in("Jane").status_code == 302


def test_without_the_setting_it_is_open(app: Flask) -> None:
    assert (app.config["SIGNUP"], feature.SIGNUP) == ("open", "open")


@pytest.mark.parametrize("value", ["Open", "no", "approve", "open,closed"])
def test_another_value_stops_the_start_and_names_the_setting(
    settings: dict[str, str], value: str
) -> None:
    with pytest.raises(ConfigError, match=r"^SIGNUP: must be one of open, approval, invite"):
        create_app({**settings, "SIGNUP": value})


def test_it_is_read_from_the_settings_file_and_a_misspelt_one_is_told(
    settings: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "environment"
    monkeypatch.setenv("VESTIBULE_ENV", str(file))
    file.write_text("SIGNUP=closed\n")
    assert create_app(settings).config["SIGNUP"] == "closed"
    file.write_text("SIGN_UP=closed\n")
    with pytest.raises(ConfigError, match="there is no setting SIGN_UP; perhaps SIGNUP is meant"):
        create_app(settings)
