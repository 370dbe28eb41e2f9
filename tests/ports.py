"""Ports for the servers of tests."""

import itertools
import os
import socket
from contextlib import suppress

# Each process that runs tests has its own ports, outside the kernel's ephemeral range: a port stays
# free until its server has started.
FIRST_PORT = 10_000 + 1_000 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 20_000
PORTS = itertools.cycle(range(FIRST_PORT, FIRST_PORT + 1_000))
for _ in range(os.getpid() % 1_000):  # so that two checkouts seldom collide
    next(PORTS)


def free_port() -> int:
    """Return a free port."""
    for port in PORTS:
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError
