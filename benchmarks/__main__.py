"""bin/bench: measure Vestibule beside its peers."""

import argparse
import importlib
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PARTS = ("profile", "login", "flood", "scale", "admin")


def main() -> None:
    """Run the requested parts; their results are added to those of earlier runs."""
    arguments = parse_arguments()
    if sys.platform != "linux":
        raise SystemExit("bin/bench needs Linux: it reads CPU time and memory from /proc.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # clean up too
    with tempfile.TemporaryDirectory(prefix="vestibule-bench-") as folder:
        os.environ["BENCH_FOLDER"] = folder  # before a peer is imported
        parts = PARTS if arguments.part == "all" else [arguments.part]
        with postgresql_if(arguments.database == "postgresql"):
            run(parts, Path(folder), arguments.quick)


@contextmanager
def postgresql_if(wanted: bool) -> Iterator[None]:
    """Run a temporary PostgreSQL server where one is needed, at the address BENCH_POSTGRESQL."""
    if not wanted:
        yield
        return
    from tests.postgresql import running_server  # noqa: PLC0415 - most parts need no driver

    with running_server(fsync="on", full_page_writes="on") as server:
        os.environ["BENCH_POSTGRESQL"] = server.url()
        yield


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="bin/bench", description=__doc__)
    parser.add_argument("part", choices=[*PARTS, "all"])
    parser.add_argument(
        "--database",
        choices=["sqlite", "postgresql"],
        default="sqlite",
        help="postgresql: Vestibule on PostgreSQL too, in the profile part",
    )
    parser.add_argument("--quick", action="store_true", help="under two minutes, only for trying: "
                        "prints, and writes no results")  # fmt: skip
    return parser.parse_args()


def run(parts: Any, folder: Path, quick: bool) -> None:
    """Measure, print, and, unless this is a trial run, write results and chart."""
    from . import chart, load, machine, report  # noqa: PLC0415 - they read BENCH_FOLDER

    path = HERE / "results.json"
    results = json.loads(path.read_text()) if path.exists() and not quick else {}
    about = {**machine.description(), "load": load.GENERATOR}
    print(report.machine_line(about))
    for part in parts:
        start = time.monotonic()
        results[part] = {"machine": about, **measure(part, folder, quick)}
        results[part]["taken_seconds"] = round(time.monotonic() - start)
        print(report.table(part, results[part]), flush=True)
    print(report.goals(results))
    if not quick:
        path.write_text(json.dumps(rounded(results), indent=1) + "\n")
        if "profile" in results:
            (HERE.parent / "docs" / "performance.svg").write_text(chart.draw(results["profile"]))


def measure(part: str, folder: Path, quick: bool) -> dict[str, Any]:
    """Run one part."""
    module = "pages" if part in ("profile", "login") else part
    function = getattr(importlib.import_module(f"benchmarks.{module}"), part)
    result: dict[str, Any] = function(folder, quick)
    return result


def rounded(value: Any) -> Any:
    """Return results rounded to four significant figures."""
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    return float(f"{value:.4g}") if isinstance(value, float) else value


if __name__ == "__main__":
    main()
