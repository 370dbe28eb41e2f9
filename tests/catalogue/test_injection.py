"""Catalogue B-061 to B-073: text that an interpreter might mistake for code.

Names made of markup on every page (B-065 to B-067): test_markup.py.
"""

import io
import json

import pytest
from conftest import PASSWORD, Browser, field, import_user, page_text, soup
from hostile import FORM, content, rows, typed

from accounts import users
from accounts.actor import OPERATOR, Actor
from database import database
from models import Session, User

pytestmark = pytest.mark.usefixtures("steady")

SQL = [
    "' OR 1=1--", "admin'/*", "\\'", "\\\\'", "x';DROP/**/TABLE/**/user;--", '" OR ""="',
    "1;SELECT 1",
    "'/**/UNION/**/SELECT/**/1--", "';SELECT/**/sleep(5)--", "'||(SELECT/**/1)||'", "%' OR '1'='1",
]  # fmt: skip


def schema():
    return sorted(database.execute_sql(database.table_names).fetchall())


@pytest.mark.parametrize("text", SQL)
def test_b061_b062_b063_sql_as_name_and_as_password_is_a_plain_wrong_log_in(app, browser, text):
    users.create_user("admin", PASSWORD, OPERATOR)
    before, tables = content(), schema()
    for name, password in ((text, PASSWORD), ("admin", text), (text, text)):
        page = browser.log_in(name[:31], password)
        assert page.status_code == 400
        assert "Incorrect username or password" in page_text(page.text)
    User.update(notices=0).execute()  # like the events, they may grow
    assert {**content(), "event": []} == {**before, "event": []}
    assert schema() == tables


@pytest.mark.parametrize("text", [text for text in SQL if len(text) >= 4])
def test_b061_b062_b063_sql_as_name_and_as_password_signs_up_as_what_it_says(app, browser, text):
    tables = schema()
    assert "only letters" in browser.sign_up(text).text or " " in text
    if " " not in text:
        import_user(text)
        assert browser.log_in(text).status_code == 302
    assert Browser(app).sign_up("Jane", text + "  ").status_code == 302
    assert Browser(app).log_in("Jane", text + "  ").status_code == 302
    assert schema() == tables
    assert {user.username for user in User.select()} == {"Jane", text} - (
        {text} if " " in text else set()
    )


@pytest.mark.parametrize("name", ["%%%%", "____", "*.**", "[a-z]"])
def test_b064_wildcards_are_letters_like_any_other(app, browser, runner, name):
    Browser(app).sign_up("Jane")
    assert browser.log_in(name).status_code == 400
    import_user(name)
    assert browser.log_in(name).status_code == 302
    search = ["users", "list", "--json", "--search", name]
    assert [user["username"] for user in json.loads(runner.invoke(args=search).stdout)] == [name]
    assert users.find_users(name) == [User.get(User.username == name)]


TEMPLATES = ["{{7*7}}", "${7*7}", "<%=7*7%>", "#{7*7}", "{%if/**/1%}49{%endif%}", "{%for%}"]


@pytest.mark.parametrize("text", TEMPLATES)
def test_b065_the_language_of_templates_is_shown_as_it_stands(browser, text):
    for path in ("/login", "/signup"):
        page = browser.submit(path, {"username": text, "password": ""})
        assert field(page.text, "username")["value"] == text
        assert "49" not in page_text(page.text)
    import_user(text)
    assert browser.log_in(text).status_code == 302
    assert soup(browser.get("/profile").text).find("bdi").get_text(strip=True) == text


@pytest.mark.parametrize("name", ["javascript:alert(1)", "data:text/html,x", "vbscript:x"])
def test_b068_a_name_that_is_an_address_is_never_a_link(browser, name):
    import_user(name)
    assert browser.log_in(name).status_code == 302
    for path in ("/", "/profile"):
        page = soup(browser.get(path).text)
        targets = [tag.get(key) for tag in page.find_all(True) for key in ("href", "src", "action")]
        assert not [target for target in targets if target and name in target]


def test_b068_a_script_address_as_next_leads_nowhere(browser):
    users.create_user("Jane", PASSWORD, OPERATOR)
    answer = browser.submit("/login?next=javascript:alert(1)", FORM | {"next": "javascript:x"})
    assert answer.headers["Location"] == "/profile"


CRLF = "bob\r\nSet-Cookie: x=1"


