"""Threads that hash passwords: few, of low priority, behind a short queue.

Three things keep pages fast while many people log in: no more hashes run at once than there are
threads here, every other thread goes before them on the processor, and a full queue refuses.
"""

import contextlib
import functools
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from database import database, release

from . import settings, throttling
from .errors import Busy
from .throttling import Budgets

NICENESS = 5  # at 10 a thread that holds Python's lock can wait for the processor: pages stall
MAX_WAIT = 2  # seconds until a hashing thread is free
NO_MEMORY = "Memory allocation error", "malloc failure", "can't start new thread"

R = TypeVar("R")


def refuse_when_full() -> None:
    """Raise Busy if a hash would be refused now: then nothing has to be looked up for it."""
    with pool().hashing_slot():
        pass


def run(function: Callable[..., R], *args: Any, budgets: Budgets | None = None) -> R:
    """Return function(*args), which hashes passwords, counted as one try against `budgets`. Raises
    Busy if the queue is full, no thread was free for MAX_WAIT or memory is short: then the try
    does not count. Raises TooManyAttempts if a budget is spent, and OperationalError inside a
    transaction: all other writes would wait for the hash.
    """
    release()  # a wait must not hold a connection
    threads = pool()
    with threads.hashing_slot():
        # Count only with a slot: in a flood most are refused, and each would cost two commits.
        throttling.count_try(budgets or {})
        release()
        try:
            return threads.run(function, *args)
        except Exception as error:
            if not is_shortage(error):
                raise
            with database.atomic():
                throttling.take_back(budgets or {})
            raise Busy from None


def is_shortage(error: Exception) -> bool:
    """Return whether threads or memory were short: argon2, OpenSSL and Python say it in words."""
    return isinstance(error, Busy | MemoryError) or any(words in str(error) for words in NO_MEMORY)


class HashingThreads:
    """`threads` hashes at once and `queue` more that wait. A slot is one or the other."""

    def __init__(self, threads: int, queue: int) -> None:
        self._executor = ThreadPoolExecutor(threads, "hash", _lower_priority)
        self._slots = threading.BoundedSemaphore(threads + queue)

    @contextlib.contextmanager
    def hashing_slot(self) -> Iterator[None]:
        """Hold a slot. Raises Busy if none is free."""
        if not self._slots.acquire(blocking=False):
            raise Busy
        try:
            yield
        finally:
            self._slots.release()

    def run(self, function: Callable[..., R], *args: Any) -> R:
        """Return function(*args). Raises Busy if no thread has begun it after MAX_WAIT."""
        future = self._executor.submit(function, *args)
        try:
            return future.result(MAX_WAIT)
        except TimeoutError:
            if future.cancel():
                raise Busy from None
            return future.result()  # just begun: done in a few milliseconds


def pool() -> HashingThreads:
    """Return the threads. configure() asks first: later two requests might make them at once."""
    return _pool_of(settings.HASH_THREADS, settings.HASH_QUEUE)


_pool_of = functools.cache(HashingThreads)


def _lower_priority() -> None:
    # On Linux niceness belongs to a thread. Elsewhere it belongs to the process, and macOS refuses
    # a thread's id; any system may refuse it. Then hashes are just no slower than pages.
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError, OSError):
            niceness = min(19, os.getpriority(os.PRIO_PROCESS, 0) + NICENESS)
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)
