"""Tries at accounts through the rules, and how they end."""

import pytest
from conftest import NO_LIMITS, PASSWORD

from accounts import users
from accounts.actor import OPERATOR, Actor
from accounts.errors import TooManyAttempts, UsernameTaken
from accounts.hashing import HashingThreads
from database import release
from models import Counter

ALLOWED = 5  # at one account in a minute
WRONG = "wrong horse"
AMPLE = dict.fromkeys(NO_LIMITS, "1000000/day")
HERE, THERE = Actor("192.0.2.1"), Actor("192.0.2.2")


@pytest.fixture
def settings(settings):
    """The default limits, except those that a test is not about."""
    return settings | AMPLE | {"LIMIT_LOGIN_ACCOUNT": f"{ALLOWED}/minute"}


@pytest.fixture
def only(settings):
    """Set one limit before asking for `app`."""

    def set_limit(name, limit):
        settings.update(AMPLE | {f"LIMIT_{name}": limit})

    return set_limit


@pytest.fixture
def user(app):
    """Jane."""
    return users.create_user("Jane", PASSWORD, OPERATOR)


@pytest.fixture
def hashed(monkeypatch):
    """A list that grows with every password that is checked."""
    run, ran = HashingThreads.run, []

    def watched(self, *args, **options):
        ran.append(args)
        return run(self, *args, **options)

    monkeypatch.setattr(HashingThreads, "run", watched)
    return ran


def attempt(name="Jane", password=WRONG, actor=HERE):
    """Try once; return "in", "wrong" or "wait"."""
    try:
        return "in" if users.log_in(name, password, actor) else "wrong"
    except TooManyAttempts:
        return "wait"
    finally:
        release()


def attempts(number, **options):
    return [attempt(**options) for _ in range(number)]


def counts():
    return sorted(counter.count for counter in Counter.select())


def known(user, browser_id="laptop", address="192.0.2.9"):
    return Actor(address, "", browser_id, (user.id,))


def signed_up(name, actor=HERE, password=PASSWORD):
    try:
        return users.sign_up(name, password, actor).user.username
    except TooManyAttempts:
        return "wait"
    except UsernameTaken:
        return "taken"


def age(seconds):
    """Let time pass."""
    Counter.update(expires_at=Counter.expires_at - seconds * 1000).execute()
