"""kill -9 while people sign up by invitation: each use makes one account, and no use is lost."""

import random
from pathlib import Path

import crash
import pytest
from conftest import SECRET_KEY
from ports import free_port
from processes import Visitor, flask, server, sql

pytestmark = [pytest.mark.server, pytest.mark.slow]
RUNS, USES = 3, 10_000


class Invited(crash.Client):
    """A client whose sign-ups are by invitation; the rest of its habits is that of the hall's."""

    path = ""

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


def test_each_account_has_cost_one_use_and_each_use_has_made_one(
    settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crash, "Client", Invited)
    settings |= {"SIGNUP": "invite", "HASH_QUEUE": "64"}
    with server(settings):
        made = flask(settings, "invitations", "create", "--uses", str(USES)).stdout
        Invited.path = "/invitation/" + made.split("/invitation/")[1].strip()
    signed_up = 0
    for run in range(RUNS):
        with server(settings) as process:
            clients = crash.attack(settings, process, f"{random.randrange(10**6)}/r{run}")
        with server(settings):
            assert crash.look(settings, clients) == []
            [(left,)] = sql(settings, "SELECT uses_left FROM invitation")
            [(accounts,)] = sql(settings, 'SELECT count(*) FROM "user"')
            assert USES - left == accounts
            signed_up += sum(client.done["sign_up"] for client in clients)
    assert signed_up
