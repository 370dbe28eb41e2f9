"""The operator's commands: flask db, users, sessions, serve. Parse, call accounts, print.

Results go to standard output, problems as one line to standard error. Exit code 0: done,
1: refused, 2: wrong usage.
"""

from flask import Flask

from . import db, serve, sessions, users


def init_app(app: Flask) -> None:
    """Add the commands to `flask`."""
    for command in (db.db, users.users, sessions.sessions, serve.serve):
        app.cli.add_command(command)
