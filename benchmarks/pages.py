"""bin/bench profile and login: pages and log-ins of all peers, side by side."""

import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from . import inprocess, visitors
from .compare import Contestant, compare, ratios
from .servers import serve

PEERS = ["bare", "vestibule", "flask_login_peer", "flask_security_peer", "django_peer"]
DATABASES = ["bare", "vestibule", "vestibule_postgresql"]
NOT_BARE = PEERS[1:]  # it has no real log-in


def profile(folder: Path, quick: bool) -> dict[str, Any]:
    """Measure GET /profile of a user who is logged in, under both servers and under none."""
    results = {
        "granian": side_by_side("granian", PEERS, visitors.page_requests, folder, quick),
        "gunicorn": side_by_side("gunicorn", PEERS, visitors.page_requests, folder, quick),
        "in_process": in_process("/profile", folder, quick),
    }
    if "BENCH_POSTGRESQL" in os.environ:
        results["postgresql"] = side_by_side(
            "granian", DATABASES, visitors.page_requests, folder, quick
        )
    return results


def login(folder: Path, quick: bool) -> dict[str, Any]:
    """Measure a stranger's GET /login, and POST /login with a hash that costs nothing."""
    free = folder / "free"
    free.mkdir(exist_ok=True)
    return {
        "form": side_by_side("granian", PEERS, visitors.form_requests, folder, quick),
        "form_in_process": in_process("/login", folder, quick),
        "free_hash": side_by_side(
            "granian", NOT_BARE, visitors.login_requests, free, quick, BENCH_HASH="free"
        ),
    }


def side_by_side(
    server: str,
    peers: list[str],
    requests: Callable[[int], list[bytes]],
    folder: Path,
    quick: bool,
    **settings: str,
) -> dict[str, Any]:
    """Start all peers under a server and load them in turn."""
    rounds, seconds = (3, 1) if quick else (9, 2)
    with ExitStack() as stack:
        servers = {
            peer: stack.enter_context(serve(peer, server, folder, **settings)) for peer in peers
        }
        contestants = [
            Contestant(peer, started, requests(started.port)) for peer, started in servers.items()
        ]
        results = compare(contestants, rounds, seconds)
    return {"peers": results, "times": ratios(results, lambda figures: figures["per_second"])}


def in_process(path: str, folder: Path, quick: bool) -> dict[str, Any]:
    """Measure CPU microseconds of one request without a server."""
    rounds, seconds = (3, 0.5) if quick else (7, 1.5)
    figures = inprocess.compare(PEERS, path, folder, rounds, seconds)
    times = {name: figures["vestibule"] / value for name, value in figures.items()}
    return {"microseconds": figures, "times": times}
