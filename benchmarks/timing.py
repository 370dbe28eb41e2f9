"""Does the time of a refusal reveal why it was refused?

    .venv/bin/python benchmarks/timing.py [--page recover] [--measurements 200]

Measures POST /login in process, with the real Argon2 parameters and a database file of its own:
a wrong password, an unknown name, a locked user with the right password, and a user without
a password, in turns and in a new random order each time, so that a machine that becomes slower or
faster meanwhile affects them all alike. No limit applies. Likewise POST /recover: a wrong code, one
that was used, an unknown name, a locked user, and one without codes.

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
from accounts.actor import OPERATOR, Actor
from app import create_app
from database import database
from features.recovery import kit
from features.recovery.codes import hash_code, make_code
from features.recovery.models import RecoveryCode
from models import Key, User, now

PASSWORD = "correct horse battery"
LIMITS = ("LOGIN_ACCOUNT", "LOGIN_KNOWN_BROWSER", "LOGIN_ADDRESS", "SIGNUP_ADDRESS")
Cases = dict[str, dict[str, str]]  # the fields of a form for each


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


def login_cases() -> Cases:
    """Return the refusals of a log-in."""
    typed = {
        "wrong password": ("Jane-wrong", "wrong horse battery"),
        "unknown name": ("Jane-nobody", PASSWORD),
        "locked user": ("Jane-locked", PASSWORD),
        "no password": ("Jane-passwordless", PASSWORD),
    }
    return {case: {"username": name, "password": text} for case, (name, text) in typed.items()}


def recover_cases() -> Cases:
    """Return the refusals of a recovery code."""
    codes = [add_code(name) for name in ("Jane-wrong", "Jane-wrong", "Jane-locked")]
    kit.recover("Jane-wrong", codes[0], PASSWORD, Actor())
    typed = {
        "wrong code": ("Jane-wrong", make_code()),
        "used code": ("Jane-wrong", codes[0]),
        "unknown name": ("Jane-nobody", codes[1]),
        "locked user": ("Jane-locked", codes[2]),
        "no codes": ("Jane-passwordless", codes[1]),
    }
    return {
        case: {"username": name, "recovery_code": code, "new_password": PASSWORD}
        for case, (name, code) in typed.items()
    }


def add_code(name: str) -> str:
    """Return a code of an account that works."""
    user, code = User.get(username=name), make_code()
    RecoveryCode.create(id=hash_code(user.id, code), user=user, created_at=now())
    return code


PAGES = {"login": login_cases, "recover": recover_cases}


def measure(client: FlaskClient, page: str, times: int) -> dict[str, list[float]]:
    """Return the milliseconds of each case, measured in turns; the first ones do not count."""
    cases = PAGES[page]()
    with client.session_transaction() as session:
        session["csrf_token"] = "x"
    took: dict[str, list[float]] = {case: [] for case in cases}
    for number in range(-5, times):
        for case in random.sample(list(cases), len(cases)):
            milliseconds = send(client, f"/{page}", cases[case])
            if number >= 0:
                took[case].append(milliseconds)
    return took


def send(client: FlaskClient, path: str, fields: dict[str, str]) -> float:
    """Return how long a refusal took."""
    started = time.perf_counter()
    answer = client.post(path, data={**fields, "csrf_token": "x"})
    milliseconds = (time.perf_counter() - started) * 1000
    if answer.status_code != 400 or b"Incorrect" not in answer.data:
        raise SystemExit(f"{fields['username']}: {answer.status_code}, not refused")
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
    parser.add_argument("--page", choices=PAGES, default="login")
    parser.add_argument("--measurements", type=int, default=200, metavar="N")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        try:
            took = measure(prepare(folder), options.page, options.measurements)
        finally:
            database.close_all()
    sys.exit(0 if report(took) else 1)


if __name__ == "__main__":
    main()
