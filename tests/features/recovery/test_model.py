"""The state machine of the hall's tests, where people also use codes and links."""

import pytest
from conftest import soup
from flask import Flask
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule
from test_model import BROWSERS, NAMES, PASSWORDS, Account, Vestibule, agree_on

from accounts.actor import OPERATOR
from accounts.errors import AccountError
from database import release
from features.recovery import links
from features.recovery.codes import make_code
from features.recovery.models import RecoveryCode, ResetLink
from models import User

from .conftest import recover, reset, shown_codes

WANTED = {"kit", "code", "wrong code", "link", "dead link"}


class Recovering(Vestibule):
    """Each account has codes and perhaps a link, which any new password or a lock ends."""

    def codes_of(self, account: Account) -> list[str]:
        return vars(account).setdefault("codes", [])

    @rule(browser=st.sampled_from(BROWSERS))
    def make_a_kit(self, browser: str) -> None:
        if account := self.arrive(browser):
            fields = {"current_password": account.password}
            page = self.browsers[browser].submit("/profile/recovery", fields)
            self.codes_of(account)[:] = shown_codes(page)
            assert len(soup(page.text).select(".codes li")) == 8
            self.seen.add("kit")

    @rule(
        browser=st.sampled_from(BROWSERS),
        name=st.sampled_from(NAMES),
        new=st.sampled_from(PASSWORDS),
        right=st.sampled_from([True, True, False]),
    )
    def use_a_code(self, browser: str, name: str, new: str, right: bool) -> None:
        if self.arrive(browser):
            return
        account = self.model.accounts.get(name.lower())
        codes = self.codes_of(account) if account else []
        works = bool(codes) and right and not account.locked
        code = codes[-1] if codes and right else make_code()
        answer = recover(self.browsers[browser], code, name, new)
        assert answer.status_code == (302 if works else 400)
        self.seen.add("code" if works else "wrong code")
        if works:
            codes.pop()
            self.begin_with(account, browser, new)

    def begin_with(self, account: Account, browser: str, password: str) -> None:
        """In the model: a new password, and this session alone."""
        account.password = password
        self.model.end(account, "the password was changed")
        self.model.untold.pop(browser, None)
        self.model.log_in(browser, account.name, "")

    @rule(name=st.sampled_from(NAMES))
    def make_a_link(self, name: str) -> None:
        if account := self.model.accounts.get(name.lower()):
            user = User.get(User.username == account.name)
            if account.locked:
                with pytest.raises(AccountError):
                    links.make_link(user, 24, OPERATOR)
            else:
                account.path = f"/reset/{links.make_link(user, 24, OPERATOR)}"
            release()

    @rule(
        browser=st.sampled_from(BROWSERS),
        name=st.sampled_from(NAMES),
        new=st.sampled_from(PASSWORDS),
    )
    def use_a_link(self, browser: str, name: str, new: str) -> None:
        account = self.model.accounts.get(name.lower())
        if self.arrive(browser) or account is None or not hasattr(account, "path"):
            return
        user = User.get(User.username == account.name)
        works = ResetLink.select().where(ResetLink.user == user).exists()
        release()
        if works:
            assert not account.locked
            assert reset(self.browsers[browser], account.path, new).status_code == 302
            self.begin_with(account, browser, new)
            self.seen.add("link")
        assert self.browsers[browser].get(account.path).status_code == 404
        self.seen.add("dead link")

    @invariant()
    def agree_on_codes(self) -> None:
        for account in self.model.accounts.values():
            user = User.get(User.username == account.name)
            left = RecoveryCode.select().where(RecoveryCode.user == user).count()
            assert left == len(self.codes_of(account))
            if account.locked:
                assert not ResetLink.select().where(ResetLink.user == user).exists()
        release()


@pytest.mark.long
def test_the_application_agrees_with_the_model(app: Flask) -> None:
    machine = type("Recovering", (Recovering,), {"app": app, "seen": set()})
    agree_on(machine, WANTED)
