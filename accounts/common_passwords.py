"""Passwords among the first that somebody would guess: 28,000 that were found in leaks, words of
the context (ASVS 6.1.2), and runs.

The list comes with zxcvbn (Dropbox's, MIT licence): the 30,000 most frequent passwords of public
leaks, two thousand of them too short to be a password here.
"""

import functools
import itertools
import re
import runpy
from collections.abc import Iterable
from importlib import metadata

from .errors import InvalidPassword
from .passwords import PASSWORD_MIN

CONTEXT_WORDS = ("vestibule", "password", "admin", "login", "welcome")  # and the user's own name
LETTERS_BESIDE = 4  # a password of such words has fewer others

_refuse = False


def configure(refuse: bool) -> None:
    """Say whether a common password is refused; if not, its owner is only told."""
    global _refuse  # noqa: PLW0603 - set once at start
    _refuse = refuse


def is_common(password: str, username: str) -> bool:
    """Return whether a password is among the first that somebody would guess."""
    folded = password.casefold()
    return (
        folded in _most_common()
        or _is_run(folded)
        or _is_of_context(folded, [username.casefold(), *CONTEXT_WORDS])
    )


@functools.cache
def _most_common() -> frozenset[str]:
    # The one file of the package that holds the lists is run by itself, once, and dropped again:
    # importing zxcvbn would keep all its dictionaries, 14 MB a process instead of 3.
    source = metadata.distribution("zxcvbn").locate_file("zxcvbn/frequency_lists.py")
    lists = runpy.run_path(str(source))
    words = lists["FREQUENCY_LISTS"]["passwords"]
    return frozenset(word.casefold() for word in words if len(word) >= PASSWORD_MIN)


def _is_run(text: str) -> bool:
    """Whether it is one character again and again, or each the next of the alphabet."""
    steps = {ord(after) - ord(before) for before, after in itertools.pairwise(text)}
    return steps in ({0}, {1}, {-1})


def _is_of_context(text: str, words: Iterable[str]) -> bool:
    """Whether it is such words with little but digits and signs around them."""
    rest = text
    for word in words:
        rest = rest.replace(word, "")
    return rest != text and len(re.sub(r"[\W\d_]", "", rest)) < LETTERS_BESIDE


def refuse_common(password: str, username: str) -> None:
    """Raise InvalidPassword for a common password where those are refused."""
    if _refuse and is_common(password, username):
        raise InvalidPassword(
            "This password is one of the first that anybody would guess. Please choose another."
        )
