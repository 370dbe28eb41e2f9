"""Passwords that anybody would guess first: 28,000 from leaks, words of the context (ASVS
6.1.2), and runs.

The list comes with zxcvbn (by Dropbox, MIT licence): the 30,000 most frequent passwords of public
leaks, two thousand of which are too short to be a password here.
"""

import functools
import itertools
import re
import runpy
from collections.abc import Iterable
from importlib import metadata

from accounts import settings
from accounts.passwords import PASSWORD_MIN

CONTEXT_WORDS = ("password", "admin", "login", "welcome")  # and the names of user and site
OTHER_LETTERS = 4  # a password made of such words has fewer other letters


def is_common(password: str, username: str) -> bool:
    """Return whether a password is among the first that anybody would guess."""
    folded = password.casefold()
    site = [word for word in settings.SITE_NAME.split() if len(word) >= OTHER_LETTERS]
    words = [*(name.casefold() for name in (username, *site)), *CONTEXT_WORDS]
    return folded in _most_common() or _is_run(folded) or _is_context(folded, words)


@functools.cache
def _most_common() -> frozenset[str]:
    # Only the file that holds the lists is run, once, and dropped again: importing zxcvbn would
    # keep all its dictionaries, 14 MB a process instead of 3.
    source = metadata.distribution("zxcvbn").locate_file("zxcvbn/frequency_lists.py")
    lists = runpy.run_path(str(source))
    words = lists["FREQUENCY_LISTS"]["passwords"]
    return frozenset(word.casefold() for word in words if len(word) >= PASSWORD_MIN)


def _is_run(text: str) -> bool:
    """Whether a text is one character repeated, or each is the next of the alphabet."""
    steps = {ord(after) - ord(before) for before, after in itertools.pairwise(text)}
    return steps in ({0}, {1}, {-1})


def _is_context(text: str, words: Iterable[str]) -> bool:
    """Whether a text is such words with little but digits and signs around them."""
    rest = text
    for word in words:
        rest = rest.replace(word, "")
    return rest != text and len(re.sub(r"[\W\d_]", "", rest)) < OTHER_LETTERS
