"""The operator's commands: flask db, users, sessions, serve, doctor. Parse, call accounts, print.

Results go to standard output, problems as one line to standard error. Exit code 0: done,
1: refused, 2: wrong usage.
"""

from flask import Flask

from . import db, doctor, serve, sessions, users


def init_app(app: Flask) -> None:
    """Add the commands to `flask`."""
    for command in (db.db, users.users, sessions.sessions, serve.serve, doctor.doctor):
        app.cli.add_command(command)
