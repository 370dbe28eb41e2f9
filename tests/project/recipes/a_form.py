"""The form writes and changes notes, checks them, and keeps strangers out."""

import pytest
from conftest import Browser, field, field_error, hidden_fields, page_form

from models import Note


def test_a_note_is_written_and_changed(jane: Browser) -> None:
    assert jane.submit("/notes/new", {"text": "milk"}).headers["Location"] == "/notes"
    address = f"/notes/{Note.get().id}"
    assert field(jane.get(address).text, "text")["value"] == "milk"
    assert jane.submit(address, {"text": "bread"}).headers["Location"] == "/notes"
    assert [note.text for note in Note.select()] == ["bread"]


@pytest.mark.parametrize("wrong", ["", "x" * 501, "a\0b"])
def test_a_wrong_one_is_refused_at_the_field(jane: Browser, wrong: str) -> None:
    answer = jane.submit("/notes/new", {"text": wrong})
    assert answer.status_code == 400
    assert "1 to 500 characters" in field_error(answer.text, "text")
    assert Note.select().count() == 0


def test_a_note_of_another_user_is_a_404(app, jane: Browser) -> None:
    jane.submit("/notes/new", {"text": "milk"})
    other = Browser(app)
    other.sign_up("Other")
    token = hidden_fields(page_form(other.get("/notes/new").text, "/notes/new"))
    for address in (f"/notes/{Note.get().id}", "/notes/999", f"/notes/{2**63}"):
        assert other.get(address).status_code == 404
        assert other.client.post(address, data={"text": "mine", **token}).status_code == 404
    assert Note.get().text == "milk"


def test_strangers_and_foreign_forms_write_nothing(app, jane: Browser) -> None:
    stranger = Browser(app)
    assert stranger.get("/notes/new").headers["Location"] == "/"
    assert stranger.client.post("/notes/new", data={"text": "milk"}).headers["Location"] == "/"
    without_token = jane.client.post("/notes/new", data={"text": "milk"})
    assert without_token.status_code == 400
    assert field(without_token.text, "text")["value"] == "milk"
    assert Note.select().count() == 0
