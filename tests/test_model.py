"""Two browsers, an operator and time act at random: the application agrees with a small model of
users, keys and sessions.
"""

import itertools
from dataclasses import dataclass, field

import pytest
from conftest import Browser, soup
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from accounts import sessions
from database import database, release
from models import Event, Key, Session, User

HOUR = 3_600_000
ACTIVE, IDLE, MAX_AGE = 24 * HOUR, (24 + 14 * 24) * HOUR, 90 * 24 * HOUR
# Odd lengths, so that no sum of them is just one of the limits.
LENGTHS = [minutes * 60_000 for minutes in (431, 1013, 3001, 20_483, 57_601)]


@dataclass(eq=False)
class Account:
    name: str
    password: str
    locked: bool = False


@dataclass
class Signed:
    """A session: whose, and how long it will yet be active, idle and allowed at all (ms)."""

    account: Account
    active: int = ACTIVE
    idle: int = IDLE
    left: int = MAX_AGE

    def dead(self):
        return self.idle < 0 or self.left < 0


@dataclass
class Model:
    """What there is: accounts by the form of their name that makes it unique, sessions by
    browser; and why each browser's last session is over, until it has been told.
    """

    accounts: dict = field(default_factory=dict)
    sessions: dict = field(default_factory=dict)
    untold: dict = field(default_factory=dict)

    def use(self, browser):
        """A browser shows its cookie; return whose it is."""
        session = self.sessions.get(browser)
        if session is None:
            return None
        if session.dead():
            self.close(browser, "your log-in expired")
            return None
        if session.active < 0:
            session.active, session.idle = min(ACTIVE, session.left), min(IDLE, session.left)
        return session.account

    def sign_up(self, browser, name, password):
        if free := name.lower() not in self.accounts:
            self.accounts[name.lower()] = account = Account(name, password)
            self.sessions[browser] = Signed(account)
        return free

    def log_in(self, browser, name, _new):
        account = self.accounts[name.lower()]
        if not account.locked:
            self.sessions[browser] = Signed(account)
        return not account.locked

    def change_password(self, browser, _name, new):
        account = self.sessions[browser].account
        if different := new != account.password:
            account.password = new
            self.end(account, "the password was changed", keep=browser)
        return different

    def change_username(self, browser, name, _new):
        account = self.sessions[browser].account
        free = self.accounts.get(name.lower(), account) is account and name != account.name
        if free:
            del self.accounts[account.name.lower()]
            self.accounts[name.lower()], account.name = account, name
        return free

    def delete_account(self, browser, name, _new):
        account = self.sessions[browser].account
        if named := name.lower() == account.name.lower():
            del self.sessions[browser]
            self.delete(account)
        return named

    def delete(self, account):
        self.end(account, "")
        del self.accounts[account.name.lower()]
        for browser, (owner, _) in self.untold.items():
            if owner is account:
                self.untold[browser] = owner, "or the account was deleted"

    def set_password(self, account):
        account.password = OPERATORS
        self.end(account, "set a new password")

    def lock(self, account):
        account.locked = True
        self.end(account, "the account was locked")

    def unlock(self, account):
        account.locked = False

    def end(self, account, why="ended by the person who runs this site", keep=None):
        """End all sessions of an account. Of one that is dead the row may have gone before."""
        for browser, session in list(self.sessions.items()):
            if session.account is account and browser != keep:
                self.close(browser, "" if session.dead() else why)

    def close(self, browser, why):
        self.untold[browser] = self.sessions.pop(browser).account, why

    def live(self):
        return sorted(each.account.name for each in self.sessions.values() if not each.dead())

    def age(self, length):
        for each in self.sessions.values():
            each.active, each.idle, each.left = (
                each.active - length, each.idle - length, each.left - length,
            )  # fmt: skip


BROWSERS = ["laptop", "phone"]
NAMES = ["Jane", "JANE", "Lucy", "lucY"]
PASSWORDS = ["another horse", "correct horse", "blue horse"]
OPERATORS = "operator's horse"
FORMS = {
    "/signup": Model.sign_up,
    "/login": Model.log_in,
    "/profile/password": Model.change_password,
    "/profile/username": Model.change_username,
    "/profile/delete": Model.delete_account,
}
FOR_STRANGERS = {"/signup", "/login"}
COMMANDS = {
    ("users", "set-password", "--password-stdin"): Model.set_password,
    ("users", "lock"): Model.lock,
    ("users", "unlock"): Model.unlock,
    ("users", "delete", "--yes"): Model.delete,
    ("sessions", "end", "--user"): Model.end,
}
BUTTONS = ["/logout", "/end", "/end-others"]
REASONS = {
    "the password was changed", "set a new password", "the account was locked",
    "ended from another device", "ended by the person who runs this site",
    "your log-in expired", "or the account was deleted",
}  # fmt: skip


