"""docs/your-app.md, to the letter: each recipe is applied to a copy of the repository, where the
hall's tests and a few more (recipes/) then pass.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from copies import (
    ALL,
    IN_CI,
    PAGES,
    PLACE,
    SUBSET,
    apply,
    copy_repository,
    failures,
    python,
    run_tests,
)
from processes import ROOT

PAGE = (ROOT / "docs/your-app.md").read_text()
INTRODUCTION, *SECTIONS = re.split(r"^## ", PAGE, flags=re.MULTILINE)
RECIPES = {section.partition("\n")[0]: section for section in SECTIONS}
MERGE = "Take over newer versions"
APPLIED = [title for title in RECIPES if title != MERGE]
CHECKS = Path(__file__).parent / "recipes"


def slug(title: str) -> str:
    return title.lower().replace(" ", "-")


def steps(title: str) -> list[str]:
    """Return a recipe, preceded by those that it continues."""
    recipe = RECIPES[title]
    before = re.search(r"^Continues \[(.+?)\]\(#(.+?)\)", recipe, re.MULTILINE)
    if before is None:
        return [recipe]
    assert before[2] == slug(before[1])
    return [*steps(before[1]), recipe]


@pytest.fixture
def copy() -> Iterator[Path]:
    """A copy that other users can read, as a few tests do; they cannot read tmp_path."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield copy_repository(Path(folder) / "copy")


def test_every_block_says_where_it_goes(copy: Path) -> None:
    """Also, all recipes fit together in one copy, formatted and linted like the rest."""
    for title in APPLIED:
        apply(RECIPES[title], copy)
    assert PAGE.count("```") == 2 * len(re.findall(PLACE, PAGE)) - 2 * PAGE.count(", delete `")
    changed = [str(path) for path in copy.rglob("*.py") if not is_ours(path, copy)]
    for check in (["check"], ["format", "--check"]):
        done = python(copy, "-m", "ruff", *check, "--quiet", *changed)
        assert done.returncode == 0, done.stdout


def is_ours(path: Path, copy: Path) -> bool:
    """Return whether a file of a copy is unchanged."""
    original = ROOT / path.relative_to(copy)
    return original.exists() and original.read_bytes() == path.read_bytes()


def test_the_introduction_deletes_what_is_ours(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "tests/project", tmp_path / "tests/project")
    apply(INTRODUCTION, tmp_path)
    assert not (tmp_path / "tests/project").exists()


@pytest.mark.slow
@pytest.mark.parametrize("title", APPLIED)
def test_a_recipe_works_and_the_tests_still_pass(copy: Path, title: str) -> None:
    for recipe in steps(title):
        apply(recipe, copy)
    shutil.copy(CHECKS / f"{slug(title).replace('-', '_')}.py", copy / "tests/test_recipe.py")
    tests = SUBSET if any("migrations/" in recipe for recipe in steps(title)) else PAGES
    output = run_tests(copy, "tests/test_recipe.py", *tests)
    assert failures(output) == [], output[-5000:]


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.skipif(not IN_CI, reason="minutes: all tests of a copy, in CI")
def test_all_recipes_at_once_leave_all_tests_passing(copy: Path) -> None:
    for title in APPLIED:
        apply(RECIPES[title], copy)
    output = run_tests(copy, *ALL)
    assert failures(output) == [], output[-5000:]
    types = python(copy, "-m", "mypy")
    assert types.returncode == 0, types.stdout


@pytest.mark.slow
@pytest.mark.long
def test_a_new_column_breaks_only_the_test_that_asks_for_its_export(copy: Path) -> None:
    recipe = RECIPES["Add a column"]
    apply(recipe[: recipe.index("`bin/test` now fails once")], copy)
    output = run_tests(copy, *(ALL if IN_CI else [*SUBSET, "tests/features/export"]))
    asked = "tests/features/export/test_export.py::test_the_export_must_know_this_column[User]"
    assert failures(output) == [asked], output[-5000:]


@pytest.mark.slow
def test_newer_versions_are_merged(copy: Path, tmp_path: Path) -> None:
    """Theirs is a copy with a newer version; yours is a clone of the older one, with a recipe."""

    def git(folder: Path, *args: str) -> None:
        who = ["-c", "user.name=Jane", "-c", "user.email=jane@example.org"]
        subprocess.run(["git", *who, *args], cwd=folder, check=True, capture_output=True)

    git(copy, "init", "--quiet")
    git(copy, "add", "--all")
    git(copy, "commit", "--quiet", "--message", "0.1.0")
    git(tmp_path, "clone", "--quiet", str(copy), "yours")
    yours = tmp_path / "yours"
    apply(RECIPES["Add a column"], yours)
    git(yours, "add", "--all")
    git(yours, "commit", "--quiet", "--message", "Add a column")
    (copy / "migrations/0900_theirs.py").write_text(
        '"""Theirs."""\n\n\ndef up(migrator, db):\n    db.execute_sql("SELECT 1")\n'
    )
    git(copy, "add", "--all")
    git(copy, "commit", "--quiet", "--message", "0.2.0")
    git(copy, "tag", "v0.2.0")
    git(yours, "config", "user.name", "Jane")
    git(yours, "config", "user.email", "jane@example.org")
    apply(RECIPES[MERGE], yours)
    assert (yours / "migrations/0900_theirs.py").exists()
    output = run_tests(yours, *SUBSET)
    assert failures(output) == [], output[-5000:]
