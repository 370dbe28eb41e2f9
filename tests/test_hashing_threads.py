import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from unittest.mock import Mock, call

import pytest
from conftest import Browser, hidden_fields, page_form
from flask import Flask
from playhouse.test_utils import count_queries
from processes import wait_until

from accounts import hashing, passwords
from accounts.errors import Busy
from accounts.hashing import HashingThreads
from cli import serve


@pytest.fixture
def hold() -> Iterator[threading.Event]:
    """A hash lasts until this is set."""
    event = threading.Event()
    yield event
    event.set()


def fill(threads: HashingThreads, hold: threading.Event, number: int) -> ThreadPoolExecutor:
    callers = ThreadPoolExecutor(number)
    started = threading.Barrier(number + 1)

    def call() -> None:
        started.wait()
        threads.run(hold.wait, 20)

    for _ in range(number):
        callers.submit(call)
    started.wait()
    time.sleep(0.1)
    return callers


def test_whoever_finds_the_queue_full_is_told_within_a_tenth_of_a_second(
    hold: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert hashing.DOOR_WAIT < 0.1
    monkeypatch.setattr(hashing, "DOOR_WAIT", 0.01)
    threads = HashingThreads(threads=2, queue=3)
    with fill(threads, hold, 5):
        places = Mock(wraps=threads._places)
        monkeypatch.setattr(threads, "_places", places)
        with pytest.raises(Busy):
            threads.run(int)
        # All that it waits for; a stopwatch would measure how busy this machine is.
        assert places.acquire.call_args_list == [call(blocking=False), call(timeout=0.01)]
        hold.set()
    assert threads.run(int) == 0


def test_who_stands_at_the_door_gets_the_place_that_becomes_free(
    hold: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashing, "DOOR_WAIT", 20)
    threads = HashingThreads(threads=1, queue=0)
    with fill(threads, hold, 1):
        threading.Timer(0.1, hold.set).start()
        assert threads.run(int, "7") == 7


def test_only_so_many_stand_at_the_door_and_the_next_is_told_at_once(
    hold: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashing, "DOOR_WAIT", 20)
    monkeypatch.setattr(hashing, "AT_THE_DOOR", 2)
    threads = HashingThreads(threads=1, queue=0)
    with fill(threads, hold, 3):
        assert wait_until(lambda: threads._door._value == 0)
        with pytest.raises(Busy):  # a wait of 20 s would fail the test
            threads.run(int)
        hold.set()


def test_a_place_is_for_all_hashes_of_a_try(hold: threading.Event) -> None:
    threads = HashingThreads(threads=1, queue=0)
    with ThreadPoolExecutor(1) as another, threads.place():
        assert [threads.run(int, "7"), threads.run(int, "8")] == [7, 8]
        with pytest.raises(Busy):
            another.submit(threads.run, int).result()
    assert threads.run(int) == 0


def test_memory_is_given_back_once_nobody_has_hashed_for_a_while(
    hold: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert wait_until(lambda: "leftovers" not in [each.name for each in threading.enumerate()])
    trimmed: list[int] = []
    libc = SimpleNamespace(malloc_trim=trimmed.append)
    monkeypatch.setattr(hashing, "ctypes", SimpleNamespace(CDLL=lambda _name: libc))
    monkeypatch.setattr(hashing, "QUIET", 0.1)
    threads = HashingThreads(threads=2, queue=0)
    threads.run(int)
    assert wait_until(lambda: len(trimmed) == 1)
    with fill(threads, hold, 1):  # one that takes longer
        assert not wait_until(lambda: len(trimmed) > 1, 0.5)
        hold.set()
    assert wait_until(lambda: len(trimmed) == 2)


def test_there_are_more_threads_than_can_wait_for_a_hash() -> None:
    app = Flask("test")
    app.config.update(HASH_THREADS=3, HASH_QUEUE=5)
    threads = HashingThreads(threads=3, queue=5)
    can_wait = threads._places._value + threads._door._value
    assert serve.threads(app) == can_wait + serve.PAGE_THREADS


def test_nobody_waits_longer_than_the_longest_wait(
    hold: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = HashingThreads(threads=1, queue=8)
    with fill(threads, hold, 1):
        monkeypatch.setattr(hashing, "LONGEST_WAIT", 0.2)
        started = time.perf_counter()
        with pytest.raises(Busy):
            threads.run(int)
        assert 0.15 < time.perf_counter() - started < 1
        hold.set()


def test_a_place_given_up_is_free_for_the_next(
    hold: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashing, "LONGEST_WAIT", 0.05)
    threads = HashingThreads(threads=1, queue=1)
    threads.run(int)
    running = ThreadPoolExecutor(1).submit(threads._executor.submit, hold.wait, 20).result()
    for _ in range(5):  # each takes the place in the queue, and leaves it
        with pytest.raises(Busy):
            threads.run(int)
    hold.set()
    running.result()
    monkeypatch.setattr(hashing, "LONGEST_WAIT", 5)
    assert threads.run(int) == 0


def test_a_hash_that_fails_gives_its_place_back() -> None:
    threads = HashingThreads(threads=1, queue=0)
    for _ in range(50):
        with pytest.raises(ValueError, match="invalid literal"):
            threads.run(int, "x")
    assert threads.run(int, "7") == 7


def test_b120_no_more_hashes_than_threads_are_computed_at_once() -> None:
    threads, now, most = HashingThreads(threads=3, queue=60), [0], [0]
    lock = threading.Lock()

    def hash_something() -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.005)
        with lock:
            now[0] -= 1

    with ThreadPoolExecutor(30) as callers:
        for done in [callers.submit(threads.run, hash_something) for _ in range(60)]:
            done.result()
    assert most == [3]


@pytest.mark.parametrize("path", ["/login", "/signup"])
def test_whoever_is_turned_away_for_a_full_queue_costs_the_database_nothing(
    app: Flask, browser: Browser, hold: threading.Event, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    threads = HashingThreads(threads=1, queue=0)
    monkeypatch.setattr(passwords, "_threads", threads)
    form = hidden_fields(page_form(browser.get(path).text, path))
    with fill(threads, hold, 1), count_queries() as queries:
        answer = browser.client.post(
            path, data={**form, "username": "Jane", "password": "correct horse"}
        )
        hold.set()
    assert answer.status_code == 503
    assert queries.get_queries() == []
