"""The markup of each page in each of its states (BEHAVIOUR 1), as browsers and screen readers
understand it; and that nothing stored or typed ever becomes markup."""

import re
from itertools import pairwise

import pytest
from conftest import PASSWORD, Browser, field, field_error, import_user, page_text, soup

from accounts import events, users
from accounts.actor import OPERATOR, Actor
from accounts.events import Kind
from models import User

MARKUP = [
    "<b>jane</b>",
    "<script>alert(1)</script>",
    '"><img/src=x/onerror=a()>',
    "\"onfocus='alert(1)'x=\"",
    "&lt;jane&amp;",
    "{{7*7}}",
    "jane'--",
    "</title><i>",
    "%3Cjane%3E",
]


def wrong_password(browser):
    users.create_user("Jane", PASSWORD, OPERATOR)
    return browser.log_in("Jane", "wrong horse")


def taken_name(browser):
    users.create_user("Jane", PASSWORD, OPERATOR)
    return browser.sign_up("Jane")


def asked_to_log_in(browser):
    browser.get("/profile")
    return browser.get("/")


def signed_in(path):
    def visit(browser):
        browser.sign_up("Jane")
        return browser.get(path)

    return visit


def crash(browser):
    browser.client.application.add_url_rule("/crash", view_func=lambda: 1 / 0)
    browser.sign_up("Jane")
    return browser.get("/crash")


def refused(path, fields):
    def visit(browser):
        browser.sign_up("Jane")
        return browser.submit(path, fields)

    return visit


def with_others(path):
    def visit(browser):
        browser.sign_up("Jane", "password1")
        Browser(browser.client.application).log_in("Jane", "password1")
        for _ in range(30):
            events.record(Kind.LOGIN_FAIL, User.get(), Actor("192.0.2.1", "Firefox"))
        return browser.get(path)

    return visit


def signed_out_elsewhere(browser):
    browser.sign_up("Jane")
    users.lock_user(User.get(), OPERATOR)
    return browser.get("/")


PAGES = {
    "home": lambda browser: browser.get("/"),
    "home, asked to log in": asked_to_log_in,
    "home, signed in": signed_in("/"),
    "sign-up": lambda browser: browser.get("/signup"),
    "sign-up, nothing typed": lambda browser: browser.sign_up("", ""),
    "sign-up, wrong name": lambda browser: browser.sign_up("a b c d"),
    "sign-up, wrong password": lambda browser: browser.sign_up("Jane", "abc"),
    "sign-up, taken name": taken_name,
    "sign-up, form expired": lambda browser: browser.client.post("/signup"),
    "log-in": lambda browser: browser.get("/login"),
    "log-in, nothing typed": lambda browser: browser.log_in("", ""),
    "log-in, refused": wrong_password,
    "log-in, form expired": lambda browser: browser.client.post("/login"),
    "profile": signed_in("/profile"),
    "profile, common password": with_others("/profile"),
    "password": signed_in("/profile/password"),
    "password, nothing typed": refused("/profile/password", {}),
    "password, wrong": refused(
        "/profile/password", {"current_password": "x", "new_password": "another horse"}
    ),
    "password, form expired": lambda browser: (
        browser.sign_up("Jane") and browser.client.post("/profile/password")
    ),
    "username": signed_in("/profile/username"),
    "username, nothing typed": refused("/profile/username", {}),
    "sessions": signed_in("/profile/sessions"),
    "sessions, several": with_others("/profile/sessions"),
    "activity": signed_in("/profile/activity"),
    "activity, several pages": with_others("/profile/activity"),
    "activity, second page": with_others("/profile/activity?page=2"),
    "activity, past the last": signed_in("/profile/activity?page=7"),
    "delete": signed_in("/profile/delete"),
    "delete, nothing typed": refused("/profile/delete", {}),
    "signed out elsewhere": signed_out_elsewhere,
    "other host": lambda browser: browser.get("/", headers={"Host": "evil.example"}),
    "not found": lambda browser: browser.get("/nowhere"),
    "not found, signed in": signed_in("/nowhere"),
    "not allowed": lambda browser: browser.get("/logout"),
    "other type": lambda browser: browser.client.post("/login", json={}),
    "crash": crash,
}


@pytest.fixture(params=PAGES)
def page(request, browser):
    """Each page in each state, parsed."""
    return soup(PAGES[request.param](browser).text)


@pytest.mark.parametrize("name", PAGES)
def test_has_a_space_between_attributes(name, browser):
    """Jinja removes the newline after a block: two blocks in a row would join attributes."""
    assert not re.search(r'="[^"<>]*"[a-z]', PAGES[name](browser).text)


def test_has_one_h1_a_title_and_a_language(app, page):
    [heading] = page.find_all("h1")
    [title] = page.find_all("title")
    assert heading.get_text(strip=True)
    assert re.fullmatch(rf"\S.* – {app.config['SITE_NAME']}", title.get_text())
    assert page.html["lang"] == "en"


def test_has_landmarks_and_headings_in_order(page):
    assert len(page.find_all("main")) == 1
    assert page.find("nav")["aria-label"]
    levels = [int(heading.name[1]) for heading in page.find_all(re.compile("^h[1-6]$"))]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_has_unique_ids_and_no_reference_to_a_missing_one(page):
    ids = [element["id"] for element in page.find_all(id=True)]
    referred = [link["href"][1:] for link in page.find_all("a", href=re.compile("^#"))]
    for element in page.find_all(attrs={"aria-describedby": True}):
        referred += element["aria-describedby"].split()
    assert len(ids) == len(set(ids))
    assert set(referred) <= set(ids)


