"""No dependency is older than the release that fixed its known faults."""

import re
from importlib.metadata import PackageNotFoundError, distributions, version

import pytest
from processes import ROOT

# The first version without the known faults that matter here.
FLOORS = {
    "flask": (3, 1, 3),
    "werkzeug": (3, 1, 6),
    "jinja2": (3, 1, 6),
    "itsdangerous": (2, 2),
    "flask-wtf": (1, 2, 2),
    "peewee": (4, 5),
    "argon2-cffi": (23, 1),
    "granian": (2, 2),
}


def parsed(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text)[:3])


@pytest.mark.parametrize("name", FLOORS)
def test_what_is_locked_and_what_is_installed_is_new_enough(name: str) -> None:
    lock = (ROOT / "requirements.txt").read_text()
    [locked] = re.findall(rf"^{name}==([0-9.]+)", lock, re.MULTILINE)
    assert parsed(locked) >= FLOORS[name]
    assert parsed(version(name)) >= FLOORS[name]


def test_everything_locked_carries_a_hash() -> None:
    for file in ROOT.glob("requirements*.txt"):
        parts = re.split(r"^(?=[a-z0-9])", file.read_text(), flags=re.MULTILINE)[1:]
        assert len(parts) > 10
        assert [part.split()[0] for part in parts if "--hash=sha256:" not in part] == []


def test_passlib_is_the_maintained_one() -> None:
    assert version("libpass")
    with pytest.raises(PackageNotFoundError):
        version("passlib")


def test_no_two_packages_bring_different_files_of_one_name() -> None:
    """Which is kept would depend on what is installed first: bin/serve's packages, or all."""
    brought: dict[str, set[str]] = {}
    for package in distributions():
        for file in package.files or ():
            if file.hash and file.suffix in (".py", ".pyi"):
                brought.setdefault(str(file), set()).add(file.hash.value)
    assert [name for name, contents in brought.items() if len(contents) > 1] == []
