"""The column is in the export, and the database checks it."""

import json

import pytest
from conftest import Browser
from peewee import IntegrityError

import migrations
from models import User


def test_the_export_has_the_column(jane: Browser) -> None:
    assert json.loads(jane.get("/profile/export").data)["user"]["email"] is None
    User.update(email="jane@example.org").execute()
    content = json.loads(jane.get("/profile/export").data)
    assert content["user"]["email"] == "jane@example.org"


def test_the_database_has_it_and_checks_it(jane: Browser) -> None:
    assert migrations.differences() == ""
    with pytest.raises(IntegrityError):
        User.update(email="x" * 255).execute()
