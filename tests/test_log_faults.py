"""A log that cannot be written breaks nothing (B-155)."""

import logging
import os
import subprocess
import sys

import pytest
from conftest import Browser, hidden_fields, page_form
from processes import ROOT, Visitor, environment, free_port, listens, sql, wait_until

from accounts import users
from models import Event, Session, User


class Broken:
    """A stream that cannot be written."""

    def __init__(self, error):
        self.error = error

    def write(self, _text):
        raise self.error

    flush = write


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), ValueError("closed"), BrokenPipeError()]
)
def test_b155_a_log_that_cannot_be_written_breaks_no_request(app, error, monkeypatch):
    stream = Broken(error)
    monkeypatch.setattr(sys, "stderr", stream)
    browser = Browser(app)
    browser.client.environ_base["wsgi.errors"] = stream
    assert browser.sign_up("Jane").status_code == 302
    assert browser.client.post("/logout").status_code == 400
    monkeypatch.setattr(users, "log_in", lambda *_: 1 / 0)
    assert Browser(app).log_in("Jane").status_code == 500
    assert (User.select().count(), Event.select().count()) == (1, 1)


def test_b155_without_any_standard_error_requests_are_answered(app, monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    browser = Browser(app)
    browser.client.environ_base["wsgi.errors"] = None
    assert browser.sign_up("Jane").status_code == 302


@pytest.mark.parametrize("target", ["full disk", "closed", "nobody reads"])
def test_b155_the_server_goes_on_when_its_log_cannot_be_written(settings, target):
    settings["PORT"] = str(free_port())
    command = {
        "full disk": "exec 2>/dev/full",
        "closed": "exec 2>&-",
        "nobody reads": "exec 2> >(exit)",
    }[target]
    process = subprocess.Popen(
        ["bash", "-c", f'{command}; exec "{sys.executable}" -m flask serve'],
        env=environment(settings), cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        assert wait_until(lambda: process.poll() is not None or listens(int(settings["PORT"])))
        visitor = Visitor(settings)
        assert visitor.submit("/signup", "Jane")[0] == 302
        assert visitor.is_signed_in()
        assert visitor.send("/login", {"username": "Jane"})[0] == 302
        assert sql(settings, "SELECT kind FROM event") == [("user_created",)]
    finally:
        os.killpg(process.pid, 9)
        process.wait()


def test_a_failing_log_after_the_commit_does_not_undo_or_deny_it(app, monkeypatch):
    class Failing(logging.Handler):
        def emit(self, record):
            try:
                raise OSError("disk of the log full")
            except OSError:
                self.handleError(record)

    monkeypatch.setattr(logging.getLogger("vestibule"), "handlers", [Failing()])
    browser = Browser(app)
    assert browser.sign_up("Jane").status_code == 302
    assert browser.is_signed_in()
    form = hidden_fields(page_form(browser.get("/profile").text, "/logout"))
    assert browser.client.post("/logout", data=form).status_code == 302
    assert Session.select().count() == 0
