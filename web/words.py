"""What the machine knows, in words for people: browsers, lengths of time, events, reasons."""

import ua_parser

from accounts.events import Kind
from accounts.sessions import Reason
from models import Event

FAMILIES = {"Mac OS X": "macOS", "Chrome Mobile": "Chrome", "Mobile Safari": "Safari"}
# Features add the words for their own kinds.
EVENTS: dict[str, str] = {
    Kind.USER_CREATED: "Account created",
    Kind.USER_LOCKED: "Account locked",
    Kind.USER_UNLOCKED: "Account unlocked",
    Kind.USER_RENAMED: "Username changed",
    Kind.LOGIN_SUCCESS: "Logged in",
    Kind.LOGIN_FAIL: "Failed log-in",
    Kind.PASSWORD_CHANGE: "Password changed",
    Kind.PASSWORD_UPGRADE: "Password stored in a stronger form",
    Kind.SESSION_ENDED: "Logged out",
    Kind.SESSION_EXPIRED: "Log-in expired",
}
OPERATOR = "the person who runs this site"
# After "You have been logged out". Nothing for LOGGED_OUT: that browser knows. Features add theirs.
WHY_LOGGED_OUT: dict[str, str] = {
    Reason.PASSWORD_CHANGED: " because the password was changed.",
    Reason.PASSWORD_SET: f" because {OPERATOR} set a new password.",
    Reason.ENDED_ELSEWHERE: ": your log-in here was ended from another device.",
    Reason.ENDED_BY_OPERATOR: f": your log-in here was ended by {OPERATOR}.",
    Reason.LOCKED: " because the account was locked.",
    Reason.TOO_MANY: " because you were logged in from too many browsers at once.",
    Reason.EXPIRED: " because your log-in expired.",
    Reason.UNKNOWN: ": your log-in expired, or the account was deleted.",
}


def isolate(name: str) -> str:
    """Return a name that keeps its writing direction to itself, for a sentence without markup."""
    return f"\u2068{name}\u2069"


def describe_browser(user_agent: str) -> str:
    """Return browser and system: "Firefox on Linux"."""
    parsed = ua_parser.parse(user_agent)
    browser, system = (
        FAMILIES.get(part.family, part.family) if part else ""
        for part in (parsed.user_agent, parsed.os)
    )
    browser = browser or "Unknown browser"
    return f"{browser} on {system}" if system else browser


def describe_event(event: Event) -> str:
    """Return what happened: "Username changed (was Jane)"."""
    if event.kind == Kind.LOGIN_FAIL and event.session:
        return "Wrong current password"
    text = EVENTS.get(event.kind, event.kind.replace("_", " ").capitalize())
    return f"{text} ({event.detail})" if event.detail not in ("", Reason.LOGGED_OUT) else text


def describe_actor(event: Event) -> str:
    """Return who did it: "Firefox on Linux", "by an administrator"; "" if no one."""
    if event.kind == Kind.SESSION_EXPIRED:
        return ""
    if event.actor:
        return "by an administrator"
    if not event.user_agent and not event.ip_address:
        return f"by {OPERATOR}"
    return describe_browser(event.user_agent)


def describe_origin(event: Event) -> str:
    """Return the same with the address: "from Firefox on Linux, 203.0.113.7"."""
    actor = describe_actor(event)
    place = f"{actor}, {event.ip_address}" if event.ip_address else actor
    return place if not actor or actor.startswith("by ") else f"from {place}"


def why_logged_out(reason: str) -> str | None:
    """Return the sentence for a browser whose session is over; None if it knows."""
    if reason == Reason.LOGGED_OUT:
        return None
    return f"You have been logged out{WHY_LOGGED_OUT.get(reason, '.')}"
