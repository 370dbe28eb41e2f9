"""A log that cannot be written breaks nothing (B-155)."""

import fcntl
import json
import logging
import os
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress

import pytest
from conftest import Browser, hidden_fields, page_form
from ports import free_port
from processes import FLASK, ROOT, Visitor, environment, listens, sql, wait_until

from accounts import users
from models import Event, Session, User
from web import logs

PIPE = 2 * 4096  # bytes: the smallest pipe that behaves like a normal one of 65536


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


@pytest.mark.server
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


@contextmanager
def server_with_a_pipe(settings):
    """Run a server whose log goes to a small unread pipe; yield the pipe's reading end."""
    settings["PORT"] = str(free_port())
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, PIPE)
    process = subprocess.Popen(
        [*FLASK, "serve"], env=environment(settings), cwd=ROOT, stderr=writer,
        stdout=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    os.close(writer)
    try:
        assert wait_until(lambda: process.poll() is not None or listens(int(settings["PORT"])))
        with os.fdopen(reader) as log:
            yield process, log
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        process.wait()


def everything(log):
    os.set_blocking(log.fileno(), False)
    return [json.loads(line) for line in log.read().splitlines()]


@pytest.mark.server
def test_b155_a_full_pipe_that_nobody_reads_keeps_no_request_waiting(settings):
    with server_with_a_pipe(settings) as (_, log):
        visitor = Visitor(settings)
        for _ in range(99):  # one line each: log in first
            assert visitor.send("/profile")[0] == 302
        assert visitor.submit("/signup", "Jane")[0] == 302
        assert sql(settings, "SELECT kind FROM event") == [("user_created",)]
        before = everything(log)
        assert visitor.submit("/profile/password", "", "")[0] == 400
        assert visitor.send("/logout", visitor.prepare("/profile", "/logout"))[0] == 302
        lost, last = everything(log)
    assert {line["event"] for line in before} == {"authz_fail"}
    assert len(before) > PIPE // 1000
    assert (lost["event"], last["event"]) == ("sys_error", "session_ended")
    assert lost["message"] == f"{100 - len(before)} lines were lost: the log was not read"


def test_every_line_is_written_before_its_answer_and_none_is_lost_at_the_end(settings):
    with server_with_a_pipe(settings) as (process, log):
        visitor = Visitor(settings)
        for number in range(3):
            assert visitor.submit("/login", f"nobody{number}")[0] == 400
            assert [line["event"] for line in everything(log)] == ["authn_login_fail"]
        assert visitor.submit("/signup", "Jane")[0] == 302
        os.killpg(process.pid, 9)
        process.wait()
        assert [line["event"] for line in everything(log)] == ["user_created"]


@pytest.mark.server
def test_a_line_longer_than_the_pipe_is_cut_where_nobody_reads_and_whole_where_somebody_does():
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, PIPE)
    with os.fdopen(writer, "w") as stream, os.fdopen(reader) as log:
        handler = logs.LineHandler(stream)
        long = logging.makeLogRecord({"msg": "x" * 2 * PIPE})
        handler.handle(long)
        os.set_blocking(reader, False)
        assert set(log.read()) == {"x"}
        handler.handle(logging.makeLogRecord({"msg": "short"}))
        assert log.read().splitlines()[1:] == ["1 lines were lost: the log was not read", "short"]
        os.set_blocking(reader, True)
        thread = threading.Thread(target=handler.handle, args=[long])
        thread.start()
        assert log.readline() == "x" * 2 * PIPE + "\n"
        thread.join()
