"""A lock that one of two starts holds while it migrates SQLite's file."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from peewee import OperationalError

if sys.platform != "win32":
    import fcntl

MAX_WAIT = 60  # seconds


class Locked(OperationalError):
    """Others write all the time."""

    sqlite_errorname = "SQLITE_BUSY"


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Hold a lock on a folder, which goes with the process however it ends. Raises Locked. Where
    there are no such locks (Windows, some network mounts), start one at a time.
    """
    with ExitStack() as stack:
        with suppress(AttributeError, NameError, OSError):
            descriptor = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, descriptor)
            _wait(descriptor, folder)
        yield


def _wait(descriptor: int, folder: Path) -> None:
    for second in range(MAX_WAIT):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if second == 0:
                sys.stderr.write(f"Waiting for another command that migrates in {folder} ...\n")
            time.sleep(1)
    raise Locked(f"another command has been migrating for a minute; find it: fuser -v {folder}")
