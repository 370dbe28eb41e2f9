"""Several people at the same moment."""

import threading
from concurrent.futures import ThreadPoolExecutor

from accounts.errors import AccountError
from database import database, release


def at_once(*actions):
    """Run functions at the same time; return what they return, or the AccountError they raise."""
    start = threading.Barrier(len(actions))

    def run(action):
        start.wait()
        try:
            return action()
        except AccountError as error:
            return error
        finally:
            if database.obj:  # none in a test of real servers
                release()

    with ThreadPoolExecutor(len(actions)) as threads:
        return list(threads.map(run, actions))
