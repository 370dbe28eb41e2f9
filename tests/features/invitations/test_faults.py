"""A fault at any single statement: the use and the account are one, or nothing happened."""

from typing import Any

import pytest
from conftest import PASSWORD, Browser
from flask import Flask
from test_all_or_nothing import (  # two are fixtures
    MODES,
    all_or_nothing,
    before,
    command,
    faults,
    form_of,
)
from test_all_or_nothing import state as state_of_the_hall

from accounts.actor import OPERATOR, Actor
from features.invitations import rules
from features.invitations.models import Invitation
from features.invitations.waiting import sign_up_to_wait
from models import User

from .conftest import mode

pytestmark = mode("invite")
TOKENS: dict[str, str] = {}


def state() -> dict[str, Any]:
    hall = state_of_the_hall()  # first: it hands a broken connection back
    waiting = sorted((user.username, user.waiting_since is not None) for user in User.select())
    uses = sorted((row.label, row.uses_left) for row in Invitation.select())
    return {**hall, "waiting": waiting, "uses": uses}


@pytest.fixture
def browser(app: Flask) -> Browser:
    """A browser; and, before anything else, an invitation and an account that waits."""
    TOKENS["path"] = f"/invitation/{rules.create_invitation(3, 7, 'three', False, OPERATOR)[1]}"
    sign_up_to_wait("Waits", PASSWORD, Actor())

    class Invited(Browser):
        def sign_up(self, username: str, password: str = PASSWORD) -> Any:
            return self.submit(TOKENS["path"], {"username": username, "password": password})

    return Invited(app)


def accept(before: Any) -> Any:
    return form_of(TOKENS["path"])(before, "Other", PASSWORD)


def revoke(before: Any) -> Any:
    runner = before.browser.client.application.test_cli_runner()
    handle = Invitation.get().handle
    return lambda: runner.invoke(args=["invitations", "revoke", handle]).exit_code


def create(before: Any) -> Any:
    runner = before.browser.client.application.test_cli_runner()
    return lambda: runner.invoke(args=["invitations", "create", "--label", "new"]).exit_code


ACTIONS = {
    "sign-up by invitation": (accept, 302, 503),
    "create": (create, 0, 1),
    "revoke": (revoke, 0, 1),
    "approve": (command("approve", "Waits"), 0, 1),
    "reject": (command("reject", "Waits"), 0, 1),
}


@MODES
@pytest.mark.parametrize("action", ACTIONS)
def test_all_of_it_is_done_or_nothing_and_the_answer_says_which(
    faults: Any, before: Any, action: str, gone: bool
) -> None:
    all_or_nothing(faults, before, ACTIONS[action], gone, state)
