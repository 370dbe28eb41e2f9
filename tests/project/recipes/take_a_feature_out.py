"""The command is unknown and Lucia's hashes open nothing."""

from conftest import PASSWORD, Browser
from flask.testing import FlaskCliRunner

from accounts import passwords


def test_its_command_is_unknown_and_the_hall_works(runner: FlaskCliRunner, jane: Browser) -> None:
    assert "import-lucia" not in runner.invoke(args=["users", "--help"]).output
    unknown = runner.invoke(args=["users", "import-lucia", "x.db"])
    assert unknown.exit_code == 2
    assert "No such command" in unknown.output
    jane.log_out()
    assert jane.log_in("Jane", PASSWORD).status_code == 302


def test_its_hashes_open_nothing(app) -> None:
    assert passwords.verify_password("123456", ["s2:00:00"], []) is None
