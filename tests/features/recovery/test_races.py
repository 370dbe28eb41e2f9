"""Several people at the same moment: one wins. test_fifty.py is the large form."""

from collections import Counter
from collections.abc import Callable

import pytest
from conftest import PASSWORD, Browser, page_text
from flask import Flask
from together import at_once
from werkzeug.test import TestResponse

from accounts import passwords, users
from accounts.actor import OPERATOR
from features.recovery import kit, links
from features.recovery.models import RecoveryCode, ResetLink
from models import Key, Session, User

from .conftest import filled_in


def code_forms(app: Flask, code: str, times: int) -> list[Callable[[], TestResponse]]:
    return [
        filled_in(app, "/recover", username="Jane", recovery_code=code, new_password=f"horse {n}")
        for n in range(times)
    ]


def opened_by(times: int) -> list[int]:
    stored = [Key.get().password_hash]
    return [n for n in range(times) if passwords.verify_password(f"horse {n}", stored)]


def test_b127_of_eight_uses_of_one_code_at_once_one_wins(
    jane: Browser, codes: list[str], app: Flask
) -> None:
    answers = at_once(*code_forms(app, codes[0], 8))
    assert Counter(answer.status_code for answer in answers) == {302: 1, 400: 7}
    refused = [answer.text for answer in answers if answer.status_code == 400]
    assert all("Incorrect username or recovery code" in page_text(text) for text in refused)
    winner = [answer.status_code for answer in answers].index(302)
    assert opened_by(8) == [winner]
    assert (RecoveryCode.select().count(), Session.select().count()) == (7, 1)


def test_of_eight_uses_of_one_link_at_once_one_wins(jane: Browser, link, app: Flask) -> None:
    path = link()
    answers = at_once(*(filled_in(app, path, new_password=f"horse {n}") for n in range(8)))
    assert Counter(answer.status_code for answer in answers) == {302: 1, 404: 7}
    assert opened_by(8) == [[answer.status_code for answer in answers].index(302)]
    assert (ResetLink.select().count(), Session.select().count()) == (0, 1)


def test_a_code_and_a_link_at_once_leave_one_password_and_its_session(
    jane: Browser, codes: list[str], link, app: Flask
) -> None:
    """The link may come first or not at all: a code ends it."""
    path = link()
    by_link = filled_in(app, path, new_password="horse 1")
    code, by_link_answer = at_once(*code_forms(app, codes[0], 1), by_link)
    assert code.status_code == 302
    assert by_link_answer.status_code in (302, 404)
    assert opened_by(2) == [0] if by_link_answer.status_code == 404 else opened_by(2) in ([0], [1])
    assert Session.select().count() == 1


@pytest.mark.parametrize("change", [users.lock_user, users.delete_user], ids=["lock", "delete"])
def test_a_lock_or_deletion_beside_codes_and_links_leaves_no_one_in(
    jane: Browser, codes: list[str], link, app: Flask, change
) -> None:
    path, user = link(), User.get()
    forms = [*code_forms(app, codes[0], 2), filled_in(app, path, new_password="horse 2")]
    *answers, _ = at_once(*forms, lambda: change(user, OPERATOR))
    assert {answer.status_code for answer in answers} <= {302, 400, 404}
    assert Session.select().count() == 0
    assert ResetLink.select().count() == 0


def test_two_kits_at_once_leave_one(jane: Browser, app: Flask) -> None:
    other = Browser(app)
    other.log_in("Jane")
    at_once(*(
        lambda browser=browser: browser.submit("/profile/recovery", {"current_password": PASSWORD})
        for browser in (jane, other)
    ))  # fmt: skip
    assert RecoveryCode.select().count() == kit.CODES


def test_two_links_at_once_leave_one(jane: Browser) -> None:
    user = User.get()
    tokens = at_once(*(lambda: links.make_link(user, 24, OPERATOR) for _ in range(4)))
    assert len([token for token in tokens if links.find_user(token)]) == 1
