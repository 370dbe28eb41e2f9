"""Two browsers, an operator and time act at random: the application agrees with a small model of
users, keys and sessions.
"""

from dataclasses import dataclass, field

from conftest import Browser, soup
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from accounts import sessions
from database import database, release
from models import Event, Key, Session, User

HOUR = 3_600_000
ACTIVE, IDLE, MAX_AGE = 24 * HOUR, (24 + 14 * 24) * HOUR, 90 * 24 * HOUR
# Odd lengths, so that no sum of them is just one of the limits.
LENGTHS = [minutes * 60_000 for minutes in (431, 1013, 3001, 20_483, 57_601)]


@dataclass
class Signed:
    """A session: whose, and how long it will yet be active, idle and allowed at all (ms)."""

    user: str
    active: int = ACTIVE
    idle: int = IDLE
    left: int = MAX_AGE

    def dead(self):
        return self.idle < 0 or self.left < 0


@dataclass
class Model:
    """What there is: users by the form of their name that makes it unique, sessions by browser."""

    passwords: dict = field(default_factory=dict)
    shown: dict = field(default_factory=dict)
    locked: set = field(default_factory=set)
    sessions: dict = field(default_factory=dict)

    def use(self, browser):
        """A browser shows its cookie; return whose it is."""
        session = self.sessions.get(browser)
        if session is None or session.dead():
            self.sessions.pop(browser, None)
            return None
        if session.active < 0:
            session.active, session.idle = min(ACTIVE, session.left), min(IDLE, session.left)
        return session.user

    def sign_up(self, browser, name, password):
        if self.use(browser) or name.lower() in self.passwords:
            return
        self.passwords[name.lower()], self.shown[name.lower()] = password, name
        self.sessions[browser] = Signed(name.lower())

    def log_in(self, browser, name, password):
        right = self.passwords.get(name.lower()) == password and name.lower() not in self.locked
        if not self.use(browser) and right:
            self.sessions[browser] = Signed(name.lower())

    def end(self, user):
        self.sessions = {b: each for b, each in self.sessions.items() if each.user != user}

    def delete(self, user):
        self.end(user)
        self.locked.discard(user)
        del self.passwords[user], self.shown[user]

    def live(self):
        return sorted(each.user for each in self.sessions.values() if not each.dead())

    def age(self, length):
        for each in self.sessions.values():
            each.active, each.idle, each.left = (
                each.active - length, each.idle - length, each.left - length,
            )  # fmt: skip


BROWSERS = st.sampled_from(["laptop", "phone"])
NAMES = st.sampled_from(["Jane", "JANE", "Lucy", "lucY"])
PASSWORDS = st.sampled_from(["correct horse", "another horse"])


class Vestibule(RuleBasedStateMachine):
    """The application, and what the model says of it."""

    app = None  # given by the test

    def __init__(self):
        super().__init__()
        with database.atomic():
            User.delete().execute()
            Event.delete().execute()
        release()
        self.model = Model()
        self.browsers = {name: Browser(self.app) for name in ("laptop", "phone")}
        self.runner = self.app.test_cli_runner()

    def send(self, path, browser, name, password):
        """Fill in a form where there is one; whoever is signed in is sent to the profile."""
        page = self.browsers[browser].get(path)
        if page.status_code == 200:
            fields = {"username": name, "password": password}
            page = self.browsers[browser].submit(path, fields)
        return page.location

    @rule(browser=BROWSERS, name=NAMES, password=PASSWORDS)
    def sign_up(self, browser, name, password):
        location = self.send("/signup", browser, name, password)
        self.model.sign_up(browser, name, password)
        assert (location == "/profile") == bool(self.model.use(browser))

    @rule(browser=BROWSERS, name=NAMES, password=PASSWORDS)
    def log_in(self, browser, name, password):
        location = self.send("/login", browser, name, password)
        self.model.log_in(browser, name, password)
        assert (location in ("/profile", "/profile/")) == bool(self.model.use(browser))

    @rule(browser=BROWSERS)
    def visit(self, browser):
        page = self.browsers[browser].get("/profile")
        user = self.model.use(browser)
        assert (page.status_code == 200) == bool(user)
        if user:
            assert soup(page.text).find("dd").get_text(strip=True) == self.model.shown[user]

    @rule(browser=BROWSERS)
    def log_out(self, browser):
        if self.model.use(browser):
            assert self.browsers[browser].log_out().location == "/"
            del self.model.sessions[browser]
        else:
            page = self.browsers[browser].get("/")
            assert not soup(page.text).find("form", action="/logout")

    @rule(length=st.sampled_from(LENGTHS))
    def time_passes(self, length):
        columns = [Session.created_at, Session.authenticated_at, Session.last_seen_at]
        columns += [Session.active_expires_at, Session.idle_expires_at]
        Session.update({column: column - length for column in columns}).execute()
        self.model.age(length)

    def command(self, *args, stdin=""):
        name = args[-1] if args[-1][0] != "-" else args[-2]
        done = self.runner.invoke(args=list(args), input=stdin)
        assert (done.exit_code == 0) == (name.lower() in self.model.passwords), done.output
        return name.lower() if done.exit_code == 0 else None

    @rule(name=NAMES, password=PASSWORDS)
    def set_password(self, name, password):
        if user := self.command("users", "set-password", name, "--password-stdin", stdin=password):
            self.model.passwords[user] = password
            self.model.end(user)

    @rule(name=NAMES)
    def lock(self, name):
        if user := self.command("users", "lock", name):
            self.model.locked.add(user)
            self.model.end(user)

    @rule(name=NAMES)
    def unlock(self, name):
        self.model.locked.discard(self.command("users", "unlock", name))

    @rule(name=NAMES)
    def end_sessions(self, name):
        self.model.end(self.command("sessions", "end", "--user", name))

    @rule(name=NAMES)
    def delete(self, name):
        if user := self.command("users", "delete", name, "--yes"):
            self.model.delete(user)

    @rule()
    def prune(self):
        sessions.prune_sessions()
        assert Session.select().count() == len(self.model.live())

    @invariant()
    def agree(self):
        found = {user.username: user.locked_at is not None for user in User.select()}
        locked = self.model.locked
        assert found == {shown: name in locked for name, shown in self.model.shown.items()}
        keys = {key.provider_user_id: key.user.username for key in Key.select(Key, User).join(User)}
        assert keys == self.model.shown
        live = [session.user.username.lower() for session in sessions.live_sessions()]
        assert sorted(live) == self.model.live()
        release()


def test_the_application_agrees_with_the_model(app):
    machine = type("Vestibule", (Vestibule,), {"app": app})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25,
            stateful_step_count=30,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
