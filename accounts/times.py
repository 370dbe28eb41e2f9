"""Moments (Unix milliseconds, UTC) as text, for programs and for people."""

from calendar import month_name
from datetime import UTC, datetime, timedelta

from models import now

EPOCH = datetime.fromtimestamp(0, UTC)
DAY = 86_400  # seconds
UNITS = {
    "year": 365 * DAY, "month": 30 * DAY, "week": 7 * DAY, "day": DAY, "hour": 3600, "minute": 60,
}  # fmt: skip
MONTHS = tuple(month_name)


def iso_time(moment: int, timespec: str = "seconds") -> str:
    """Return ISO 8601, "2026-11-23T11:54:00Z"; timespec as of datetime.isoformat."""
    when = _datetime(moment)
    return when.isoformat(timespec=timespec)[:-6] + "Z" if when else f"{moment} ms"


def in_words(moment: int) -> str:
    """Return "23 November 2026, 11:54 UTC"."""
    if (when := _datetime(moment)) is None:
        return f"{moment} ms"
    return f"{when.day} {MONTHS[when.month]} {when.year}, {when:%H:%M} UTC"


def ago(moment: int, longest: str = "year") -> str:
    """Return how long ago a moment was, in units up to the `longest`: "3 days ago". Less than a
    minute, or yet to come: "just now".
    """
    seconds = (now() - moment) // 1000
    units = list(UNITS)
    for unit in units[units.index(longest) :]:
        if seconds >= UNITS[unit]:
            number = seconds // UNITS[unit]
            return f"{number} {unit}{'' if number == 1 else 's'} ago"
    return "just now"


def _datetime(moment: int) -> datetime | None:
    try:
        return EPOCH + timedelta(milliseconds=moment)
    except OverflowError:  # in a row that was imported or damaged: it must not hide the others
        return None
