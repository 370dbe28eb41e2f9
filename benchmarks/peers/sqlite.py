"""The same SQLite settings for the two peers on SQLAlchemy."""

import sqlite3
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from . import FOLDER, PRAGMAS, THREADS


def settings(name: str) -> dict[str, Any]:
    """Return Flask-SQLAlchemy's settings: this file, a persistent connection per thread."""
    return {
        "SQLALCHEMY_DATABASE_URI": f"sqlite:///{FOLDER.resolve()}/{name}.db",
        "SQLALCHEMY_ENGINE_OPTIONS": {"pool_size": THREADS},
    }


@event.listens_for(Engine, "connect")
def set_pragmas(connection: sqlite3.Connection, _record: object) -> None:
    """Run once for each connection."""
    for pragma in PRAGMAS:
        connection.execute(pragma)
