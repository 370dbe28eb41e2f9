"""The real server as its visitors see it, over real HTTP."""

import http.client
import re
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode

import pytest
from conftest import OLD_PASSWORD, PASSWORD
from passlib.hash import argon2
from processes import (
    PATIENCE,
    Visitor,
    is_worker,
    kill_group,
    members,
    server,
    sql,
    wait_until,
)

pytestmark = pytest.mark.server


def test_a_visitor_signs_up_looks_around_and_comes_back(settings: dict[str, str]) -> None:
    with server(settings) as process:
        jane = Visitor(settings)
        assert jane.send("/profile")[:2] == (302, "/")
        assert jane.submit("/signup", "Jane")[:2] == (302, "/profile")
        assert "Jane" in jane.send("/profile")[2]
        assert jane.send("/logout", jane.prepare("/profile", "/logout"))[:2] == (302, "/")
        assert not jane.is_signed_in()
        assert jane.submit("/login", "JANE", "wrong horse")[0] == 400
        assert jane.submit("/login", "JANE")[:2] == (302, "/profile")
        assert jane.is_signed_in()
        assert jane.send("/healthz")[::2] == (200, "ok")
        kill_group(process)


@pytest.mark.database("sqlite")
def test_the_database_is_its_owners_alone(settings: dict[str, str]) -> None:
    with server(settings):
        path = Path(settings["DATABASE_URL"].removeprefix("sqlite:///"))
        assert path.stat().st_mode & 0o777 == 0o600


def test_b123_b124_of_fifty_sign_ups_of_one_name_at_once_exactly_one_succeeds(
    settings: dict[str, str],
) -> None:
    with server(settings):
        visitors = [Visitor(settings) for _ in range(50)]
        with ThreadPoolExecutor(10) as threads:
            tokens = list(threads.map(lambda visitor: visitor.prepare("/signup"), visitors))
        at_once = threading.Barrier(50)

        def sign_up(number: int) -> tuple[int, str]:
            name = "Jane" if number % 2 else "ＪＡＮＥ"
            at_once.wait()
            fields = {"username": name, "password": PASSWORD, **tokens[number]}
            return visitors[number].send("/signup", fields)[::2]

        with ThreadPoolExecutor(50) as threads:
            answers = list(threads.map(sign_up, range(50)))
        statuses = Counter(status for status, _ in answers)
        assert statuses[302] == 1
        assert set(statuses) <= {302, 400, 503}
        assert all("taken" in text for status, text in answers if status == 400)
        assert sum(visitor.is_signed_in() for visitor in visitors) == 1
        for table in ("user", "key", "session"):
            assert sql(settings, f'SELECT count(*) FROM "{table}"') == [(1,)]


def test_b120_pages_wait_for_no_hash_while_many_people_log_in(settings: dict[str, str]) -> None:
    settings["HASH_THREADS"] = "1"
    with server(settings):
        jane = Visitor(settings)
        jane.submit("/signup", "Jane")
        crowd = [Visitor(settings) for _ in range(9)]
        tokens = [visitor.prepare("/login") for visitor in crowd]
        # Seconds of work: on any machine more than the pages below.
        slow = argon2.using(memory_cost=19_456, time_cost=100, parallelism=1).hash(OLD_PASSWORD)
        sql(settings, "UPDATE key SET password_hash = ?", slow)
        sql(settings, "DELETE FROM counter")

        def log_in(number: int) -> int:
            fields = {"username": "Jane", "password": "wrong horse", **tokens[number]}
            return crowd[number].send("/login", fields)[0]

        with ThreadPoolExecutor(len(crowd)) as threads:
            answers = [threads.submit(log_in, number) for number in range(len(crowd))]
            # A try is counted just before its hash begins.
            assert wait_until(lambda: sql(settings, "SELECT * FROM counter"))
            assert all(jane.is_signed_in() for _ in range(9))
            assert not all(answer.done() for answer in answers), "one is still being hashed"
            assert {answer.result() for answer in answers} <= {400, 503}