class Vestibule(RuleBasedStateMachine):
    """The application, and what the model says of it."""

    app = None  # given by the test
    seen = None  # what came about, in all runs together

    def __init__(self):
        super().__init__()
        with database.atomic():
            User.delete().execute()
            Event.delete().execute()
        release()
        self.model = Model()
        self.browsers = {name: Browser(self.app) for name in BROWSERS}
        self.runner = self.app.test_cli_runner()
        self.numbers = itertools.count()

    @initialize()
    def begin(self):
        """One person in both browsers: by chance alone most of what may happen then never does."""
        for browser, path in zip(BROWSERS, ("/signup", "/login"), strict=True):
            self.fill_in_a_form(browser, path, "Jane", "correct horse", right=True)

    def arrive(self, browser):
        """Open the start page, which says once why a session is over; return who is signed in."""
        page = soup(self.browsers[browser].get("/").text)
        account = self.model.use(browser)
        assert bool(page.find("form", action="/logout")) == bool(account)
        notices = [notice.get_text(strip=True) for notice in page.select(".notice")]
        told = [notice for notice in notices if "You have been logged out" in notice]
        _, *expected = self.model.untold.pop(browser, [None])
        assert len(told) == len(expected)
        assert all(words in sentence for words, sentence in zip(expected, told, strict=True))
        self.seen.update(expected)
        return account

    @rule(
        browser=st.sampled_from(BROWSERS),
        path=st.sampled_from(list(FORMS)),
        name=st.sampled_from(NAMES),
        new=st.sampled_from(PASSWORDS),
        right=st.sampled_from([True, True, False]),
    )
    def fill_in_a_form(self, browser, path, name, new, right):
        """Each form takes what it needs. right: whether it is given the password there is."""
        visitor = self.arrive(browser)
        account = visitor or self.model.accounts.get(name.lower())
        proof = account.password if account and right else "wrong horse"
        answer = self.browsers[browser].get(path)
        if (path in FOR_STRANGERS) == bool(visitor):
            assert answer.location == ("/profile" if visitor else "/")
            return
        fields = {
            "username": name, "password": new if path == "/signup" else proof,
            "new_username": name, "new_password": new, "current_password": proof,
            "number": str(next(self.numbers)),  # no form is sent again: that is tested elsewhere
        }  # fmt: skip
        answer = self.browsers[browser].submit(path, fields)
        proven = path == "/signup" or (right and account is not None)
        done = proven and FORMS[path](self.model, browser, name, new)
        assert (answer.status_code == 302) == done
        self.seen.update([path] if done else [])

    @rule(browser=st.sampled_from(BROWSERS), button=st.sampled_from(BUTTONS))
    def press_a_button(self, browser, button):
        """Log out, or end other sessions: with two browsers there is one at most."""
        if (account := self.arrive(browser)) is None:
            return
        page = soup(self.browsers[browser].get("/profile/sessions").text)
        actions = [form["action"] for form in page.find_all("form")]
        pressed = [action for action in actions if action.endswith(button)]
        if button == "/end":
            pressed = pressed[1:]  # without this browser's own
        if button == "/logout":
            del self.model.sessions[browser]
        else:
            assert len(pressed) == self.model.live().count(account.name) - 1
        for action in pressed:
            self.browsers[browser].submit_to("/profile/sessions", action, {})
            self.seen.add(button)
        if pressed and button != "/logout":
            self.model.end(account, "ended from another device", keep=browser)

    @rule(browser=st.sampled_from(BROWSERS))
    def look_at_the_profile(self, browser):
        account = self.arrive(browser)
        page = self.browsers[browser].get("/profile")
        assert (page.status_code == 200) == bool(account)
        if account:
            assert soup(page.text).find("dd").get_text(strip=True) == account.name

    @rule(command=st.sampled_from(list(COMMANDS)), name=st.sampled_from(NAMES))
    def run_a_command(self, command, name):
        done = self.runner.invoke(args=[*command, name], input=OPERATORS)
        account = self.model.accounts.get(name.lower())
        assert (done.exit_code == 0) == bool(account), done.output
        if account:
            COMMANDS[command](self.model, account)
            self.seen.add(command)

    @rule(length=st.sampled_from(LENGTHS), prune=st.booleans())
    def time_passes(self, length, prune):
        columns = [Session.created_at, Session.authenticated_at, Session.last_seen_at]
        columns += [Session.active_expires_at, Session.idle_expires_at]
        Session.update({column: column - length for column in columns}).execute()
        self.model.age(length)
        if prune:
            sessions.prune_sessions()
            assert Session.select().count() == len(self.model.live())

    @invariant()
    def agree(self):
        accounts = self.model.accounts
        found = {user.username: user.locked_at is not None for user in User.select()}
        assert found == {account.name: account.locked for account in accounts.values()}
        keys = {key.provider_user_id: key.user.username for key in Key.select(Key, User).join(User)}
        assert keys == {key: account.name for key, account in accounts.items()}
        live = [session.user.username for session in sessions.live_sessions()]
        assert sorted(live) == self.model.live()
        release()


@pytest.mark.long
def test_the_application_agrees_with_the_model(app):
    machine = type("Vestibule", (Vestibule,), {"app": app, "seen": set()})
    wanted = {*FORMS, *COMMANDS, *BUTTONS, *REASONS}
    agree_on(machine, wanted)


def agree_on(machine, wanted):
    """Let a machine run until it has seen all that is wanted."""
    run(machine)
    # Hypothesis takes constants from the code: after a change its examples may miss something.
    for number in range(4):
        if wanted - machine.seen:
            run(seed(number)(machine))
    assert not wanted - machine.seen, "more examples are wanted: of these nothing was learnt"


def run(machine):
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=150,
            stateful_step_count=15,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