@pytest.mark.parametrize("path", ["/signup", "/login"])
@pytest.mark.parametrize("name", ["username", "password", "csrf_token", "next"])
def test_b069_a_line_end_in_a_field_makes_no_header(browser, path, name):
    answer = browser.client.post(path, data=typed(browser, path) | {name: CRLF})
    assert answer.status_code in (302, 400)
    assert not [cookie for cookie in answer.headers.getlist("Set-Cookie") if cookie[:2] == "x="]


@pytest.mark.parametrize(
    "path", ["/profile?a=b%0d%0aSet-Cookie:%20x=1", "/%0d%0aSet-Cookie:%20x=1", "/login%0d%0a"]
)
def test_b069_a_line_end_in_the_address_makes_no_header(browser, path):
    users.create_user("Jane", PASSWORD, OPERATOR)
    answers = [browser.get(path), browser.log_in("Jane")]
    assert answers[1].status_code == 302
    for answer in answers:
        assert answer.status_code in (302, 404)
        assert not [cookie for cookie in answer.headers.getlist("Set-Cookie") if cookie[:2] == "x="]
        assert "\n" not in answer.headers.get("Location", "")


@pytest.mark.parametrize("header", ["User-Agent", "Referer", "X-Forwarded-For", "Accept-Language"])
def test_b069_a_line_end_in_a_header_value_makes_no_header(browser, header):
    environ = {"HTTP_" + header.upper().replace("-", "_"): CRLF}
    answer = browser.client.get("/profile", environ_overrides=environ)
    assert answer.status_code == 302
    assert "x=1" not in str(answer.headers)


BREAKS = ["\r\n", "\n", "\x1b[2J", "\u2028", "\u2029", "\x85", '"}\n{"event": "user_created"}']


@pytest.mark.parametrize("text", BREAKS, ids=ascii)
def test_b070_what_is_sent_cannot_make_a_log_line_of_its_own(app, browser, capsys, text):
    token = typed(browser, "/login")
    capsys.readouterr()
    browser.client.post(
        f"/login?x={text}",
        data=token | {"username": f"bob{text}"},
        environ_overrides={"HTTP_USER_AGENT": f"Mosaic{text}"},
    )
    log = capsys.readouterr().err
    assert log.isascii()
    [line] = log.splitlines()
    assert json.loads(line)["event"] == "authn_login_fail"
    assert [character for character in log if ord(character) < 32] == ["\n"]


@pytest.mark.parametrize("name", ["%s%n{0.__class__}", "{0}", "%(name)s", "{self}", "%n%n%n%n"])
def test_b071_a_format_string_is_literal(browser, name, capsys):
    assert browser.log_in(name).status_code == 400
    page = browser.log_in(name)
    assert field(page.text, "username")["value"] == name
    import_user(name)
    assert browser.log_in(name).status_code == 302
    assert name in page_text(browser.get("/").text)
    assert "Logging error" not in capsys.readouterr().err


@pytest.mark.parametrize("name", ["$(id)", "`touch/x`", "&#124;id", "*)(uid=*", "|id;", "a&&id"])
def test_b072_the_language_of_shells_entities_and_directories_is_literal(app, browser, name):
    page = browser.sign_up(name)
    assert page.status_code == 400
    assert field(page.text, "username")["value"] == name
    import_user(name)
    assert browser.log_in(name).status_code == 302
    assert soup(browser.get("/profile").text).find("bdi").get_text(strip=True) == name
    assert User.get().username == name


@pytest.mark.parametrize("name", ["=1+1", "@SUM(1)", "+1234", "-1234"])
def test_b073_no_listing_is_a_spreadsheet(app, runner, name):
    """JSON puts a formula in quotes, and the table is not CSV."""
    import_user(name)
    users.log_in(name, PASSWORD, Actor("192.0.2.1", name))
    for command in ("users", "sessions"):
        [row] = json.loads(runner.invoke(args=[command, "list", "--json"]).stdout)
        assert row["username"] == name
        result = runner.invoke(args=[command, "list"])
        assert "," not in result.stdout.splitlines()[1]
    assert Session.select().count() == 1


def test_b070_a_hostile_name_from_elsewhere_is_escaped_on_a_terminal(app, runner):
    users.create_user("Jane", PASSWORD, OPERATOR)
    User.update(username="ja\x1b[2J\u202ene").execute()
    out = runner.invoke(args=["users", "list"]).stdout
    assert r"\x1b[2J\u202e" in out
    assert io.StringIO(out).readlines()[1].isprintable() is False  # its newline, nothing else
    assert rows() == (1, 1, 0)
