"""The endpoint answers members with JSON."""

import notebook
from conftest import Browser

from models import User


def test_members_get_their_notes_and_strangers_are_sent_to_the_start(app, jane: Browser) -> None:
    notebook.add_note(User.get(), "milk")
    answer = jane.get("/notes/all.json")
    assert answer.mimetype == "application/json"
    assert [note["text"] for note in answer.json["notes"]] == ["milk"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert Browser(app).get("/notes/all.json").headers["Location"] == "/"
