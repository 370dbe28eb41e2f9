"""Notes are listed for their owner, exported, and deleted with their user."""

import json

import notebook
import pytest
from conftest import Browser
from peewee import IntegrityError

import migrations
from accounts import users
from accounts.actor import OPERATOR
from models import Note, User


def test_notes_are_shown_exported_and_deleted_with_their_user(app, jane: Browser) -> None:
    user = User.get()
    notebook.add_note(user, "<b>milk</b>")
    other = Browser(app)
    other.sign_up("Other")
    assert "&lt;b&gt;milk" in jane.get("/notes").text
    assert "milk" not in other.get("/notes").text
    assert notebook.find_note(Note.get().id, User.get(User.username == "Other")) is None
    assert json.loads(jane.get("/profile/export").data)["notes"][0]["text"] == "<b>milk</b>"
    users.delete_user(user, OPERATOR)
    assert Note.select().count() == 0


def test_the_database_has_the_table_and_checks_it(jane: Browser) -> None:
    assert migrations.differences() == ""
    for text in ("", "x" * 501):
        with pytest.raises(IntegrityError):
            notebook.add_note(User.get(), text)
