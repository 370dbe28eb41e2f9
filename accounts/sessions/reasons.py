"""Why a session ended."""

from enum import StrEnum


class Reason(StrEnum):
    """What stands in the detail of the event; pages put it in a sentence."""

    LOGGED_OUT = "logged out"
    PASSWORD_CHANGED = "password changed"  # noqa: S105 # nosec B105
    PASSWORD_SET = "new password"  # noqa: S105 # nosec B105
    ENDED_ELSEWHERE = "ended from another device"
    ENDED_BY_OPERATOR = "ended by the operator"
    LOCKED = "locked"
    DELETED = "account deleted"  # in the log alone: the event goes with the account
    TOO_MANY = "too many sessions"
    EXPIRED = "expired"
    UNKNOWN = "unknown"
