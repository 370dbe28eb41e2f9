"""Every page in every state: accessibility, fit on a phone, weight, and what it loads."""

from urllib.parse import urlsplit

import pytest
from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from conftest import NO_LIMITS
from playwright.sync_api import expect

from . import person
from .states import STATES

pytestmark = pytest.mark.browser

KIB = 1024
# The second time, check only what the scheme can change.
SCHEMES = {"light": {}, "dark": {"runOnly": ["cat.color"]}}


@pytest.fixture(params=STATES)
def state(request, page):
    """A page in one of its states."""
    page.set_viewport_size({"width": 1280, "height": 800})
    STATES[request.param](page)
    expect(page.locator("h1")).to_have_count(1)
    return page


def test_a_state_is_accessible_in_both_schemes_and_fits_a_phone(state):
    """One visit for both, because most of the time is spent on reaching the state."""
    check(state)


@pytest.fixture
def strict_limits(settings):
    """Let people fail once an hour."""
    settings.update(dict.fromkeys(NO_LIMITS, "1/hour"))


@pytest.mark.parametrize("button", ["Log in", "Sign up"])
def test_so_is_a_form_that_was_sent_too_often(strict_limits, page, button):
    path = "/" + button.lower().replace(" ", "")
    person.join(page)
    page.context.clear_cookies()
    for _ in range(2):
        person.send(page, path, button, Username="Jane", Password="wrong horse")
    expect(person.alert(page)).to_contain_text("Too many attempts")
    check(page)


def check(page):
    """Check a page with axe in both schemes, its fit on phones, its weight and what it loads."""
    page.evaluate(AXE_SCRIPT)
    for scheme, options in SCHEMES.items():
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found = AxeResults(page.evaluate("options => axe.run(options)", options))
        assert found.violations_count == 0, found.generate_report()
    for width in (320, 390):
        page.set_viewport_size({"width": width, "height": 700})
        assert overflow(page) <= 0
        assert too_small(page) == []
    assert weight(page) < 40 * KIB
    assert loaded(page) == {"/static/style.css", "/static/enhance.js"}


def overflow(page):
    """Return by how many pixels the page is wider than the screen."""
    return page.evaluate("document.documentElement.scrollWidth - innerWidth")


def too_small(page):
    """Return buttons and inputs smaller than the 24 by 24 pixels of WCAG 2.5.8."""
    return page.eval_on_selector_all(
        "button, input:not([type=hidden], [hidden]), a.button",
        """all => all.filter(one => {
            const {width, height} = one.getBoundingClientRect();
            return width < 24 || height < 24;
        }).map(one => one.outerHTML)""",
    )


def weight(page):
    """Return the bytes of the page, its stylesheet and its script, uncompressed."""
    links = page.eval_on_selector_all(
        "link[rel=stylesheet], script", "all => all.map(one => one.href ?? one.src)"
    )
    files = [page.request.get(link) for link in [page.url, *links]]
    return sum(len(file.body()) for file in files)


def loaded(page):
    """Return what the page has loaded besides itself, its icon and the answers to its forms."""
    names = page.evaluate(
        """performance.getEntriesByType("resource").filter(one => one.initiatorType !== "fetch")
            .map(one => one.name)"""
    )
    return {urlsplit(name).path for name in names} - {"/static/favicon.svg"}


def test_a_first_view_is_three_requests_beside_the_icon(page):
    page.goto("/signup")
    page.wait_for_load_state("networkidle")
    asked = [path for _, path in page.watch.requests if path != "/static/favicon.svg"]
    assert asked == ["/signup", "/static/style.css", "/static/enhance.js"]


def test_a_second_view_asks_for_nothing_but_the_page(page):
    for path in ("/signup", "/login"):
        page.goto(path)
        page.wait_for_load_state("networkidle")
    sizes = page.evaluate(
        "performance.getEntriesByType('resource').map(one => [one.name, one.transferSize])"
    )
    assert {urlsplit(name).path for name, _ in sizes} >= {"/static/style.css", "/static/enhance.js"}
    assert {size for _, size in sizes} == {0}, "from the cache"
