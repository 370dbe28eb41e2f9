"""How many tries a visitor has (accounts/throttling.py), asked of the rules."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import PASSWORD
from guessing import (
    ALLOWED,
    HERE,
    THERE,
    attempt,
    attempts,
    counts,
    hashed,
    known,
    only,
    settings,
    user,
)

from accounts import users
from accounts.actor import OPERATOR, Actor
from accounts.errors import Busy
from accounts.hashing import HashingThreads

__all__ = ["hashed", "only", "settings", "user"]  # fixtures


def test_after_the_allowed_failures_at_one_account_everybody_unknown_there_waits(user, hashed):
    assert attempts(ALLOWED + 2) == ["wrong"] * ALLOWED + ["wait"] * 2
    assert attempt(actor=THERE) == "wait"
    assert len(hashed) == ALLOWED


def test_the_right_password_waits_too(user):
    attempts(ALLOWED)
    assert attempt(password=PASSWORD) == "wait"


def test_another_account_does_not_wait(user):
    users.create_user("Other", PASSWORD, OPERATOR)
    attempts(ALLOWED)
    assert attempt("Other", PASSWORD) == "in"


def test_every_spelling_of_a_name_is_one_account(user):
    for name in ("jane", "JANE", "ｊａｎｅ", "Jane", "jANE"):
        assert attempt(name) == "wrong"
    assert attempt() == "wait"


def test_unknown_names_count_like_known_ones(user, hashed):
    assert attempts(ALLOWED + 1, name="Nobody") == ["wrong"] * ALLOWED + ["wait"]
    assert attempt("NOBODY") == "wait", "in every spelling"
    assert attempts(ALLOWED + 1, name="a b\u202e") == ["wrong"] * ALLOWED + ["wait"]
    assert attempts(ALLOWED + 1) == ["wrong"] * ALLOWED + ["wait"]
    assert len(hashed) == 3 * ALLOWED


def test_b117_of_fifty_guesses_at_the_same_instant_only_the_allowed_number_is_hashed(user, hashed):
    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(lambda number: attempt(password=f"guess {number}"), range(50)))
    assert sorted(answers) == ["wait"] * (50 - ALLOWED) + ["wrong"] * ALLOWED
    assert len(hashed) == ALLOWED


def test_b118_guesses_from_many_addresses_hit_the_limit_of_the_account(user, hashed):
    answers = [attempt(actor=Actor(f"198.51.100.{number}")) for number in range(200)]
    assert answers == ["wrong"] * ALLOWED + ["wait"] * (200 - ALLOWED)
    assert len(hashed) == ALLOWED


def test_a_success_takes_its_own_try_back_and_no_one_elses(user):
    attempts(ALLOWED - 1)
    assert attempts(3, password=PASSWORD) == ["in"] * 3
    assert counts() == [ALLOWED - 1, ALLOWED - 1], "counted for the account and the address"
    assert attempts(2) == ["wrong", "wait"]


@pytest.mark.parametrize(
    "addresses",
    [
        ["192.0.2.1"] * 4,
        ["2001:db8::1", "2001:db8::2", "2001:0DB8:0:0:ffff::", "2001:db8:0:0:1:2:3:4%eth0"],
        ["192.0.2.1", "::ffff:192.0.2.1", "::FFFF:c000:201", "0:0:0:0:0:ffff:192.0.2.1"],
    ],
    ids=["one IPv4", "a /64", "an IPv4 in all its spellings"],
)
def test_failures_from_one_address_count_together_whatever_the_names(only, request, addresses):
    only("LOGIN_ADDRESS", "3/minute")
    request.getfixturevalue("app")
    actors = [Actor.visitor(address, "") for address in addresses]
    names = [f"name{number}" for number in range(4)]
    answers = [attempt(name, actor=actor) for name, actor in zip(names, actors, strict=True)]
    assert answers == ["wrong"] * 3 + ["wait"]


def test_another_address_and_another_64_do_not_wait(only, request):
    only("LOGIN_ADDRESS", "1/minute")
    request.getfixturevalue("app")
    for address in ("192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8:0:1::1"):
        assert attempts(2, name=address, actor=Actor.visitor(address, "")) == ["wrong", "wait"]


def test_commands_and_unix_sockets_have_no_address_to_count(only, request):
    only("LOGIN_ADDRESS", "1/minute")
    request.getfixturevalue("app")
    assert attempts(3, actor=Actor()) == ["wrong"] * 3
    assert [users.create_user(f"name{number}", PASSWORD, OPERATOR) for number in range(3)]


def test_b116_one_password_at_many_names_from_one_address_ends_at_its_limit(only, request, hashed):
    only("LOGIN_ADDRESS", "20 per 10 minutes")
    request.getfixturevalue("app")
    users.create_user("Name5", PASSWORD, OPERATOR)
    answers = [attempt(f"name{number}") for number in range(1000)]
    assert answers == ["wrong"] * 20 + ["wait"] * 980, "known or not"
    assert len(hashed) == 21


def test_a_known_browser_has_a_budget_of_its_own_at_this_account_alone(only, request):
    only("LOGIN_KNOWN_BROWSER", "3/minute")
    request.getfixturevalue("app")
    user = users.create_user("Jane", PASSWORD, OPERATOR)
    other = users.create_user("Other", PASSWORD, OPERATOR)
    laptop, phone = known(user), known(user, "phone")
    assert attempts(4, actor=laptop) == ["wrong"] * 3 + ["wait"]
    assert attempt(password=PASSWORD, actor=phone) == "in"
    assert attempt("Other", actor=laptop) == "wrong", "it is a stranger at that account"
    assert attempt("Other", actor=known(other)) == "wrong", "it has another budget at that account"


def test_b119_keeping_an_account_throttled_does_not_keep_its_owner_out(user):
    attempts(ALLOWED + 1)
    laptop = known(user)
    assert attempt(password=PASSWORD, actor=Actor("192.0.2.9")) == "wait"
    assert attempts(3, password=PASSWORD, actor=laptop) == ["in"] * 3
    assert attempt() == "wait", "the owner's success does not help the stranger"


def test_a_known_browser_does_not_count_against_its_address_either(only, request):
    only("LOGIN_ADDRESS", "1/minute")
    request.getfixturevalue("app")
    laptop = known(users.create_user("Jane", PASSWORD, OPERATOR))
    assert attempts(5, actor=laptop) == ["wrong"] * 5
    assert attempt(actor=Actor(laptop.ip_address)) == "wrong"
    assert attempt(password=PASSWORD, actor=laptop) == "in", "though its address has no tries left"


def test_a_success_clears_the_known_browsers_own_failures_and_no_others(only, request):
    only("LOGIN_KNOWN_BROWSER", "3/minute")
    request.getfixturevalue("app")
    user = users.create_user("Jane", PASSWORD, OPERATOR)
    laptop, phone = known(user), known(user, "phone")
    attempts(2, actor=laptop)
    attempts(2, actor=phone)
    assert attempt(password=PASSWORD, actor=laptop) == "in"
    assert counts() == [2]
    assert attempts(4, actor=laptop) == ["wrong"] * 3 + ["wait"]
    assert attempts(2, actor=phone) == ["wrong", "wait"]


def test_a_thief_with_an_account_of_his_own_cannot_wipe_his_traces_with_it(only, request):
    only("LOGIN_ADDRESS", "3/minute")
    request.getfixturevalue("app")
    users.create_user("Thief", PASSWORD, OPERATOR)
    assert attempts(2) == ["wrong"] * 2
    assert attempts(10, name="Thief", password=PASSWORD) == ["in"] * 10
    assert attempts(2) == ["wrong", "wait"]


@pytest.mark.parametrize(
    "shortage",
    [
        Busy(),
        MemoryError(),
        RuntimeError("can't start new thread"),
        ValueError("[digital envelope routines] malloc failure"),
    ],
)
def test_a_busy_server_takes_the_try_back(user, monkeypatch, shortage):
    def busy(*_args, **_options):
        raise shortage

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(HashingThreads, "run", busy)
        for _ in range(3 * ALLOWED):
            with pytest.raises(Busy):
                users.log_in("Jane", PASSWORD, HERE)
            with pytest.raises(Busy):
                users.sign_up("Other", PASSWORD, HERE)
    assert set(counts()) <= {0}
    assert attempt(password=PASSWORD) == "in"
