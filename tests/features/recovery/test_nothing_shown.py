"""A copy of the database, the log, the export and every page together are no code and no link."""

import logging

import pytest
from conftest import PASSWORD, Browser
from flask import Flask
from test_nothing_shown_opens_a_session import column_values, strings

from accounts.sessions import hash_token
from features.recovery.codes import MistypedCode, hash_code, parse_code
from features.recovery.models import RecoveryCode, ResetLink
from models import User
from web.logs import JSONLines

from .conftest import make_kit, recover, reset

PAGES = ["/", "/profile", "/profile/recovery", "/profile/activity", "/profile/export", "/nowhere"]
FOR_STRANGERS = ["/login", "/recover", "/reset/unknown"]
COMMANDS = ["users list --json", "users show Jane --json", "users activity Jane", "doctor"]


def of_a_code(string: str, user: User) -> bytes:
    try:
        return hash_code(user.id, parse_code(string))
    except MistypedCode:
        return b""


def test_nothing_that_is_shown_logged_exported_or_stored_is_a_code_or_a_link(
    app: Flask, jane: Browser, link, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.handler.setFormatter(JSONLines())
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="peewee")
    codes, stranger, runner = make_kit(jane), Browser(app), app.test_cli_runner()
    shown = [recover(stranger, codes[0], password="short").text]
    assert recover(stranger, codes[0], password=PASSWORD).status_code == 302
    shown += [stranger.get(page).text for page in PAGES]
    path = link()
    shown += [reset(Browser(app), path, "short").text, Browser(app).get(path).text]
    shown += [stranger.get(page).text for page in PAGES]
    shown += [Browser(app).get(page).text for page in FOR_STRANGERS]
    shown += [runner.invoke(args=command.split()).output for command in COMMANDS]
    found = {one for text in [*shown, caplog.text, *column_values()] for one in strings(text)}
    assert len(found) > 300
    opening = {bytes(row.id) for model in (RecoveryCode, ResetLink) for row in model.select()}
    assert len(opening) == 8
    user = User.get()
    assert {hash_token(path.rpartition("/")[2]), of_a_code(codes[1], user)} <= opening, "it works"
    hashes = {hash_token(one) for one in found} | {of_a_code(one, user) for one in found}
    assert not hashes & opening
