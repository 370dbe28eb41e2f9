"""What a user does below /profile, in a browser with real forms."""

from conftest import PASSWORD, Browser, hidden_fields, page_form
from werkzeug.test import TestResponse

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
NEW_PASSWORD = "another horse"


def change_password(
    browser: Browser, new: str = NEW_PASSWORD, current: str = PASSWORD
) -> TestResponse:
    fields = {"current_password": current, "new_password": new}
    return browser.submit("/profile/password", fields)


def change_username(browser: Browser, new: str, current: str = PASSWORD) -> TestResponse:
    fields = {"new_username": new, "current_password": current}
    return browser.submit("/profile/username", fields)


def delete_account(browser: Browser, name: str = "Jane", current: str = PASSWORD) -> TestResponse:
    fields = {"username": name, "current_password": current}
    return browser.submit("/profile/delete", fields)


def end_session(browser: Browser, handle: str) -> TestResponse:
    """Press a button of the sessions page, even one that is not there."""
    html = browser.get("/profile/sessions").text
    hidden = hidden_fields(page_form(html, "/logout"))
    return browser.client.post(f"/profile/sessions/{handle}/end", data=hidden)


def end_other_sessions(browser: Browser) -> TestResponse:
    return browser.submit_to("/profile/sessions", "/profile/sessions/end-others", {})


def token_of(browser: Browser) -> str:
    with browser.client.session_transaction() as session:
        return session["token"]
