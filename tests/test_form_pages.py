"""What form_page does for an adopter's page: fill in, refuse, give another answer."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import PASSWORD, Browser, field, field_error, hidden_fields, page_form, page_text
from flask import abort, redirect
from jinja2 import ChoiceLoader, DictLoader

import accounts.settings
from accounts import hashing, users
from accounts.errors import AccountError, Busy
from blueprints.auth import LoginForm, SignupForm
from blueprints.profile import DeleteForm, PasswordForm, UsernameForm
from web.forms import Form, Text, form_page

TEMPLATE = """{% extends "base.html" %}{% from "_fields.html" import field %}
{% block title %}Note{% endblock %}{% block heading %}<h1>Note</h1>{% endblock %}
{% block content %}
<form method="post">{{ form.hidden_tag() }}{{ field(form.text) }}{{ field(form.colour) }}</form>
{% endblock %}"""
NOTES = {"1": {"text": "buy milk", "colour": "red"}}


class TooLong(AccountError):
    field = "text"


def short(text):
    if len(text) > 20:
        raise TooLong("At most 20 characters.")
    return text.upper()


class NoteForm(Form):
    template = "note.html"
    text = Text("Text", short)
    colour = Text("Colour")


@pytest.fixture
def saved(app):
    """What the pages /notes/… have saved."""
    saved = []

    def prepare(note_id):
        if note_id == "done":
            return redirect("/profile")
        if note_id == "new":
            return None
        return NOTES.get(note_id) or abort(404)

    def edit(form, note_id):
        saved.append((note_id, form.text.data, form.colour.data))
        if form.text.data == "TAKEN":
            raise TooLong("There is such a note.")
        return redirect(f"/own/{note_id}")

    app.jinja_env.loader = ChoiceLoader([DictLoader({"note.html": TEMPLATE}), app.jinja_env.loader])
    view = form_page(NoteForm, prepare)(edit)
    app.add_url_rule("/own/<note_id>", "note", view, methods=["GET", "POST"])
    return saved


def values(page):
    return {name: field(page.text, name).get("value") for name in ("text", "colour")}


def test_the_form_is_filled_in_with_what_prepare_returns(saved, jane):
    page = jane.get("/own/1")
    assert page.status_code == 200
    assert values(page) == NOTES["1"]
    assert page_form(page.text, "/own/1").find(autofocus=True) is None


def test_what_was_posted_wins(saved, jane):
    answer = jane.submit("/own/1", {"text": "buy tea", "colour": "green"})
    assert (answer.status_code, answer.location) == (302, "/own/1")
    assert saved == [("1", "BUY TEA", "green")]


@pytest.mark.parametrize("left_out", [{"colour": ""}, {}], ids=["empty", "missing"])
def test_an_empty_field_stays_empty(saved, jane, left_out):
    jane.submit("/own/1", {"text": "buy tea", **left_out})
    assert saved == [("1", "BUY TEA", "")]


def test_a_refused_form_is_shown_as_typed_not_as_it_was_filled_in(saved, jane):
    page = jane.submit("/own/1", {"text": "x" * 21, "colour": "green"})
    assert page.status_code == 400
    assert "At most 20" in field_error(page.text, "text")
    assert values(page) == {"text": "x" * 21, "colour": "green"}
    assert saved == []


def test_a_refusal_by_a_rule_stands_at_its_field(saved, jane):
    page = jane.submit("/own/1", {"text": "taken", "colour": "green"})
    assert page.status_code == 400
    assert "such a note" in field_error(page.text, "text")
    assert values(page) == {"text": "taken", "colour": "green"}


def test_a_form_that_expired_is_shown_as_typed(saved, jane):
    page = jane.client.post("/own/1", data={"text": "buy tea", "colour": "green"})
    assert page.status_code == 400
    assert "This form expired. Please submit it again." in page_text(page.text)
    assert values(page) == {"text": "buy tea", "colour": "green"}
    assert saved == []


@pytest.mark.parametrize(
    ("path", "typed", "said"),
    [
        ("/signup", {"username": "a b", "password": "password1"},
         {"username": "spaces", "password": "very common"}),
        ("/signup", {"username": "", "password": "password1"},
         {"username": "Enter a username", "password": "very common"}),
        ("/profile/password", {"current_password": "", "new_password": "password1"},
         {"current_password": "Enter your", "new_password": "very common"}),
        ("/profile/password", {"current_password": "x" * 256, "new_password": "Jane1234"},
         {"current_password": "at most 255", "new_password": "very common"}),
        ("/profile/username", {"new_username": "Jane", "current_password": ""},
         {"new_username": "already", "current_password": "Enter your"}),
        ("/profile/username", {"new_username": "root", "current_password": ""},
         {"new_username": "reserved", "current_password": "Enter your"}),
        ("/profile/delete", {"username": "Janet", "current_password": ""},
         {"username": "not your username", "current_password": "Enter your"}),
        ("/profile/delete", {"username": "x" * 5000, "current_password": "x" * 256},
         {"username": "not your username", "current_password": "at most 255"}),
    ],
)  # fmt: skip
def test_all_that_is_wrong_is_said_at_once_without_a_hash(
    app, jane, monkeypatch, path, typed, said
):
    monkeypatch.setattr(accounts.settings, "PASSWORD_COMMON", "refuse")
    monkeypatch.setattr(hashing, "run", lambda *_, **__: pytest.fail("a hash"))
    answer = (Browser(app) if path == "/signup" else jane).submit(path, typed)
    assert answer.status_code == 400
    for name, words in said.items():
        assert words in field_error(answer.text, name)


def test_prepare_may_find_nothing(saved, jane):
    token = hidden_fields(page_form(jane.get("/own/new").text, "/own/new"))
    assert jane.get("/own/2").status_code == 404
    assert jane.client.post("/own/2", data={"text": "x", **token}).status_code == 404
    assert saved == []


def test_prepare_may_give_an_answer_in_place_of_the_form(saved, jane):
    token = hidden_fields(page_form(jane.get("/own/new").text, "/own/new"))
    answers = [
        jane.get("/own/done"),
        jane.client.post("/own/done", data={"text": "x", **token}),
    ]
    assert [(answer.status_code, answer.location) for answer in answers] == [(302, "/profile")] * 2
    assert saved == []


def test_without_anything_to_fill_in_the_form_is_empty(saved, jane):
    assert values(jane.get("/own/new")) == {"text": None, "colour": None}
    jane.get("/own/1")
    assert values(jane.get("/own/new")) == {"text": None, "colour": None}


def test_an_adopters_page_is_closed_to_strangers(saved, browser):
    for answer in (
        browser.get("/own/1"),
        browser.client.post("/own/1", data={"text": "x"}),
    ):
        assert (answer.status_code, answer.location) == (302, "/")
    assert saved == []


def state(form):
    """Return everything that a form and its fields hold, objects by identity."""
    fields = {each.name: dict(vars(each)) for each in form}
    return {**vars(form), "fields": fields}


def refusals(app, monkeypatch):
    """Cause every kind of page that shows a form with an error."""
    browser = Browser(app)
    browser.sign_up("Jane", "short")
    browser.sign_up("Jane")
    for path, fields in {
        "/profile/password": {"current_password": "wrong horse", "new_password": "another horse"},
        "/profile/username": {"current_password": PASSWORD, "new_username": "x"},
        "/profile/delete": {"current_password": PASSWORD, "username": "Other"},
    }.items():
        assert browser.submit(path, fields).status_code == 400
        assert browser.client.post(path, data=fields).status_code == 400, "no token"
    other = Browser(app)
    for name, password in (("Jane", "wrong horse"), ("", ""), ("a" * 32, "x")):
        assert other.log_in(name, password).status_code == 400
    assert other.sign_up("Jane").status_code == 400, "taken"
    assert other.client.post("/login", data={"username": "Jane"}).status_code == 400, "no token"
    with monkeypatch.context() as patch:
        patch.setattr(hashing, "run", fail_with(Busy()))
        assert other.log_in("Jane").status_code == 503
        assert other.sign_up("Other").status_code == 503
        patch.setattr(users, "log_in", fail_with(AccountError("no")))
        assert other.log_in("Jane").status_code == 400


def fail_with(error):
    def fail(*_args, **_options):
        raise error

    return fail


FORMS = [LoginForm, SignupForm, PasswordForm, UsernameForm, DeleteForm]


def test_the_form_that_all_visitors_share_is_never_written_to(app, monkeypatch):
    with app.test_request_context("/login"):
        shared = {form: form.unsent() for form in FORMS}
        before = {form: state(each) for form, each in shared.items()}
    first = Browser(app).get("/login").text
    refusals(app, monkeypatch)
    with app.test_request_context("/login"):
        for form, each in shared.items():
            assert state(each) == before[form]
            assert state(form.unsent()).keys() == before[form].keys()
    again = Browser(app).get("/login").text
    tokens = [hidden_fields(page_form(page, "/login"))["csrf_token"] for page in (first, again)]
    assert first.replace(tokens[0], "") == again.replace(tokens[1], "")


def test_a_form_asked_for_while_another_is_posted_holds_nothing_of_it(app):
    class EmptyForm(Form):
        template = "note.html"
        text = Text("Text")

    with app.test_request_context("/login", method="POST", data={"text": "of another visitor"}):
        assert EmptyForm.unsent().text.data == ""
    with app.test_request_context("/login"):
        assert EmptyForm.unsent().text.data == ""


def test_visitors_at_the_same_moment_get_their_own_tokens_and_errors(app):
    """Some open the form, some are refused: no page shows anything of another visitor's."""
    at_once = threading.Barrier(8)

    def visit(number):
        browser = Browser(app)
        at_once.wait()
        pages = []
        for _ in range(5):
            pages.append(browser.get("/login").text)
            if number % 2:
                refused = browser.log_in(f"visitor{number}", "wrong horse")
                assert field(refused.text, "username")["value"] == f"visitor{number}"
        return pages

    with ThreadPoolExecutor(8) as threads:
        every = list(threads.map(visit, range(8)))
    tokens = [
        {hidden_fields(page_form(page, "/login"))["csrf_token"] for page in pages}
        for pages in every
    ]
    assert [len(each) for each in tokens] == [1] * 8
    assert len(set().union(*tokens)) == 8
    assert not any("visitor" in page or "Incorrect" in page for pages in every for page in pages)
