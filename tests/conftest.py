"""A real application on a real database file, and a browser that fills in its real forms."""

import gc
import os
import shutil
import signal
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import jinja2
import postgresql
import pytest
from bs4 import BeautifulSoup, Tag
from flask import Flask, has_request_context, request
from flask.testing import FlaskClient, FlaskCliRunner
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from passlib.hash import argon2
from ports import free_port
from werkzeug.test import TestResponse

import migrations
from accounts import hashing, passwords, throttling, users
from accounts.actor import OPERATOR
from accounts.usernames import login_key
from app import create_app
from database import connect, database
from database.sqlite import SQLite
from database.sqlite_connection import Connection
from models import MODELS, Key, User, now
from web import logs

os.environ["VESTIBULE_ENV"] = os.devnull  # the settings of this checkout are not the tests'
SECRET_KEY = "0123456789abcdef" * 4
PASSWORD = "correct horse"
NO_LIMITS = {
    f"LIMIT_{name}": "1000000/second"
    for name in ("LOGIN_ACCOUNT", "LOGIN_KNOWN_BROWSER", "LOGIN_ADDRESS", "SIGNUP_ADDRESS")
}
MARKERS = {"server"}  # of the running test; outside tests, servers may be started
CHEAP_ARGON2 = {"memory_cost": 8, "time_cost": 1, "parallelism": 1}
# A password whose hash is weaker than those made now, both in the tests and in production.
OLD_PASSWORD = "old password"
OLD_HASH = argon2.using(memory_cost=8, time_cost=2, parallelism=1, salt=b"the same for all").hash(
    OLD_PASSWORD
)

