"""CPU time of one logged-in request without any server: the steadiest figure of all.

A process for each peer, in turn; in each the application is called as a server would call it.
"""

import importlib
import io
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from werkzeug.test import Client, EnvironBuilder

from .compare import turns
from .peers import NAMES, PASSWORD
from .servers import ROOT
from .visitors import FORM, HIDDEN, NOTICES, login_body, seen

BATCH = 200


def compare(
    peers: list[str], path: str, folder: Path, rounds: int, seconds: float
) -> dict[str, float]:
    """Return for each peer the median over the rounds of the CPU microseconds of one request."""
    figures: dict[str, list[float]] = {peer: [] for peer in peers}
    for peer in turns(peers, rounds):
        figures[peer].append(in_a_process(peer, path, folder, seconds))
    return {peer: statistics.median(each) for peer, each in figures.items()}


def in_a_process(peer: str, path: str, folder: Path, seconds: float) -> float:
    """Measure one peer in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.inprocess", peer, path, str(seconds)],
        env={"BENCH_FOLDER": str(folder), "PATH": ""},
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        timeout=60 + seconds,
    )
    return float(json.loads(done.stdout))


def measure(peer: str, path: str, seconds: float) -> float:
    """Return the median over batches of the CPU microseconds of one request."""
    app = importlib.import_module(f"benchmarks.peers.{peer}").create_app()
    environ = environment(app, path)
    deadline, batches = time.monotonic() + seconds, []
    while time.monotonic() < deadline or len(batches) < 3:
        before = time.process_time()
        for _ in range(BATCH):
            call(app, environ)
        batches.append((time.process_time() - before) / BATCH * 1e6)
    return statistics.median(batches)


def environment(app: Callable[..., Any], path: str) -> dict[str, Any]:
    """Return the WSGI environment of the request, with a log-in's cookies unless it asks for the
    log-in form.
    """
    client = Client(app)
    if path != "/login":
        found = HIDDEN.search(client.get("/login").text)
        body = login_body({found[1]: found[2]} if found else {}, NAMES[0], PASSWORD)
        client.post("/login", data=body, content_type=FORM)
        if form := seen(client.get(path).text):
            client.post(NOTICES, data=form, content_type=FORM)
            client.get(path)  # uses up the message that it was done
    request = client.open(EnvironBuilder(path=path)).request
    return {**request.environ, "REMOTE_ADDR": "127.0.0.1"}


def call(app: Callable[..., Any], environ: dict[str, Any]) -> None:
    """Make one request, reading and closing the answer as a server does."""
    statuses: list[str] = []
    environ = {**environ, "wsgi.input": io.BytesIO()}
    answer = app(environ, lambda status, *_: statuses.append(status))
    for _ in answer:
        pass
    if hasattr(answer, "close"):
        answer.close()
    if not statuses[0].startswith("200"):
        raise SystemExit(f"{environ['PATH_INFO']}: {statuses[0]}")


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], sys.argv[2], float(sys.argv[3]))))
