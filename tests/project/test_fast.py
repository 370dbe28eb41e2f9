"""web/fast.py only adds speed: without it every page is the same, byte for byte, but for the
digests in the addresses of static files.
"""

import json
from pathlib import Path

import pytest
from copies import copy_repository, edit, failures, python, run_tests
from processes import ROOT

TESTED = ("access", "forms", "guard", "home", "path_prefix", "signed_out", "catalogue/test_cookies")
# Pages of a stranger and a logged-in user, at the root and below a path, less what always differs.
PAGES = """
import json, re, sys
from werkzeug.middleware.dispatcher import DispatcherMiddleware
import migrations
from accounts import passwords
from app import create_app

passwords.ARGON2 = {"memory_cost": 8, "time_cost": 1, "parallelism": 1}
app = create_app({"SECRET_KEY": "0123456789abcdef" * 4, "DATABASE_URL": "sqlite:///" + sys.argv[1]})
migrations.upgrade()
app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/below": app.wsgi_app})
client, pages = app.test_client(), {}

def note(answer):
    token, user_id = r'value="[^"]{22}"', r"\\b[a-z0-9]{15}\\b"
    handle = r"\\b[0-9a-f]{12}\\b"
    time = r"\\d\\d:\\d\\d(:\\d\\d)?"
    text = re.sub(r"\\?v=[0-9a-f]{12}", "", answer.text)  # lets browsers keep a file
    text = re.sub("|".join([token, handle, user_id, time]), "VARIED", text)
    name = f"{len(pages)} {answer.request.path}"
    pages[name] = answer.status, answer.headers.get("Location"), text

def send(path, **fields):
    token = re.search('name="csrf_token" value="([^"]+)"', client.get(path).text)[1]
    note(client.post(path, data={"csrf_token": token, **fields}))

for prefix in ("", "/below", ""):
    for path in ("/", "/signup", "/login", "/profile?a=b", "/nowhere", "/static/style.css"):
        note(client.get(prefix + path))
    send(prefix + "/login", username="Nobody", password="wrong horse")
    note(client.post(prefix + "/login", data={"username": "Nobody"}))
    note(client.get(prefix + "/", headers={"Host": "evil.example"}))
    send(prefix + "/signup", username="Jane", password="short")
    send(prefix + "/signup", username="Jane", password="correct horse")
    for path in ("", "/profile", "/profile/password", "/profile/sessions", "/profile/activity"):
        note(client.get(prefix + path + ("" if path else "/")))
    send(prefix + "/profile/delete", username="Jane", current_password="correct horse")
print(json.dumps(pages))
"""


@pytest.fixture
def without(tmp_path: Path) -> Path:
    """A copy of the repository from which web/fast.py was removed as its first lines say."""
    folder = copy_repository(tmp_path / "copy")
    (folder / "web/fast.py").unlink()
    path = folder / "app.py"
    path.write_text(path.read_text().replace(" fast,", ""))
    edit(path, "delete", "fast.init_app(app", "")
    assert "fast" not in path.read_text()
    return folder


def pages(folder: Path, database: Path) -> dict[str, list[str]]:
    done = python(folder, "-c", PAGES, str(database))
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def test_every_page_is_the_same_without_it(without: Path, tmp_path: Path) -> None:
    fast = pages(ROOT, tmp_path / "fast.db")
    assert len(fast) == 51
    assert {page[0][:3] for page in fast.values()} == {"200", "302", "400", "404"}
    slow = pages(without, tmp_path / "slow.db")
    for name, page in fast.items():
        assert slow[name] == page, name


@pytest.mark.slow
def test_tests_of_pages_pass_without_it(without: Path) -> None:
    files = [f"tests/{name if '/' in name else f'test_{name}'}.py" for name in TESTED]
    output = run_tests(without, *files)
    assert failures(output) == [], output[-5000:]
