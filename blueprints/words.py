"""What the machine knows, in words for people: browsers, lengths of time, events, reasons."""

import ua_parser

from accounts.activity import SinceLastLogin
from accounts.events import Kind
from accounts.sessions import Reason
from models import Event, now

UNITS = [
    ("year", 365 * 86_400), ("month", 30 * 86_400), ("week", 7 * 86_400),
    ("day", 86_400), ("hour", 3600), ("minute", 60),
]  # fmt: skip
FAMILIES = {"Mac OS X": "macOS", "Chrome Mobile": "Chrome", "Mobile Safari": "Safari"}
EVENTS: dict[str, str] = {
    Kind.USER_CREATED: "Account made",
    Kind.USER_IMPORTED: "Account brought over from another application",
    Kind.USER_LOCKED: "Account locked",
    Kind.USER_UNLOCKED: "Account unlocked",
    Kind.USER_RENAMED: "Username changed",
    Kind.LOGIN_SUCCESS: "Logged in",
    Kind.LOGIN_FAIL: "Failed log-in",
    Kind.PASSWORD_CHANGE: "Password changed",
    Kind.PASSWORD_UPGRADE: "Password stored in a stronger form",
    Kind.SESSION_CREATED: "Session started",
    Kind.SESSION_ENDED: "Session ended",
    Kind.SESSION_EXPIRED: "Session expired",
}
WHY_SIGNED_OUT: dict[str, str] = {
    Reason.PASSWORD_CHANGED: "You have been logged out because the password was changed.",
    Reason.PASSWORD_SET: (
        "You have been logged out because the person who runs this site has set a new password."
    ),
    Reason.ENDED_ELSEWHERE: "You have been logged out: this session was ended from another device.",
    Reason.ENDED_BY_OPERATOR: (
        "You have been logged out: this session was ended by the person who runs this site."
    ),
    Reason.LOCKED: "You have been logged out because the account was locked.",
    Reason.TOO_MANY: (
        "You have been logged out because the account was used in too many browsers at once."
    ),
    Reason.EXPIRED: "You have been logged out because this session had expired.",
    Reason.UNKNOWN: (
        "You have been logged out: this session had expired, or its account was deleted."
    ),
}


def browser_words(user_agent: str) -> str:
    """Return browser and system: "Firefox on Linux"."""
    parsed = ua_parser.parse(user_agent)
    browser, system = (
        FAMILIES.get(part.family, part.family) if part else ""
        for part in (parsed.user_agent, parsed.os)
    )
    if browser and system:
        return f"{browser} on {system}"
    return browser or (f"Unknown browser on {system}" if system else "Unknown browser")


def ago(moment: int) -> str:
    """Return how long ago a moment (Unix ms) was: "3 days ago", "just now"."""
    seconds = (now() - moment) // 1000
    for unit, length in UNITS:
        if seconds >= length:
            number = seconds // length
            return f"{number} {unit}{'' if number == 1 else 's'} ago"
    return "just now"


def event_words(event: Event) -> str:
    """Return what happened: "Username changed (was Jane)"."""
    if event.kind == Kind.SESSION_ENDED and event.detail == Reason.LOGGED_OUT:
        return "Logged out"
    if event.kind == Kind.LOGIN_FAIL and event.session:
        return "Wrong current password"
    said = EVENTS.get(event.kind, event.kind.replace("_", " ").capitalize())
    return f"{said} ({event.detail})" if event.detail else said


def place_words(event: Event) -> str:
    """Return who did it: "from Firefox on Linux, 203.0.113.7"; "" where nobody did."""
    if event.kind == Kind.SESSION_EXPIRED:
        return ""
    if not event.user_agent and not event.ip_address:
        return "by the person who runs this site"
    words = f"from {browser_words(event.user_agent)}"
    return f"{words}, {event.ip_address}" if event.ip_address else words


def why_signed_out(reason: str) -> str | None:
    """Return the sentence for a browser whose session is over; None when it knows."""
    if reason == Reason.LOGGED_OUT:
        return None
    return WHY_SIGNED_OUT.get(reason, "You have been logged out.")


def since_last_login(since: SinceLastLogin) -> str:
    """Return the sentence for somebody who logs in after failed attempts."""
    failed = f"{since.failed} failed attempt{'' if since.failed == 1 else 's'}"
    if since.last is None:
        return f"Your first log-in; {failed} before it."
    return f"Last log-in {ago(since.last.at)}, {place_words(since.last)}; {failed} since then."
