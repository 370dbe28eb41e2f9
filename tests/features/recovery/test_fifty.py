"""Fifty uses of one code and of one link at the same instant, over real HTTP.

ROUNDS=20 bin/test -s tests/features/recovery/test_fifty.py does it twenty times over and prints the
figures; likewise with --database postgresql.
"""

import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from processes import Visitor, flask, server, sql
from together import at_once

from .conftest import SHOWN

pytestmark = pytest.mark.server
ROUNDS = int(os.environ.get("ROUNDS", "1"))
PEOPLE = 50


def send_fifty(settings: dict[str, str], path: str, **fields: str) -> Counter[int]:
    """Send one form from fifty browsers, each with a password of its own; return the statuses."""
    visitors = [Visitor(settings) for _ in range(PEOPLE)]
    with ThreadPoolExecutor(10) as threads:
        tokens = list(threads.map(lambda one: one.prepare(path), visitors))
    forms = [
        {**fields, "new_password": f"horse {number:03}", **token}
        for number, token in enumerate(tokens)
    ]
    begun = time.monotonic()
    sent = zip(visitors, forms, strict=True)
    answers = at_once(*(partial(visitor.send, path, form) for visitor, form in sent))
    statuses = Counter(status for status, *_ in answers)
    print(f"{path[:8]} {dict(statuses)} in {time.monotonic() - begun:.1f} s")  # noqa: T201
    assert statuses[302] == 1
    assert sum(visitor.is_signed_in() for visitor in visitors) == 1
    winner = [status for status, *_ in answers].index(302)
    assert Visitor(settings).submit("/login", "Jane", f"horse {winner:03}")[0] == 302
    return statuses


def test_of_fifty_uses_at_once_exactly_one_wins(settings: dict[str, str]) -> None:
    settings |= {"HASH_QUEUE": "64"}
    with server(settings):
        owner = Visitor(settings)
        password = "correct horse"
        assert owner.submit("/signup", "Jane", password)[0] == 302
        for turn in range(ROUNDS):
            path = "/reset/" + flask(settings, "users", "reset-link", "Jane").stdout.split("/")[-1]
            assert set(send_fifty(settings, path.strip())) <= {302, 404, 503}
            assert sql(settings, "SELECT count(*) FROM reset_link") == [(0,)]
            password = f"turn {turn:05}"
            done = flask(settings, "users", "set-password", "Jane", "--password-stdin",
                         stdin=password.encode())  # fmt: skip
            assert done.returncode == 0
            owner = Visitor(settings)
            owner.submit("/login", "Jane", password)
            form = {"current_password": password, **owner.prepare("/profile/recovery")}
            code = SHOWN.findall(owner.send("/profile/recovery", form)[2])[0]
            fields = {"username": "Jane", "recovery_code": code}
            assert set(send_fifty(settings, "/recover", **fields)) <= {302, 400, 503}
            assert sql(settings, "SELECT count(*) FROM recovery_code") == [(7,)]
