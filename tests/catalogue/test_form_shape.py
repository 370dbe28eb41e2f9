"""Catalogue B-016 to B-024: bodies whose shape or type is not that of a plain web form."""

import json
from io import BytesIO

import pytest
from conftest import PASSWORD, field, field_error, hidden_fields, page_form, page_text
from hostile import FORM, content, rows, typed

from models import User

pytestmark = pytest.mark.usefixtures("steady")
FORMS = pytest.mark.parametrize("path", ["/signup", "/login"])
PLAIN, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"


@FORMS
@pytest.mark.parametrize("kind", [PLAIN, MULTIPART])
@pytest.mark.parametrize("name", ["username", "password", "csrf_token", "other"])
def test_b016_a_field_sent_twice_is_400_and_nothing_done(browser, path, name, kind):
    fields = typed(browser, path)
    twice = fields | {name: [fields.get(name, "x")] * 2}
    answer = browser.client.post(path, data=twice, content_type=kind)
    assert answer.status_code == 400
    assert "twice" in page_text(answer.text)
    assert rows() == (0, 0, 0)


def test_b017_the_query_string_fills_in_no_field(browser):
    """A link must not put a password in the URL, the history and the log."""
    page = browser.get("/login?username=Jane&password=secret")
    assert field(page.text, "username").get("value") is None
    token = hidden_fields(page_form(page.text, "/login"))
    answer = browser.client.post("/signup?username=Jane&password=correct+horse", data=token)
    assert answer.status_code == 400
    assert rows() == (0, 0, 0)


def test_b017_of_query_and_body_the_body_counts(browser):
    answer = browser.client.post("/signup?username=Other", data=typed(browser, "/signup"))
    assert answer.headers["Location"] == "/profile"
    assert User.get().username == "Jane"


@FORMS
@pytest.mark.parametrize("missing", ["username", "password"])
def test_b018_a_field_that_is_not_sent_at_all_is_an_empty_one(browser, path, missing):
    page = browser.submit(path, {name: FORM[name] for name in FORM if name != missing})
    assert page.status_code == 400
    assert field_error(page.text, missing)
    assert rows() == (0, 0, 0)


def test_b018_unknown_fields_change_nothing(browser):
    extra = {"is_admin": "1", "id": "1", "user_id": "x", "locked_at": "1", "created_at": "0",
             "password_hash": "x", "provider": "other", "__class__": "x"}  # fmt: skip
    assert browser.submit("/signup", FORM | extra).status_code == 302
    user = User.get()
    assert (len(user.id), user.username, user.locked_at) == (15, "Jane", None)
    assert user.created_at > 0
    assert browser.is_signed_in()


@FORMS
@pytest.mark.parametrize(
    "kind",
    ["application/json", "text/plain", "application/xml", "application/octet-stream",
     PLAIN + "-not", "multipart/mixed; boundary=x", "nonsense", ""],
)  # fmt: skip
def test_b019_another_body_type_is_415(browser, path, kind):
    token = typed(browser, path)["csrf_token"]
    body = f"username=Jane&password=correct+horse&csrf_token={token}".encode()
    headers = {"Content-Type": kind} if kind else {}
    assert browser.client.post(path, data=body, headers=headers).status_code == 415
    assert rows() == (0, 0, 0)


@pytest.mark.parametrize("charset", ["utf-7", "utf-16", "latin-1", "nonsense", ""])
def test_b019_a_charset_other_than_utf_8_does_not_count(browser, charset):
    token = typed(browser, "/signup")["csrf_token"]
    body = f"username=Zo%C3%AB1&password=correct+horse&csrf_token={token}".encode()
    kind = f"{PLAIN}; charset={charset}"
    assert browser.client.post("/signup", data=body, content_type=kind).status_code == 302
    assert User.get().username == "Zoë1"


JSON = [
    FORM,
    [1],
    "x",
    1,
    None,
    {"username": 12345},
    {"username": "ab\ud800cd", "password": PASSWORD},
    {"username": {"a": 1}, "password": ["x"]},
]


