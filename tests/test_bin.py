"""What bin/ says where no environment can be made."""

import subprocess
import sys
from pathlib import Path

import pytest
from processes import PATIENCE, ROOT

pytestmark = pytest.mark.database("sqlite")

WITHOUT_LOCKS = """#!{python}
import fcntl, sys

def refuse(*_):
    raise OSError(37, "No locks available")

fcntl.flock = refuse
exec(sys.argv[3])  # after -I -c
"""


def sh(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run shell code after bin/_venv."""
    return subprocess.run(
        ["sh", "-euc", f"root={ROOT}\n. bin/_venv\n{code}"], cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", **environment}, capture_output=True, text=True,
        timeout=PATIENCE, check=False,
    )  # fmt: skip


def test_a_python_that_is_not_there_is_named() -> None:
    done = sh("find_python", PYTHON="/nope")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("PYTHON=/nope: there is no such program.")
    assert done.stderr.count("\n") == 1


def test_where_nothing_can_be_written_it_says_who_can() -> None:
    done = sh("take_lock", VESTIBULE_VENV="/nowhere/venv")
    assert (done.returncode, done.stdout) == (1, "")
    assert "not in /nowhere/venv yet" in done.stderr
    assert f"{ROOT}/bin/flask --version" in done.stderr
    assert "cannot create" not in done.stderr


def test_without_file_locks_packages_are_installed(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(WITHOUT_LOCKS.format(python=sys.executable))
    python.chmod(0o700)
    done = sh(f"python={python}\ntake_lock\necho locked", VESTIBULE_VENV=f"{tmp_path}/venv")
    assert (done.returncode, done.stdout, done.stderr) == (0, "locked\n", "")
