"""Does the time of a refused log-in reveal why it was refused?

    .venv/bin/python benchmarks/timing.py [--measurements 200]

Measures POST /login in process, with the real Argon2 parameters and a database file of its own:
a wrong password, an unknown name, a locked user with the right password, and a user without
a password, in turns and in a new random order each time, so that a machine that becomes slower or
faster meanwhile affects them all alike. No limit applies.

For each pair it prints the AUC: how often a measurement of the first took longer than one of the
second. 0.5 is chance. The verdict is "equal" from 0.45 to 0.55. With two equal cases, 200
measurements each give an AUC outside that range one time in twelve (its standard deviation is
0.029), so try again with --measurements 2000 (0.009) before looking for a reason. The exit code is
1 when a pair can be told apart. Run nothing else on the machine meanwhile.
"""

import argparse
import itertools
import math
import random
import secrets
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import logging

from flask.testing import FlaskClient

import migrations
from accounts import users
from accounts.actor import OPERATOR
from app import create_app
from database import database
from models import Key, User

PASSWORD = "correct horse battery"
LIMITS = ("LOGIN_ACCOUNT", "LOGIN_KNOWN_BROWSER", "LOGIN_ADDRESS", "SIGNUP_ADDRESS")
CASES = {
    "wrong password": ("Jane-wrong", "wrong horse battery"),
    "unknown name": ("Jane-nobody", PASSWORD),
    "locked user": ("Jane-locked", PASSWORD),
    "no password": ("Jane-passwordless", PASSWORD),
}


def prepare(folder: str) -> FlaskClient:
    """Return a browser at an application with one account of each kind."""
    limits = {f"LIMIT_{name}": "1000000/second" for name in LIMITS}
    place = {"DATABASE_URL": f"sqlite:///{folder}/timing.db", "SECRET_KEY": secrets.token_hex(32)}
    app = create_app({**place, **limits})
    logging.getLogger("vestibule").setLevel(logging.ERROR)
    migrations.upgrade()
    for name in ("Jane-wrong", "Jane-locked", "Jane-passwordless"):
        users.create_user(name, PASSWORD, OPERATOR)
    users.lock_user(User.get(username="Jane-locked"), OPERATOR)
    named = Key.provider_user_id == "jane-passwordless"
    Key.update(password_hash=None).where(named).execute()
    return app.test_client()


def measure(client: FlaskClient, times: int) -> dict[str, list[float]]:
    """Return the milliseconds of each case, measured in turns; the first ones do not count."""
    with client.session_transaction() as session:
        session["csrf_token"] = "x"
    took: dict[str, list[float]] = {case: [] for case in CASES}
    for number in range(-5, times):
        for case in random.sample(list(CASES), len(CASES)):
            milliseconds = log_in(client, *CASES[case])
            if number >= 0:
                took[case].append(milliseconds)
    return took


def log_in(client: FlaskClient, username: str, password: str) -> float:
    """Return how long a refused log-in took."""
    fields = {"username": username, "password": password, "csrf_token": "x"}
    started = time.perf_counter()
    answer = client.post("/login", data=fields)
    milliseconds = (time.perf_counter() - started) * 1000
    if answer.status_code != 400 or b"Incorrect" not in answer.data:
        raise SystemExit(f"{username}: {answer.status_code}, not a refused log-in")
    return milliseconds


def auc(first: list[float], second: list[float]) -> float:
    """Return how often a value of `first` is larger than one of `second`; equal ones count half."""
    larger = sum((a > b) + (a == b) / 2 for a in first for b in second)
    return larger / (len(first) * len(second))


def report(took: dict[str, list[float]]) -> bool:
    """Print the figures; return whether no pair can be told apart."""
    print(f"{'case':18}{'median ms':>12}{'10 %':>10}{'90 %':>10}")
    for case, values in took.items():
        tenths = statistics.quantiles(values, n=10)
        print(f"{case:18}{statistics.median(values):12.2f}{tenths[0]:10.2f}{tenths[-1]:10.2f}")
    number = len(took["unknown name"])
    deviation = math.sqrt((2 * number + 1) / 12) / number
    print(f"\nAUC of {number} against {number}, chance 0.5 +- {deviation:.3f}")
    equal = True
    for first, second in itertools.combinations(took, 2):
        value = auc(took[first], took[second])
        fits = 0.45 <= value <= 0.55
        equal = equal and fits
        print(f"{first + ' / ' + second:36}{value:7.3f}  {'equal' if fits else 'TOLD APART'}")
    return equal


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--measurements", type=int, default=200, metavar="N")
    times = parser.parse_args().measurements
    with tempfile.TemporaryDirectory() as folder:
        try:
            took = measure(prepare(folder), times)
        finally:
            database.close_all()
    sys.exit(0 if report(took) else 1)


if __name__ == "__main__":
    main()
