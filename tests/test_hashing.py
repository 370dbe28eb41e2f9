import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from conftest import Browser, hidden_fields, page_form
from flask import Flask
from playhouse.test_utils import count_queries
from processes import PATIENCE, ROOT, wait_until

from accounts import hashing
from accounts.errors import Busy
from accounts.hashing import HashingThreads
from cli import server, worker


@pytest.fixture
def hold() -> Iterator[threading.Event]:
    """A hash lasts until this is set."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "MAX_WAIT", PATIENCE)


def run(threads: HashingThreads, function: Callable[..., Any], *args: Any) -> Any:
    """Run a hash in a slot of its own."""
    with threads.hashing_slot():
        return threads.run(function, *args)


def fill(threads: HashingThreads, hold: threading.Event, number: int) -> ThreadPoolExecutor:
    callers = ThreadPoolExecutor(number)
    free = threads._slots._value
    started = threading.Barrier(number + 1)

    def call() -> None:
        started.wait()
        run(threads, hold.wait)

    for _ in range(number):
        callers.submit(call)
    started.wait()
    assert wait_until(lambda: threads._slots._value == free - number)
    return callers


def test_who_finds_the_queue_full_is_refused_at_once(hold: threading.Event) -> None:
    threads = HashingThreads(threads=2, queue=3)
    with fill(threads, hold, 5):
        with pytest.raises(Busy), threads.hashing_slot():
            pytest.fail("there is no slot")
        hold.set()
    assert run(threads, int) == 0


def test_a_slot_is_for_all_hashes_of_a_try(hold: threading.Event) -> None:
    threads = HashingThreads(threads=1, queue=0)
    with ThreadPoolExecutor(1) as another, threads.hashing_slot():
        assert [threads.run(int, "7"), threads.run(int, "8")] == [7, 8]
        with pytest.raises(Busy):
            another.submit(run, threads, int).result()
    assert run(threads, int) == 0


def test_memory_is_given_back_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "TRIM_EVERY", 0.01)
    trimmed: list[int] = []

    def trim(padding: int) -> None:
        trimmed.append(padding)
        if len(trimmed) == 3:
            threading.Event().wait()  # forever: the thread ends with this process

    threading.Thread(target=worker.trim_memory, args=[trim], daemon=True).start()
    assert wait_until(lambda: trimmed == [0, 0, 0])


def test_there_are_more_threads_than_can_wait_for_a_hash() -> None:
    app = Flask("test")
    app.config.update(HASH_THREADS=3, HASH_QUEUE=5)
    threads = HashingThreads(threads=3, queue=5)
    can_wait = threads._slots._value
    assert server.threads(app) == can_wait + server.PAGE_THREADS


def test_nobody_waits_longer_than_the_longest_wait(
    hold: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = HashingThreads(threads=1, queue=8)
    with fill(threads, hold, 1):
        monkeypatch.setattr(hashing, "MAX_WAIT", 0.2)
        started = time.perf_counter()
        with pytest.raises(Busy):
            run(threads, int)
        assert time.perf_counter() - started > 0.15
        hold.set()


def test_a_slot_given_up_is_free_for_the_next(
    hold: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = HashingThreads(threads=1, queue=1)
    run(threads, int)
    monkeypatch.setattr(hashing, "MAX_WAIT", 0.05)
    running = ThreadPoolExecutor(1).submit(threads._executor.submit, hold.wait, 20).result()
    for _ in range(5):  # each takes the slot in the queue, and frees it
        with pytest.raises(Busy):
            run(threads, int)
    hold.set()
    running.result()
    monkeypatch.setattr(hashing, "MAX_WAIT", PATIENCE)
    assert run(threads, int) == 0


def test_a_hash_that_fails_gives_its_slot_back() -> None:
    threads = HashingThreads(threads=1, queue=0)
    for _ in range(50):
        with pytest.raises(ValueError, match="invalid literal"):
            run(threads, int, "x")
    assert run(threads, int, "7") == 7


def test_b120_no_more_hashes_than_threads_are_computed_at_once() -> None:
    threads, now, most = HashingThreads(threads=3, queue=60), [0], [0]
    lock, all_begun = threading.Lock(), threading.Barrier(3)

    def hash_something() -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        all_begun.wait(PATIENCE)
        time.sleep(0.005)  # for a fourth
        with lock:
            now[0] -= 1

    with ThreadPoolExecutor(30) as callers:
        for done in [callers.submit(run, threads, hash_something) for _ in range(60)]:
            done.result()
    assert most == [3]


@pytest.mark.parametrize("path", ["/login", "/signup"])
def test_a_visitor_refused_for_a_full_queue_costs_the_database_nothing(
    app: Flask, browser: Browser, hold: threading.Event, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    threads = HashingThreads(threads=1, queue=0)
    monkeypatch.setattr(hashing, "pool", lambda: threads)
    form = hidden_fields(page_form(browser.get(path).text, path))
    with fill(threads, hold, 1), count_queries() as queries:
        answer = browser.client.post(
            path, data={**form, "username": "Jane", "password": "correct horse"}
        )
        hold.set()
    assert answer.status_code == 503
    assert queries.get_queries() == []


SHORT_OF_MEMORY = """
import re, resource
from pathlib import Path
from accounts import hashing, passwords
right = passwords._context().hash("correct horse")
used = int(re.search(r"VmData:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024
resource.setrlimit(resource.RLIMIT_DATA, (used + 2**21,) * 2)
for function, *args in (
    (passwords._verify, "correct horse", right),
    (passwords._verify, None, None),
    (passwords._context().hash, "correct horse"),
):
    try:
        print(function(*args))
    except ValueError as error:
        print(hashing.is_shortage(error))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds a process's data")
def test_short_memory_makes_no_right_password_wrong() -> None:
    """argon2 and passlib say in their own words that memory is short; a release may change them."""
    done = subprocess.run(
        [sys.executable, "-c", SHORT_OF_MEMORY],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["True"] * 3
