"""flask serve: what bin/serve starts."""

import os
import signal
import sys
from contextlib import suppress
from importlib import import_module
from types import ModuleType

import click
from flask.cli import ScriptInfo, pass_script_info
from werkzeug.serving import run_simple

from database import database

from .commands import one_line_refusals
from .db import announce, upgrade, upgraded


@click.command()
@click.option("--dev", is_flag=True, help="Run Flask's reloading server with its debugger.")
@pass_script_info
def serve(info: ScriptInfo, dev: bool) -> None:
    """Bring the database up to date and serve on HOST:PORT, until Ctrl-C.

    HOST, PORT and all other settings are variables of the environment or lines of the settings
    file; README.md lists them. Before a migration a copy of the database is kept beside it.
    """
    let_stops_clean_up()
    app = info.load_app()
    if sys.platform == "win32" and not dev:
        raise click.ClickException(
            "the server needs Linux or macOS: use WSL, a container, or flask serve --dev"
        )
    host, port = app.config["HOST"], app.config["PORT"]
    if not dev:
        _server().claim_port(host, port)  # first: an old server on it needs the old schema
    with one_line_refusals():
        if applied := upgrade():
            announce(f"Database {database.location}: {upgraded(applied)}.")
    with suppress(OSError):  # keep no folder in use; one that was deleted stops granian
        os.chdir(app.root_path)
    if dev:
        app.debug = True
        run_simple(host, port, app, use_reloader=True, use_debugger=True, threaded=True)
    else:
        _server().serve_granian(app)


def _server() -> ModuleType:
    return import_module("cli.server")  # which Windows cannot import


def let_stops_clean_up() -> None:
    """End in order when told to stop during the start, without half a copy of the database."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number and signal.getsignal(number) is not signal.SIG_IGN:  # by nohup
            signal.signal(number, lambda *_: sys.exit(0))
