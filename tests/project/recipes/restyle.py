"""Pages link to a stylesheet with the new colors and fonts, at a new address."""

from conftest import Browser, soup


def test_the_stylesheet_has_the_new_values(browser: Browser) -> None:
    address = soup(browser.get("/").text).find("link", rel="stylesheet")["href"]
    with browser.get(address) as answer:
        assert "--door: #1d4f91" in answer.text
        assert "--door: #9cc4f5" in answer.text
        assert "#1a5646" not in answer.text


def test_the_header_has_the_new_mark(browser: Browser) -> None:
    assert soup(browser.get("/").text).header.find("circle")
