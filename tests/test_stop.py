"""How the real server stops: all that was answered is in the database file, and nothing waits."""

import os
import pty
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from conftest import PASSWORD
from granian import Granian
from granian.constants import Interfaces
from processes import (
    FLASK,
    PATIENCE,
    ROOT,
    Visitor,
    environment,
    flask,
    kill_group,
    listens,
    server,
    sql,
    wait_until,
)

from cli.server import stop_on_signals

pytestmark = [pytest.mark.server, pytest.mark.database("sqlite")]
STOPS = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]


def path_of(settings: dict[str, str]) -> Path:
    return Path(settings["DATABASE_URL"].removeprefix("sqlite:///"))


def accounts_in_copy(settings: dict[str, str]) -> int:
    """Return how many accounts a copy of the database's main file has."""
    copy = path_of(settings).with_name("copy.db")
    shutil.copyfile(path_of(settings), copy)
    with closing(sqlite3.connect(copy)) as connection:
        return int(connection.execute("SELECT count(*) FROM user").fetchone()[0])


@pytest.mark.parametrize("to", ["main", "all"])
@pytest.mark.parametrize("stop", STOPS, ids=lambda number: number.name)
def test_after_a_stop_the_file_alone_has_everything(
    settings: dict[str, str], stop: signal.Signals, to: str
) -> None:
    with server(settings) as process:
        assert Visitor(settings).submit("/signup", "Jane")[0] == 302
        (os.kill if to == "main" else os.killpg)(process.pid, stop)
        assert process.wait(timeout=PATIENCE) == 0
        assert [file.name for file in path_of(settings).parent.iterdir()] == ["test.db"]
        assert accounts_in_copy(settings) == 1


def test_a_signal_that_comes_while_another_is_handled_does_not_wait_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """systemd's SendSIGHUP=yes, or a shell and its terminal, send two at the same moment."""
    handlers: dict[int, Any] = {}
    monkeypatch.setattr(signal, "signal", handlers.__setitem__)
    granian = Granian("app:create_app", interface=Interfaces.WSGI)
    stop_on_signals(granian, signal.SIG_DFL)
    for stop in STOPS:
        granian.main_loop_interrupt.clear()
        second = threading.Thread(target=handlers[stop], args=(stop, None), daemon=True)
        with granian.main_loop_interrupt._cond:  # as the first handler holds it
            second.start()
            second.join(PATIENCE)
            assert not second.is_alive()
        assert granian.main_loop_interrupt.wait(PATIENCE)
    stop_on_signals(granian, signal.SIG_IGN)
    assert handlers[signal.SIGHUP] == signal.SIG_IGN


