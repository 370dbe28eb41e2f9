"""A worker process of the server: how it begins, and how it ends."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from flask import Flask
from werkzeug.utils import import_string

STOPS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
TRIM_EVERY = 5  # seconds
M_ARENA_MAX = -8  # malloc.h


def keep_stops_from_workers() -> None:
    """Let no signal reach a worker from its first moment on: what is told to the terminal is for
    the main process alone, and a SIGTERM waits until load_worker looks for it. granian loses one
    that comes while a worker starts, and waits until it is time to kill.
    """
    os.register_at_fork(
        before=partial(signal.pthread_sigmask, signal.SIG_BLOCK, STOPS),
        after_in_parent=partial(signal.pthread_sigmask, signal.SIG_UNBLOCK, STOPS),
    )


def load_worker(target: str) -> Callable[..., Any]:
    """Make the application in a worker process."""
    main = multiprocessing.parent_process()
    if main is not None:
        if not main.is_alive():
            os._exit(1)
        _in_background(end_with, main)
        save_memory()
    create_app: Callable[[], Flask] = import_string(target)
    app = create_app()
    serving = threading.Event()

    def serve(*request: Any) -> Any:
        serving.set()
        return app(*request)

    _in_background(wait_for_stop, serving)
    return serve


def _in_background(function: Callable[..., object], *args: object) -> None:
    threading.Thread(target=function, args=args, daemon=True).start()


def end_with(main: Any) -> None:
    """End with the main process: kill -9 leaves no worker with the port."""
    main.join()
    os._exit(1)


def wait_for_stop(serving: threading.Event) -> None:
    """Wait for SIGTERM, and let granian finish the requests in progress if there can be any."""
    signal.sigwait({signal.SIGTERM})
    if not serving.is_set():
        os._exit(0)
    signal.getsignal(signal.SIGTERM)(signal.SIGTERM, None)  # type: ignore[operator,misc]


def save_memory() -> None:
    """Keep glibc from holding 60 MiB more after a flood of log-ins. It makes eight arenas for each
    core; what is freed in one, the others cannot use, and only the first returns memory to the
    system. Other systems have no such calls, and need none.
    """
    with suppress(AttributeError, ImportError, OSError):
        from ctypes import CDLL  # noqa: PLC0415 - a Python may be built without it

        libc = CDLL(None)
        trim = libc.malloc_trim
        libc.mallopt(M_ARENA_MAX, 1)
        _in_background(trim_memory, trim)


def trim_memory(trim: Callable[[int], object]) -> None:
    """Return freed memory to the system now and then: glibc keeps 19 MiB for each hashing thread.
    Doing it after each hash would make each 15 ms slower.
    """
    while True:
        time.sleep(TRIM_EVERY)
        trim(0)
