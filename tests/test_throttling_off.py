"""LIMIT_…=off: nothing is counted, and nobody waits."""

from collections.abc import Iterator

import pytest
from conftest import CHEAP_ARGON2, NO_LIMITS, Browser
from flask import Flask

import migrations
from accounts import passwords
from app import create_app
from database import database
from models import Counter


@pytest.fixture(params=[*NO_LIMITS, "all"])
def app(
    request: pytest.FixtureRequest, settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Flask]:
    """Vestibule with one limit off, or with all of them."""
    monkeypatch.setattr(passwords, "ARGON2", CHEAP_ARGON2)
    off = {name: "off" for name in NO_LIMITS if request.param in ("all", name)}
    app = create_app({**settings, **dict.fromkeys(NO_LIMITS, "1000/minute"), **off})
    migrations.upgrade()
    yield app
    database.close_all()


def test_forms_work_and_nothing_is_counted(app: Flask, request: pytest.FixtureRequest) -> None:
    stranger, owner = Browser(app), Browser(app)
    assert owner.sign_up("Jane").status_code == 302
    assert owner.log_out().status_code == 302
    for browser in (stranger, owner):
        for _ in range(3):
            assert browser.log_in("Jane", "wrong horse").status_code == 400
        assert browser.log_in("Jane").status_code == 302
    assert (Counter.select().count() == 0) == (request.node.callspec.params["app"] == "all")
