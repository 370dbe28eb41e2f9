import pytest
from conftest import PASSWORD
from flask import Flask

from accounts import users
from accounts.actor import USER_AGENT_MAX, Actor
from models import Session


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
