"""web/forms.py, tested with a form page like one of an application behind Vestibule."""

import pytest
from conftest import field, field_error, hidden_fields, page_form, soup
from flask import abort, redirect
from jinja2 import ChoiceLoader, DictLoader
from wtforms import (
    BooleanField,
    HiddenField,
    IntegerField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from accounts.errors import AccountError
from web.forms import Form, Text, form_page

TEMPLATE = """{% extends "base.html" %}{% from "_fields.html" import show_form %}
{% block title %}Note{% endblock %}
{% block heading %}<h1>Note {{ number }}</h1>{% endblock %}
{% block content %}{{ show_form(form, "Save") }}{% endblock %}"""
NOTE = {"title": "Milk", "text": "Two <b>bottles</b>", "copies": 2, "shop": "b", "urgent": True}


class NotALink(AccountError):
    field = "link"


def parse_link(text):
    if not text.startswith("/"):
        raise NotALink("This is not a link.")
    return text.upper()


class NoteForm(Form):
    template = "note.html"
    title = StringField("Title", validators=[InputRequired("Give it a title."), Length(1, 20)])
    text = TextAreaField("Text", description="What to buy.", validators=[Length(0, 100)])
    copies = IntegerField("Copies", default=1, validators=[NumberRange(1, 9)])
    shop = SelectField("Shop", choices=["a", "b"])
    urgent = BooleanField("Urgent")
    version = HiddenField(default="1")
    link = Text("Link", parse_link, validators=[Optional()])


@pytest.fixture
def saved(app):
    """What the form page /notes/NUMBER has saved. 7 does not exist, 8 is closed."""
    saved = []

    def prepare(number):
        if number == 7:
            abort(404)
        return "closed" if number == 8 else {**NOTE, "number": number}

    @form_page(NoteForm, prepare)
    def edit(form, number):
        if form.title.data == "Taken":
            raise NotALink("This link is taken.")
        saved.append((number, form.data))
        return redirect("/")

    app.jinja_loader = ChoiceLoader([DictLoader({"note.html": TEMPLATE}), app.jinja_loader])
    app.jinja_env.loader = app.jinja_loader
    app.add_url_rule("/own/<int:number>", view_func=edit, methods=["GET", "POST"])
    return saved


def submit(jane, **typed):
    return jane.submit("/own/1", {"title": "Tea", "copies": "3", "shop": "a", **typed})


def test_get_fills_the_form_in_and_gives_the_template_the_rest(saved, jane):
    page = soup(jane.get("/own/1").text)
    assert page.h1.get_text() == "Note 1"
    assert page.find(id="title")["value"] == "Milk"
    assert page.find(id="text").get_text().strip() == "Two <b>bottles</b>"
    assert page.find(id="copies")["value"] == "2"
    assert page.find(id="shop").find(selected=True)["value"] == "b"
    assert page.find(id="urgent").has_attr("checked")
    assert not page.find(id="link").has_attr("required")
    assert page.find(id="title").has_attr("required")
    assert page.find(id="text")["aria-describedby"] == "text-hint"
    labels = [label["for"] for label in page.find("main").find_all("label")]
    assert labels == ["title", "text", "copies", "shop", "urgent", "link"]


def test_a_page_that_is_not_there_or_closed_is_so_whatever_is_sent(saved, jane):
    assert jane.get("/own/7").status_code == 404
    assert jane.get("/own/8").text == "closed"
    token = hidden_fields(page_form(jane.get("/own/1").text, "/own/1"))
    for data in (token, {}):
        assert jane.client.post("/own/7", data=data).status_code == 404
    assert jane.client.post("/own/8", data=token).text == "closed"
    assert jane.client.post("/own/8").status_code == 400
    assert saved == []


def test_a_valid_form_reaches_the_view_parsed_and_what_is_missing_is_not_taken_from_before(
    saved, jane
):
    assert submit(jane, link="/tea").status_code == 302
    assert submit(jane).status_code == 302
    (number, first), (_, second) = saved
    assert (number, first["copies"], first["link"]) == (1, 3, "/TEA")
    assert (first["urgent"], first["shop"], first["version"]) == (False, "a", "1")
    assert second["link"] == ""


@pytest.mark.parametrize(
    ("name", "typed", "message"),
    [
        ("title", "", "Give it a title."),
        ("copies", "many", "Not a valid integer value."),
        ("copies", "10", "Number must be between 1 and 9."),
        ("link", "tea", "This is not a link."),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_all_is_put_back(saved, jane, name, typed, message):
    answer = submit(jane, text="black", **{name: typed})
    page = soup(answer.text)
    assert (answer.status_code, saved) == (400, [])
    assert message in field_error(answer.text, name)
    assert page.find(role="alert").find("a", href=f"#{name}")
    assert [each["id"] for each in page.find_all(autofocus=True)] == [name]
    assert page.title.get_text().startswith("Error: Note")
    assert page.find(id="text").get_text().strip() == "black"
    assert field(answer.text, name).get("value", "") == typed
    assert page.h1.get_text() == "Note 1"


def test_a_refusal_of_the_view_is_said_at_its_field(saved, jane):
    answer = submit(jane, title="Taken", link="/tea")
    assert answer.status_code == 400
    assert "This link is taken." in field_error(answer.text, "link")
    assert field(answer.text, "link")["value"] == "/tea"


def test_an_expired_form_is_shown_again_as_typed_with_all_that_its_page_shows(saved, jane):
    answer = jane.client.post("/own/1", data={"title": "Tea", "csrf_token": "old"})
    assert answer.status_code == 400
    assert "expired" in soup(answer.text).find(role="alert").get_text()
    assert field(answer.text, "title")["value"] == "Tea"
    assert soup(answer.text).h1.get_text() == "Note 1"
