"""The server for visitors: granian, one process of many threads. Windows cannot import this."""

import errno
import multiprocessing
import resource
import signal
import socket
import threading
from _thread import start_new_thread as start_thread
from contextlib import suppress
from functools import partial
from typing import Any

import click
from flask import Flask
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from database import database

from .db import announce
from .worker import STOPS, keep_stops_from_workers, load_worker

PAGE_THREADS = 16
STACK = 2**21  # bytes for each thread of Python, as granian gives its own: 8 MB by default
MAX_CONNECTIONS = 1024
IDLE_TIMEOUT = 5  # seconds until an idle connection is closed; a proxy must do so sooner
OWN_FILES = 22  # file descriptors that a worker has open by itself
FEW_FILES = f"raise the limit (ulimit -n, LimitNOFILE=) to {OWN_FILES + 3} at least, better 4096"
LONGEST_REQUEST = 15  # seconds: 2 for a hash, 10 for other writes; nginx gives up after as many
LOCALHOST = ("127.0.0.1", "::1")

NO_PUBLIC_URL = "It answers at localhost only: set PUBLIC_URL to the address that people use."

# What to do when an address cannot be used.
NO_ADDRESS = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EINVAL}
NO_SUCH_ADDRESS = "this machine has no such address: set HOST to one that it has, such as 127.0.0.1"
BIND_ADVICE = {
    errno.EADDRINUSE: "another program listens there: stop it, or set PORT to a free one",
    errno.EACCES: "ports below 1024 are for root: set PORT to a higher one, with a proxy in front",
    **dict.fromkeys(NO_ADDRESS, NO_SUCH_ADDRESS),
}


def serve_granian(app: Flask) -> None:
    """Serve until told to stop (SIGTERM, SIGHUP, Ctrl-C); finish the requests in progress first."""
    multiprocessing.set_start_method("fork", force=True)  # load_worker counts on it
    threading.stack_size(STACK)
    host, port = app.config["HOST"], app.config["PORT"]
    server = Granian(
        "app:create_app",
        address=claim_port(host, port),
        port=port,
        interface=Interfaces.WSGI,
        blocking_threads=threads(app),
        backpressure=connections(),
        blocking_threads_idle_timeout=600,  # seconds
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(
            header_read_timeout=IDLE_TIMEOUT * 1000, max_buffer_size=64 * 1024
        ),
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=LONGEST_REQUEST,
        log_level=LogLevels.error,
    )
    server.on_startup(partial(stop_on_signals, server, signal.getsignal(signal.SIGHUP)))
    server.on_startup(
        lambda: announce(f"Vestibule is at {app.config['PUBLIC_URL'] or url(host, port)}")
    )
    if not app.config["PUBLIC_URL"] and host not in ("localhost", "127.0.0.1", "::1"):
        server.on_startup(lambda: announce(NO_PUBLIC_URL))
    keep_stops_from_workers()
    database.close_all()  # a SQLite connection must not be carried into the worker's process
    try:
        server.serve(target_loader=load_worker)
    except SystemExit:
        if not server.interrupt_signal:  # a worker may have been told first, by the same kill
            raise
    finally:
        database.checkpoint()


def stop_on_signals(server: Any, hang_up: Any) -> None:
    """Let each signal of a stop do so, SIGHUP unless nohup ignores it: granian would reload. In a
    thread: one that comes while another is handled would wait for a lock that the first one holds.
    """
    for number in STOPS:
        if number != signal.SIGHUP or hang_up is not signal.SIG_IGN:
            signal.signal(number, lambda *_: start_thread(server.signal_handler_interrupt, ()))
        else:
            signal.signal(number, signal.SIG_IGN)


def url(host: str, port: int) -> str:
    """Return where a browser on this machine finds the server."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 - does not bind
        host = "localhost"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


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
    more = max(files, wanted if most == resource.RLIM_INFINITY else min(wanted, most))
    with suppress(OSError, ValueError):  # refused: then fewer connections
        resource.setrlimit(resource.RLIMIT_NOFILE, (more, most))
        files = more
    if files < OWN_FILES + 3:
        raise click.ClickException(f"it may open only {files} files: {FEW_FILES}")
    return min(MAX_CONNECTIONS, (files - OWN_FILES) // 3)


def claim_port(host: str, port: int) -> str:
    """Return the address to listen on. Refuses to start where another server listens: granian would
    share the port with it. localhost is 127.0.0.1, since granian listens on one address, and ::1 on
    a machine without IPv4: browsers try both.
    """
    addresses = LOCALHOST if host == "localhost" else (host,)
    for address in addresses:
        try:
            _try_to_bind(address, port)
        except OSError as error:
            if error.errno in NO_ADDRESS and address != addresses[-1]:
                continue
            advice = BIND_ADVICE.get(error.errno or 0, error.strerror)
            where = url(host, port).removeprefix("http://") if ":" in host else f"{host}:{port}"
            raise click.ClickException(f"{where} cannot be used: {advice}") from None
        break
    return address


def _try_to_bind(address: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        with suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((address, port))
