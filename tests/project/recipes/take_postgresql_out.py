"""SQLite works; the command is unknown; an address of PostgreSQL is refused in one line."""

import pytest
from flask.testing import FlaskCliRunner

from app import create_app
from config import ConfigError


def test_its_command_is_unknown(runner: FlaskCliRunner) -> None:
    assert runner.invoke(args=["db", "copy", "--to", "postgresql://x/y"]).exit_code == 2
    assert runner.invoke(args=["db", "status"]).exit_code == 0


def test_its_address_is_refused() -> None:
    with pytest.raises(ConfigError, match="DATABASE_URL"):
        create_app({"DATABASE_URL": "postgresql://x/y", "SECRET_KEY": "0123456789abcdef" * 4})
