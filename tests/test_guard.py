"""What reaches a view. What does not: catalogue/test_csrf.py, test_form_shape.py."""

import pytest
from conftest import PASSWORD, Browser, hidden_fields, page_form

from blueprints.auth import LoginForm
from web.current_session import csrf_token

FORM = {"username": "Jane", "password": PASSWORD}


def typed(browser, path):
    """Return the fields of a form, filled in, including its CSRF token."""
    return FORM | hidden_fields(page_form(browser.get(path).text, path))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://localhost"},
        {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"},
    ],
    ids=str,
)
def test_a_form_sent_from_this_site_is_taken(browser, headers):
    answer = browser.client.post("/signup", data=typed(browser, "/signup"), headers=headers)
    assert answer.headers.get("Location") == "/profile"


def test_the_form_that_all_visitors_share_has_the_token_of_each(app):
    """Flask-WTF's {{ form.hidden_tag() }} or {{ form.csrf_token }}, in a template of your own."""
    tokens = set()
    for _ in range(3):
        with app.test_request_context("/login"):
            token = csrf_token()
            form = LoginForm.unsent()
            assert f'name="csrf_token" value="{token}"' in form.hidden_tag()
            assert form.csrf_token == form.hidden_tag()
            tokens.add(token)
    assert len(tokens) == 3


def test_no_visitor_writes_to_the_form_that_all_share(app):
    pytest.importorskip("web.fast", reason="without it no form is shared")
    with app.test_request_context("/login"):
        shared = LoginForm.unsent()
        before = [dict(vars(field)) for field in shared]
    visitor = Browser(app)
    visitor.log_in("Jane", "wrong horse")
    visitor.log_in("", "")
    visitor.client.post("/login", data=FORM)
    visitor.client.post("/login", data=FORM, headers={"Origin": "null"})
    visitor.client.post("/login", data={"username": "x" * 20_000})
    assert [dict(vars(field)) for field in shared] == before
    assert (shared.errors, shared.alert, shared.context) == ({}, None, {})


@pytest.mark.parametrize("path", ["/", "/login", "/profile"])
def test_a_link_from_another_site_is_followed(jane, path):
    answer = jane.get(path, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == (302 if path == "/login" else 200)


def test_a_multipart_form_without_files_is_a_form_like_any_other(browser):
    answer = browser.client.post(
        "/signup", data=typed(browser, "/signup"), content_type="multipart/form-data"
    )
    assert answer.headers["Location"] == "/profile"
