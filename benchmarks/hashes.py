"""The hash's own limit: only verifying, in as many threads as there are cores."""

import time
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher

from . import machine
from .peers import ARGON2, PASSWORD

hasher = PasswordHasher(**ARGON2)
password_hash = hasher.hash(PASSWORD)


def hashes_per_second(seconds: float) -> float:
    """Verify a password again and again for a while."""
    end = time.perf_counter() + seconds
    cores = len(machine.CORES)
    with ThreadPoolExecutor(cores) as threads:
        return sum(threads.map(verify_until, [end] * cores)) / seconds


def verify_until(end: float) -> int:
    """Return how often the password was verified until then."""
    done = 0
    while time.perf_counter() < end:
        hasher.verify(password_hash, PASSWORD)
        done += 1
    return done
