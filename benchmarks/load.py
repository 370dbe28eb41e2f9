"""Send requests over a few persistent connections, each the next one as soon as it has its answer.

Use wrk where it is installed (on Debian the package of that name), otherwise a small Python loop,
which is slower, but noticeably so only for the bare page.
"""

import json
import os
import selectors
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from . import machine

CONNECTIONS = 8
SCRIPT = Path(__file__).parent / "wrk.lua"
WRK = shutil.which("wrk")
GENERATOR = "wrk" if WRK else "the loop in benchmarks/load.py (wrk is not installed)"


@dataclass
class Load:
    """The result of a slice of load: times in milliseconds."""

    requests: int
    seconds: float
    failed: int
    p50: float
    p99: float

    @property
    def per_second(self) -> float:
        """Return answers per second."""
        return self.requests / self.seconds


def send(port: int, requests: list[bytes], seconds: float) -> Load:
    """Send `requests` in turn for a while, from a core that is not the server's."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"\0".join(requests))
        file.flush()
        arguments = [sys.executable, "-m", "benchmarks.load", str(port), str(seconds), file.name]
        if WRK:
            url = f"http://127.0.0.1:{port}"
            arguments = [WRK, "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s",
                         "-s", str(SCRIPT), url, "--", file.name]  # fmt: skip
        done = subprocess.run(
            arguments,
            check=True,
            capture_output=True,
            text=True,
            timeout=seconds + 30,
            preexec_fn=lambda: os.sched_setaffinity(0, machine.LOAD_CORE),
        )
    return Load(**json.loads(done.stdout.partition("RESULT ")[2]))


def loop(port: int, requests: list[bytes], seconds: float) -> Load:
    """Do what wrk does."""
    selector, turn = selectors.DefaultSelector(), cycle(requests)
    times: list[float] = []
    failed = 0
    for _ in range(CONNECTIONS):
        connection = socket.create_connection(("127.0.0.1", port))
        selector.register(connection, selectors.EVENT_READ, [b"", time.perf_counter()])
        connection.sendall(next(turn))
    start = time.perf_counter()
    while (now := time.perf_counter()) < start + seconds:
        for key, _ in selector.select(seconds):
            key.data[0] += key.fileobj.recv(65536)
            if is_whole(key.data[0]):
                times.append(time.perf_counter() - key.data[1])
                failed += key.data[0][9:10] > b"3"
                key.data[:] = [b"", time.perf_counter()]
                key.fileobj.sendall(next(turn))
    return summary(times, now - start, failed)


def is_whole(answer: bytes) -> bool:
    """Return whether an answer with a Content-Length has arrived completely."""
    head, found, body = answer.partition(b"\r\n\r\n")
    _, _, length = head.lower().partition(b"content-length: ")
    return bool(found) and len(body) >= int(length.split(b"\r\n")[0])


def summary(times: list[float], seconds: float, failed: int) -> Load:
    """Return the figures for a list of times in seconds."""
    cuts = statistics.quantiles(times, n=100) if len(times) > 1 else [0.0] * 99
    return Load(len(times), seconds, failed, 1e3 * cuts[49], 1e3 * cuts[98])


if __name__ == "__main__":
    result = loop(int(sys.argv[1]), Path(sys.argv[3]).read_bytes().split(b"\0"), float(sys.argv[2]))
    print("RESULT", json.dumps(vars(result)))