def test_has_a_label_tied_to_each_input(page):
    for box in page.find_all("input", type=lambda kind: kind != "hidden", hidden=False):
        [label] = page.find_all("label", attrs={"for": box["id"]})
        assert label.get_text(strip=True)


def test_b012_has_passwords_without_maxlength_or_value_and_no_other_limits(page):
    for box in page.find_all("input"):
        assert not {"maxlength", "minlength", "pattern"} & set(box.attrs)
        assert box["type"] != "password" or "value" not in box.attrs


def test_has_a_csrf_token_and_a_button_in_each_form(page):
    for form in page.find_all("form"):
        assert form["method"] == "post"
        assert len(form.find_all("input", attrs={"name": "csrf_token", "type": "hidden"})) == 1
        assert form.find("button", type="submit").get_text(strip=True)


def test_has_one_script_and_nothing_that_the_content_policy_forbids(page):
    [script] = page.find_all("script")
    assert (script["type"], script.get_text()) == ("module", "")
    assert page.find_all(["style", "base", "iframe", "object", "embed"]) == []
    for element in page.find_all(True):
        assert not [name for name in element.attrs if name == "style" or name.startswith("on")]
        for name in ("href", "src", "action"):
            assert re.match("/(?!/)|#", element.get(name, "/"))


def test_links_to_nothing_that_does_not_exist(page, browser):
    for link in page.find_all("a", href=re.compile("^/")):
        with browser.get(link["href"]) as answer:
            assert answer.status_code in (200, 302)


@pytest.mark.parametrize(
    ("path", "autocomplete"),
    [
        ("/signup", {"username": "username", "password": "new-password"}),
        ("/login", {"username": "username", "password": "current-password"}),
    ],
)
def test_a_password_manager_knows_what_each_input_is_for(browser, path, autocomplete):
    html = browser.get(path).text
    assert {name: field(html, name)["autocomplete"] for name in autocomplete} == autocomplete
    assert field(html, "username")["autocapitalize"] == "none"


@pytest.mark.parametrize("path", ["/signup", "/login"])
@pytest.mark.parametrize(
    "wrong",
    [{"username"}, {"password"}, {"username", "password"}],
    ids=["name", "password", "both"],
)
def test_an_error_is_tied_to_its_input_and_to_no_other(browser, path, wrong):
    right = {"username": "Jane", "password": PASSWORD}
    html = browser.submit(path, {name: "" if name in wrong else right[name] for name in right}).text
    assert {name for name in right if field(html, name).get("aria-invalid")} == wrong
    assert {name for name in right if field_error(html, name)} == wrong
    summary = soup(html).find(role="alert")
    assert {link["href"] for link in summary.find_all("a")} == {f"#{name}" for name in wrong}
    assert soup(html).title.get_text().startswith("Error: ")
    [focused] = soup(html).find_all(autofocus=True)
    assert focused["name"] == ("username" if "username" in wrong else "password")


@pytest.mark.parametrize("path", ["/signup", "/login"])
def test_a_fresh_form_reports_no_error(browser, path):
    html = browser.get(path).text
    assert "aria-invalid" not in html
    assert soup(html).find(role="alert") is None
    assert not soup(html).title.get_text().startswith("Error")


def test_a_refused_log_in_is_announced_and_described_at_the_password(browser):
    html = wrong_password(browser).text
    alert = soup(html).find(role="alert")
    assert "Incorrect username or password" in alert.get_text()
    assert alert["id"] in field(html, "password")["aria-describedby"].split()


@pytest.mark.parametrize("path", ["/signup", "/login"])
@pytest.mark.parametrize("typed", ["Jane", " jane ", "  ", "0", "ja\tne", "a" * 300, *MARKUP])
def test_what_was_typed_is_put_back_exactly_except_the_password(browser, path, typed):
    password = "<i>\"secret'"
    page = browser.submit(path, {"username": typed, "password": password + "x" * 255})
    assert page.status_code == 400
    assert field(page.text, "username")["value"] == typed
    assert field(page.text, "password").get("value") is None
    assert "secret" not in page.text


@pytest.mark.parametrize("username", MARKUP)
@pytest.mark.parametrize("path", ["/", "/profile", "/nowhere"])
def test_b066_b067_a_stored_name_made_of_markup_is_shown_as_text(app, username, path):
    plain, hostile = Browser(app), Browser(app)
    for browser, name in ((plain, "Jane"), (hostile, username)):
        import_user(name)
        assert browser.log_in(name).status_code == 302
    page = hostile.get(path)
    names = [bdi.get_text(strip=True) for bdi in soup(page.text).find_all("bdi")]
    assert names == ([] if path == "/nowhere" else [username])
    assert tags(page.text) == tags(plain.get(path).text)


@pytest.mark.parametrize("typed", MARKUP)
def test_b066_b067_typed_markup_changes_no_element_of_the_page(app, typed):
    hostile, plain = (Browser(app).log_in(name).text for name in (typed, "Nobody"))
    assert tags(hostile) == tags(plain)


def tags(html):
    """Return the elements of a page and the names of their attributes, in order."""
    return [(element.name, sorted(element.attrs)) for element in soup(html).find_all(True)]


def test_a_name_written_from_right_to_left_stands_apart_from_its_surroundings(browser):
    assert browser.sign_up("שלום").status_code == 302
    html = browser.get("/").text
    assert soup(html).h1.bdi.get_text() == "שלום"
    assert page_text(html).count("Hello,") == 1
