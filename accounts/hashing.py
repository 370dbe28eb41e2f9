"""Threads for password hashes: few, of low priority, behind a short queue.

Three things keep pages fast while many people log in. There are no more hashes at once than there
are threads here; all others go before them on the processor; and those who find no place in the
queue are sent away, though not so fast that they are back at once.
"""

import contextlib
import ctypes
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from .errors import Busy

NICENESS = 5  # with 10 a thread that holds Python's lock can wait for the processor: pages stall
LONGEST_WAIT = 2  # seconds for a hashing thread to be free
# Seconds at the door, and for how many. Who is refused at once comes back at once: the refusals
# of 24 such clients took half of what the processor could hash, measured.
DOOR_WAIT = 0.05
AT_THE_DOOR = 24
QUIET = 1  # second without a hash, then their memory is given back

P = ParamSpec("P")
R = TypeVar("R")


class HashingThreads:
    """`threads` hashes at once, `queue` more that wait. A place is one or the other, with the
    writing that goes before it.
    """

    def __init__(self, threads: int, queue: int) -> None:
        self._executor = ThreadPoolExecutor(threads, "hash", _lower_priority)
        self._places = threading.BoundedSemaphore(threads + queue)
        self._door = threading.BoundedSemaphore(AT_THE_DOOR)
        self._mine = threading.local()
        self._leftovers = Leftovers()

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place for the hashes inside. Raises Busy when none becomes free at the door."""
        if getattr(self._mine, "held", False):
            yield
            return
        self._take_place()
        self._mine.held = True
        try:
            yield
        finally:
            self._mine.held = False
            self._places.release()

    def _take_place(self) -> None:
        if self._places.acquire(blocking=False):
            return
        if not self._door.acquire(blocking=False):
            raise Busy
        try:
            if not self._places.acquire(timeout=DOOR_WAIT):
                raise Busy
        finally:
            self._door.release()

    def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Return what `function` returns. Raises Busy without a place, and after LONGEST_WAIT
        seconds when no thread has begun.
        """
        with self.place():
            future = self._executor.submit(function, *args, **kwargs)
            try:
                return future.result(LONGEST_WAIT)
            except TimeoutError:
                if future.cancel():
                    raise Busy from None
                return future.result()  # begun in the last moment: done in a few milliseconds
            finally:
                self._leftovers.clear_away_later()


def _lower_priority() -> None:
    # On Linux niceness belongs to the thread: pages go before hashes.
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


class Leftovers:
    """The memory of hashes that are over, given back once there has been none for a while.

    glibc keeps it for the next, 19 MiB for each thread, and more where something small has come to
    lie in between. A hash that finds none of it takes 15 ms longer: not given back after each.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hashed = False  # since somebody looked last
        self._waiting = False  # for the quiet: a thread, which ends with it

    def clear_away_later(self) -> None:
        """Say that a hash is over."""
        with self._lock:
            self._hashed = True
            if not self._waiting:
                with contextlib.suppress(RuntimeError):  # no more threads: after the next hash
                    threading.Thread(None, self._clear_away, "leftovers", daemon=True).start()
                    self._waiting = True

    def _clear_away(self) -> None:
        while self._hashed_again():
            time.sleep(QUIET)
        if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):  # glibc's alone
            trim(0)

    def _hashed_again(self) -> bool:
        with self._lock:
            self._waiting, self._hashed = self._hashed, False
            return self._waiting
