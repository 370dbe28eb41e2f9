"""The real server, started as bin/serve starts it: how it starts, stops and dies."""

import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import OLD_PASSWORD
from crash import half_there
from passlib.hash import argon2
from processes import (
    FLASK,
    PATIENCE,
    ROOT,
    Visitor,
    environment,
    flask,
    is_worker,
    kill_group,
    listens,
    members,
    server,
    sql,
    wait_until,
)

pytestmark = pytest.mark.server


def test_it_says_where_it_is_and_that_it_made_the_database(settings: dict[str, str]) -> None:
    with server(settings) as process:
        assert wait_until(lambda: Visitor(settings).send("/")[0] == 200)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=PATIENCE)
    assert ": made (0001_accounts, " in out.decode()
    assert f"http://127.0.0.1:{settings['PORT']}" in out.decode()
    assert err == b""


def test_while_somebody_develops_browsers_ask_for_static_files_each_time(
    settings: dict[str, str],
) -> None:
    with server(settings, "--dev"):
        visitor = Visitor(settings)
        assert wait_until(lambda: visitor.send("/")[0] == 200)
        with visitor.opener.open(f"{visitor.base}/static/style.css") as answer:
            assert answer.headers["Cache-Control"] == "no-store"


def test_b147_an_answered_sign_up_survives_a_kill(settings: dict[str, str]) -> None:
    jane = Visitor(settings)
    for number in range(3):
        with server(settings) as process:
            if number:
                assert jane.is_signed_in(), "the session from before the kill"
                assert Visitor(settings).submit("/login", f"Jane{number - 1}")[0] == 302
            jane = Visitor(settings)
            assert jane.submit("/signup", f"Jane{number}")[0] == 302
            kill_group(process)
            assert wait_until(lambda: not listens(int(settings["PORT"])))
    assert half_there(settings) == []
    assert sql(settings, "SELECT count(*) FROM user") == [(3,)]


def test_killing_only_the_main_process_leaves_no_worker_behind(settings: dict[str, str]) -> None:
    with server(settings) as process:
        assert wait_until(lambda: Visitor(settings).send("/")[0] == 200)
        assert len(members(process)) > 1
        os.kill(process.pid, signal.SIGKILL)
        process.wait(timeout=PATIENCE)
        port = int(settings["PORT"])
        assert wait_until(lambda: members(process) == [] and not listens(port))
    with server(settings):
        assert Visitor(settings).send("/healthz")[0] == 200


ORPHAN = """
import multiprocessing, os, time

def worker():
    main = os.getppid()
    print("ready", flush=True)
    while os.getppid() == main:
        time.sleep(0.01)
    from cli.server import load_worker
    load_worker("app:create_app")
    print("left behind", flush=True)

multiprocessing.get_context("fork").Process(target=worker).start()
time.sleep(60)
"""


def test_a_worker_whose_main_process_died_before_it_began_ends_too(
    settings: dict[str, str],
) -> None:
    """A process cannot ask to be killed with its parent once the parent is dead."""
    process = subprocess.Popen(
        [sys.executable, "-c", ORPHAN], env=environment(settings), cwd=ROOT,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.kill()
        assert process.communicate(timeout=PATIENCE)[0] == b""
    finally:
        kill_group(process)


def test_a_killed_worker_is_replaced(settings: dict[str, str]) -> None:
    with server(settings) as process:
        jane = Visitor(settings)
        assert jane.submit("/signup", "Jane")[0] == 302
        workers = [pid for pid in members(process) if pid != process.pid and is_worker(pid)]
        assert workers
        for pid in workers:
            os.kill(pid, signal.SIGKILL)

        def back() -> bool:
            try:
                return jane.is_signed_in()
            except OSError:
                return False

        assert wait_until(back)


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_b149_told_to_stop_it_finishes_log_ins_under_way_and_exits_0(
    settings: dict[str, str], stop: signal.Signals
) -> None:
    settings |= {"HASH_THREADS": "1", "LIMIT_LOGIN_ACCOUNT": "1000/day"}
    with server(settings) as process:
        assert Visitor(settings).submit("/signup", "Jane")[0] == 302
        slow = argon2.using(memory_cost=19_456, time_cost=30, parallelism=1).hash(OLD_PASSWORD)
        sql(settings, "UPDATE key SET password_hash = ?", slow)
        browsers = [Visitor(settings) for _ in range(4)]
        tokens = [browser.prepare("/login") for browser in browsers]
        sql(settings, "INSERT INTO user (id, username, created_at) VALUES ('other', 'Other', 0)")
        for number in range(len(browsers)):
            sql(settings, "INSERT INTO key VALUES ('username', ?, 'other', ?)",
                f"user{number}", slow)  # fmt: skip

        def log_in(number: int) -> tuple[int, str]:
            fields = {"username": f"user{number}", "password": OLD_PASSWORD, **tokens[number]}
            return browsers[number].send("/login", fields)[:2]

        with ThreadPoolExecutor(len(browsers)) as threads:
            answers = [threads.submit(log_in, number) for number in range(len(browsers))]
            # A try is counted when it is in the queue for the one thread.
            assert wait_until(lambda: sql(settings, "SELECT max(count) FROM counter") == [(4,)])
            assert not all(answer.done() for answer in answers), "still under way"
            process.send_signal(stop)
            finished = {answer.result() for answer in answers}
        # On a busy machine the last ones wait too long for the one thread; but each is answered.
        assert (302, "/profile") in finished
        assert finished <= {(302, "/profile"), (503, "")}
        assert process.wait(timeout=PATIENCE) == 0
        assert members(process) == []
        assert not listens(int(settings["PORT"]))


def test_a_port_in_use_is_refused_in_one_line(settings: dict[str, str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", int(settings["PORT"])))
        other.listen()
        done = flask(settings, "serve")
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: 127.0.0.1:{settings['PORT']} cannot be used: ")
    assert done.stdout == "", "and no database was made or migrated under that program"
    assert done.stderr.count("\n") == 1


def test_a_second_server_on_the_same_port_is_refused(settings: dict[str, str]) -> None:
    with server(settings):
        done = flask(settings, "serve")
        assert done.returncode == 1
        assert "cannot be used" in done.stderr
        assert Visitor(settings).send("/healthz")[0] == 200


def test_it_starts_again_at_once_on_the_port_it_had(settings: dict[str, str]) -> None:
    for _ in range(2):
        with server(settings) as process:
            visitor = Visitor(settings)
            assert visitor.send("/")[0] == 200
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=PATIENCE) == 0


def test_a_bad_setting_stops_the_server_before_it_touches_anything(
    settings: dict[str, str],
) -> None:
    done = subprocess.run(
        [*FLASK, "serve"], env=environment({**settings, "SECRET_KEY": "short"}), cwd=ROOT,
        capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("Error: SECRET_KEY: ")
    assert not Path(settings["DATABASE_URL"].removeprefix("sqlite:///")).exists()
