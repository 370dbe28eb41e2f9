"""kill -9 while people log in, change passwords and acknowledge: one notice for each happening, and
the number on the user's row is right.
"""

import crash
import pytest

from .conftest import PATH

pytestmark = [pytest.mark.server, pytest.mark.slow]
NOTICES = "FROM notice WHERE user_id = u.id"
EVENTS = "FROM event WHERE user_id = u.id AND kind"
HALF_THERE = crash.HALF_THERE | {
    # A log-in of a Visitor is from a new browser; only the looking afterwards fails to log in.
    "a happening that is no notice, or two": (
        f'SELECT username FROM "user" AS u WHERE (SELECT coalesce(max(id), 0) {NOTICES}) !='
        f" (SELECT count(*) {EVENTS} IN ('authn_login_success', 'authn_password_change'))"
        f" AND NOT EXISTS (SELECT 1 {EVENTS} = 'authn_login_fail')"
    ),
    "a number that is not that of the notices": (
        'SELECT username FROM "user" AS u WHERE notices !='
        f" (SELECT count(*) {NOTICES} AND acknowledged_at IS NULL)"
    ),
    "some of them acknowledged, or kept": (
        f'SELECT username FROM "user" AS u WHERE 1 < (SELECT count(*) {NOTICES}'
        " AND acknowledged_at IS NOT NULL)"
    ),
}


class Acknowledging(crash.Client):
    """A client that acknowledges whatever it is shown; the rest of its habits is the hall's."""

    half_there = HALF_THERE

    def log_in(self) -> bool:
        done = super().log_in()
        account = self.any_account()
        if account.sessions:
            visitor = account.sessions[0]
            form = visitor.prepare("/profile", PATH) | {"current_password": account.password}
            self.done["seen"] += self.known(*visitor.send(PATH, form)) == 302
        return done


def test_each_happening_is_one_notice_and_acknowledged_whole(settings: dict[str, str]) -> None:
    settings |= {"HASH_QUEUE": "64"}
    crash.survive(settings, Acknowledging, "seen")
