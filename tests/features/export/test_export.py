"""GET /profile/export, and docs/export.md, which says what each field is."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import OLD_HASH, Browser, soup
from profile_pages import FIREFOX, change_password, token_of

from accounts import hooks
from models import MODELS, Event, Key, Session, User

DOCUMENT = Path(__file__).parents[3] / "docs/export.md"
EXPORTED = {User: "user", Key: "keys", Session: "sessions", Event: "events"}
# Columns left out of the export: secrets, the account itself, a row number.
LEFT_OUT = {
    User: [],
    Key: ["user", "password_hash"],
    Session: ["user", "id"],
    Event: ["user", "id"],
}


@pytest.fixture
def full(app, jane):
    """Jane with two sessions, several events and two keys."""
    change_password(jane, current="wrong horse")
    change_password(jane)
    phone = Browser(app)
    phone.client.environ_base["HTTP_USER_AGENT"] = FIREFOX
    phone.log_in("Jane", "another horse")
    Key.create(provider="other", provider_user_id="JÄNE!", user=User.get(), password_hash=OLD_HASH)
    Browser(app).sign_up("Other")
    return jane


def fields(value, path=""):
    """Yield the path of each field: "user.id", "keys[].provider"."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield f"{path}{name}" + ("[]" if isinstance(inner, list) else "")
            yield from fields(inner, f"{path}{name}.")
    elif isinstance(value, list):
        for inner in value:
            yield from fields(inner, f"{path[:-1]}[].")


def test_it_is_one_json_file_to_keep(full):
    answer = full.get("/profile/export")
    assert answer.status_code == 200
    assert answer.mimetype == "application/json"
    disposition = answer.headers["Content-Disposition"]
    assert disposition == 'attachment; filename="account.json"'
    assert answer.headers["Cache-Control"] == "no-store"
    content = json.loads(answer.data)
    assert json.loads(json.dumps(content)) == content
    assert content["user"]["username"] == "Jane"
    assert len(content["sessions"]) == 2
    assert [key["provider_user_id"] for key in content["keys"]] == ["JÄNE!", "jane"]


def test_every_field_is_documented_and_nothing_else_is(full):
    content = json.loads(full.get("/profile/export").data)
    documented = re.findall(r"^\| `([^`]+)` \|", DOCUMENT.read_text(), re.MULTILINE)
    assert len(documented) == len(set(documented))
    ours = {
        name: value for name, value in content.items() if name not in dict(hooks.export_entries)
    }
    assert set(fields(ours)) == set(documented)
    assert f"`{content['format']}`" in DOCUMENT.read_text()


@pytest.mark.parametrize("model", EXPORTED, ids=lambda model: model.__name__)
def test_the_export_must_know_this_column(full, model):
    """A new column belongs in features/export/account.py and docs/export.md, or in LEFT_OUT."""
    entry = json.loads(full.get("/profile/export").data)[EXPORTED[model]]
    shown = entry if isinstance(entry, dict) else entry[0]
    assert set(model._meta.sorted_field_names) - set(shown) == set(LEFT_OUT[model])


def test_the_export_must_know_this_table(full):
    content = json.loads(full.get("/profile/export").data)
    for model in MODELS:
        refers = User in model._meta.model_refs
        assert model._meta.table_name + "s" in content or not refers, model


def test_every_row_of_the_account_is_in_it_and_none_of_another_user(full):
    content = json.loads(full.get("/profile/export").data)
    user = User.get(User.username == "Jane")
    events = list(Event.select().where(Event.user == user).order_by(Event.id))
    assert [(e["kind"], e["detail"]) for e in content["events"]] == [
        (e.kind, e.detail) for e in events
    ]
    handles = {s.handle for s in Session.select().where(Session.user == user)}
    assert {s["handle"] for s in content["sessions"]} == handles
    assert "Other" not in json.dumps(content)


def test_it_holds_no_hash_and_no_token(full):
    text = full.get("/profile/export").text
    assert token_of(full) not in text
    for session in Session.select():
        assert bytes(session.id).hex() not in text
    for key in Key.select():
        assert key.password_hash not in text
    assert not re.search(r"argon2|s2:|[0-9a-f]{32}", text)


def test_times_are_those_of_the_rows(full):
    content = json.loads(full.get("/profile/export").data)
    made = datetime.fromisoformat(content["user"]["created_at"])
    assert made.tzinfo == UTC
    assert round(made.timestamp() * 1000) == User.get(User.username == "Jane").created_at
    assert content["user"]["locked_at"] is None


def test_the_log_in_never_leads_to_it(app):
    """Nothing would be shown, and the log-in form would stay."""
    browser = Browser(app)
    assert browser.get("/profile/export").location == "/"
    assert browser.sign_up("Jane").location == "/profile"


def test_it_is_an_ordinary_link(jane):
    """With the attribute, browsers would save the log-in page when the session is over."""
    assert "Everything stored about your account, as a JSON file" in jane.get("/profile").text
    for page in ("/profile", "/profile/delete"):
        link = soup(jane.get(page).text).find("main").find("a", href="/profile/export")
        assert not {"download", "target"} & set(link.attrs)
