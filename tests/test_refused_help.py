"""What the system may refuse, and Vestibule does without: locks, links, priorities, limits."""

import ctypes
import errno
import fcntl
import os
import resource
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
import pytest
from conftest import PASSWORD
from flask import Flask

import migrations
from accounts import hashing, users
from accounts.actor import OPERATOR
from cli import server, worker
from config import ConfigError, kept_secret_key
from cores import available_cores
from database import backup, connect, database

REFUSALS = [
    *(OSError(number, "refused") for number in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS)),
    AttributeError("not on this system"),
]


def id_of(refusal: BaseException) -> str:
    return errno.errorcode.get(getattr(refusal, "errno", 0), "missing")


@pytest.fixture(params=REFUSALS, ids=id_of)
def refusal(request: pytest.FixtureRequest) -> BaseException:
    return request.param


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch, refusal: BaseException):
    """Refuse a call of the system, as one that is missing or not allowed."""

    def refused(*_: object) -> None:
        raise refusal

    return lambda module, name: monkeypatch.setattr(module, name, refused)


@pytest.mark.parametrize("name", ["getpriority", "setpriority"])
def test_without_priorities_people_log_in(app: Flask, refuse, monkeypatch, name: str) -> None:
    monkeypatch.setattr(hashing, "_pool_of", hashing.HashingThreads)  # not those of other tests
    refuse(os, name)
    users.create_user("Jane", PASSWORD, OPERATOR)


def test_without_affinity_all_cores_count(refuse) -> None:
    refuse(os, "sched_getaffinity")
    assert available_cores(Path("/nowhere")) == (os.cpu_count() or 1)


def test_without_hard_links_a_key_is_made_once(refuse, tmp_path: Path) -> None:
    refuse(os, "link")
    at_once = threading.Barrier(8)

    def start(_: int) -> str:
        at_once.wait()
        return kept_secret_key(tmp_path)

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(start, range(8)))) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["secret_key"]
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


def test_a_key_that_stays_empty_is_refused_with_its_file(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    (tmp_path / "secret_key").touch()
    with pytest.raises(ConfigError, match="secret_key is invalid"):
        kept_secret_key(tmp_path)


@pytest.mark.database("sqlite")
def test_without_file_locks_a_database_is_made(refuse, tmp_path: Path) -> None:
    refuse(fcntl, "flock")
    connect(f"sqlite:///{tmp_path}/new.db", "")
    assert migrations.upgrade()
    assert migrations.upgrade() == []
    database.close_all()


@pytest.mark.database("sqlite")
def test_a_start_that_waits_for_anothers_migrations_says_so_and_gives_up(
    app: Flask, monkeypatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    folder = os.open(Path(database.path).parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        result = app.test_cli_runner().invoke(args=["db", "init"])
    finally:
        os.close(folder)
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 2
    assert "Waiting for another command that migrates" in result.stderr
    assert "fuser" in result.stderr


@pytest.mark.database("sqlite")
def test_where_a_folder_cannot_be_synced_a_backup_is_made(
    app: Flask, monkeypatch, tmp_path: Path
) -> None:
    fsync = os.fsync

    def files_only(descriptor: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").readlink() == tmp_path:
            raise OSError(errno.EINVAL, "Invalid argument")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", files_only)
    monkeypatch.delattr(os, "link")
    assert backup.write_backup(tmp_path / "copy.db") > 0


INFINITE = resource.RLIM_INFINITY
LIMITS = {
    (1024, 1024): 334, (1024, 4096): 1024, (25, 25): 1, (1024, INFINITE): 1024,
    (INFINITE, INFINITE): 1024, (5000, 5000): 1024,
}  # fmt: skip


@pytest.mark.parametrize("limit", LIMITS)
def test_connections_fit_the_files_allowed(monkeypatch, limit: tuple[int, int]) -> None:
    now = [limit]
    monkeypatch.setattr(resource, "getrlimit", lambda _kind: now[0])
    monkeypatch.setattr(resource, "setrlimit", lambda _kind, new: now.__setitem__(0, new))
    assert server.connections() == LIMITS[limit]


@pytest.mark.parametrize("fault", [OSError(1, "Operation not permitted"), ValueError("too many")])
def test_a_limit_that_cannot_be_raised_means_fewer_connections(monkeypatch, fault) -> None:
    def refused(*_: object) -> None:
        raise fault

    monkeypatch.setattr(resource, "getrlimit", lambda _kind: (1024, INFINITE))
    monkeypatch.setattr(resource, "setrlimit", refused)
    assert server.connections() == 334


def test_without_glibc_a_worker_saves_no_memory(monkeypatch, refuse) -> None:
    refuse(ctypes, "CDLL")
    worker.save_memory()


@pytest.fixture
def taken() -> Iterator[socket.socket]:
    """A socket of another program, which listens."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (errno.EADDRNOTAVAIL, "set HOST"),
        (errno.EAFNOSUPPORT, "set HOST"),
        (errno.EACCES, "set PORT"),
        (errno.EADDRINUSE, "set PORT"),
        (errno.ENETDOWN, "Network is down"),
    ],
)
@pytest.mark.parametrize("host", ["192.0.2.1", "::1", "localhost"])
def test_an_address_that_cannot_be_used_is_refused_with_what_to_do(
    monkeypatch, host: str, error: int, words: str
) -> None:
    def refused(*_: object) -> None:
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(server, "_try_to_bind", refused)
    with pytest.raises(click.ClickException, match=words):
        server.claim_port(host, 5000)


def test_localhost_is_an_address_that_this_machine_has(taken, monkeypatch) -> None:
    port = taken.getsockname()[1]
    with pytest.raises(click.ClickException, match="another program listens"):
        server.claim_port("localhost", port)
    taken.close()
    assert server.claim_port("localhost", port) == "127.0.0.1"

    def without_ipv4(address: str, _port: int) -> None:
        if "." in address:
            raise OSError(errno.EADDRNOTAVAIL, "no such address")

    monkeypatch.setattr(server, "_try_to_bind", without_ipv4)
    assert server.claim_port("localhost", port) == "::1"


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("127.0.0.1", "http://127.0.0.1:5000"),
        ("localhost", "http://localhost:5000"),
        ("::1", "http://[::1]:5000"),
        ("0.0.0.0", "http://localhost:5000"),
        ("::", "http://localhost:5000"),
    ],
)
def test_the_address_shown_opens_in_a_browser(host: str, shown: str) -> None:
    assert server.url(host, 5000) == shown
