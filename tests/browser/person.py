"""What a person does at a page, and sees."""

from conftest import PASSWORD
from playwright.sync_api import Locator, Page, expect


def box(page: Page, label: str) -> Locator:
    """The input with this label."""
    return page.get_by_label(label, exact=True)


def press(page: Page, name: str) -> None:
    """Press the first button of this name."""
    page.get_by_role("button", name=name, exact=True).first.click()


def send(page: Page, path: str, button: str, **typed: str) -> None:
    """Open a page, fill in its form by label (`New_username` is "New username") and send it."""
    page.goto(path)
    for label, text in typed.items():
        box(page, label.replace("_", " ")).fill(text)
    press(page, button)


def sign_up(page: Page, username: str = "Jane", password: str = PASSWORD) -> None:
    """Sign up, and see the profile."""
    send(page, "/signup", "Sign up", Username=username, Password=password)
    expect(page).to_have_url("/profile")


def log_in(page: Page, username: str = "Jane", password: str = PASSWORD) -> None:
    """Try to log in."""
    send(page, "/login", "Log in", Username=username, Password=password)


def log_out(page: Page) -> None:
    """Press the button at the top of a page."""
    press(page, "Log out")
    expect(heading(page)).to_have_text("Come in")


def heading(page: Page) -> Locator:
    """The heading of the page."""
    return page.locator("h1")


def alert(page: Page) -> Locator:
    """What is wrong, above the form."""
    return page.get_by_role("alert")
