"""What the tests of the bad-input catalogue share.

The number in a test's name is the catalogue entry that it proves; test_numbers.py checks that none
is missing. Besides what it says, no entry may cause a 500, a traceback, or a change to rows that it
does not name.
"""

from collections.abc import Mapping

from conftest import PASSWORD, Browser, hidden_fields, page_form, sql

from models import Key, Session, User

FORM = {"username": "Jane", "password": PASSWORD}


def rows() -> tuple[int, int, int]:
    """Return how many users, keys and sessions there are."""
    return User.select().count(), Key.select().count(), Session.select().count()


def content() -> dict[str, list[tuple]]:
    """Return everything stored about accounts, except counters of tries."""
    tables = ("user", "key", "session", "event")
    return {name: sql(f'SELECT * FROM "{name}"').fetchall() for name in tables}


def typed(browser: Browser, path: str) -> dict[str, str]:
    """Return the fields of a form, filled in, including its CSRF token."""
    return FORM | hidden_fields(page_form(browser.get(path).text, path))


def raw_post(browser: Browser, path: str, body: Mapping[str, str], **options: object):
    """Send a form whose values are already percent-encoded."""
    token = hidden_fields(page_form(browser.get(path).text, path))
    encoded = "&".join(f"{name}={value}" for name, value in {**body, **token}.items())
    return browser.client.post(
        path, data=encoded, content_type="application/x-www-form-urlencoded", **options
    )


def only_local(location: str) -> bool:
    """Return whether a Location, as a browser reads it, stays on this site."""
    if location.startswith("http://localhost/"):
        return True
    plain = location.isascii() and location.isprintable()
    return plain and location.startswith("/") and location[1:2] not in ("/", "\\")