def test_another_process_that_reads_keeps_no_stop_waiting(settings: dict[str, str]) -> None:
    with server(settings) as process:
        assert Visitor(settings).submit("/signup", "Jane")[0] == 302
        with closing(sqlite3.connect(path_of(settings), isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM user").fetchone()
            process.terminate()
            assert process.wait(timeout=PATIENCE) == 0
            assert accounts_in_copy(settings) == 1


def test_after_a_command_the_file_alone_has_everything(settings: dict[str, str]) -> None:
    assert flask(settings, "db", "init").returncode == 0
    password = PASSWORD.encode()
    done = flask(settings, "users", "create", "Jane", "--password-stdin", stdin=password)
    assert done.returncode == 0
    assert [file.name for file in path_of(settings).parent.iterdir()] == ["test.db"]
    with closing(sqlite3.connect(path_of(settings))) as other:
        other.execute("SELECT count(*) FROM user").fetchone()
        flask(settings, "users", "create", "Mary", "--password-stdin", stdin=password)
        assert accounts_in_copy(settings) == 2


@contextmanager
def in_a_terminal(settings: dict[str, str]) -> Iterator[tuple[int, int]]:
    """Run the server in a terminal of its own; yield its process and the terminal."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(ROOT)
        os.execvpe(FLASK[0], [*FLASK, "serve"], environment(settings))
    try:
        yield process, terminal
    finally:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def exit_code(process: int) -> int | None:
    """Wait for a process to exit."""
    found: list[int] = []

    def over() -> bool:
        pid, status = os.waitpid(process, os.WNOHANG)
        found.append(status)
        return pid == process

    return os.waitstatus_to_exitcode(found[-1]) if wait_until(over) else None


def test_a_closed_terminal_stops_it(settings: dict[str, str]) -> None:
    with in_a_terminal(settings) as (process, terminal):
        assert wait_until(lambda: listens(int(settings["PORT"])))
        assert Visitor(settings).submit("/signup", "Jane")[0] == 302
        os.close(terminal)
        assert exit_code(process) == 0
    assert accounts_in_copy(settings) == 1


def test_ctrl_c_stops_it_from_the_moment_it_says_where_it_is(settings: dict[str, str]) -> None:
    with in_a_terminal(settings) as (process, terminal):
        text = b""
        while b"Vestibule is at" not in text:
            text += os.read(terminal, 1000)
        os.write(terminal, b"\x03")
        assert exit_code(process) == 0
        os.close(terminal)


def test_nohup_keeps_it_running(settings: dict[str, str]) -> None:
    with server(settings, before=["nohup"]) as process:
        process.send_signal(signal.SIGHUP)
        assert Visitor(settings).submit("/signup", "Jane")[0] == 302
        process.terminate()
        assert process.wait(timeout=PATIENCE) == 0


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_stop_during_the_copy_before_a_migration_leaves_no_half_of_it(
    settings: dict[str, str], stop: signal.Signals
) -> None:
    assert flask(settings, "db", "init").returncode == 0
    sql(settings, "DELETE FROM schema_migration WHERE name LIKE '0003%'")
    code = STOPPED_WHILE_COPYING.format(stop=int(stop))
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(settings), cwd=ROOT, timeout=PATIENCE,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert [file.name for file in path_of(settings).parent.iterdir()] == ["test.db"]


STOPPED_WHILE_COPYING = """
import os, sys
from database import backup

def stopped(copy):
    os.kill(os.getpid(), {stop})

backup._copy = stopped
sys.argv = ["flask", "serve"]
from flask.cli import main
main()
"""


STOPPED_BEFORE_IT_BEGAN = """
import multiprocessing, signal, time
from cli.worker import keep_stops_from_workers, load_worker

def worker():
    load_worker("app:create_app")
    time.sleep(600)

signal.signal(signal.SIGTERM, lambda *_: None)  # as granian's main process has it
keep_stops_from_workers()
process = multiprocessing.get_context("fork").Process(target=worker)
process.start()
process.terminate()
process.join()
print(process.exitcode)
"""


def test_a_worker_that_is_stopped_before_it_began_ends(settings: dict[str, str]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", STOPPED_BEFORE_IT_BEGAN], env=environment(settings), cwd=ROOT,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    try:
        assert process.communicate(timeout=PATIENCE)[0] == b"0\n"
    finally:
        kill_group(process)


@pytest.mark.parametrize("prefix", [("nice", "-n", "10"), ("nice", "-n", "19")], ids="-".join)
def test_a_server_of_low_priority_lets_people_log_in(
    settings: dict[str, str], prefix: tuple[str, ...]
) -> None:
    with server(settings, before=prefix):
        assert Visitor(settings).submit("/signup", "Jane")[0] == 302
        assert Visitor(settings).submit("/login", "Jane")[0] == 302
    assert sql(settings, "SELECT count(*) FROM session") == [(2,)]


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-", ">/dev/full"])
def test_it_serves_and_stops_whatever_is_closed(settings: dict[str, str], closed: str) -> None:
    shell = ["sh", "-c", f'exec "$@" {closed}', "sh"]
    with server(settings, before=shell) as process:
        assert Visitor(settings).submit("/signup", "Jane")[0] == 302
        process.terminate()
        assert process.wait(timeout=PATIENCE) == 0
    assert accounts_in_copy(settings) == 1


def test_it_serves_from_a_folder_that_is_gone(settings: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    shell = ["sh", "-c", f'cd {tmp_path}/gone && rmdir ../gone && exec "$@"', "sh"]
    settings |= {"PYTHONPATH": str(ROOT), "FLASK_SKIP_DOTENV": "1"}  # as in bin/flask
    with server(settings, before=shell):
        assert Visitor(settings).submit("/signup", "Jane")[0] == 302


@pytest.mark.parametrize("host", ["localhost", "::1", "::", "0.0.0.0"])
def test_it_serves_at_every_address_of_this_machine(settings: dict[str, str], host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe, suppress(OSError):
        probe.bind(("::1" if ":" in host else "127.0.0.1", 0))
        with server(settings | {"HOST": host}, at=host.replace("0.0.0.0", "127.0.0.1")) as process:
            process.terminate()
            assert process.wait(timeout=PATIENCE) == 0
