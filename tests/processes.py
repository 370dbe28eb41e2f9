"""Vestibule's commands and its server as separate processes, as an operator starts them."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import fields
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode

import postgresql
from conftest import MARKERS, PASSWORD, hidden_fields, page_form

from app import Settings

ROOT = Path(__file__).parent.parent
FLASK = [sys.executable, "-m", "flask"]
PATIENCE = 120  # seconds until a process counts as hanging, however busy the machine is


def environment(settings: dict[str, str]) -> dict[str, str]:
    """Return our environment with these settings and no others."""
    names = {item.name for item in fields(Settings)}
    ours = {name: value for name, value in os.environ.items() if name not in names}
    return {**ours, "FLASK_APP": f"{ROOT}/app.py:create_app", **settings}


def flask(
    settings: dict[str, str], *args: str | bytes, stdin: bytes = b""
) -> subprocess.CompletedProcess[str]:
    """Run a `flask` command until it exits."""
    done = subprocess.run(
        [*FLASK, *args],
        input=stdin,
        env=environment(settings),
        cwd=ROOT,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


def flask_at_once(
    settings: dict[str, str], *args: str, times: int
) -> list[subprocess.CompletedProcess[str]]:
    """Run the same `flask` command several times at once."""
    running = [
        subprocess.Popen(
            [*FLASK, *args],
            env=environment(settings),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(times)
    ]
    try:
        outputs = [process.communicate(timeout=PATIENCE) for process in running]
    finally:
        for process in running:
            process.kill()
            process.wait()
    return [
        subprocess.CompletedProcess(process.args, process.returncode, *output)
        for process, output in zip(running, outputs, strict=True)
    ]


def listens(port: int, host: str = "127.0.0.1") -> bool:
    """Return whether a process listens on a port of this machine."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.settimeout(PATIENCE)
        return probe.connect_ex((host, port)) == 0


def wait_until(true: Callable[[], object], seconds: float = PATIENCE, pause: float = 0.02) -> bool:
    """Wait until a function returns something true; return False if it does not in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if true():
            return True
        time.sleep(pause)
    return False


@contextmanager
def server(
    settings: dict[str, str], *options: str, before: Sequence[str] = (), at: str = "127.0.0.1"
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `flask serve` on settings["PORT"], in a group of its own that is killed at the end.
    before: a command that runs it. at: where it should listen.
    """
    assert "server" in MARKERS, "mark the test for bin/test: pytest.mark.server"
    process = subprocess.Popen(
        [*before, *FLASK, "serve", *options],
        env=environment(settings),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert wait_until(lambda: process.poll() is not None or listens(int(settings["PORT"]), at))
        assert process.poll() is None, process.communicate()
        yield process
    finally:
        kill_group(process)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a server and its workers at once, as a power cut would."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=PATIENCE)


class Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect."""

    def redirect_request(self, *args: object) -> None:
        return None


class Visitor:
    """A browser with a cookie jar, over real HTTP."""

    def __init__(self, settings: dict[str, str]) -> None:
        self.base = f"http://127.0.0.1:{settings['PORT']}"
        self.jar = CookieJar()
        cookies = urllib.request.HTTPCookieProcessor(self.jar)
        self.opener = urllib.request.build_opener(cookies, Stay)

    def send(self, path: str, fields: dict[str, str] | None = None) -> tuple[int, str, str]:
        """Return status, Location and text of the answer."""
        data = None if fields is None else urlencode(fields).encode()
        try:
            answer = self.opener.open(self.base + path, data, timeout=PATIENCE)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return answer.status, answer.headers.get("Location", ""), answer.read().decode()

    def prepare(self, path: str, action: str | None = None) -> dict[str, str]:
        """Open a page; return the hidden fields of its form."""
        return hidden_fields(page_form(self.send(path)[2], action or path))

    def submit(self, path: str, username: str, password: str = PASSWORD) -> tuple[int, str, str]:
        """Open the page, fill in its form and submit it."""
        fields = {"username": username, "password": password}
        return self.send(path, {**self.prepare(path), **fields})

    def is_signed_in(self) -> bool:
        return self.send("/profile")[0] == 200

    def session_cookie(self) -> str:
        return next((cookie.value or "" for cookie in self.jar if "session" in cookie.name), "")


def sql(settings: dict[str, str], statement: str, *values: object) -> list[tuple]:
    if settings["DATABASE_URL"].startswith("postgresql:"):
        return postgresql.query(settings["DATABASE_URL"], statement, values)
    path = settings["DATABASE_URL"].removeprefix("sqlite:///")
    connection = sqlite3.connect(path, timeout=PATIENCE)
    try:
        with connection:
            return connection.execute(statement, values).fetchall()
    finally:
        connection.close()


def members(process: subprocess.Popen[bytes]) -> list[int]:
    """Return the running processes of a server's group."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            state, _, group = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
        except (OSError, ValueError):
            continue
        if int(group) == process.pid and state != "Z":
            found.append(int(entry.name))
    return found


def is_worker(pid: int) -> bool:
    command = Path(f"/proc/{pid}/cmdline").read_bytes()
    return b"resource_tracker" not in command
