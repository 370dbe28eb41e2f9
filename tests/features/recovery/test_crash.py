"""kill -9 while people set new passwords with codes and links: one is used up if and only
if it did.
"""

from typing import Any

import crash
import pytest
from processes import Visitor, flask

from .conftest import SHOWN

pytestmark = [pytest.mark.server, pytest.mark.slow]
CHANGED = "user_id = u.id AND kind = 'authn_password_change'"
MADE = "SELECT coalesce(max(id), 0) FROM event WHERE user_id = u.id AND kind"
HALF_THERE = crash.HALF_THERE | {
    "a code is used up without a new password, or the reverse": (
        'SELECT username FROM "user" AS u WHERE 0 < (' + MADE + " = 'recovery_kit_made')"
        " AND 8 != (SELECT count(*) FROM recovery_code WHERE user_id = u.id)"
        f" + (SELECT count(*) FROM event WHERE {CHANGED} AND detail = 'with a recovery code')"
    ),
    "a link is open after a new password, or used up without one": (
        'SELECT username FROM "user" AS u WHERE EXISTS (SELECT 1 FROM reset_link'
        f" WHERE user_id = u.id) != (({MADE} = 'reset_link_made') >"
        f" (SELECT coalesce(max(id), 0) FROM event WHERE {CHANGED}))"
    ),
}


class Recovering(crash.Client):
    """A client that changes passwords with recovery codes and links; the rest of its habits is the
    hall's.
    """

    half_there = HALF_THERE

    def sign_up(self) -> bool:
        made = super().sign_up()
        account = self.accounts[-1]
        account.codes = []
        if made:
            owner = account.sessions[-1]
            form = {"current_password": account.password, **owner.prepare("/profile/recovery")}
            account.codes = SHOWN.findall(owner.send("/profile/recovery", form)[2])[:8]
        return made

    def change(self) -> bool:
        account: Any = self.any_account()
        making = ["users", "reset-link", account.name]
        made = flask(self.settings, *making) if self.rng.random() < 0.4 else None
        if made and self.rng.random() < 0.5:
            path, form = "/reset/" + made.stdout.strip().rpartition("/")[2], {}
        elif account.codes:
            form = {"username": account.name, "recovery_code": account.codes.pop()}
            path = "/recover"
        else:
            return False
        visitor, new = Visitor(self.settings), self.new_password()
        form |= {"new_password": new, **visitor.prepare(path)}
        account.propose(new)
        done = self.known(*visitor.send(path, form)) == 302
        if done:
            account.password, account.sessions = new, [visitor]
        account.proposed = None
        return done


def test_a_code_or_link_is_used_up_if_and_only_if_the_password_was_changed(
    settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crash.Account, "codes", (), raising=False)
    settings |= {"HASH_QUEUE": "64"}
    crash.survive(settings, Recovering, "change")
