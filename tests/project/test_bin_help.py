"""Each command of bin/ that is not a program of its own shows its first comment as help."""

import importlib
import subprocess

import pytest
from processes import ROOT

SAID = {
    "screenshots": "README's pictures",
    "lighthouse": "100 in each category",
    "lock": "lock files",
    "test": "whatever pytest takes",
    "check": "before a commit",
    "try-docs": "in an empty Debian root",
    "lines": "what there is to read",
}


@pytest.mark.parametrize("name", SAID)
@pytest.mark.parametrize("asked", ["--help", "-h"])
def test_help_says_what_the_command_does_and_does_nothing(name: str, asked: str) -> None:
    command = [f"bin/{name}", asked]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert SAID[name] in done.stdout
    assert len(done.stdout) < 1000
    assert done.stderr == ""


@pytest.mark.parametrize("name", ["browser.screenshots", "browser.lighthouse", "crash"])
def test_a_command_that_few_run_still_finds_its_parts(name: str) -> None:
    importlib.import_module(name)
