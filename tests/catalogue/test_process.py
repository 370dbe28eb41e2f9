"""Catalogue B-147 to B-160: the process, its settings and its commands.

B-151, B-152, B-159: test_config.py. B-153: test_cookies.py. B-156: test_errors.py. B-157, B-158:
test_cli_*.py. B-160: test_migrations.py. B-149 also: test_serve.py.
"""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import crash
import processes
import pytest
from conftest import PASSWORD, Browser
from processes import (
    FLASK,
    PATIENCE,
    ROOT,
    Visitor,
    environment,
    flask,
    kill_group,
    members,
    server,
    sql,
    wait_until,
)

from accounts import users
from accounts.actor import OPERATOR
from app import create_app
from database import database
from models import MODELS, Session, User

pytestmark = pytest.mark.server


def whole(settings: dict[str, str]) -> bool:
    """Return whether the database is intact and nothing in it is half done."""
    return crash.half_there(settings) == []


def test_b147_the_crash_test_passes_and_leaves_nothing_behind(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, f"{ROOT}/tests/crash.py", "--runs", "1", "--seed", "7"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)},
        capture_output=True, text=True, timeout=4 * PATIENCE, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 runs in " in done.stdout
    assert "nothing lost or half done" in done.stdout
    assert list(tmp_path.iterdir()) == []


LOSSES = {
    "DELETE FROM user": "acknowledged and lost",
    "DELETE FROM key": "a user without exactly one key",
    "DELETE FROM session": "sessions [False], not [True]",
    "DELETE FROM event": "a session whose beginning was not recorded",
    "UPDATE key SET password_hash = NULL": "0 of 1 passwords open it",
}


def test_b147_the_crash_test_notices_every_kind_of_loss(settings: dict[str, str]) -> None:
    with server(settings):
        for number, (loss, words) in enumerate(LOSSES.items()):
            jane = Visitor(settings)
            assert jane.submit("/signup", f"Jane{number}")[0] == 302
            client = crash.Client(settings, "c", "seed", crash.HABITS)
            client.accounts = [crash.Account(f"Jane{number}", PASSWORD, True, sessions=[jane])]
            assert crash.look(settings, [client]) == []
            sql(settings, loss)
            assert words in str(crash.look(settings, [client])), loss
            for model in reversed(MODELS):  # what features have, first: nothing cascades here
                sql(settings, f'DELETE FROM "{model._meta.table_name}"')


def test_b147_the_crash_test_knows_whom_an_unanswered_change_has_logged_out(
    settings: dict[str, str],
) -> None:
    with server(settings):
        jane, phone = Visitor(settings), Visitor(settings)
        jane.submit("/signup", "Jane")
        phone.submit("/login", "Jane")
        client = crash.Client(settings, "c", "seed", crash.HABITS)
        account = crash.Account("Jane", PASSWORD, True, sessions=[jane, phone])
        client.accounts = [account]
        account.propose("another horse")
        assert crash.look(settings, [client]) == [], "it has not taken effect"
        token = jane.prepare("/profile/password")
        fields = {"current_password": PASSWORD, "new_password": "another horse", **token}
        assert jane.send("/profile/password", fields)[0] == 302
        assert crash.look(settings, [client]) == [], "one is logged out, the other got a new cookie"
        account.ending = {jane.session_cookie()}
        assert "sessions [True, False], not [False, True]" in str(crash.look(settings, [client]))


