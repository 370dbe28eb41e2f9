"""POST /logout: the row is deleted, the cookie emptied, and no copy of the cookie works."""

from conftest import Browser, soup

from models import Session


def test_logging_out_leads_home_and_ends_the_session(jane):
    answer = jane.log_out()
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert Session.select().count() == 0
    assert not jane.is_signed_in()


def test_logging_out_empties_the_cookie(jane):
    jane.log_out()
    with jane.client.session_transaction() as cookie:
        assert list(cookie) == ["_flashes"], "nothing but the message that says so"
    assert "You are now logged out" in soup(jane.get("/").text).find(role="status").get_text()
    with jane.client.session_transaction() as cookie:
        assert list(cookie) == []


def test_logging_out_lets_the_browser_forget_what_it_has_seen(jane):
    assert jane.log_out().headers["Clear-Site-Data"] == '"storage"'


def test_b041_a_copy_of_the_cookie_is_a_strangers_after_logging_out(app, jane):
    thief = Browser(app)
    thief.client.set_cookie("auth_session", jane.client.get_cookie("auth_session").value)
    assert thief.is_signed_in()
    jane.log_out()
    answer = thief.get("/profile")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    with thief.client.session_transaction() as session:
        assert "token" not in session


def test_logging_out_of_one_browser_leaves_the_others(app, jane):
    other = Browser(app)
    other.log_in("Jane")
    jane.log_out()
    assert other.is_signed_in()
    assert Session.select().count() == 1


def test_logging_in_again_after_logging_out_opens_a_new_session(jane):
    before = Session.get().id
    jane.log_out()
    assert jane.log_in("Jane").status_code == 302
    assert Session.get().id != before


def test_a_stranger_who_logs_out_is_led_home_and_told_that_nothing_was_done(browser):
    answer = browser.client.post("/logout")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert "not logged in" in soup(browser.get("/").text).find(role="status").get_text()


def test_a_log_out_button_pressed_twice_leads_home_both_times(app, jane):
    form = soup(jane.get("/").text).find("form", action="/logout")
    fields = {"csrf_token": form.find("input")["value"]}
    for _ in range(2):
        answer = jane.client.post("/logout", data=fields)
        assert (answer.status_code, answer.headers["Location"]) == (302, "/")


def test_get_logout_is_405_for_a_stranger(browser):
    answer = browser.get("/logout")
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]
