"""Several people at the same moment."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from conftest import PASSWORD, Browser
from flask import Flask
from together import at_once

from accounts import passwords, sessions, users
from accounts.actor import OPERATOR, Actor
from accounts.errors import AccountError, UsernameTaken
from database import release
from features.invitations import rules, waiting
from features.invitations.models import Invitation
from models import Counter as Tries
from models import Key, Session, User

from .conftest import fill_in, mode

Invite = Callable[..., str]


def rows() -> tuple[int, int, int]:
    return User.select().count(), Key.select().count(), Session.select().count()


@mode("invite")
@pytest.mark.parametrize("uses", [1, 3])
def test_of_eight_at_once_as_many_get_in_as_there_are_uses(
    app: Flask, invite: Invite, uses: int
) -> None:
    path = invite(uses=uses)
    forms = [fill_in(app, path, f"Jane{number}") for number in range(8)]
    answers = at_once(*(form.send for form in forms))
    pages = [answer for _, answer in answers if answer.status_code == 404]
    assert Counter(answer.status_code for _, answer in answers) == {302: uses, 404: 8 - uses}
    assert {page.text for page in pages} == {Browser(app).get("/invitation/unknown").text}
    assert (rows(), Invitation.get().uses_left) == ((uses,) * 3, 0)


@mode("invite")
def test_of_eight_at_once_with_one_name_one_gets_it_and_one_use_is_used(
    app: Flask, invite: Invite
) -> None:
    path = invite(uses=8)
    answers = at_once(*(fill_in(app, path, f"J{'aA'[n % 2]}ne").send for n in range(8)))
    assert Counter(answer.status_code for _, answer in answers) == {302: 1, 400: 7}
    assert (rows(), Invitation.get().uses_left) == ((1, 1, 1), 7)


@mode("invite")
@pytest.mark.parametrize("end", ["revoke", "expire", "use"])
def test_one_that_ends_while_the_password_is_hashed_makes_no_account_and_costs_no_try(
    app: Flask, invite: Invite, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    path = invite()
    unknown = Browser(app).get("/invitation/unknown").text
    form = fill_in(app, path)
    hash_password = passwords.hash_password

    def end_and_hash(*args: Any) -> str:
        if end == "revoke":
            rules.revoke_invitation(Invitation.get().handle, OPERATOR)
        else:
            changed = {"uses_left": 0} if end == "use" else {"expires_at": 1}
            Invitation.update(changed).execute()
        return hash_password(*args)

    monkeypatch.setattr(passwords, "hash_password", end_and_hash)
    _, answer = form.send()
    assert (answer.status_code, answer.text, rows()) == (404, unknown, (0, 0, 0))
    assert not Tries.select().where(Tries.count > 0)


@mode("approval")
def test_of_eight_sign_ups_at_once_that_wait_one_gets_the_name(app: Flask) -> None:
    answers = at_once(*(fill_in(app, "/signup").send for _ in range(8)))
    assert Counter(answer.status_code for _, answer in answers) == {302: 1, 400: 7}
    assert rows() == (1, 1, 0)


@mode("approval")
def test_approving_and_rejecting_at_once_do_one_of_both(app: Flask) -> None:
    for number in range(5):
        user = waiting.sign_up_to_wait(f"Jane{number}", PASSWORD, Actor())
        release()
        found = at_once(
            lambda user=user: waiting.approve_user(user, OPERATOR),
            lambda user=user: waiting.reject_user(user, OPERATOR),
        )
        refused = [error for error in found if error is not None]
        assert len(refused) == 1, found
        left = User.get_or_none(User.id == user.id)
        assert (left is None) == (found[0] is not None)
        assert left is None or left.waiting_since is None


@mode("approval")
def test_rejected_while_the_password_is_verified_is_a_wrong_log_in(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = waiting.sign_up_to_wait("Jane", PASSWORD, Actor())
    verify = passwords.verify_password

    def verify_and_reject(*args: Any) -> str | None:
        found = verify(*args)
        monkeypatch.setattr(passwords, "verify_password", verify)
        waiting.reject_user(user, OPERATOR)
        return found

    monkeypatch.setattr(passwords, "verify_password", verify_and_reject)
    assert users.log_in("Jane", PASSWORD, Actor()) is None


@mode("approval")
def test_approved_while_the_password_is_verified_lets_in_or_asks_to_try_again(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = waiting.sign_up_to_wait("Jane", PASSWORD, Actor())
    verify = passwords.verify_password

    def verify_and_approve(*args: Any) -> str | None:
        found = verify(*args)
        monkeypatch.setattr(passwords, "verify_password", verify)
        waiting.approve_user(user, OPERATOR)
        return found

    monkeypatch.setattr(passwords, "verify_password", verify_and_approve)
    answers = [Browser(app).log_in("Jane").status_code for _ in range(2)]
    assert answers in ([302, 302], [400, 302])


@mode("invite")
def test_a_crash_after_the_use_gives_it_back(
    app: Flask, invite: Invite, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = invite()
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(sessions, "create_session", lambda *_: 1 / 0)
        assert fill_in(app, path).send()[1].status_code == 500
    assert (rows(), Invitation.get().uses_left) == ((0, 0, 0), 1)
    assert fill_in(app, path).send()[1].status_code == 302


@mode("invite")
def test_a_taken_name_counts_as_a_failed_try_and_as_no_account(app: Flask, invite: Invite) -> None:
    token = invite().rpartition("/")[2]
    users.create_user("Jane", PASSWORD, OPERATOR)
    for _ in range(2):
        with pytest.raises(UsernameTaken):
            rules.sign_up_invited(token, "Jane", PASSWORD, Actor("192.0.2.1"))
    assert [tries.count for tries in Tries.select().where(Tries.count > 0)] == [2]