@pytest.mark.parametrize("after", [0.3, 0.6, 0.9, 1.2])
def test_b148_a_kill_during_init_is_repaired_by_doing_it_again(
    settings: dict[str, str], after: float
) -> None:
    """The kill comes wherever this machine happens to be by then."""
    process = subprocess.Popen(
        [*FLASK, "db", "init"], env=environment(settings), cwd=ROOT,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    time.sleep(after)
    kill_group(process)
    assert flask(settings, "db", "init").returncode == 0
    assert flask(settings, "db", "status").stdout.endswith("The tables are as in models.py.\n")
    made = flask(settings, "users", "create", "Jane", "--password-stdin", stdin=PASSWORD.encode())
    assert made.returncode == 0
    assert flask(settings, "db", "init").stdout.endswith("up to date, nothing to do\n")
    assert sql(settings, "SELECT username FROM user") == [("Jane",)]
    assert whole(settings)


def test_b149_no_sign_up_acknowledged_while_the_server_stops_is_lost(
    settings: dict[str, str],
) -> None:
    acknowledged: list[str] = []
    unanswered: list[str] = []
    with server(settings) as process:

        def sign_up_until_the_end(visitor: int) -> None:
            with suppress(OSError):
                for number in range(1000):
                    browser, name = Visitor(settings), f"v{visitor}n{number}"
                    token = browser.prepare("/signup")
                    unanswered.append(name)
                    fields = {"username": name, "password": PASSWORD, **token}
                    assert browser.send("/signup", fields)[0] == 302
                    unanswered.remove(name)
                    acknowledged.append(name)

        with ThreadPoolExecutor(4) as threads:
            load = [threads.submit(sign_up_until_the_end, visitor) for visitor in range(4)]
            assert wait_until(lambda: len(acknowledged) > 8)
            process.send_signal(signal.SIGTERM)
            for done in load:
                done.result()
        assert process.wait(timeout=PATIENCE) == 0
        assert members(process) == []
    names = {name for (name,) in sql(settings, "SELECT username FROM user")}
    assert set(acknowledged) <= names <= {*acknowledged, *unanswered}
    assert whole(settings)


LIMITS = {"32 open files": "ulimit -n 32", "300 MB of memory": "ulimit -d 307200"}


@pytest.mark.parametrize("limit", LIMITS)
def test_b150_a_server_short_of_files_or_memory_refuses_and_recovers(
    settings: dict[str, str], monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    shell = ["sh", "-c", f'{LIMITS[limit]}; exec "$@"', "sh", *FLASK]
    monkeypatch.setattr(processes, "FLASK", shell)
    with server(settings):
        jane = Visitor(settings)
        assert jane.submit("/signup", "Jane")[0] == 302

        def visit(number: int) -> int:
            with suppress(OSError, StopIteration):  # disconnected, or no form on an error page
                return Visitor(settings).submit("/login", "Jane", "wrong horse")[0]
            return 0

        with ThreadPoolExecutor(48) as threads:
            statuses = set(threads.map(visit, range(150)))
        assert statuses <= {0, 400, 503}
        assert visit(0) == 400, "it recovers by itself"
        assert jane.is_signed_in()
    assert whole(settings)
    assert sql(settings, "SELECT username FROM user") == [("Jane",)]


def test_b154_workers_with_different_keys_are_strangers_to_each_other_and_no_500(
    jane: Browser, settings: dict[str, str]
) -> None:
    """Neither accepts the other's cookies: docs/operating.md says what to look for."""
    ours = jane.client.application
    theirs = create_app({**settings, "SECRET_KEY": "fedcba9876543210" * 4})
    for _ in range(2):
        for app, status in ((theirs, 302), (ours, 302)):
            jane.client.application = app
            assert jane.get("/profile").status_code == status
            assert jane.log_in("Jane").status_code == 302
            assert jane.is_signed_in()
    assert User.select().count() == 1
    assert Session.select().count() == 5


def test_b157_control_c_at_the_prompt_makes_nobody_and_shows_no_traceback(
    settings: dict[str, str],
) -> None:
    assert flask(settings, "db", "init").returncode == 0
    terminal, stdin = os.openpty()
    process = subprocess.Popen(
        [*FLASK, "users", "create", "Jane"], env=environment(settings), cwd=ROOT, text=True,
        stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        asked = ""
        while not asked.endswith("Password: "):
            before, asked = asked, asked + process.stderr.read(1)
            assert asked != before
        process.send_signal(signal.SIGINT)
        error = process.communicate(timeout=PATIENCE)[1]
    finally:
        kill_group(process)
        os.close(terminal)
        os.close(stdin)
    assert process.returncode == 1
    assert "Aborted!" in error
    assert "Traceback" not in error
    assert sql(settings, "SELECT count(*) FROM user") == [(0,)]


def test_b158_init_of_a_filled_database_drops_nothing(settings: dict[str, str]) -> None:
    assert flask(settings, "db", "init").returncode == 0
    app = create_app(settings)
    users.create_user("Jane", PASSWORD, OPERATOR)
    database.close_all()
    again = flask(settings, "db", "init")
    assert (again.returncode, again.stderr) == (0, "")
    assert Browser(app).log_in("Jane").status_code == 302
    database.close_all()
