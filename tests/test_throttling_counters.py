"""What is counted, for how long, and when counters are deleted; and the budget of sign-ups."""

import pytest
from conftest import PASSWORD, on_sqlite
from guessing import (
    ALLOWED,
    HERE,
    THERE,
    WRONG,
    age,
    attempt,
    attempts,
    counts,
    hashed,
    only,
    settings,
    signed_up,
    user,
)

from accounts import throttling, users
from accounts.actor import OPERATOR, Actor
from accounts.errors import InvalidPassword, InvalidUsername, TooManyAttempts
from database import database
from models import Counter, Session, User, now

__all__ = ["hashed", "only", "settings", "user"]  # fixtures


def test_nothing_is_counted_when_one_budget_is_spent(only, request):
    only("LOGIN_ADDRESS", "2/minute")
    request.getfixturevalue("app")
    attempts(2, name="first")
    before = counts()
    assert attempts(5, name="second") == ["wait"] * 5
    assert attempts(5, name="first") == ["wait"] * 5
    assert counts() == before == [2, 2]


def test_the_longest_wait_is_told(only, request, settings):
    only("LOGIN_ACCOUNT", "1/minute;2/hour")
    request.getfixturevalue("app")
    attempt()
    with pytest.raises(TooManyAttempts, match=r"in 60 seconds"):
        users.log_in("Jane", WRONG, HERE)
    age(60)
    attempt()
    with pytest.raises(TooManyAttempts, match=r"about 59 minutes \(3540 seconds\)"):
        users.log_in("Jane", WRONG, HERE)


def test_when_the_time_is_over_counting_starts_again(user):
    attempts(ALLOWED + 1)
    age(59)
    assert attempt() == "wait"
    age(2)
    assert attempts(ALLOWED + 1) == ["wrong"] * ALLOWED + ["wait"]


def test_made_accounts_count_and_taken_names_count_as_failures(only, request, settings, hashed):
    only("SIGNUP_ADDRESS", "3/hour")
    settings["LIMIT_LOGIN_ADDRESS"] = "2/hour"
    request.getfixturevalue("app")
    assert [signed_up(name) for name in ("Name1", "name1", "Name2")] == ["Name1", "taken", "Name2"]
    assert [signed_up(name) for name in ("Name3", "Name4")] == ["Name3", "wait"]
    assert signed_up("Name4", THERE) == "Name4"
    assert [signed_up("Name4", THERE) for _ in range(3)] == ["taken", "taken", "wait"]
    assert attempt("Name4", actor=THERE) == "wait", "asking which names are taken is guessing too"
    assert len(hashed) == 7


def test_a_refused_sign_up_costs_no_hash_and_counts_nothing(user, hashed):
    for name, password, refusal in (
        ("x", PASSWORD, InvalidUsername),
        ("Other", "short", InvalidPassword),
        ("Other", "x" * 1100, InvalidPassword),
    ):
        with pytest.raises(refusal):
            users.sign_up(name, password, HERE)
    assert (hashed, counts()) == ([], [])


def test_b121_a_thousand_sign_ups_from_one_address_end_at_its_limit(only, request, hashed):
    only("SIGNUP_ADDRESS", "10/hour")
    request.getfixturevalue("app")
    made = [signed_up(f"name{number}") for number in range(1000)]
    assert made == [f"name{number}" for number in range(10)] + ["wait"] * 990
    assert (User.select().count(), Session.select().count(), len(hashed)) == (10, 10, 10)


def test_b122_counters_whose_time_is_over_are_deleted_a_few_at_a_time_and_no_others(app):
    budgets = [throttling.login_budgets(f"random {number}", OPERATOR) for number in range(300)]
    with database.atomic():
        for budget in budgets:
            throttling.count_try(budget)
    alive = Counter.id << list(budgets[0])
    age(61)
    Counter.update(expires_at=throttling.now() + 60_000).where(alive).execute()
    for number in range(1, 61):
        attempt(f"name{number}")
        assert Counter.select().where(Counter.expires_at <= throttling.now()).count() == max(
            299 - 5 * number, 0
        )
    assert Counter.get_or_none(alive)


@pytest.mark.parametrize("back", [1, 30, 3600, 10 * 365 * 86_400])
def test_b130_a_clock_set_back_lets_nobody_wait_longer_than_the_window(user, monkeypatch, back):
    attempts(ALLOWED)
    past = now() - back * 1000
    monkeypatch.setattr(throttling, "now", lambda: past)
    waits = []
    for _ in range(2 * ALLOWED):
        try:
            users.log_in("Jane", WRONG, HERE)
        except TooManyAttempts as refusal:
            waits.append(refusal.retry_after)
    assert waits
    assert max(waits) <= 60
    past += 60_000 + (0 if on_sqlite() else throttling.CLOCK_SKEW)
    assert attempt(password=PASSWORD) == "in"


@pytest.mark.database("postgresql")
@pytest.mark.parametrize("behind", [1, 30])
def test_a_host_whose_clock_is_a_little_behind_does_not_start_the_window_again(
    user, monkeypatch, behind
):
    attempts(ALLOWED)
    moment = now() - behind * 1000
    monkeypatch.setattr(throttling, "now", lambda: moment)
    assert attempt(password=PASSWORD) == "wait"


def test_neither_name_nor_address_stands_in_the_table(user):
    attempt("Nobody", actor=Actor("198.51.100.77"))
    stored = b"".join(bytes(counter.id) for counter in Counter.select())
    assert Counter.select().count() == 2
    assert {len(counter.id) for counter in Counter.select()} == {16}
    assert b"obody" not in stored
    assert b"198.51" not in stored
