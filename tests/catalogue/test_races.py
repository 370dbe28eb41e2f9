"""Catalogue B-123 to B-129: two things at the same time.

B-123, B-124 also over real HTTP: test_serve_http.py. Steps in between: test_users_races.py.
B-127 (one reset code used twice at once): with the feature that has the codes.
"""

import unicodedata
from collections import Counter

import pytest
from conftest import PASSWORD, Browser, field_error, hidden_fields, page_form, sql
from hostile import FORM, rows
from together import at_once

from accounts import passwords, users
from accounts.actor import OPERATOR, Actor
from accounts.sessions import opening
from database import database
from models import Event, Key, Session, User

pytestmark = pytest.mark.usefixtures("steady")


@pytest.mark.parametrize(
    "names",
    [["jane"], ["Alice", "alice", "ALICE"], ["Zoë1", unicodedata.normalize("NFD", "zoë1")]],
    ids=["one spelling", "letter case", "composition"],
)
def test_b123_b124_of_eight_sign_ups_of_one_name_at_once_exactly_one_succeeds(app, names):
    def visitor(number):
        browser = Browser(app)
        token = hidden_fields(page_form(browser.get("/signup").text, "/signup"))
        fields = FORM | {"username": names[number % len(names)]} | token
        return lambda: browser.client.post("/signup", data=fields)

    answers = at_once(*(visitor(number) for number in range(8)))
    assert Counter(answer.status_code for answer in answers) == {302: 1, 400: 7}
    refused = [answer for answer in answers if answer.status_code == 400]
    assert all("taken" in field_error(answer.text, "username") for answer in refused)
    assert rows() == (1, 1, 1)


def test_b125_of_two_password_changes_at_once_one_wins_wholly(jane):
    user = User.get()
    news = ["the first new one", "the second new one"]
    at_once(*(lambda new=new: users.set_password(user, new, OPERATOR) for new in news))
    opened = [new for new in news if passwords.verify_password(new, [Key.get().password_hash])]
    assert len(opened) == 1
    assert Session.select().count() == 0
    assert not jane.is_signed_in()
    assert Event.select().where(Event.kind == "authn_password_change").count() == 2


def test_b126_a_post_of_a_session_that_a_password_change_ends_is_refused(app, jane):
    """The change comes between opening the form and submitting it."""
    token = hidden_fields(page_form(jane.get("/profile").text, "/logout"))
    users.set_password(User.get(), "another horse", OPERATOR)
    events = Event.select().count()
    assert jane.client.post("/logout", data=token).headers["Location"] == "/"
    assert Event.select().count() == events, "nothing was done in its name"
    assert not jane.is_signed_in()


def test_b126_posts_beside_a_password_change_finish_before_or_are_refused(app, jane):
    others = [Browser(app) for _ in range(4)]
    for browser in others:
        browser.log_in("Jane")
    tokens = [hidden_fields(page_form(each.get("/profile").text, "/logout")) for each in others]
    posts = [
        lambda browser=browser, token=token: browser.client.post("/logout", data=token).status_code
        for browser, token in zip(others, tokens, strict=True)
    ]
    user = User.get()
    *statuses, _ = at_once(*posts, lambda: users.set_password(user, "another horse", OPERATOR))
    assert statuses == [302] * 4
    assert Session.select().count() == 0
    assert not any(browser.is_signed_in() for browser in [jane, *others])


def test_b128_an_account_deleted_during_its_own_requests_leaves_nothing(app, jane):
    user = User.get()
    reads = [lambda: jane.client.get("/profile").status_code for _ in range(5)]
    *statuses, _ = at_once(*reads, lambda: users.delete_user(user, OPERATOR))
    assert set(statuses) <= {200, 302}
    assert not jane.is_signed_in()
    assert rows() == (0, 0, 0)
    database.refuse_orphans()


@pytest.mark.parametrize("change", [users.delete_user, users.lock_user], ids=["deleted", "locked"])
def test_b128_an_account_that_goes_between_look_up_and_write_is_no_500(
    app, jane, change, monkeypatch
):
    sql("UPDATE session SET active_expires_at = 1, last_seen_at = 0")
    load = opening.load_joined

    def load_and_change(*args):
        session = load(*args)
        monkeypatch.setattr(opening, "load_joined", load)
        change(User.get(), OPERATOR)
        return session

    monkeypatch.setattr(opening, "load_joined", load_and_change)
    assert jane.get("/profile").status_code in (200, 302)
    assert Session.select().count() == 0
    assert not jane.is_signed_in()


def test_b128_logging_in_to_an_account_that_is_being_deleted_leaves_no_orphan(app):
    users.create_user("Jane", PASSWORD, OPERATOR)
    user = User.get()
    log_ins = [lambda: users.log_in("Jane", PASSWORD, Actor("192.0.2.1")) for _ in range(4)]
    at_once(*log_ins, lambda: users.delete_user(user, OPERATOR))
    assert rows() == (0, 0, 0)
    database.refuse_orphans()


def test_b129_requests_in_flight_never_bring_a_session_back_after_log_out(app, jane):
    for _ in range(5):
        token = hidden_fields(page_form(jane.get("/profile").text, "/logout"))
        sql("UPDATE session SET active_expires_at = 1, last_seen_at = 0")
        cookie = jane.client.get_cookie("auth_session").value
        others = [Browser(app) for _ in range(4)]
        for other in others:
            other.client.set_cookie("auth_session", cookie)
        at_once(
            *(lambda other=other: other.get("/profile") for other in others),
            lambda token=token: jane.client.post("/logout", data=token),
        )
        assert Session.select().count() == 0
        assert not any(other.is_signed_in() for other in others)
        jane.log_in("Jane")
