"""flask doctor: what is wrong with this installation, and how to mend it.

installation  the key, the cookies, the time a hash takes
storage       the database
finding       what a check found
"""

from collections.abc import Iterable, Iterator

import click
from flask import Flask
from flask.cli import ScriptInfo, pass_script_info

import migrations

from ..commands import json_option
from ..output import print_rows, printable
from . import installation, storage
from .finding import WRONG, Finding


@click.command()
@json_option
@pass_script_info
def doctor(info: ScriptInfo, as_json: bool) -> None:
    """Look at this installation: settings, files, database. Changes nothing.

    Exit code 1 when anything is wrong; what to do about it stands below it. To be run with the
    settings the server has, as its user.

    \b
    flask doctor
    flask doctor --json
    """
    app = info.load_app()
    with migrations.any_schema():
        findings = list(examine(app))
    if as_json:
        print_rows((finding._asdict() for finding in findings), {}, as_json)
    else:
        _print(findings)
    if any(finding.state == WRONG for finding in findings):
        raise SystemExit(1)


def _print(findings: Iterable[Finding]) -> None:
    for check, state, finding, mend in findings:
        mark = state.upper() if state == WRONG else state
        click.echo(f"{mark:7}{check:14}{printable(finding)}")
        if mend:
            click.echo(f"{'':7}{'':14}mend: {printable(mend)}")


def examine(app: Flask) -> Iterator[Finding]:
    """Yield what each check finds. Those of the database end where it cannot be read."""
    yield installation.secret_key(app)
    yield installation.cookies(app)
    yield installation.hash_time()
    yield from storage.examine()
