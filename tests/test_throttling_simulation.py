"""A day of attacks, simulated: the tries let through stay within the limits, and the owner's
browser always gets in. The clock is moved by hand; nothing is hashed.
"""

import os
from pathlib import Path

import pytest
from conftest import NO_LIMITS, on_sqlite

from accounts import throttling
from accounts.actor import Actor
from accounts.errors import TooManyAttempts
from accounts.throttling import count_try, forgive, login_budgets
from database import database
from models import Counter

DAY = 86_400
STEP = 100  # ms between two tries: ten a second
VICTIM = "victim"
LIMITS = {60: 5, 3600: 30, DAY: 100}  # of one account


@pytest.fixture
def settings(settings):
    """Every limit at its default."""
    return {name: value for name, value in settings.items() if name not in NO_LIMITS}


class Clock:
    """A clock in Unix milliseconds that moves only when told to."""

    def __init__(self):
        self.now = 1_800_000_000_000

    def __call__(self):
        return self.now


@pytest.fixture
def clock(app, monkeypatch):
    """The clock that throttling uses, and a database that need not survive a power cut."""
    clock = Clock()
    monkeypatch.setattr(throttling, "now", clock)
    if on_sqlite():
        database.execute_sql("PRAGMA synchronous = OFF")
    return clock


def looked_at(account, client):
    """Return whether a try is let through; else the time in ms until the next one may be."""
    try:
        count_try(login_budgets(account, client))
        return True, 0
    except TooManyAttempts as refusal:
        return None, refusal.retry_after * 1000


def addresses(number):
    return [Actor(f"10.0.{index // 250}.{index % 250}") for index in range(number)]


def most_within(times, seconds):
    """Return the largest number of moments (ms, in order) in any window of this length."""
    most = first = 0
    for last, moment in enumerate(times):
        while times[first] <= moment - seconds * 1000:
            first += 1
        most = max(most, last - first + 1)
    return most


def attack(clock, clients, owner=None):
    """Try for a day, ten times a second, each time from the next address; return the moments of
    the tries let through. Tries before the time that a refusal gave are refused too (as
    test_a_try_before_its_time_is_refused shows), so the clock skips them.
    """
    end, tries, owner_in = clock.now + DAY * 1000, [], 0
    while clock.now < end:
        attempt, wait = looked_at(VICTIM, clients[clock.now // STEP % len(clients)])
        if attempt:
            tries.append(clock.now)
        clock.now += max(STEP, wait // STEP * STEP)
        if owner:
            attempt, _ = looked_at(VICTIM, owner)
            assert attempt, "the owner has to wait"
            forgive(VICTIM, owner)
            owner_in += 1
    assert owner_in > len(tries) or not owner
    return tries


@pytest.mark.parametrize("number", [1, 1000])
def test_a_day_of_guesses_stays_within_the_limits_and_the_owner_always_gets_in(clock, number):
    owner = Actor("192.0.2.9", "", "laptop", (VICTIM,))
    tries = attack(clock, addresses(number), owner)
    assert len(tries) == LIMITS[DAY]
    for seconds, limit in LIMITS.items():
        # Windows begin with their first try: across two windows there may be twice as many.
        assert most_within(tries, seconds) <= 2 * limit
        assert most_within(tries, seconds) >= limit, "the simulation never came near the limit"


def test_a_week_of_guesses_stays_within_a_hundred_a_day(clock):
    tries = [moment for _ in range(7) for moment in attack(clock, addresses(1000))]
    assert len(tries) <= 7 * LIMITS[DAY]


def test_a_try_before_its_time_is_refused(clock):
    clients = addresses(1000)
    while (wait := looked_at(VICTIM, clients[0])[1]) == 0:
        clock.now += STEP
    told = clock.now + wait
    while clock.now < told - 1000:  # a wait is given in whole seconds
        assert looked_at(VICTIM, clients[clock.now // STEP % 1000])[0] is None
        clock.now += STEP
    clock.now = told
    assert looked_at(VICTIM, clients[0])[0]


def test_one_address_looks_at_no_more_than_its_limit_whatever_the_names(clock):
    client, tries, end = Actor("192.0.2.1"), [], clock.now + 6 * 3600 * 1000
    while clock.now < end:
        attempt, wait = looked_at(f"name{clock.now}", client)
        if attempt:
            tries.append(clock.now)
        clock.now += max(STEP, wait // STEP * STEP)
    assert most_within(tries, 600) in range(20, 41)
    assert len(tries) <= 20 * 6 * 6


def test_b122_a_day_of_random_names_leaves_a_small_database(clock):
    """A fiftieth of the flood of B-122, from as many addresses as there are names. The full flood
    takes some minutes: B122_NAMES=100000 bin/test tests/test_throttling_simulation.py -k b122
    """
    names = int(os.environ.get("B122_NAMES", "2000"))
    before = size()
    for hundred in range(names // 100):
        with database.atomic():
            for number in range(100):
                clock.now += DAY * 1000 // names
                address = Actor(f"10.{hundred // 200}.{hundred % 200}.{number}")
                count_try(login_budgets(f"random {hundred} {number}", address))
    # 20 MB in all; PostgreSQL keeps dead rows for a while, and its rows are wider.
    assert size() - before < (200 if on_sqlite() else 1000) * names
    over = Counter.select().where(Counter.expires_at <= clock.now)
    assert over.count() < 20, "no backlog forms"


def size():
    if not on_sqlite():
        return database.execute_sql("SELECT pg_database_size(current_database())").fetchone()[0]
    database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return Path(database.path).stat().st_size
