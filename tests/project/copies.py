"""A copy of the repository, changed as an adopter changes it, and its tests run there."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from processes import ROOT

# What a change is most likely to break. In CI a few copies run everything that bin/test does.
PAGES = [f"tests/test_{name}.py" for name in ("signup", "profile", "access")]
SUBSET = [*PAGES, *(f"tests/test_{name}.py" for name in ("migrations", "constraints", "cli_db"))]
ALL = ["-n", "2", "-m", "not browser and not server and not slow", "tests"]
IN_CI = os.environ.get("CI") == "true"

PLACE = re.compile(
    r"""(?:New\sfile\s`(?P<new>[^`]+)`
        |[Tt]he\swhole\sof\s+`(?P<whole>[^`]+)`
        |[Aa]t\sthe\send\sof\s`(?P<end>[^`]+)`
        |[Ii]n\s+`(?P<file>[^`]+)`,\s+(?P<how>after|before|replace|delete|at\ the\ end\ of)\s+
         (?P<ticks>`+)\ ?(?P<line>.+?)\ ?(?P=ticks)
        )(?:[:]\n\n```\w+\n(?P<block>.*?)```|\.)
      |\n\n```sh\n(?P<commands>.*?)```""",
    re.VERBOSE | re.DOTALL,
)


def copy_repository(folder: Path) -> Path:
    """Copy the files that git tracks, and new ones not ignored, without tests/project."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others",
               "--exclude-standard"]  # fmt: skip
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for name in listed.rstrip("\0").split("\0"):
        source, target = ROOT / name, folder / name
        if source.is_file() and not name.startswith("tests/project/"):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    return folder


def apply(recipe: str, folder: Path) -> None:
    """Do what a recipe of docs/your-app.md says."""
    for match in PLACE.finditer(recipe):
        step = match.groupdict()
        if step["commands"]:
            subprocess.run(["sh", "-eu", "-c", step["commands"]], cwd=folder, check=True)
        elif step["new"]:
            path = folder / step["new"]
            assert not path.exists(), path
            path.parent.mkdir(exist_ok=True)
            path.write_text(step["block"])
        elif step["whole"]:
            assert (folder / step["whole"]).exists()
            (folder / step["whole"]).write_text(step["block"])
        elif step["end"]:
            with (folder / step["end"]).open("a") as file:
                file.write(step["block"])
        else:
            edit(folder / step["file"], step["how"], step["line"], step["block"] or "")


def edit(path: Path, how: str, start: str, block: str) -> None:
    """Change the only line of a file that starts with a text."""
    lines = path.read_text().splitlines(keepends=True)
    found = [number for number, line in enumerate(lines) if line.lstrip().startswith(start)]
    assert len(found) == 1, f"{path.name}: {len(found)} lines start with {start}"
    first, last = found[0], found[0] + 1
    if how == "after":
        first = last
    elif how == "before":
        last = first
    elif how == "at the end of":
        first = last = end_of_block(lines, first)
    path.write_text("".join([*lines[:first], block, *lines[last:]]))


def end_of_block(lines: list[str], first: int) -> int:
    """Return the number of the line after the last one indented below a line."""
    last = first + 1
    for number in range(first + 1, len(lines)):
        if lines[number].strip():
            if not lines[number].startswith(" "):
                break
            last = number + 1
    return last


def python(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a copy, without our settings."""
    ours = ("COV", "PYTEST", "PYTHON", "FLASK", "SECRET_KEY", "DATABASE_URL")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return subprocess.run(
        [sys.executable, *args],
        cwd=folder,
        env={**environment, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def run_tests(folder: Path, *args: str) -> str:
    """Run tests of a copy; return the names of those that failed and the end of the output."""
    done = python(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", *args)
    assert done.returncode in (0, 1), done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def failures(output: str) -> list[str]:
    """Return the names of the tests that failed, from pytest's last lines."""
    return re.findall(r"^(?:FAILED|ERROR) (\S+)", output, re.MULTILINE)


LIST = """
import json, sys
from app import create_app

app = create_app({"SECRET_KEY": "0123456789abcdef" * 4})

def walk(group, path):
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from walk(command, [*path, name])
        elif command.callback:
            yield " ".join([*path, name]), command.callback.__module__

print(json.dumps({
    "commands": dict(walk(app.cli, [])),
    "routes": {rule.rule: app.view_functions[rule.endpoint].__module__
               for rule in app.url_map.iter_rules()},
    "modules": {name: name for name in sys.modules if name.startswith("features.")},
}))
"""


def what_it_has(folder: Path) -> dict[str, dict[str, Any]]:
    """Start a copy's application; return its commands, routes and features with their modules."""
    done = python(folder, "-c", LIST)
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return found
