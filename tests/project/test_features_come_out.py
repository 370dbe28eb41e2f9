"""Each feature can be removed from a copy, alone and with all others: the application starts
without it, and the hall's tests pass. PostgreSQL likewise: the recipe in test_your_app.py.
"""

from collections.abc import Sequence
from pathlib import Path

import pytest
from copies import SUBSET, copy_repository, edit, failures, run_tests, what_it_has
from processes import ROOT

FEATURES = sorted(path.parent.name for path in (ROOT / "features").glob("*/__init__.py"))
CHOICES = [[name] for name in FEATURES] + ([FEATURES] if len(FEATURES) > 1 else [])


def take_out(folder: Path, names: Sequence[str]) -> None:
    """Do what app.py says about features."""
    for name in names:
        for path in (f"features/{name}", f"tests/features/{name}"):
            remove(folder / path)
        (folder / f"docs/{name}.md").unlink()
        edit(folder / "app.py", "delete", f'"{name}",', "")


def remove(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    folder.rmdir()


def test_app_py_lists_every_feature() -> None:
    listed = [line.strip() for line in (ROOT / "app.py").read_text().splitlines()]
    assert FEATURES
    assert all(listed.count(f'"{name}",') == 1 for name in FEATURES)


@pytest.mark.parametrize("names", CHOICES, ids="+".join)
def test_nothing_of_it_is_left(tmp_path: Path, names: list[str]) -> None:
    before = what_it_has(copy_repository(tmp_path))
    take_out(tmp_path, names)
    after = what_it_has(tmp_path)
    packages = tuple(f"features.{name}" for name in names)
    for kind, things in before.items():
        own = {name for name, module in things.items() if module.startswith(packages)}
        assert set(after[kind]) == set(things) - own
    assert set(before["modules"]) > set(after["modules"])


@pytest.mark.slow
@pytest.mark.parametrize("names", CHOICES, ids="+".join)
def test_the_tests_of_the_hall_pass_without_it(tmp_path: Path, names: list[str]) -> None:
    take_out(copy_repository(tmp_path), names)
    output = run_tests(tmp_path, *SUBSET, "tests/test_login.py", "tests/test_cli_users.py")
    assert failures(output) == [], output[-5000:]
