"""kill -9 while people sign up by invitation: each use makes one account, and no use is lost."""

import crash
import pytest
from processes import Visitor, flask, server

pytestmark = [pytest.mark.server, pytest.mark.slow]
USES = 10_000


class Invited(crash.Client):
    """A client whose sign-ups are by invitation; the rest of its habits is that of the hall's."""

    path = ""
    half_there = crash.HALF_THERE | {
        "a use without an account, or the reverse": (
            "SELECT uses_left FROM invitation"
            f" WHERE {USES} - uses_left != (SELECT count(*) FROM user)"
        )
    }

    def sign_up(self) -> bool:
        account = crash.Account(f"{self.name}n{len(self.accounts)}", self.new_password())
        visitor = Visitor(self.settings)
        token = visitor.prepare(self.path)
        self.accounts.append(account)
        account.made = None
        fields = {"username": account.name, "password": account.password, **token}
        account.made = self.known(*visitor.send(self.path, fields)) == 302
        if account.made:
            account.sessions.append(visitor)
        return account.made


def test_each_account_has_cost_one_use_and_each_use_has_made_one(settings: dict[str, str]) -> None:
    settings |= {"SIGNUP": "invite", "HASH_QUEUE": "64"}
    with server(settings):
        made = flask(settings, "invitations", "create", "--uses", str(USES)).stdout
    Invited.path = "/invitation/" + made.split("/invitation/")[1].strip()
    crash.survive(settings, Invited, "sign_up")
