"""The database server is lost and its standby takes over while two Vestibules are working."""

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from urllib.parse import quote

import psycopg
import pytest
from ports import free_port
from postgresql import NAME, Server, folder, query
from processes import Visitor, flask, server, wait_until

pytestmark = [pytest.mark.database("postgresql"), pytest.mark.server]


@pytest.fixture
def primary() -> Iterator[Server]:
    """A server that acknowledges nothing before its standby has it."""
    with folder() as path:
        primary = Server(path)
        primary.initialize()
        yield primary
        with suppress(Exception):  # the test has stopped it
            primary.stop()


@pytest.fixture
def standby(primary: Server) -> Iterator[Server]:
    with folder() as path:
        standby = Server(path)
        standby.follow(primary)
        with psycopg.connect(primary.url(), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            connection.execute("SELECT pg_reload_conf()")
        in_step = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
        assert wait_until(lambda: query(primary.url(), in_step) == [(1,)])
        yield standby
        standby.stop()


@pytest.fixture
def hosts(
    settings: dict[str, str], primary: Server, standby: Server
) -> Iterator[list[dict[str, str]]]:
    """Run two Vestibules that know both servers; yield the settings of each."""
    both = quote(f"{primary.socket},{standby.socket}", safe="")
    url = f"postgresql:///{NAME}?host={both}&user=postgres"
    each = [{**settings, "DATABASE_URL": url, "PORT": str(free_port())} for _ in range(2)]
    with ExitStack() as stack:
        for host in each:
            stack.enter_context(server(host))
        yield each


class Newcomers(threading.Thread):
    """Visitors who sign up at one host, one after the other, and remember the answers."""

    def __init__(self, host: dict[str, str], name: str) -> None:
        super().__init__(daemon=True)
        self.host = host
        self.name = name
        self.over = False
        self.welcomed: dict[str, Visitor] = {}
        self.answers: list[tuple[float, int]] = []

    def run(self) -> None:
        number = 0
        while not self.over:
            number += 1
            visitor = Visitor(self.host)
            with suppress(OSError, http.client.HTTPException):
                status = visitor.submit("/signup", f"{self.name}n{number}")[0]
                self.answers.append((time.monotonic(), status))
                if status == 302:
                    self.welcomed[f"{self.name}n{number}"] = visitor


def test_after_a_failover_both_serve_again_and_nobody_welcomed_is_lost(
    hosts: list[dict[str, str]], primary: Server, standby: Server
) -> None:
    crowd = [Newcomers(host, name) for host, name in zip(hosts, ("first", "second"), strict=True)]
    for newcomers in crowd:
        newcomers.start()
    assert wait_until(lambda: all(len(each.welcomed) >= 5 for each in crowd))
    primary.stop()
    standby.promote()
    promoted = time.monotonic()

    def all_served() -> bool:
        return all(each.answers[-1] >= (promoted, 302) for each in crowd)

    assert wait_until(all_served)
    for newcomers in crowd:
        newcomers.over = True
        newcomers.join()
        assert {status for _, status in newcomers.answers} <= {302, 503}
    here = {name for (name,) in query(standby.url(), "SELECT username FROM user")}
    for newcomers in crowd:
        assert set(newcomers.welcomed) <= here
        assert all(visitor.is_signed_in() for visitor in newcomers.welcomed.values())


def test_a_standby_is_never_written_to(settings: dict[str, str], standby: Server) -> None:
    """The start refuses a single address that leads to a standby, with an explanation."""
    with pytest.raises(psycopg.Error, match="read-only"):
        query(standby.url(), "CREATE TABLE x (i int)")
    done = flask({**settings, "DATABASE_URL": standby.url()}, "db", "init")
    assert done.returncode == 1
    assert "read-only" in done.stderr
    assert done.stderr.count("\n") == 1
