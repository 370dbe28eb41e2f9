"""What is let through to a view. What is not: catalogue/test_csrf.py, test_form_shape.py."""

import pytest
from conftest import PASSWORD, hidden_fields, page_form

from blueprints.current_session import csrf_token
from blueprints.forms import LoginForm

FORM = {"username": "Jane", "password": PASSWORD}


def typed(browser, path):
    """The fields of a form, filled in, its CSRF token included."""
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
    """Flask-WTF's {{ form.hidden_tag() }}, in a template of somebody's own."""
    tokens = set()
    for _ in range(3):
        with app.test_request_context("/login"):
            token = csrf_token()
            assert f'value="{token}"' in LoginForm.unsent().hidden_tag()
            assert LoginForm.unsent().csrf_token.current_token == token
            tokens.add(token)
    assert len(tokens) == 3


@pytest.mark.parametrize("path", ["/", "/login", "/profile"])
def test_a_link_from_another_site_is_followed(jane, path):
    answer = jane.get(path, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == (302 if path == "/login" else 200)


def test_a_multipart_form_without_files_is_a_form_like_any_other(browser):
    answer = browser.client.post(
        "/signup", data=typed(browser, "/signup"), content_type="multipart/form-data"
    )
    assert answer.headers["Location"] == "/profile"