# No example fails because the machine is busy; and one application serves all of a test.
hypothesis_settings.register_profile(
    "vestibule",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
hypothesis_settings.load_profile("vestibule")


def lacking(what: str) -> NoReturn:
    """Skip a test because this machine lacks something; fail it in CI."""
    (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(what)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the tests run on either database."""
    parser.addoption("--database", choices=("sqlite", "postgresql"), default="sqlite")


def pytest_configure(config: pytest.Config) -> None:
    """Stop when the tests should run on PostgreSQL and this machine has none."""
    if config.getoption("database") == "postgresql" and postgresql.binaries() is None:
        required = os.environ.get("CI") == "true"
        pytest.exit("No PostgreSQL on this machine: apt install postgresql", 1 if required else 0)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip tests of the other database. Start long tests first, so that the run does not end with
    one core waiting for them.
    """
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
    chosen = config.getoption("database")
    for item in items:
        if (marker := item.get_closest_marker("database")) and marker.args[0] != chosen:
            item.add_marker(pytest.mark.skip(reason=f"about {marker.args[0]}"))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let `processes.server` know whether the test is marked as starting a server."""
    MARKERS.clear()
    MARKERS.update(marker.name for marker in item.iter_markers())


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[postgresql.Server]:
    """A PostgreSQL server that runs as long as the tests do."""
    with postgresql.running_server() as server:
        yield server


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database. In a test of the application, PostgreSQL's may have empty
    tables left from the test before.
    """
    if request.config.getoption("database") == "sqlite":
        return f"sqlite:///{tmp_path}/test.db"
    server = request.getfixturevalue("postgresql_server")
    url = server.url()
    postgresql.disconnect(url)
    if "app" in request.fixturenames and postgresql.schema(url) == server.migrated:
        postgresql.delete_rows(url)
    else:
        postgresql.empty(url)
    return url


@pytest.fixture
def settings(database_url: str) -> dict[str, str]:
    """Settings of a test's application; change them before asking for `app`."""
    return {
        "DATABASE_URL": database_url,
        "SECRET_KEY": SECRET_KEY,
        "PORT": str(free_port()),
        **NO_LIMITS,
    }


@pytest.fixture(scope="session", autouse=True)
def compiled_templates() -> Iterator[None]:
    """Compile a template once, not for every application: that took a third of the time.

    Works inside Environment.compile, so that a test that counts its calls still counts them all.
    """
    compiled: dict[tuple[object, ...], Any] = {}
    compile_template = jinja2.Environment.compile

    def compile_once(environment: jinja2.Environment, *args: Any, **options: Any) -> Any:
        # Jinja evaluates filters of constants at compile time: addresses, which depend on this.
        root = request.root_path if has_request_context() else None
        key = (type(environment), root, args, *sorted(options.items()))
        if key not in compiled:
            compiled[key] = compile_template(environment, *args, **options)
        return compiled[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jinja2.Environment, "compile", compile_once)
        yield


@pytest.fixture(scope="session", autouse=True)
def heard_signals() -> None:
    """Let what tests start obey the signals that `nohup` and `&` have us ignore: a handler, unlike
    that, is not handed down.
    """
    for number in (signal.SIGHUP, signal.SIGINT):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite database with the latest schema and no rows, for copying."""
    path = tmp_path_factory.mktemp("migrated") / "test.db"
    connect(f"sqlite:///{path}", "")
    migrations.upgrade()
    database.close_all()  # moves what is in the write-ahead log into the file
    return path


@pytest.fixture
def app(
    settings: dict[str, str],
    migrated_file: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Flask]:
    """Vestibule on a new database, with a hash that costs almost nothing. However busy the machine
    is, a minute's tries take no longer than a minute, and no hash waits too long for its thread.
    """
    moment = now()
    monkeypatch.setattr(throttling, "now", lambda: moment)
    monkeypatch.setattr(hashing, "MAX_WAIT", 60)
    monkeypatch.setattr(passwords, "ARGON2", CHEAP_ARGON2)
    # After a hundred refusals in a minute no more are logged: do not count those of other tests.
    monkeypatch.setattr(logs, "_refusals", {})
    app = create_app({"HASH_QUEUE": "64", **settings})
    if on_sqlite() and not Path(database.path).exists():
        shutil.copy(migrated_file, database.path)
    elif migrations.upgrade() and not on_sqlite():
        server = request.getfixturevalue("postgresql_server")
        if settings["DATABASE_URL"] == server.url():
            server.migrated = postgresql.schema(server.url())
    yield app
    database.close_all()


@pytest.fixture
def browser(app: Flask) -> "Browser":
    """A browser without cookies."""
    return Browser(app)


@pytest.fixture
def jane(browser: "Browser") -> "Browser":
    """A browser in which Jane has signed up, is logged in, and has read that she is."""
    browser.sign_up("Jane")
    browser.get("/profile")
    return browser


@pytest.fixture
def steady(app: Flask, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Check at the end that nothing crashed and pages still open. For the bad-input catalogue."""
    yield
    crashes = [record.getMessage() for record in caplog.get_records("call") if record.exc_info]
    assert crashes == []
    assert app.test_client().get("/").status_code == 200


@pytest.fixture
def runner(app: Flask) -> FlaskCliRunner:
    """Runs `flask` commands."""
    return app.test_cli_runner()


class Browser:
    """Does what a person does: opens a page, fills in its form, submits it."""

    def __init__(self, app: Flask) -> None:
        self.client: FlaskClient = app.test_client()

    def get(self, path: str, **options: object) -> TestResponse:
        """Open a page."""
        return self.client.get(path, **options)

    def submit(self, path: str, fields: dict[str, str], **options: object) -> TestResponse:
        """Open the page at `path`, fill in its form and submit it, hidden fields included."""
        return self.submit_to(path, path, fields, **options)

    def submit_to(
        self, page: str, action: str, fields: dict[str, str], **options: object
    ) -> TestResponse:
        """Open a page, fill in the form that is sent to `action`, and submit it."""
        form = page_form(self.get(page).text, action)
        return self.client.post(action, data={**hidden_fields(form), **fields}, **options)

    def sign_up(self, username: str, password: str = PASSWORD) -> TestResponse:
        """Sign up."""
        return self.submit("/signup", {"username": username, "password": password})

    def log_in(self, username: str, password: str = PASSWORD) -> TestResponse:
        """Log in."""
        return self.submit("/login", {"username": username, "password": password})

    def log_out(self) -> TestResponse:
        """Press the log-out button of the profile page."""
        form = page_form(self.get("/profile").text, "/logout")
        return self.client.post("/logout", data=hidden_fields(form))

    def is_signed_in(self) -> bool:
        """Return whether the profile opens."""
        return self.get("/profile").status_code == 200


def import_user(name: str, password: str = PASSWORD) -> User:
    """Create an account with a name that no one could take today, as an import does."""
    user = users.create_user("stand_in", password, OPERATOR)
    User.update(username=name).where(User.id == user.id).execute()
    Key.update(provider_user_id=login_key(name) or name).where(Key.user == user).execute()
    return User.get_by_id(user.id)


def on_sqlite() -> bool:
    """Return whether the application of this test is on SQLite."""
    return isinstance(database.obj, SQLite)


def held_connections() -> int:
    """Return how many connections are open and not idle in the pool."""
    if not on_sqlite():
        return len(database._in_use)
    gc.collect()
    every = [each for each in gc.get_objects() if isinstance(each, Connection)]
    return sum(map(is_open, every)) - len(database._waiting)


def is_open(connection: Connection) -> bool:
    """Return whether a connection is open, and to this test's database."""
    try:
        return connection.total_changes >= 0 and connection.path == database.path
    except sqlite3.ProgrammingError:
        return False


def sql(statement: str, values: Sequence[object] = ()) -> Any:
    """Run SQL written as SQLite takes it, and return its cursor."""
    return database.execute_sql(statement if on_sqlite() else postgresql.dialect(statement), values)


def everything() -> dict[str, list[tuple]]:
    """Return all rows of all tables."""
    return {
        model._meta.table_name: list(
            model.select().order_by(*model._meta.get_primary_keys()).tuples()
        )
        for model in MODELS
    }


def stored() -> bytes:
    """Return all that is stored: the bytes of SQLite's files, or else all rows."""
    if not on_sqlite():
        return repr(everything()).encode()
    database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    files = Path(database.path).parent.glob(f"{Path(database.path).name}*")
    return b"".join(file.read_bytes() for file in files)


def soup(html: str) -> BeautifulSoup:
    """Parse a page."""
    return BeautifulSoup(html, "html.parser")


def page_form(html: str, action: str) -> Tag:
    """Return the form of a page that is sent to `action` (or to the page itself)."""
    forms = soup(html).find_all("form")
    return next(form for form in forms if form.get("action", action) == action)


def hidden_fields(form: Tag) -> dict[str, str]:
    """Return the names and values of a form's hidden fields."""
    return {field["name"]: field["value"] for field in form.find_all("input", type="hidden")}


def field(html: str, name: str) -> Tag:
    """Return the input with this name on a page."""
    return soup(html).find("input", attrs={"name": name})


def field_error(html: str, name: str) -> str:
    """Return an input's error message, found as a screen reader finds it; "" if there is none."""
    box = field(html, name)
    if box.get("aria-invalid") != "true":
        return ""
    notes = [soup(html).find(id=note) for note in box["aria-describedby"].split()]
    return " ".join(note.get_text(" ", strip=True) for note in notes if "error" in note["class"])


def page_text(html: str) -> str:
    """Return the text of a page, each run of whitespace made one space."""
    return " ".join(soup(html).get_text(" ").split())
