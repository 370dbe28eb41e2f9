"""The application behind a real socket, and a real browser in front of it.

A test that asks for `page` has JavaScript; one that asks for `either` runs with and without. By
its end, the browser must have written nothing to its console and contacted no other host.
One that asks for `firefox` or `either_firefox` has Firefox instead.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from io import BytesIO
from typing import Any
from weakref import WeakSet

import pytest
from conftest import lacking
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import WSGIRequestHandler, make_server

from .chromium import Watch, chromium, find_chromium
from .firefox import Firefox, find_firefox, running_firefox

PATIENCE = 60_000  # milliseconds; a busy machine needs them
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="package")
def real_browser() -> Iterator[Browser]:
    """Chromium. Without it the tests are skipped; in CI they fail."""
    executable = find_chromium()
    if executable is None:
        lacking("no Chromium here (Debian: apt install chromium; elsewhere: CHROMIUM=/path/to/it)")
    with chromium(executable) as browser:
        yield browser


class KeepingHandler(WSGIRequestHandler):
    """Keeps connections open, as servers do, and logs nothing."""

    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        """Let the server close the connection at the end."""
        super().setup()
        self.server.kept.add(self.connection)

    def make_environ(self) -> dict[str, Any]:
        """Read all of a request: what the application leaves would be taken for the next one."""
        environ = super().make_environ()
        length = int(environ.get("CONTENT_LENGTH") or 0)
        return {**environ, "wsgi.input": BytesIO(self.rfile.read(length))}

    def run_wsgi(self) -> None:
        """Answer last: after an answer Werkzeug reads what is left, such as the next request."""
        connection, self.wfile = self.wfile, BytesIO()
        try:
            super().run_wsgi()
            connection.write(self.wfile.getvalue())
        finally:
            self.wfile = connection

    def send_header(self, keyword: str, value: str) -> None:
        """Send a header; leave out Werkzeug's own, which says that it closes the connection."""
        if keyword != "Connection":
            super().send_header(keyword, value)

    def log(self, *args: object) -> None:
        """Say nothing."""


def in_one_piece(app: Flask) -> Callable[..., list[bytes]]:
    """Return an application whose answers are read and closed before they are sent: Werkzeug's
    server leaves a file open if the browser disconnects while the file is being sent.
    """

    def answer(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        with closing(app(environ, start_response)) as parts:  # type: ignore[type-var]
            return list(parts)

    return answer


@pytest.fixture
def site(app: Flask) -> Iterator[str]:
    """The URL of the application, which a thread serves to the browser."""
    whole = in_one_piece(app)
    server = make_server("127.0.0.1", 0, whole, threaded=True, request_handler=KeepingHandler)
    server.daemon_threads = True
    server.kept = WeakSet()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()
    for connection in list(server.kept):
        with suppress(OSError):  # the browser has closed it
            connection.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def new_page(real_browser: Browser, site: str) -> Iterator[Callable[..., Page]]:
    """Opens a page in a separate browser, which shares no cookies with others."""
    contexts = []

    def new(**options: object) -> Page:
        context = real_browser.new_context(base_url=site, **options)
        context.set_default_timeout(PATIENCE)
        contexts.append((context, Watch(context, site)))
        page = context.new_page()
        page.watch = contexts[-1][1]
        return page

    yield new
    for context, watch in contexts:
        context.close()
        assert watch.faults == []


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    """A page with JavaScript."""
    return new_page()


@pytest.fixture(params=[True, False], ids=["JavaScript", "no JavaScript"])
def either(request: pytest.FixtureRequest, new_page: Callable[..., Page]) -> Page:
    """A page with JavaScript, and one without."""
    return new_page(java_script_enabled=request.param)


@pytest.fixture(scope="package")
def real_firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    """Firefox. Without it the tests are skipped; in CI they fail."""
    executable = find_firefox()
    if executable is None:
        lacking("no Firefox here (Debian: apt install firefox-esr; elsewhere: FIREFOX=/path/to/it)")
    with running_firefox(executable, tmp_path_factory.mktemp("firefox")) as firefox:
        yield firefox


@pytest.fixture
def firefox(real_firefox: Firefox, site: str) -> Firefox:
    """Firefox with JavaScript, without cookies, cache or history."""
    real_firefox.start_over(site)
    return real_firefox


@pytest.fixture(params=[True, False], ids=["JavaScript", "no JavaScript"])
def either_firefox(request: pytest.FixtureRequest, real_firefox: Firefox, site: str) -> Firefox:
    """Likewise, with JavaScript and without."""
    real_firefox.start_over(site, javascript=request.param)
    return real_firefox
