"""Passwords among the most common ones: 28,000 that were found in leaks, and one's own name.

The list comes with zxcvbn (Dropbox's, MIT licence): the 30,000 most frequent passwords of public
leaks, two thousand of them too short to be a password here.
"""

import functools
import re
import runpy
from importlib import metadata

from .errors import InvalidPassword
from .passwords import PASSWORD_MIN

APP_NAME = "vestibule"

_refuse = False


def configure(refuse: bool) -> None:
    """Say whether a common password is refused; if not, its owner is only told."""
    global _refuse  # noqa: PLW0603 - set once at start
    _refuse = refuse


def is_common(password: str, username: str) -> bool:
    """Return whether a password is among the first that somebody would guess: common, or the
    name of its user or of this application with nothing but digits and signs around it.
    """
    folded = password.casefold()
    if folded in _most_common():
        return True
    core = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", folded)
    return bool({folded, core} & {username.casefold(), APP_NAME})


@functools.cache
def _most_common() -> frozenset[str]:
    # The one file of the package that holds the lists is run by itself, once, and dropped again:
    # importing zxcvbn would keep all its dictionaries, 14 MB a process instead of 3.
    source = metadata.distribution("zxcvbn").locate_file("zxcvbn/frequency_lists.py")
    lists = runpy.run_path(str(source))
    words = lists["FREQUENCY_LISTS"]["passwords"]
    return frozenset(word.casefold() for word in words if len(word) >= PASSWORD_MIN)


def refuse_common(password: str, username: str) -> None:
    """Raise InvalidPassword for a common password where those are refused."""
    if _refuse and is_common(password, username):
        raise InvalidPassword(
            "This password is one of the first that anybody would guess. Please choose another."
        )
