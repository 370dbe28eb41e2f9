"""The server for visitors: granian, one process of many threads. Windows cannot import this."""

import ctypes
import multiprocessing
import os
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable

import click
from flask import Flask
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from werkzeug.utils import import_string

from database import database

PAGE_THREADS = 16
MAX_CONNECTIONS = 1024
TRIM_EVERY = 5  # seconds
OWN_FILES = 22  # file descriptors that a worker has open by itself
PR_SET_PDEATHSIG = 1  # linux/prctl.h
M_ARENA_MAX = -8  # malloc.h


def serve_granian(app: Flask) -> None:
    """Serve until told to stop (SIGTERM, Ctrl-C); requests in progress are finished first."""
    multiprocessing.set_start_method("fork", force=True)  # load_worker counts on it
    host, port = app.config["HOST"], app.config["PORT"]
    url = app.config["PUBLIC_URL"] or f"http://{f'[{host}]' if ':' in host else host}:{port}"
    claim_port(host, port)
    server = Granian(
        "app:create_app",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        blocking_threads=threads(app),
        backpressure=connections(),
        blocking_threads_idle_timeout=600,  # seconds
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=5_000, max_buffer_size=64 * 1024),
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=30,  # seconds
        log_level=LogLevels.error,
    )
    server.on_startup(lambda: click.echo(f"Vestibule is at {url}"))
    database.close_all()  # a SQLite connection must not be carried into the worker's process
    server.serve(target_loader=load_worker)


def threads(app: Flask) -> int:
    """Return how many requests to handle at once: one for each slot for a hash, and sixteen more
    so that pages stay fast beside them.
    """
    slots: int = app.config["HASH_THREADS"] + app.config["HASH_QUEUE"]
    return slots + PAGE_THREADS


def connections() -> int:
    """Return how many connections to accept at once; the others wait in the kernel.

    A worker that runs out of file descriptors while accepting never accepts again (granian 2.8,
    measured). It needs up to three for each visitor: the connection, the database and its WAL.
    """
    files, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    wanted = OWN_FILES + 3 * MAX_CONNECTIONS
    files = max(files, wanted if most == resource.RLIM_INFINITY else min(wanted, most))
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, most))
    return max(1, min(MAX_CONNECTIONS, (files - OWN_FILES) // 3))


def claim_port(host: str, port: int) -> None:
    """Refuse to start where another server listens: granian would share the port with it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise click.ClickException(f"{host}:{port} cannot be used: {error.strerror}") from None


def load_worker(target: str) -> Flask:
    """Make the application in a worker process, which dies with the main process: kill -9 leaves
    no worker with the port.
    """
    main = multiprocessing.parent_process()
    if sys.platform == "linux" and main is not None:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != main.pid:  # it died before we asked: the signal will never come
            os._exit(1)
        # glibc makes eight arenas for each core. What is freed in one, the others cannot use, and
        # only the first returns memory to the system: 60 MiB more after a flood of log-ins.
        libc = ctypes.CDLL(None)
        if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim"):  # not in musl
            libc.mallopt(M_ARENA_MAX, 1)
            threading.Thread(target=trim_memory, args=[libc.malloc_trim], daemon=True).start()
    create_app: Callable[[], Flask] = import_string(target)
    return create_app()


def trim_memory(trim: Callable[[int], object]) -> None:
    """Return freed memory to the system now and then: glibc keeps 19 MiB for each hashing thread.
    Doing it after each hash would make each 15 ms slower.
    """
    while True:
        time.sleep(TRIM_EVERY)
        trim(0)
