"""The application behind a real socket, and a real browser in front of it.

A test that asks for `page` has JavaScript; one that asks for `either` runs with and without. By
its end, the browser must have written nothing to its console and contacted no other host.
One that asks for `firefox` or `either_firefox` has Firefox instead.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

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


class SilentHandler(WSGIRequestHandler):
    """Keeps connections open, as servers do, and logs nothing."""

    protocol_version = "HTTP/1.1"

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
    server = make_server("127.0.0.1", 0, whole, threaded=True, request_handler=SilentHandler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


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
