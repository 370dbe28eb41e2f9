"""An e-mail address may be given at sign-up, and is validated."""

import pytest
from conftest import PASSWORD, Browser, field, field_error

from models import User

JANE = {"username": "Jane", "password": PASSWORD}


@pytest.mark.parametrize(("typed", "kept"), [("jane@example.org", "jane@example.org"), ("", None)])
def test_it_is_kept_with_the_account(browser: Browser, typed: str, kept: str | None) -> None:
    assert browser.submit("/signup", {**JANE, "email": typed}).status_code == 302
    assert User.get().email == kept
    assert browser.is_signed_in()


@pytest.mark.parametrize("wrong", ["jane", "jane@", "jane\0@example.org", "x" * 255 + "@x.org"])
def test_what_is_none_is_refused_at_the_field(browser: Browser, wrong: str) -> None:
    answer = browser.submit("/signup", {**JANE, "email": wrong})
    assert answer.status_code == 400
    assert "jane@example.org" in field_error(answer.text, "email")
    assert User.select().count() == 0


def test_nobody_has_to_give_one(browser: Browser) -> None:
    page = browser.get("/signup").text
    assert not field(page, "email").has_attr("required")
    assert field(page, "username").has_attr("required")
    assert field(page, "email")["autocomplete"] == "email"
