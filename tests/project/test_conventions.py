"""The promises of the design that a machine can check."""

import ast
import importlib
import inspect
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Browser, stored
from flask import Flask

from accounts import passwords, sessions, users
from accounts.actor import OPERATOR, Actor
from accounts.errors import AccountError
from models import MODELS, Key, Session, User

ROOT = Path(__file__).parents[2]
MAY_IMPORT = {
    "app": {"features", "config", "database", "migrations", "accounts", "web", "blueprints", "cli"},
    "cores": set(),
    "parsing": set(),
    "config": {"cores", "parsing"},
    "database": set(),
    "models": {"database"},
    "migrations": {"database", "models"},
    "accounts": {"database", "models"},
    "web": {"accounts", "database", "models"},
    "blueprints": {"web", "accounts", "database", "models"},
    "cli": {"web", "accounts", "database", "models", "migrations"},
    "features": {"parsing", "cli", "blueprints", "web", "accounts", "database", "models"},
}
OURS = set(MAY_IMPORT)
OTHERS = {"tests", "benchmarks", "docs"}
SOURCES = [
    path
    for name in sorted(OURS)
    for path in [*ROOT.glob(f"{name}.py"), *sorted((ROOT / name).rglob("*.py"))]
    if not path.name[0].isdigit()  # numbered migrations
]
ids = [str(path.relative_to(ROOT)) for path in SOURCES]
WEB = {"flask", "flask_wtf", "werkzeug", "jinja2", "wtforms", "itsdangerous", "click", "granian"}
OPEN_TO_ALL = {"static", "auth.home", "auth.healthz", "auth.change_password", "recovery.reset"}
OPEN_TO_STRANGERS = {"auth.signup", "auth.login", "invitations.use", "recovery.recover"}
WRITES = {
    "create", "insert", "insert_many", "insert_from", "save", "update", "delete", "replace",
    "delete_instance", "delete_by_id", "bulk_create", "bulk_update", "get_or_create", "set_by_id",
    "execute_sql", "execute", "atomic", "create_tables", "drop_tables",
}  # fmt: skip


def package(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def modules(path: Path) -> set[str]:
    """Return the dotted names of all modules that a file imports, anywhere in it."""
    parents = path.relative_to(ROOT).parts[:-1]
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = parents[: len(parents) - node.level + 1] if node.level else ()
            base = ".".join([*above, *([node.module] if node.module else [])])
            found |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return found


def imports(path: Path) -> set[str]:
    """Return the top-level names of these modules."""
    return {name.partition(".")[0] for name in modules(path)}


def test_every_package_is_seen() -> None:
    known = OURS | OTHERS
    files = {path.stem for path in ROOT.glob("*.py")}
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and any(path.glob("*.py"))}
    assert files | folders <= known
    assert {"features/importing/plan.py", "web/forms.py", "database/sqlite.py"} <= set(ids)


@pytest.mark.parametrize("path", SOURCES, ids=ids)
def test_imports_go_one_way(path: Path) -> None:
    assert imports(path) & OURS <= MAY_IMPORT[package(path)] | {package(path)}
    assert not imports(path) & OTHERS


@pytest.mark.parametrize("path", SOURCES, ids=ids)
def test_only_the_web_side_knows_the_web(path: Path) -> None:
    if package(path) in ("accounts", "models", "database", "migrations", "cores"):
        assert not WEB & imports(path)
    if package(path) == "cli":
        assert not {"flask_wtf", "wtforms", "jinja2"} & imports(path)


FEATURES = [path.name for path in (ROOT / "features").iterdir() if (path / "__init__.py").exists()]
HALL = [
    path
    for name in (*sorted(OURS - {"features"}), "templates", "static", "tests")
    for path in [*ROOT.glob(f"{name}.py"), *sorted((ROOT / name).rglob("*"))]
    if path.suffix in (".py", ".html", ".css", ".js")
    and not path.is_relative_to(ROOT / "tests/features")
    and not path.is_relative_to(ROOT / "tests/project")
    and not path.name[0].isdigit()  # migrations: a column may be called like a feature
]


