"""flask doctor: what is wrong with this installation, and how to fix it.

result        what a check finds, and what is reported when it fails itself
installation  settings, secret key, cookies, hash time
files         who may read and replace the database, where it is, whether there is room
content       what is in the database

A feature adds a check of its own to `CONTENT` in its `init_app`.
"""

from collections.abc import Iterator
from functools import partial

import click
from flask import Flask
from flask.cli import ScriptInfo, pass_script_info

import migrations
from database import database
from database.sqlite import SQLite

from ..commands import json_option
from ..output import print_rows, printable, say
from .content import CONTENT, check_database, check_pragmas, check_server
from .files import check_disk, check_modes, check_place
from .installation import (
    check_cookies,
    check_hash_time,
    check_secret_key,
    check_settings,
    check_version,
)
from .result import FAIL, CheckResult, attempt


@click.command(epilog="flask doctor")
@json_option
@pass_script_info
def doctor(info: ScriptInfo, as_json: bool) -> None:
    """Check this installation: settings, files, database. Makes and changes nothing.

    Exit code 1 when anything is wrong; the fix is printed below it. Run it as the server's user.
    """
    results = list(examine(info.load_app()))
    if as_json:
        print_rows((result._asdict() for result in results), {}, as_json)
    else:
        for check, state, finding, fix in results:
            say(f"{state.upper() if state == FAIL else state:7}{check:14}{printable(finding)}")
            if fix:
                say(f"{'':21}fix: {printable(fix)}")
    if any(result.state == FAIL for result in results):
        raise SystemExit(1)


def examine(app: Flask) -> Iterator[CheckResult]:
    """Yield the result of each check. What cannot be read is looked into no further."""
    yield attempt("version", check_version)
    yield attempt("settings", partial(check_settings, app))
    yield attempt("secret key", partial(check_secret_key, app))
    yield attempt("cookies", partial(check_cookies, app))
    yield attempt("hash time", check_hash_time)
    on_file = isinstance(database.obj, SQLite)
    if on_file:
        yield attempt("disk", partial(check_disk, app))
    with migrations.any_schema(), database.only_looking():
        opened = attempt("database", check_database)
        yield opened
        if opened.state == FAIL:
            return
        for name, check in FILES.items() if on_file else SERVER.items():
            yield attempt(name, check)
        for name, check in CONTENT.items():
            yield attempt(name, check)


FILES = {"files": check_modes, "place": check_place, "pragmas": check_pragmas}
SERVER = {"server": check_server}
