"""What a person does and sees on a page."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urljoin

from conftest import PASSWORD, hidden_fields, page_form
from playwright.sync_api import APIRequestContext, APIResponse, Locator, Page, expect


def box(page: Page, label: str) -> Locator:
    """Return the input with this label."""
    return page.get_by_label(label, exact=True)


def press(page: Page, name: str) -> None:
    """Press the first button with this name."""
    page.get_by_role("button", name=name, exact=True).first.click()


def send(page: Page, path: str, button: str, **typed: str) -> None:
    """Open a page, fill in its form by label (`New_username` is "New username") and submit it."""
    page.goto(path)
    for label, text in typed.items():
        box(page, label.replace("_", " ")).fill(text)
    press(page, button)


def sign_up(page: Page, username: str = "Jane", password: str = PASSWORD) -> None:
    """Sign up, and see the profile."""
    send(page, "/signup", "Sign up", Username=username, Password=password)
    page.wait_for_url("/profile")


def join(page: Page, username: str = "Jane", password: str = PASSWORD) -> None:
    """Sign up without opening a page, which is faster: for tests of what comes afterwards."""
    answer = post(page.request, "/signup", username=username, password=password)
    assert answer.url.endswith("/profile"), answer.text()


def post(browser: APIRequestContext, path: str, **typed: str) -> APIResponse:
    """Fill in the form of a page and submit it, without opening the page."""
    form = page_form(browser.get(path).text(), path)
    return browser.post(path, form={**hidden_fields(form), **typed})


@contextmanager
def elsewhere(
    page: Page, username: str = "Jane", password: str = PASSWORD, user_agent: str | None = None
) -> Iterator[APIRequestContext]:
    """Log in from another browser, without opening a page."""
    base = urljoin(page.request.get("/healthz").url, "/")
    context = page.context.browser.new_context(base_url=base, user_agent=user_agent)
    answer = post(context.request, "/login", username=username, password=password)
    assert answer.url.endswith("/profile"), answer.text()
    yield context.request
    context.close()


def log_in(page: Page, username: str = "Jane", password: str = PASSWORD) -> None:
    """Try to log in."""
    send(page, "/login", "Log in", Username=username, Password=password)


def log_out(page: Page) -> None:
    """Press the button at the top of a page."""
    press(page, "Log out")
    expect(page.get_by_role("status")).to_contain_text("now logged out")


def tab_to(page: Page, name: str) -> None:
    """Press Tab until an element with this name has the focus; the focus must be visible."""
    names = "e => [e.ariaLabel, e.innerText, e.labels?.[0]?.textContent]"
    focused = page.locator(":focus-visible")
    for _ in range(30):
        page.keyboard.press("Tab")
        if focused.count() and name in focused.evaluate(names):
            assert focused.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
            return
    raise AssertionError(f"Tab never came to {name}")


def heading(page: Page) -> Locator:
    """Return the heading of the page."""
    return page.locator("h1")


def alert(page: Page) -> Locator:
    """Return the error message above the form."""
    return page.get_by_role("alert")