@pytest.mark.parametrize("feature", FEATURES)
def test_the_hall_never_imports_or_names_a_feature(feature: str) -> None:
    entry = f'    "{feature}",\n'
    for path in HALL:
        # In tests "admin" is a username.
        ends = r"[./]" if feature == "admin" and "tests" in path.parts else r"[\"'./]"
        names = re.compile(rf"features[./]{feature}\b|[\"']{feature}{ends}")
        text = path.read_text()
        if path == ROOT / "app.py":
            assert text.count(entry) == 1
            text = text.replace(entry, "")
        assert not names.search(text), path


@pytest.mark.parametrize("path", SOURCES, ids=ids)
def test_a_feature_never_imports_another(path: Path) -> None:
    own = ".".join(path.relative_to(ROOT).parts[:2])
    others = {name for name in modules(path) if re.match(r"features\.\w", name)}
    assert not [name for name in others if name != own and not name.startswith(f"{own}.")]


@pytest.mark.parametrize("path", SOURCES, ids=ids)
def test_only_config_reads_the_environment(path: Path) -> None:
    read = re.search(r"os\.environ|import environ|getenv|load_dotenv", path.read_text())
    assert not read or package(path) == "config"


def of_pages(path: Path) -> bool:
    """Return whether a feature's file belongs to its pages and commands; only rules may write."""
    return package(path) == "features" and bool(imports(path) & (WEB | {"cli", "web"}))


@pytest.mark.parametrize("path", SOURCES, ids=ids)
def test_pages_and_commands_read_rows_and_never_write_them(path: Path) -> None:
    if package(path) not in ("app", "blueprints", "web", "cli") and not of_pages(path):
        return
    models = {model.__name__ for model in MODELS} | {"database"}
    for node in ast.walk(ast.parse(path.read_text())):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        names = {name.id for name in ast.walk(node.func.value) if isinstance(name, ast.Name)}
        writes = node.func.attr in WRITES and names & models
        writes = writes or node.func.attr in ("save", "delete_instance", "execute_sql")
        assert not writes, f"{path.name}:{node.lineno} {ast.unparse(node)}"


def endpoints(app: Flask, access: str) -> set[str]:
    return {
        name
        for name, view in app.view_functions.items()
        if getattr(view, "access", "members") == access
    }


def test_exactly_these_pages_are_open_to_strangers(app: Flask) -> None:
    assert endpoints(app, "anyone") | {"static"} == OPEN_TO_ALL
    assert endpoints(app, "strangers") == OPEN_TO_STRANGERS


def test_every_other_page_sends_a_stranger_to_the_start(app: Flask) -> None:
    client = app.test_client()
    closed = [
        rule
        for rule in app.url_map.iter_rules()
        if rule.endpoint not in OPEN_TO_ALL | OPEN_TO_STRANGERS
    ]
    assert closed
    for rule in closed:
        path = re.sub("<[^>]*>", "0" * 12, rule.rule)
        for method in rule.methods - {"OPTIONS", "HEAD"}:
            answer = client.open(path, method=method)
            assert (answer.status_code, answer.location) == (302, "/"), (method, path)


