"""flask serve: what bin/serve starts."""

import ctypes
import multiprocessing
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable

import click
from flask import Flask
from flask.cli import ScriptInfo, pass_script_info
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from werkzeug.serving import run_simple
from werkzeug.utils import import_string

import migrations
from accounts.hashing import AT_THE_DOOR
from database import database

from .commands import one_line_refusals
from .db import upgraded

PR_SET_PDEATHSIG = 1  # linux/prctl.h
PAGE_THREADS = 16
M_ARENA_MAX = -8  # malloc.h
MOST_CONNECTIONS = 1024


@click.command()
@click.option("--dev", is_flag=True, help="Flask's reloading server with its debugger.")
@pass_script_info
def serve(info: ScriptInfo, dev: bool) -> None:
    """Bring the database up to date and serve, on HOST:PORT."""
    app = info.load_app()
    host, port = app.config["HOST"], app.config["PORT"]
    with one_line_refusals():
        if applied := migrations.upgrade():
            click.echo(f"Database: {upgraded(applied)}.")
    if dev:
        app.debug = True
        run_simple(host, port, app, use_reloader=True, use_debugger=True, threaded=True)
    else:
        serve_granian(host, port, app.config["PUBLIC_URL"] or address(host, port), threads(app))


def threads(app: Flask) -> int:
    """Return how many requests are worked on at once: all that may wait for a hash or for a place
    in its queue, and sixteen more, so that pages stay fast beside them.
    """
    waiting: int = app.config["HASH_THREADS"] + app.config["HASH_QUEUE"] + AT_THE_DOOR
    return waiting + PAGE_THREADS


def serve_granian(host: str, port: int, url: str, threads: int) -> None:
    """Serve until told to stop (SIGTERM, Ctrl-C): requests under way are finished first."""
    multiprocessing.set_start_method("fork", force=True)  # what load_worker counts on
    claim_port(host, port)
    server = Granian(
        "app:create_app",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        blocking_threads=threads,
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


def connections() -> int:
    """Return how many connections to take at once, the others waiting with the kernel.

    A worker that runs out of file numbers while it takes one never takes another again (granian
    2.8, measured). It has 22 open by itself, and needs up to three for each visitor: the
    connection, the database and its write-ahead log.
    """
    files, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    wanted = 22 + 3 * MOST_CONNECTIONS
    files = max(files, wanted if most == resource.RLIM_INFINITY else min(wanted, most))
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, most))
    return max(1, min(MOST_CONNECTIONS, (files - 22) // 3))


def address(host: str, port: int) -> str:
    """Return the address a person can open."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


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
    """Make the application in a worker process, which ends when the main process does: even
    killed, that leaves no worker behind with the port.
    """
    main = multiprocessing.parent_process()
    if sys.platform == "linux" and main is not None:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != main.pid:  # it died before we asked: the signal will never come
            os._exit(1)
        use_one_arena()
    create_app: Callable[[], Flask] = import_string(target)
    return create_app()


def use_one_arena() -> None:
    """Let all threads take memory from one place.

    glibc gives threads places of their own, eight for each core. What is freed in one the others
    cannot use, and none but the first gives any back: after a flood of log-ins 60 MiB more.
    """
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):  # not in musl
        mallopt(M_ARENA_MAX, 1)
