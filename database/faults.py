"""What can be wrong with a database, whichever it is."""

from collections.abc import Callable
from typing import Any

from peewee import OperationalError

# Given a new connection of the driver's, which has `execute`; raises what makes it useless.
Check = Callable[[Any], None]
REOPENED_AFTER = 60  # seconds: how long another schema may stay unnoticed


class DatabaseURLError(ValueError):
    """DATABASE_URL cannot be used; the text says why."""


class OutcomeUnknown(OperationalError):
    """The connection was lost while a transaction was being committed: it may have been or not.

    Nobody may be told that nothing was changed.
    """
