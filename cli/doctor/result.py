"""What a check finds, and what is reported when it fails itself."""

from collections.abc import Callable
from typing import NamedTuple

from peewee import PeeweeException

from database import ForeignDatabase, advice

from ..commands import way_over

OK, WARN, FAIL = "ok", "warn", "fail"  # a warning is worth knowing and no fault
RESTORE = "stop the server, keep a copy of the file, and put the last backup in its place"

Outcome = tuple[str, str] | tuple[str, str, str]  # state, finding and perhaps a fix
Check = Callable[[], Outcome]


class CheckResult(NamedTuple):
    """The outcome of a check, with the name of the check."""

    check: str
    state: str
    finding: str
    fix: str = ""


def attempt(name: str, check: Check) -> CheckResult:
    """Return what a check finds. One that fails itself has found something, the others go on."""
    try:
        return CheckResult(name, *check())
    except Exception as error:  # noqa: BLE001 # whatever it is, it is a finding
        return CheckResult(name, FAIL, _finding(error), _fix(error))


def _finding(error: Exception) -> str:
    if isinstance(error, ForeignDatabase):
        return error.finding
    return f"cannot be read: {' '.join(str(error).split()) or type(error).__name__}"


def _fix(error: Exception) -> str:
    if isinstance(error, ForeignDatabase):
        return f"{advice(error)}{way_over(error)}"
    if isinstance(error, OSError):
        return "run this as the server's user, or fix owner and mode"
    return (isinstance(error, PeeweeException) and advice(error)) or RESTORE
