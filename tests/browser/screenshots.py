"""bin/screenshots: the pictures of the README, from an application on a temporary database.

bin/screenshots FOLDER writes every state of every page, at three widths in both schemes.
"""

import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from conftest import PASSWORD
from playwright.sync_api import Browser, Page
from ports import free_port
from processes import server, sql

from database import connect

from .chromium import chromium, find_chromium
from .person import box, join, post, press
from .states import STATES, State, several_sessions

DOCS = Path(__file__).parents[2] / "docs"
Sizes = dict[str, tuple[int, int, str]]
README_SIZES: Sizes = {scheme: (1000, 720, scheme) for scheme in ("light", "dark")}
ALL_SIZES: Sizes = {
    f"{width}-{scheme}": (width, 700, scheme)
    for width in (320, 390, 1280)
    for scheme in ("light", "dark")
}
CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 "
    "Safari/537.36"
)
HOUR = 3_600_000  # milliseconds
# How many hours ago each session was opened and last seen, and where; the pictured one first.
PASTS = [(50, 0, "203.0.113.7"), (29, 5, "203.0.113.7"), (3, 1, "198.51.100.23")]


def wrong_sign_up(page: Page) -> None:
    """Sign up with a name of two words, and show the password."""
    page.goto("/signup")
    box(page, "Username").fill("Jane Smith")
    box(page, "Password").fill("correct horse battery")
    press(page, "Sign up")
    box(page, "Password").fill("correct horse battery")
    press(page, "Show password")
    box(page, "Username").focus()


def some_days(page: Page) -> None:
    """Log in from three browsers, mistype the password, change the name."""
    join(page)
    several_sessions(page)
    post(page.request, "/profile/delete", username="Jane", current_password="wrong horse")
    changed = {"new_username": "JaneSmith", "current_password": PASSWORD}
    post(page.request, "/profile/username", **changed)
    page.request.get("/profile")  # uses up the message that the name was changed


# What to do, and the page to open afterwards, unless it leads there by itself.
PICTURES: dict[str, tuple[State, str]] = {
    "signup": (wrong_sign_up, ""),
    "profile": (some_days, "/profile"),
    "sessions": (some_days, "/profile/sessions"),
    "activity": (some_days, "/profile/activity"),
}
if (users := "admin, users in every state") in STATES:  # unless that feature was taken out
    PICTURES["users"] = (STATES[users], "/admin/users")


@contextmanager
def running_site() -> Iterator[dict[str, str]]:
    """Run the application on a temporary database; its address is PUBLIC_URL."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        settings = {
            "PORT": str(port),
            "PUBLIC_URL": f"http://127.0.0.1:{port}",
            "DATABASE_URL": f"sqlite:///{folder}/pictures.db",
            "SECRET_KEY": "0123456789abcdef" * 4,
        }
        with server(settings):
            connect(settings["DATABASE_URL"], folder)  # for states that no page leads to
            yield settings


@contextmanager
def visitor(browser: Browser, site: dict[str, str]) -> Iterator[Page]:
    """Open a browser without cookies."""
    looks = {"reduced_motion": "reduce", "locale": "en-GB", "user_agent": CHROME}
    context = browser.new_context(base_url=site["PUBLIC_URL"], **looks)
    yield context.new_page()
    context.close()


def take_all(browser: Browser, folder: Path) -> None:
    """Write every state into a folder."""
    for name, state in STATES.items():
        with running_site() as site, visitor(browser, site) as page:
            state(page)
            take(page, folder / re.sub(r"\W+", "-", name), ALL_SIZES, full_page=True)


def take_for_readme(browser: Browser) -> None:
    """Write the pictures of the README."""
    for name, (state, path) in PICTURES.items():
        with running_site() as site, visitor(browser, site) as page:
            state(page)
            give_pasts(site)
            if path:
                page.goto(path)
            take(page, DOCS / name, README_SIZES, full_page=False)


def take(page: Page, file: Path, sizes: Sizes, *, full_page: bool) -> None:
    """Write pictures of a page as it is, in some sizes and color schemes."""
    for suffix, (width, height, scheme) in sizes.items():
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)
        page.screenshot(path=f"{file}-{suffix}.png", full_page=full_page)


def give_pasts(site: dict[str, str]) -> None:
    """Make account, sessions and log-ins look some days old."""
    sql(site, 'UPDATE "user" SET created_at = created_at - ?', PASTS[0][0] * HOUR)
    found = sql(site, "SELECT id, lower(hex(substr(id, 1, 6))) FROM session ORDER BY created_at")
    for (session, handle), (opened, seen, place) in zip(found, PASTS, strict=False):
        past = (opened * HOUR, seen * HOUR, place, session)
        times = "created_at = created_at - ?, last_seen_at = last_seen_at - ?, ip_address = ?"
        sql(site, f"UPDATE session SET {times} WHERE id = ?", *past)
        begun = "kind IN ('user_created', 'authn_login_success')"
        sql(site, f"UPDATE event SET at = at - ? WHERE session = ? AND {begun}", past[0], handle)
        sql(site, "UPDATE event SET ip_address = ? WHERE session = ?", place, handle)


if __name__ == "__main__":
    executable = find_chromium() or sys.exit("This needs Chromium. Debian: apt install chromium")
    with chromium(executable) as browser:
        if len(sys.argv) > 1:
            take_all(browser, Path(sys.argv[1]))
        else:
            take_for_readme(browser)
