"""Start one of the peers under a server, on one core, and stop it again."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from . import machine
from .peers import THREADS

ROOT = Path(__file__).parent.parent
PATIENCE = 60  # seconds until a server counts as broken
GRANIAN = [
    "granian", "--interface", "wsgi", "--factory", "--host", "127.0.0.1", "--workers", "1",
    "--blocking-threads", str(THREADS), "--blocking-threads-idle-timeout", "600",
    "--http", "1", "--no-ws", "--log-level", "error",
]  # fmt: skip


@dataclass
class Server:
    """A running server; `session` is the process that leads its session."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def session(self) -> int:
        """Return the session id that all its processes share."""
        return self.process.pid


def command(peer: str, server: str, port: int) -> list[str]:
    """Return the command line of a peer under granian or gunicorn."""
    module = f"benchmarks.peers.{peer}"
    if server == "granian":
        return [*GRANIAN, "--port", str(port), f"{module}:create_app"]
    return [
        "gunicorn", "--workers", "1", "--worker-class", "gthread", "--threads", "8",
        "--bind", f"127.0.0.1:{port}", "--log-level", "error", f"{module}:create_app()",
    ]  # fmt: skip


@contextmanager
def serve(peer: str, server: str, folder: Path, **settings: str) -> Iterator[Server]:
    """Run a peer pinned to the server's core, its database in `folder`."""
    port = free_port()
    environment = {"BENCH_FOLDER": str(folder), **settings}
    with running(command(peer, server, port), port, environment, machine.SERVER_CORE) as started:
        yield started


@contextmanager
def serve_vestibule(database: Path, **settings: str) -> Iterator[Server]:
    """Run what bin/serve runs, on all cores."""
    port = free_port()
    environment = {"PORT": str(port), "FLASK_APP": "app:create_app", **settings}
    environment["DATABASE_URL"] = f"sqlite:///{database}"
    with running(["flask", "serve"], port, environment, set(machine.CORES)) as started:
        yield started


@contextmanager
def running(
    arguments: list[str], port: int, environment: dict[str, str], cores: set[int]
) -> Iterator[Server]:
    """Run a Python program that listens on a port, in a session that is killed at the end."""
    # Logs are written, as in production, and shown when the start fails.
    log = tempfile.TemporaryFile()  # noqa: SIM115 - closed below
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        env={**os.environ, **environment},
        cwd=ROOT,
        stdout=log,
        stderr=log,
        start_new_session=True,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),  # noqa: PLW1509 - no threads here
    )
    try:
        if not answers(port, process):
            log.seek(0)
            raise SystemExit(f"{arguments} did not start:\n{log.read().decode()[-2000:]}")
        yield Server(port, process)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        log.close()


def answers(port: int, process: subprocess.Popen[bytes]) -> bool:
    """Wait until a server listens on the port; return whether one does."""
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        if listens(port):
            return True
        time.sleep(0.02)
    return False


def listens(port: int) -> bool:
    """Return whether a server answers on a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """Return a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