@FORMS
@pytest.mark.parametrize("kind", ["application/json", "application/vnd.x+json"])
@pytest.mark.parametrize("body", JSON, ids=json.dumps)
def test_b020_b021_json_is_415_however_good_its_token_and_values(browser, path, body, kind):
    token = typed(browser, path)["csrf_token"]
    if isinstance(body, dict):
        body = body | {"csrf_token": token}
    headers = {"X-CSRFToken": token, "X-CSRF-Token": token}
    answer = browser.client.post(path, data=json.dumps(body), content_type=kind, headers=headers)
    assert answer.status_code == 415
    assert rows() == (0, 0, 0)


@FORMS
@pytest.mark.parametrize("name", ["username", "password", "csrf_token", "other"])
@pytest.mark.parametrize("filename", ["name.txt", "../../x", "\0", "x" * 1000])
def test_b022_a_file_part_is_415(browser, path, name, filename):
    fields = typed(browser, path)
    fields[name] = (BytesIO(b"content"), filename)
    assert browser.client.post(path, data=fields).status_code == 415
    assert rows() == (0, 0, 0)


def part(name, value):
    return f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'


WHOLE = part("username", "Jane") + part("password", PASSWORD)
DAMAGED = {
    "no boundary": (MULTIPART, "no boundary"),
    "empty": (f"{MULTIPART}; boundary=x", "--x\r\n"),
    "nothing in it": (f"{MULTIPART}; boundary=x", "--x--\r\n"),
    "no name": (f"{MULTIPART}; boundary=x", "--x\r\nContent-Disposition: form-data\r\n\r\n--x--"),
    "cut in the middle": (f"{MULTIPART}; boundary=x", WHOLE[:90]),
    "cut before the end": (f"{MULTIPART}; boundary=x", WHOLE),
    "long boundary": (f"{MULTIPART}; boundary={'x' * 300}", "--x--"),
    "2,000 parts": (f"{MULTIPART}; boundary=x", part("a", "") * 2000 + "--x--"),
    "100 short parts": (f"{MULTIPART}; boundary=x", part("a", "") * 100 + "--x--"),
    "headers of a megabyte": (
        f"{MULTIPART}; boundary=x", f"--x\r\nX-Long: {'x' * 2**20}\r\n\r\n\r\n--x--"
    ),
    "headers of 10 KB": (f"{MULTIPART}; boundary=x", f"--x\r\nX: {'x' * 10_000}\r\n\r\n\r\n--x--"),
    "odd bytes": (PLAIN, "%ff%fe=%00&&==&username=%ed%a0%80"),
}  # fmt: skip


@FORMS
@pytest.mark.parametrize("case", DAMAGED)
def test_b023_a_damaged_or_bloated_body_is_400_or_413(browser, path, case):
    kind, body = DAMAGED[case]
    browser.get(path)
    answer = browser.client.post(path, data=body, content_type=kind)
    assert answer.status_code in (400, 413)
    assert rows() == (0, 0, 0)


@FORMS
@pytest.mark.parametrize("kind", [PLAIN, MULTIPART])
@pytest.mark.parametrize("size", [20_000, 400_000])
def test_b024_a_body_too_large_is_413(browser, path, kind, size):
    fields = typed(browser, path) | {"other": "x" * size}
    assert browser.client.post(path, data=fields, content_type=kind).status_code == 413
    assert rows() == (0, 0, 0)


@FORMS
@pytest.mark.parametrize(
    ("kind", "body"), [(PLAIN, "a=&" * 20_000), ("application/json", "[" * 100_000)]
)
def test_b024_very_many_fields_or_brackets_are_refused_unread(jane, path, kind, body):
    jane.log_out()
    before = content()
    answer = jane.client.post(path, data=body, content_type=kind)
    assert answer.status_code == (413 if kind == PLAIN else 415)
    assert content() == before
