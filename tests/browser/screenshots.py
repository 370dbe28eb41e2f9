"""bin/screenshots: the pictures of the README, from an application on a temporary database.

bin/screenshots FOLDER writes every state of every page, at three widths in both schemes.
"""

import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page
from processes import free_port, server

from .chromium import chromium, find_chromium
from .person import box, press
from .states import STATES, State, signed_in

DOCS = Path(__file__).parents[2] / "docs"
Sizes = dict[str, tuple[int, int, str]]
README_SIZES: Sizes = {scheme: (1000, 640, scheme) for scheme in ("light", "dark")}
ALL_SIZES: Sizes = {
    f"{width}-{scheme}": (width, 700, scheme)
    for width in (320, 390, 1280)
    for scheme in ("light", "dark")
}


def wrong_sign_up(page: Page) -> None:
    """Sign up with a name of two words, and look at the password."""
    page.goto("/signup")
    box(page, "Username").fill("Jane Smith")
    box(page, "Password").fill("correct horse battery")
    press(page, "Sign up")
    box(page, "Password").fill("correct horse battery")
    press(page, "Show password")
    box(page, "Username").focus()


PICTURES: dict[str, State] = {
    "signup": wrong_sign_up,
    "profile": signed_in("/profile", "JaneSmith"),
}


@contextmanager
def running_site() -> Iterator[str]:
    """Run the application on a database that is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        settings = {
            "PORT": str(free_port()),
            "DATABASE_URL": f"sqlite:///{folder}/pictures.db",
            "SECRET_KEY": "0123456789abcdef" * 4,
        }
        with server(settings):
            yield f"http://127.0.0.1:{settings['PORT']}"


def take(browser: Browser, name: str, state: State, folder: Path, sizes: Sizes) -> None:
    """Write pictures of one state into a folder, by a browser that has been nowhere yet."""
    with running_site() as base:
        context = browser.new_context(base_url=base, reduced_motion="reduce", locale="en-GB")
        page = context.new_page()
        state(page)
        for suffix, (width, height, scheme) in sizes.items():
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=folder / f"{name}-{suffix}.png", full_page=folder != DOCS)
        context.close()


def main(folder: Path | None) -> None:
    """Take the pictures of the README, or all there are."""
    executable = find_chromium() or sys.exit("This needs Chromium. Debian: apt install chromium")
    with chromium(executable) as browser:
        for name, state in (STATES if folder else PICTURES).items():
            file_name = re.sub(r"\W+", "-", name)
            take(browser, file_name, state, folder or DOCS, ALL_SIZES if folder else README_SIZES)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
