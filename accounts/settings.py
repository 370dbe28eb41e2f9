"""The settings that the rules read. app.py hands them down; config.py explains each."""

from collections.abc import Sequence
from datetime import timedelta

from limits import RateLimitItem

Limits = Sequence[RateLimitItem]

SITE_NAME: str
SECRET_KEY: str
SECRET_KEY_FALLBACKS: Sequence[str]
SESSION_ACTIVE_PERIOD: int  # ms, as the tables count time
SESSION_IDLE_PERIOD: int  # ms, as the tables count time
SESSION_MAX_AGE: int  # ms, as the tables count time
SESSIONS_PER_USER: int
PASSWORD_COMMON: str
RESERVED_USERNAMES: tuple[str, ...]
LIMIT_LOGIN_ACCOUNT: Limits
LIMIT_LOGIN_KNOWN_BROWSER: Limits
LIMIT_LOGIN_ADDRESS: Limits
LIMIT_SIGNUP_ADDRESS: Limits
EVENT_RETENTION: int  # ms, as the tables count time
HASH_THREADS: int
HASH_QUEUE: int


def load(config: object) -> None:
    """Take each of these settings from the attribute of the same name."""
    for name in __annotations__:
        value = getattr(config, name)
        is_period = isinstance(value, timedelta)
        globals()[name] = value // timedelta(milliseconds=1) if is_period else value
