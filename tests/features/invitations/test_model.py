"""The state machine of the hall's tests, on a site where accounts wait or come by invitation."""

import pytest
import test_model
from flask import Flask
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule
from test_model import BROWSERS, NAMES, PASSWORDS, Account, Model, Vestibule, agree_on

from accounts.actor import OPERATOR
from database import release
from features.invitations.models import Invitation
from features.invitations.rules import create_invitation
from models import User

from .conftest import mode

WANTED = {"/signup", "/login", "waits", "approve", "reject", "invited", "taken", "used up"}
log_in = Model.log_in


def waits(account: Account) -> bool:
    return getattr(account, "waits", False)


def sign_up_to_wait(model: Model, _browser: str, name: str, password: str) -> bool:
    """In the model, an account without a session."""
    if free := name.lower() not in model.accounts:
        model.accounts[name.lower()] = account = Account(name, password)
        account.waits = True
    return free


def log_in_unless_waiting(model: Model, browser: str, name: str, new: str) -> bool:
    return not waits(model.accounts[name.lower()]) and log_in(model, browser, name, new)


class OnTerms(Vestibule):
    """People who sign up wait until they are approved; those who are invited do not."""

    def __init__(self) -> None:
        super().__init__()
        Invitation.delete().execute()
        self.make_an_invitation()

    @initialize()
    def begin(self) -> None:
        """Jane comes by invitation, and has another browser."""
        self.sign_up_by_invitation("laptop", "Jane", "correct horse")
        self.fill_in_a_form("phone", "/login", "Jane", "correct horse", right=True)

    @rule()
    def make_an_invitation(self) -> None:
        invitation, self.token = create_invitation(2, 7, "", False, OPERATOR)
        self.newest, self.uses = invitation.id, 2
        release()

    @rule(
        browser=st.sampled_from(BROWSERS),
        name=st.sampled_from(NAMES),
        password=st.sampled_from(PASSWORDS),
    )
    def sign_up_by_invitation(self, browser: str, name: str, password: str) -> None:
        path, visitor = f"/invitation/{self.token}", self.browsers[browser]
        if self.arrive(browser):
            assert visitor.get(path).location == "/profile"
        elif not self.uses:
            assert visitor.get(path).status_code == 404
            self.seen.add("used up")
        else:
            fields = {"username": name, "password": password, "number": str(next(self.numbers))}
            answer = visitor.submit(path, fields)
            free = self.model.sign_up(browser, name, password)
            assert answer.status_code == (302 if free else 400)
            self.uses -= free
            self.seen.add("invited" if free else "taken")

    @rule(browser=st.sampled_from(BROWSERS), name=st.sampled_from(NAMES))
    def log_in_while_waiting(self, browser: str, name: str) -> None:
        account = self.model.accounts.get(name.lower())
        if account and waits(account) and not account.locked and not self.arrive(browser):
            answer = self.browsers[browser].log_in(name, account.password)
            assert (answer.status_code, "waiting for approval" in answer.text) == (400, True)
            self.seen.add("waits")

    @rule(command=st.sampled_from(["approve", "reject"]), name=st.sampled_from(NAMES))
    def decide(self, command: str, name: str) -> None:
        account = self.model.accounts.get(name.lower())
        done = self.runner.invoke(args=["users", command, name])
        assert (done.exit_code == 0) == bool(account and waits(account)), done.output
        if done.exit_code == 0:
            account.waits = False
            self.seen.add(command)
            if command == "reject":
                self.model.delete(account)

    @invariant()
    def agree_on_terms(self) -> None:
        waiting = {user.username: user.waiting_since is not None for user in User.select()}
        assert waiting == {each.name: waits(each) for each in self.model.accounts.values()}
        assert Invitation.get(Invitation.id == self.newest).uses_left == self.uses
        release()


@mode("approval")
@pytest.mark.long
def test_the_application_agrees_with_the_model(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(test_model.FORMS, "/signup", sign_up_to_wait)
    monkeypatch.setitem(test_model.FORMS, "/login", log_in_unless_waiting)
    machine = type("OnTerms", (OnTerms,), {"app": app, "seen": set()})
    agree_on(machine, WANTED)
