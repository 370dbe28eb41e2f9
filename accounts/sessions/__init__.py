"""Sessions: one row for each signed-in browser.

rules    how long a session lives
opening  make one, recognise and renew it, find it
ending   end it for a reason, clear away dead rows
"""

from .ending import (
    delete_dead_sessions,
    end_sessions,
    invalidate_all_sessions,
    invalidate_session,
    invalidate_user_sessions,
    prune_sessions,
)
from .opening import (
    SignedIn,
    create_session,
    find_session,
    hash_token,
    live_sessions,
    validate_session,
)
from .rules import alive, configure, is_dead, lifetime

__all__ = [
    "SignedIn",
    "alive",
    "configure",
    "create_session",
    "delete_dead_sessions",
    "end_sessions",
    "find_session",
    "hash_token",
    "invalidate_all_sessions",
    "invalidate_session",
    "invalidate_user_sessions",
    "is_dead",
    "lifetime",
    "live_sessions",
    "prune_sessions",
    "validate_session",
]
