"""Sessions: one row for each browser that is logged in.

rules    how long a session lives, and why it ends
opening  create one, recognize and renew it, find it, say why it ended
ending   end it for a reason, delete dead rows
"""

from .ending import (
    invalidate_all_sessions,
    invalidate_session,
    invalidate_user_sessions,
    prune_sessions,
)
from .opening import (
    SignedIn,
    create_session,
    find_session,
    find_sessions,
    hash_token,
    live_sessions,
    renew_token,
    validate_session,
    why_ended,
)
from .rules import Reason, alive, alive_at, is_dead, lifetime
