"""The start page, and the addresses that machines request."""

import pytest
from conftest import soup, sql


def links(html):
    return {link["href"] for link in soup(html).find("main").find_all("a")}


def test_home_tells_a_stranger_what_this_is_and_links_to_sign_up_log_in_and_profile(browser):
    page = browser.get("/")
    assert page.status_code == 200
    assert {"/signup", "/login", "/profile"} <= links(page.text)
    assert "username and a password" in soup(page.text).find("main").get_text()


def test_home_greets_a_logged_in_visitor_by_username_and_links_to_the_profile(jane):
    page = jane.get("/")
    assert page.status_code == 200
    assert soup(page.text).h1.get_text(" ", strip=True) == "Hello, Jane"
    assert "/profile" in links(page.text)
    assert not {"/signup", "/login"} & {link["href"] for link in soup(page.text).find_all("a")}


def test_home_has_a_log_out_button_that_works_for_a_logged_in_visitor(jane):
    form = soup(jane.get("/").text).find("main").find("form", action="/logout", method="post")
    assert form.button.get_text(strip=True) == "Log out"
    token = form.find("input", attrs={"name": "csrf_token"})["value"]
    assert jane.client.post("/logout", data={"csrf_token": token}).status_code == 302
    assert not jane.is_signed_in()


def test_home_shows_a_stranger_no_log_out_button(browser):
    assert soup(browser.get("/").text).find("form") is None


def test_a_stranger_who_only_looks_at_home_is_given_no_cookie(browser):
    assert "Set-Cookie" not in browser.get("/").headers


def test_head_answers_like_get_without_a_body(browser):
    answer = browser.client.head("/")
    assert (answer.status_code, answer.data) == (200, b"")


def test_healthz_says_ok_when_the_database_answers(browser):
    answer = browser.get("/healthz")
    assert (answer.status_code, answer.text, answer.mimetype) == (200, "ok", "text/plain")


def test_healthz_says_ok_to_a_logged_in_visitor_too(jane):
    assert jane.get("/healthz").text == "ok"


@pytest.mark.database("sqlite")
def test_healthz_says_503_when_the_database_file_is_gone(app, browser, tmp_path):
    assert browser.get("/healthz").status_code == 200
    (tmp_path / "test.db").unlink()
    answer = browser.get("/healthz")
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0


def test_healthz_says_503_when_the_database_has_no_tables(app, browser):
    """An installation that was never initialized is not healthy."""
    sql("DROP TABLE session")
    assert browser.get("/healthz").status_code == 503


@pytest.mark.database("sqlite")
def test_healthz_says_503_when_the_database_is_junk(app, browser, tmp_path):
    junk(tmp_path)
    assert browser.get("/healthz").status_code == 503


def junk(folder):
    """Replace the database with a file that is not one."""
    for leftover in folder.glob("test.db*"):
        leftover.unlink()
    (folder / "test.db").write_bytes(b"This is no database. " * 500)


@pytest.mark.parametrize("who", ["browser", "jane"])
def test_the_well_known_address_leads_to_the_page_that_changes_the_password(who, request):
    answer = request.getfixturevalue(who).get("/.well-known/change-password")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/profile/password")
