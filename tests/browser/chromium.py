"""Where the browser is, how to start it, and what it must not have logged by the end of a test."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
# The sandbox needs rights that a container lacks; the rest keeps Chromium from phoning home.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# Playwright turns off the back/forward cache, which tests of Back after log-out need.
NO_FROZEN_PAGES = "--disable-back-forward-cache"

LOG_OUTS = r"(logout|profile/delete|profile/sessions/\w+/end)"


def find_chromium() -> str | None:
    """Return the path of the browser; CHROMIUM overrides it."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def chromium(executable: str) -> Iterator[Browser]:
    """Run the browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable, args=FLAGS, ignore_default_args=[NO_FROZEN_PAGES]
        )
        yield browser
        browser.close()


class Watch:
    """Records whatever a context logs or requests but should not."""

    def __init__(self, context: BrowserContext, base: str) -> None:
        self.base = base
        self.faults: list[str] = []
        self.requests: list[tuple[str, str]] = []
        context.on("console", self._console)
        context.on("weberror", lambda error: self.faults.append(str(error.error)))
        context.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        if not self._is_expected(message):
            self.faults.append(f"{message.type}: {message.text} ({message.location})")

    def _is_expected(self, message: ConsoleMessage) -> bool:
        """Return whether Chromium logged the message by itself, for an error page or a log-out."""
        path = urlsplit(message.location["url"]).path
        if message.text.startswith("Failed to load resource: the server responded with"):
            return not path.startswith("/static/")
        return bool(re.match(f"Clear-Site-Data header on '{self.base}/{LOG_OUTS}': ", message.text))

    def _request(self, request) -> None:
        url = urlsplit(request.url)
        if f"{url.scheme}://{url.netloc}" != self.base:
            self.faults.append(f"asked for {request.url}")
        self.requests.append((request.method, url.path))