def public(path: Path) -> Iterator[tuple[str, ast.FunctionDef | ast.ClassDef]]:
    """Yield the public functions, classes and methods of a file."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node.name, node
        if isinstance(node, ast.ClassDef):
            for method in node.body:
                if isinstance(method, ast.FunctionDef) and not method.name.startswith("_"):
                    yield f"{node.name}.{method.name}", method


@pytest.mark.parametrize("path", SOURCES, ids=ids)
def test_everything_public_says_what_it_does_and_takes(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree) or not tree.body, "the file says what it is"
    for name, node in public(path):
        assert ast.get_docstring(node), name
        if isinstance(node, ast.FunctionDef):
            every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            every += [argument for argument in (node.args.vararg, node.args.kwarg) if argument]
            bare = {argument.arg for argument in every if argument.annotation is None}
            assert bare <= {"self", "cls"}, name
            assert node.returns is not None, name


@pytest.mark.parametrize("path", SOURCES, ids=ids)
def test_no_file_is_longer_than_one_reads_at_once(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 250, "make it a package of the same name"


@pytest.mark.parametrize(
    "path", sorted((ROOT / "accounts").glob("*.py")), ids=lambda path: path.name
)
def test_every_capability_is_on_the_map_of_its_package(path: Path) -> None:
    lines = importlib.import_module("accounts").__doc__.splitlines()
    named = {line.split()[0] for line in lines if re.match(r"[a-z_]+  ", line)}
    assert path.stem in named | {"__init__"}


def test_every_refusal_fits_a_page(app: Flask) -> None:
    kinds = [kind for kind in vars(importlib.import_module("accounts.errors")).values()
             if inspect.isclass(kind) and issubclass(kind, AccountError)]  # fmt: skip
    assert len(kinds) > 3
    for kind in kinds:
        assert kind.__doc__
        assert kind.field in ("", None, "username", "password", "current_password")


CANARY = "canary-5f1d0c"


@pytest.fixture
def everything_written(app: Flask, caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Everything that is logged, Peewee's statements included."""
    caplog.set_level(logging.DEBUG)
    for name in ("peewee", "peewee.pool", "passlib"):
        caplog.set_level(logging.DEBUG, logger=name)
    return caplog


@pytest.mark.parametrize("fault", [None, RuntimeError("broken"), MemoryError(), ValueError("x")])
def test_no_password_shows_on_a_page_in_the_log_or_in_the_database(
    app: Flask,
    everything_written: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    fault: Exception | None,
) -> None:
    users.create_user("Owner", CANARY, OPERATOR)
    if fault:

        def broken(*args: object) -> None:
            raise fault

        monkeypatch.setattr(passwords, "hash_password", broken)
        monkeypatch.setattr(passwords, "verify_password", broken)
    browser = Browser(app)
    answers = [
        browser.log_in("Owner", CANARY + "wrong"),
        browser.log_in("Nobody", CANARY),
        browser.log_in("Owner", CANARY * 100),
        browser.sign_up("x", CANARY),
        browser.sign_up("Owner", CANARY),
        browser.client.post("/signup", data={"username": "Someone", "password": CANARY}),
        browser.client.post("/login", json={"username": "Owner", "password": CANARY}),
        browser.sign_up("Someone", CANARY),
        browser.get("/profile"),
    ]
    expected = {503} if isinstance(fault, MemoryError) else {500} if fault else {302, 400, 200}
    assert {answer.status_code for answer in answers} >= expected
    for answer in answers:
        assert CANARY not in answer.text
        assert CANARY not in str(answer.headers)
    assert CANARY not in everything_written.text
    assert CANARY.encode() not in stored()


def test_no_secret_shows_in_a_repr_or_an_error(app: Flask) -> None:
    token = users.sign_up("Jane", CANARY, Actor()).token
    key, session = Key.get(), sessions.validate_session(token)
    shown = [repr(thing) + str(thing) for thing in (key, session, User.get(), Session.get())]
    for act in (
        lambda: passwords.parse_password(CANARY * 100),
        lambda: passwords.parse_typed_password(CANARY * 100),
        lambda: passwords.parse_password(CANARY + "\ud800"),
        lambda: users.create_user("Jane", CANARY, OPERATOR),
        lambda: users.create_user("x", CANARY, OPERATOR),
        lambda: Key.create(provider="", provider_user_id="", user=key.user, password_hash=CANARY),
    ):
        with pytest.raises(Exception) as refusal:  # noqa: PT011 - of any type
            act()
        shown.append(repr(refusal.value) + str(refusal.value) + repr(refusal.value.args))
    for text in shown:
        assert CANARY not in text
        assert key.password_hash not in text
        assert token not in text
