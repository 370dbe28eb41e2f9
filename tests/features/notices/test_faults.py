"""A fault at any single statement: a notice is made with what it tells of or not at all, and is
acknowledged whole or not at all.
"""

from typing import Any

import pytest
from conftest import PASSWORD
from test_all_or_nothing import (  # two are fixtures
    MODES,
    all_or_nothing,
    as_jane,
    before,
    command,
    faults,
    log_in,
)
from test_all_or_nothing import state as state_of_the_hall

from accounts.actor import OPERATOR
from features.notices.models import Notice
from models import User


def state() -> dict[str, Any]:
    hall = state_of_the_hall()  # first: it hands a broken connection back
    open_ones = Notice.acknowledged_at.is_null()
    return {
        **hall,
        "notices": sorted(Notice.select(Notice.kind, Notice.number).where(open_ones).tuples()),
        "counted": sorted(User.select(User.username, User.notices).tuples()),
    }


def wrong_password(before: Any) -> Any:
    return log_in(before, "Jane", "wrong horse")


def acknowledging_later(before: Any) -> Any:
    Notice.update(since=0).execute()  # so that Jane's session began later
    return as_jane("/profile/notices", up_to="1", current_password=PASSWORD)(before)


ACTIONS = {
    "log-in": (lambda before: log_in(before, "Jane", PASSWORD), 302, 503),
    "log-in with a wrong password": (wrong_password, 400, 503),
    "rename": (command("rename", "Jane", "Joan"), 0, 1),
    "change of password": (
        as_jane("/profile/password", current_password=PASSWORD, new_password="another horse"),
        302, 503,
    ),
    "acknowledging": (as_jane("/profile/notices", up_to="1"), 302, 503),
    "acknowledging with the password": (acknowledging_later, 302, 503),
}  # fmt: skip


@MODES
@pytest.mark.parametrize("action", ACTIONS)
def test_all_of_it_is_done_or_nothing_and_the_answer_says_which(
    faults: Any, before: Any, action: str, gone: bool
) -> None:
    start, end = all_or_nothing(faults, before, ACTIONS[action], gone, state)
    assert end["notices"] != start["notices"]
    assert end["counted"] != start["counted"]
