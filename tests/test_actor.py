import pytest
from conftest import PASSWORD
from flask import Flask

from accounts import sessions, users
from accounts.actor import OPERATOR, USER_AGENT_MAX, Actor
from models import Event, Session


@pytest.mark.parametrize(
    ("peer", "kept"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("", ""),
        (None, ""),
        ("unix:", ""),
        ("192.0.2.1, 10.0.0.1", ""),
        ("<script>", ""),
    ],
)
def test_an_address_has_one_spelling_and_what_is_none_is_left_out(
    peer: str | None, kept: str
) -> None:
    assert Actor.visitor(peer, "").ip_address == kept


def test_a_user_agent_of_4_byte_characters_fits_the_column(app: Flask) -> None:
    users.sign_up("Jane", PASSWORD, Actor.visitor("", "🙂" * 300))
    assert Session.get().user_agent == "🙂" * USER_AGENT_MAX


def test_an_event_names_who_did_it_to_another_account_and_nobody_else(app: Flask) -> None:
    jane, lucy = (users.sign_up(name, PASSWORD, Actor("192.0.2.1")) for name in ("Jane", "Lucy"))
    by_jane = Actor("192.0.2.1", session=sessions.validate_session(jane.token))
    users.change_username("Janet", PASSWORD, by_jane)
    users.rename_user(lucy.user, "Lucia", OPERATOR)
    users.lock_user(lucy.user, by_jane)
    acts = [(event.kind, event.actor) for event in Event.select().order_by(Event.id)]
    assert acts == [
        ("user_created", None),
        ("user_created", None),
        ("user_renamed", None),
        ("user_renamed", None),
        ("user_locked", jane.user.id),
        ("session_ended", jane.user.id),
    ]
    users.delete_user(lucy.user, by_jane)
    users.delete_user(jane.user, OPERATOR)
    left = [(event.kind, event.user_id, event.actor) for event in Event.select()]
    assert left == [("user_deleted", None, jane.user.id), ("user_deleted", None, None)]


def test_an_event_of_an_own_deletion_names_nobody(app: Flask) -> None:
    jane = users.sign_up("Jane", PASSWORD, Actor("192.0.2.1"))
    actor = Actor("192.0.2.1", session=sessions.validate_session(jane.token))
    users.delete_account("Jane", PASSWORD, actor)
    assert [(event.ip_address, event.actor) for event in Event.select()] == [("", None)]
