"""The documents are true: promises name their tests, tables agree with the code."""

import ast
import re
import subprocess
from pathlib import Path

import pytest
from conftest import PASSWORD, Browser
from processes import ROOT

from accounts.events import Kind
from accounts.passwords import PASSWORD_MAX, PASSWORD_MIN
from accounts.usernames import USERNAME_MAX, USERNAME_MIN
from app import Settings
from cores import available_cores, available_memory, hashes_that_fit
from models import User
from web.logs import Refused

SECURITY = (ROOT / "docs/security.md").read_text()
OPERATING = (ROOT / "docs/operating.md").read_text()
README = (ROOT / "README.md").read_text()
IN_WORDS = {
    "SECRET_KEY": "made on first start",
    "HASH_THREADS": "available cores",
    "RESERVED_USERNAMES": "admin, root, support …",
}


def section(page: str, heading: str) -> str:
    """Return the text below a second-level heading."""
    return page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def table(text: str) -> list[list[str]]:
    """Return the cells of all tables in a text, without the header rows."""
    lines = text.splitlines()
    rows = [line for before, line in zip(["", *lines], lines, strict=False)
            if line.startswith("| ") and before.startswith("|")]  # fmt: skip
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in rows]


PROMISES = table(section(SECURITY, "Promises"))


def test_there_are_promises() -> None:
    assert len(PROMISES) > 60


@pytest.mark.parametrize("row", PROMISES, ids=lambda row: row[0][:60])
def test_a_promise_names_tests_that_exist(row: list[str]) -> None:
    named = re.findall(r"`(tests/\S+\.py)::(test_\w+)`", row[-1])
    assert named
    for file, name in named:
        tree = ast.parse((ROOT / file).read_text())
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def settings_of(rows: list[list[str]]) -> dict[str, str]:
    """Return each name with its default, as in a table; "`HOST`, `PORT`" share a row."""
    found = {}
    for row in rows:
        names, defaults = (re.sub(r"`| \(.*", "", cell) for cell in row[:2])
        several = names.split(", ")
        values = defaults.split(", ") if len(several) > 1 else [defaults]
        found |= dict(zip(several, values, strict=True))
    return found


def defaults() -> dict[str, str]:
    fields = {name: field.metadata for name, field in Settings.__dataclass_fields__.items()}
    assert fields["HASH_THREADS"]["default"] == str(
        hashes_that_fit(available_cores(), available_memory())[0]
    )
    return {name: data["default"] or "none" for name, data in fields.items()} | IN_WORDS


@pytest.mark.parametrize("page", ["README.md", "docs/operating.md"])
def test_every_setting_is_in_the_table_with_its_default_and_a_reason(page: str) -> None:
    heading = "Settings" if page == "README.md" else "Settings and limits"
    rows = table(section((ROOT / page).read_text(), heading).partition("\nFixed in")[0])
    assert settings_of(rows) == defaults()
    assert all(len(row[2].split()) >= 2 for row in rows)


def test_the_memory_of_the_unit_is_enough_for_the_hashes_it_speaks_of() -> None:
    memory = int(re.findall(r"^MemoryMax=(\d+)M$", OPERATING, re.MULTILINE)[0])
    words = f"`MemoryMax={memory}M` is enough to hash {hashes_that_fit(1000, memory)[0]} passwords"
    assert words in OPERATING
    base, each = map(int, re.findall(r"allow (\d+) MiB and (\d+) MiB for each core", OPERATING)[0])
    assert all(hashes_that_fit(cores, base + each * cores) == (cores, 40) for cores in (1, 8, 64))


def test_every_event_of_the_log_is_explained_and_no_other() -> None:
    rows = table(section(OPERATING, "The log"))
    assert {row[0].strip("`") for row in rows} == {*Kind, *Refused, "sys_error"}
    assert all(row[1] for row in rows)


def test_the_table_of_who_may_do_what_is_that_of_the_routes(app) -> None:
    written = {
        row[0].strip("`"): (set(row[1].split(", ")), row[2].partition(",")[0])
        for row in table(section(SECURITY, "Who may do what"))
    }
    real = {}
    for rule in app.url_map.iter_rules():
        access = getattr(app.view_functions[rule.endpoint], "access", "members")
        access = "anyone" if rule.endpoint == "static" else access
        real[rule.rule] = (rule.methods - {"HEAD", "OPTIONS"}, access)
    assert written == real


def test_pages_with_their_password_ask_for_it(jane: Browser) -> None:
    for path, _, who in table(section(SECURITY, "Who may do what")):
        if path.startswith("`/profile") and "<" not in path and "GET" in _:
            asks = 'name="current_password"' in jane.get(path.strip("`")).text
            assert asks == ("with their password" in who), path


def test_the_lengths_of_fields_are_those_of_the_code() -> None:
    lengths = [row[1] for row in table(section(SECURITY, "Fields"))]
    assert lengths == [
        f"{USERNAME_MIN} to {USERNAME_MAX} code points",
        f"1 to {USERNAME_MAX} code points",
        f"{PASSWORD_MIN} to {PASSWORD_MAX} code points",
        f"1 to {PASSWORD_MAX} code points",
        "as long as given out",
    ]


def test_every_bad_input_is_listed_once_by_its_number() -> None:
    rows = table(section((ROOT / "docs/contract.md").read_text(), "Bad input"))
    assert [row[0] for row in rows] == [
        f"B-{number:03}" for number in range(1, 161) if number != 127
    ]
    assert all(len(row) == 3 for row in rows)


@pytest.mark.parametrize("page", [ROOT / "README.md", *(ROOT / "docs").glob("*.md")], ids=str)
def test_links_between_documents_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_the_longest_cookies_are_small(browser: Browser) -> None:
    answers = [
        browser.get("/profile?" + "x" * 400),
        browser.sign_up("𠀀" * 31, "🐎" * 255),
        browser.log_out(),
        browser.log_in("𠀀" * 31, "🐎" * 255),
    ]
    cookies = [cookie for answer in answers for cookie in answer.headers.getlist("Set-Cookie")]
    assert len(cookies) >= 4
    assert max(map(len, cookies)) < 1500


@pytest.mark.parametrize("path", ["/", "/profile?callback=x", "/login", "/nowhere", "/healthz"])
@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_no_answer_allows_another_origin_anything(jane: Browser, path: str, method: str) -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    answer = jane.client.open(path, method=method, headers=headers)
    assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]
    assert "callback" not in answer.text


def test_a_new_database_has_no_account(app) -> None:
    assert User.select().count() == 0
    assert Browser(app).log_in("admin", PASSWORD).status_code == 400


def test_there_is_no_more_to_read_than_was_meant() -> None:
    done = subprocess.run(["bin/lines"], cwd=ROOT, capture_output=True, check=True)
    accounts, python = (int(line.split()[0]) for line in done.stdout.splitlines())
    assert accounts <= 3739
    assert python <= 8636


def test_the_version_is_that_of_the_changelog() -> None:
    released = re.search(r"^## (\d\S*) \(", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert released is not None
    done = subprocess.run([ROOT / "bin/flask", "--version"], capture_output=True, check=True)
    assert done.stdout.decode().splitlines()[0] == f"Vestibule {released[1]}"
    assert b"Flask" in done.stdout
