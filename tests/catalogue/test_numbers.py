"""Every entry of the bad-input catalogue has a test that carries its number in its name."""

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
LATER = {127}  # reset codes: comes with the feature


def numbers() -> set[int]:
    """Return the numbers in the names of all tests (test_b003_b005_too_short_or_too_long has two)
    and of their cases ("b141-empty").
    """
    found: set[str] = set()
    for path in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_b"):
                found |= set(re.findall(r"(?<=_b)\d{3}(?=_)", node.name))
            elif isinstance(node, ast.Constant):
                found |= set(re.findall(r"^b(\d{3})-", str(node.value)))
    return {int(number) for number in found}


def test_no_entry_of_the_catalogue_is_without_a_test() -> None:
    assert sorted({*range(1, 161)} - LATER - numbers()) == []


def test_no_test_claims_an_entry_that_is_none() -> None:
    assert numbers() <= {*range(1, 161)}
