"""kill -9 while people set new passwords with codes: one is used up if and only if it did."""

import random
from typing import Any

import crash
import pytest
from processes import Visitor, server, sql

from .conftest import SHOWN

pytestmark = [pytest.mark.server, pytest.mark.slow]
RUNS = 3


class Recovering(crash.Client):
    """A client that changes passwords with recovery codes; the rest of its habits is the hall's."""

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
        if not account.codes:
            return False
        visitor, new = Visitor(self.settings), self.new_password()
        form = {"username": account.name, "recovery_code": account.codes[-1], "new_password": new,
                **visitor.prepare("/recover")}  # fmt: skip
        account.propose(new)
        done = self.known(*visitor.send("/recover", form)) == 302
        if done:
            account.password, account.sessions = new, [visitor]
            account.codes.pop()
        account.proposed = None
        return done


def test_a_code_is_used_up_if_and_only_if_the_password_was_changed(
    settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crash, "Client", Recovering)
    monkeypatch.setattr(crash.Account, "codes", (), raising=False)
    settings |= {"HASH_QUEUE": "64"}
    changed = 0
    for run in range(RUNS):
        with server(settings) as process:
            clients = crash.attack(settings, process, f"{random.randrange(10**6)}/r{run}")
        with server(settings):
            assert crash.look(settings, clients) == []
            changed += sum(client.done["change"] for client in clients)
            for account in (each for client in clients for each in client.accounts):
                used = 8 - left(settings, account.name)
                times = sql(settings, CHANGED, account.name)[0][0]
                assert used == times or not account.codes, account.name
    assert changed


CHANGED = (
    'SELECT count(*) FROM event JOIN "user" ON "user".id = event.user_id WHERE username = ?'
    " AND kind = 'authn_password_change'"
)


def left(settings: dict[str, str], name: str) -> int:
    query = (
        'SELECT count(*) FROM recovery_code JOIN "user" ON "user".id = user_id WHERE username = ?'
    )
    return int(sql(settings, query, name)[0][0])
