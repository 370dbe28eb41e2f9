"""No string of any page, command output, log line, export or database column is a credential."""

import json
import logging
import re

from conftest import Browser, sql
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from profile_pages import FIREFOX, change_password, change_username, token_of

from accounts import sessions
from models import MODELS, Session
from web.logs import JSONLines

PAGES = ["/", "/profile", "/profile/password", "/profile/username", "/profile/sessions",
         "/profile/delete", "/nowhere"]  # fmt: skip
COMMANDS = ["users list --json", "users show Janet --json", "sessions list --json",
            "sessions list", "db status"]  # fmt: skip


def strings(text: str) -> set[str]:
    """Return every run of characters that a cookie could contain, and each of its parts."""
    runs = set(re.findall(r"[\w=+/.-]+", text)) | set(text.split()) | set(text.splitlines())
    return runs | {part for run in runs for part in re.split(r"[./=+]", run)}


def column_values():
    """Return every value of the database, in each form in which it could be sent."""
    for model in MODELS:
        for row in model.select().tuples():
            for value in row:
                yield str(value)
                if isinstance(value, bytes | memoryview):
                    yield from (bytes(value).hex(), bytes(value).decode("latin-1"))


def live_life(app, runner, caplog) -> set[str]:
    """Do everything that can be done to an account; return every string that was shown."""
    caplog.handler.setFormatter(JSONLines())
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="peewee")
    jane, phone = Browser(app), Browser(app)
    jane.client.environ_base["HTTP_USER_AGENT"] = FIREFOX
    jane.sign_up("Jane")
    phone.log_in("Jane", "wrong horse")
    phone.log_in("Jane")
    change_password(jane)
    change_username(jane, "Janet", "another horse")
    phone.log_in("Janet", "another horse")
    shown = [browser.get(page).text for browser in (jane, phone) for page in PAGES]
    shown += [runner.invoke(args=command.split()).output for command in COMMANDS]
    shown += [caplog.text, *column_values()]
    tokens = {token_of(browser) for browser in (jane, phone)}
    assert all(sessions.validate_session(token) for token in tokens), "the check itself works"
    return {string for text in shown for string in [text, *strings(text)]}


def test_nothing_that_is_shown_opens_a_session(app, runner, caplog):
    shown = live_life(app, runner, caplog)
    assert len(shown) > 500
    assert any(session.handle in shown for session in Session.select())
    opened = [string for string in shown if sessions.validate_session(string)]
    assert opened == []


def test_no_cookie_made_of_what_is_shown_opens_a_page(app, runner, caplog):
    shown = live_life(app, runner, caplog)
    handles = {session.handle for session in Session.select()}
    ids = {bytes(session.id).hex() for session in Session.select()}
    for string in handles | ids | {string for string in shown if len(string) >= 40}:
        stranger = Browser(app)
        if string.isascii() and string.isprintable() and len(string) < 4000:
            stranger.client.set_cookie("auth_session", string)
            assert not stranger.is_signed_in()


@hypothesis_settings(max_examples=50)
@given(data=st.data())
def test_no_piece_or_joining_of_handles_and_ids_does_either(app, data):
    if not Session.select().exists():
        Browser(app).sign_up("Jane")
        Browser(app).log_in("Jane")
    known = [
        spelling
        for session in Session.select()
        for spelling in (session.handle, bytes(session.id).hex(), session.user_id)
    ]
    parts = data.draw(st.lists(st.sampled_from(known), min_size=1, max_size=4))
    joined = data.draw(st.sampled_from(["", ".", "-", ":"])).join(parts)
    cut = data.draw(st.integers(0, len(joined)))
    for string in (joined, joined[:cut], joined[cut:], joined.upper(), joined.ljust(43, "A")[:43]):
        assert sessions.validate_session(string) is None


def test_the_same_handle_stands_everywhere(app, runner, caplog):
    caplog.handler.setFormatter(JSONLines())
    jane = Browser(app)
    jane.sign_up("Jane")
    handle = Session.get().handle
    listed = json.loads(runner.invoke(args=["sessions", "list", "--json"]).output)
    assert [session["handle"] for session in listed] == [handle]
    for page in ("/profile", "/profile/sessions"):
        assert handle in jane.get(page).text
    assert f'"session": "{handle}"' in caplog.text
    assert bytes(Session.get().id).hex().startswith(handle)
    assert sql("SELECT session FROM event").fetchone() == (handle,)
