"""Fifty people at the same instant on the last use of an invitation, over real HTTP.

ROUNDS=20 bin/test -s tests/features/invitations/test_fifty.py does it twenty times over and prints
the figures; likewise with --database postgresql.
"""

import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from conftest import PASSWORD
from processes import Visitor, flask, server, sql
from together import at_once

pytestmark = pytest.mark.server
ROUNDS = int(os.environ.get("ROUNDS", "1"))
PEOPLE = 50


def invitation(settings: dict[str, str], uses: int) -> str:
    done = flask(settings, "invitations", "create", "--uses", str(uses))
    assert done.returncode == 0, done.stderr
    return "/invitation/" + done.stdout.split("/invitation/")[1].strip()


def count(settings: dict[str, str], table: str) -> int:
    [(rows,)] = sql(settings, f'SELECT count(*) FROM "{table}"')
    return int(rows)


def test_of_fifty_at_once_on_the_last_use_exactly_one_gets_in(settings: dict[str, str]) -> None:
    settings |= {"SIGNUP": "invite", "HASH_QUEUE": "64"}
    with server(settings):
        for turn in range(ROUNDS):
            path = invitation(settings, 1)
            visitors = [Visitor(settings) for _ in range(PEOPLE)]
            with ThreadPoolExecutor(10) as threads:
                tokens = list(threads.map(lambda one: one.prepare(path), visitors))  # noqa: B023
            forms = [
                {"username": f"t{turn}n{number}", "password": PASSWORD, **token}
                for number, token in enumerate(tokens)
            ]
            begun = time.monotonic()
            sent = zip(visitors, forms, strict=True)
            answers = at_once(*(partial(visitor.send, path, form) for visitor, form in sent))
            seconds = time.monotonic() - begun
            statuses = Counter(status for status, *_ in answers)
            print(f"round {turn + 1}: {dict(statuses)} in {seconds:.1f} s")  # noqa: T201
            assert statuses[302] == 1
            assert set(statuses) <= {302, 404, 503}
            assert len({text for status, _, text in answers if status == 404}) <= 1
            assert sum(visitor.is_signed_in() for visitor in visitors) == 1
            for table in ("user", "key", "session"):
                assert count(settings, table) == turn + 1
        assert sql(settings, "SELECT sum(uses_left) FROM invitation")[0][0] == 0
