"""Sessions: one row for each signed-in browser.

rules    how long a session lives
opening  make one, recognise and renew it, find it, say why it is over
ending   end it for a reason, clear away dead rows
reasons  the reasons
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
    renew_token,
    validate_session,
    why_ended,
)
from .reasons import Reason
from .rules import alive, configure, is_dead, lifetime

__all__ = [
    "Reason",
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
    "renew_token",
    "validate_session",
    "why_ended",
]
