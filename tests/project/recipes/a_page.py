"""The page is closed to strangers, who get there by logging in."""

from conftest import Browser, soup


def test_strangers_are_sent_to_the_start_and_back(app, jane: Browser) -> None:
    stranger = Browser(app)
    assert stranger.get("/notes").headers["Location"] == "/"
    assert stranger.log_in("Jane").headers["Location"] == "/notes"
    assert "Notes of Jane" in " ".join(soup(stranger.get("/notes").text).h1.stripped_strings)


def test_the_profile_links_to_it(jane: Browser) -> None:
    assert soup(jane.get("/profile").text).find("a", href="/notes")
