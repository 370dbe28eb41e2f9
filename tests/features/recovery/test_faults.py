"""A fault at any single statement: a code or link is used up if and only if the password was
changed, and a kit or link is made whole or not at all.
"""

from typing import Any

import pytest
from conftest import PASSWORD, Browser, hidden_fields, page_form
from flask import Flask
from test_all_or_nothing import (  # two are fixtures
    MODES,
    all_or_nothing,
    as_jane,
    before,
    command,
    faults,
)
from test_all_or_nothing import state as state_of_the_hall

from accounts.actor import OPERATOR
from features.recovery import links
from features.recovery.models import RecoveryCode, ResetLink
from models import User

from .conftest import NEW_PASSWORD, make_kit

MADE: dict[str, Any] = {}  # before anything else: codes, a link, and their rows


def state() -> dict[str, Any]:
    hall = state_of_the_hall()  # first: it hands a broken connection back
    rows = {bytes(row.id) for model in (RecoveryCode, ResetLink) for row in model.select()}
    return {**hall, "left": len(rows & MADE["rows"]), "new": len(rows - MADE["rows"])}


@pytest.fixture
def browser(app: Flask) -> Browser:
    """A browser whose user gets a kit and a link on signing up."""

    class WithKit(Browser):
        def sign_up(self, username: str, password: str = PASSWORD) -> Any:
            answer = super().sign_up(username, password)
            MADE["code"] = make_kit(self)[0]
            MADE["path"] = f"/reset/{links.make_link(User.get(), 24, OPERATOR)}"
            models = (RecoveryCode, ResetLink)
            MADE["rows"] = {bytes(row.id) for model in models for row in model.select()}
            return answer

    return WithKit(app)


def post(path: str, before: Any, **fields: str) -> Any:
    visitor = Browser(before.browser.client.application)
    form = hidden_fields(page_form(visitor.get(path).text, path)) | fields
    return lambda: visitor.client.post(path, data=form).status_code


def use_code(before: Any) -> Any:
    typed = {"username": "Jane", "recovery_code": MADE["code"], "new_password": NEW_PASSWORD}
    return post("/recover", before, **typed)


def use_link(before: Any) -> Any:
    return post(MADE["path"], before, new_password=NEW_PASSWORD)


ACTIONS = {
    "use of a code": (use_code, 302, 503),
    "use of a link": (use_link, 302, 503),
    "kit": (as_jane("/profile/recovery", current_password=PASSWORD), 200, 503),
    "reset-link": (command("reset-link", "Jane"), 0, 1),
    "create with a link": (command("create", "Other", "--link"), 0, 1),
    "lock": (command("lock", "Jane"), 0, 1),
}


@MODES
@pytest.mark.parametrize("action", ACTIONS)
def test_all_of_it_is_done_or_nothing_and_the_answer_says_which(
    faults: Any, before: Any, action: str, gone: bool
) -> None:
    all_or_nothing(faults, before, ACTIONS[action], gone, state)