def test_b120_two_hundred_log_ins_at_once_take_the_memory_of_the_hashes_allowed_and_no_more(
    settings: dict[str, str],
) -> None:
    """20 MiB per hash and 10 for the rest, and as much again: glibc cannot always give a freed
    block to the next hash (62 to 66 MiB on Python 3.13). Without the limit, 50 threads would need
    1000.
    """
    settings["HASH_THREADS"] = "2"
    with server(settings) as process:
        crowd = [Visitor(settings) for _ in range(200)]
        with ThreadPoolExecutor(200) as threads:
            tokens = list(threads.map(lambda visitor: visitor.prepare("/login"), crowd))
            [worker] = [pid for pid in members(process) if is_worker(pid) and pid != process.pid]
            Visitor(settings).submit("/login", "Jane")  # loads what a log-in needs, and hashes once
            before = most_memory(worker)

            def log_in(number: int) -> int:
                fields = {"username": "Jane", "password": "wrong horse", **tokens[number]}
                return crowd[number].send("/login", fields)[0]

            answers = Counter(threads.map(log_in, range(200)))
        assert set(answers) <= {400, 503}
        assert answers[400]
        assert most_memory(worker) - before < 2 * (2 * 20 + 10)


def most_memory(pid: int) -> float:
    """Return the peak memory of a process, in MiB."""
    [kilobytes] = re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(kilobytes) / 1024


def test_five_thousand_requests_leave_no_file_open_and_no_memory_taken(
    settings: dict[str, str],
) -> None:
    with server(settings) as process:
        [worker] = [pid for pid in members(process) if is_worker(pid) and pid != process.pid]
        visitor = Visitor(settings)
        visitor.submit("/signup", "Jane")
        cookie = "; ".join(f"{cookie.name}={cookie.value}" for cookie in visitor.jar)
        send_mixed(settings, cookie, 1000)
        files, memory = open_files(worker), most_memory(worker)
        send_mixed(settings, cookie, 5000)
        assert open_files(worker) <= files + 5
        assert most_memory(worker) < memory + 10
        assert visitor.is_signed_in()


MIXED = {
    ("GET", "/"): 200, ("GET", "/profile"): 200, ("GET", "/profile/sessions"): 200,
    ("GET", "/static/style.css"): 200, ("GET", "/nowhere"): 404, ("POST", "/login"): 302,
    ("POST", "/profile/password"): 400, ("PUT", "/"): 405,
}  # fmt: skip


def send_mixed(settings: dict[str, str], cookie: str, number: int) -> None:
    """Send requests that succeed and requests that fail, eight over each connection."""
    for _ in range(number // len(MIXED)):
        connection = http.client.HTTPConnection(
            "127.0.0.1", int(settings["PORT"]), timeout=PATIENCE
        )
        for (method, path), status in MIXED.items():
            connection.request(method, path, headers={"Cookie": cookie})
            answer = connection.getresponse()
            answer.read()
            assert answer.status == status
        connection.close()


def open_files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def test_the_peers_address_is_what_a_session_remembers(settings: dict[str, str]) -> None:
    with server(settings):
        connection = http.client.HTTPConnection(
            "127.0.0.1", int(settings["PORT"]), timeout=PATIENCE
        )
        visitor = Visitor(settings)
        fields = {**visitor.prepare("/signup"), "username": "Jane", "password": PASSWORD}
        (cookie,) = visitor.jar
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Cookie": f"{cookie.name}={cookie.value}",
            "User-Agent": "Lynx",
            "X-Forwarded-For": "203.0.113.9",
            "X-Forwarded-Proto": "https",
        }
        connection.request("POST", "/signup", urlencode(fields), headers)
        answer = connection.getresponse()
        assert answer.status == 302
        cookies = answer.headers.get_all("Set-Cookie")
        connection.close()
        assert re.search(r"auth_session=\S+; Expires=.*; Max-Age=1296000; HttpOnly", cookies[0])
        assert sql(settings, "SELECT ip_address, user_agent FROM session") == [
            ("127.0.0.1", "Lynx")
        ]
