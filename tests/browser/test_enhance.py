"""static/enhance.js: what JavaScript adds, and that it steps aside when anything is unusual."""

import re
import time
import unicodedata
from contextlib import suppress
from datetime import datetime

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import PASSWORD
from flask import redirect, render_template_string, request
from playwright.sync_api import Error, expect

from accounts import hooks, users
from accounts.actor import OPERATOR
from accounts.errors import Busy
from models import Event, User

from .person import alert, box, heading, join, log_in, log_out, post, press, send, sign_up

pytestmark = pytest.mark.browser


@pytest.fixture
def marked(page):
    """A log-in page whose `window.mark` shows whether it was ever left; Jane has an account."""
    users.create_user("Jane", PASSWORD, OPERATOR)
    page.goto("/login")
    page.evaluate("window.mark = 1")
    return page


def is_same_page(page):
    return page.evaluate("window.mark === 1")


def fill_in(page, username="Jane", password=PASSWORD):
    box(page, "Username").fill(username)
    box(page, "Password").fill(password)


def submit(page, username="Jane", password=PASSWORD):
    fill_in(page, username, password)
    press(page, "Log in")


def requests_to(page, path):
    return [method for method, asked in page.watch.requests if asked == path]


def test_a_refused_form_and_the_page_after_it_come_without_leaving_the_page(marked):
    hooks.login_warnings[:] = [lambda _: "Mind the step."]
    submit(marked, password="wrong horse")
    expect(alert(marked)).to_contain_text("Incorrect")
    submit(marked)
    expect(marked).to_have_url("/profile")
    expect(heading(marked)).to_have_text("Your profile")
    expect(alert(marked)).to_contain_text("Mind the step.")
    expect(alert(marked)).to_be_focused()
    expect(marked).to_have_title("Your profile – Vestibule")
    expect(marked.get_by_role("navigation", name="Account", exact=True)).to_contain_text("Log out")
    assert is_same_page(marked)


def test_the_page_that_a_redirect_leads_to_is_asked_for_once(marked):
    submit(marked)
    marked.wait_for_url("/profile")
    marked.reload()
    assert requests_to(marked, "/profile") == ["GET", "GET"]


def test_a_message_that_is_shown_once_is_shown(page):
    """After a log-out in another tab, the page that the redirect leads to shows a message."""
    sign_up(page)
    post(page.request, "/logout")
    press(page, "Log out")
    expect(page.get_by_role("status")).to_contain_text("nothing was done")
    expect(page.get_by_role("status")).to_be_focused()
    page.reload()
    expect(page.get_by_role("status")).to_have_count(0)


def test_back_and_forward_show_the_pages_of_their_addresses(page):
    page.goto("/")
    send(page, "/login", "Log in", Username="Nobody", Password=PASSWORD)
    expect(alert(page)).to_be_visible()
    sign_up(page)
    page.go_back()
    expect(page).to_have_url("/profile")  # where /signup sends a member
    page.go_back()
    page.go_back()
    expect(page).to_have_url("/")
    expect(heading(page)).to_have_text("Hello, Jane")
    page.go_forward()
    page.go_forward()
    page.go_forward()
    expect(page).to_have_url("/profile")
    expect(heading(page)).to_have_text("Your profile")


def test_back_to_a_form_shows_the_form(page):
    users.create_user("Jane", PASSWORD, OPERATOR)
    page.goto("/login")
    submit(page)
    expect(page).to_have_url("/profile")
    log_out(page)
    page.go_back()
    expect(page).to_have_url("/")
    page.go_back()
    expect(page).to_have_url("/login")
    expect(box(page, "Password")).to_have_value("")


def test_a_link_into_the_page_is_left_alone(page):
    send(page, "/signup", "Sign up", Username="a b", Password=PASSWORD)
    page.evaluate("window.mark = 1")
    alert(page).get_by_role("link").click()
    expect(box(page, "Username")).to_be_focused()
    page.go_back()
    expect(box(page, "Username")).to_have_value("a b")
    assert is_same_page(page)


def test_an_error_leaves_the_scroll_where_it_was(page):
    page.set_viewport_size({"width": 320, "height": 420})
    page.goto("/signup")
    page.get_by_role("button", name="Sign up").scroll_into_view_if_needed()
    before = page.evaluate("scrollY")
    assert before > 0
    box(page, "Username").fill("Jane")
    box(page, "Password").fill("short")
    press(page, "Sign up")
    expect(box(page, "Password")).to_be_focused()
    expect(box(page, "Password")).to_be_in_viewport()
    assert page.evaluate("scrollY") > before / 2  # only as far as the field needs


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_back_after_log_out_shows_nothing_private(either, steps):
    """Neither immediately, from the browser's cached page, nor after the page is loaded again."""
    sign_up(either, "Secretname")
    either.goto("/")
    either.goto("/profile")
    assert "Secretname" in content(either)
    log_out(either)
    for _ in range(steps):
        with suppress(Error):  # the page reloads at once, which Playwright calls aborted
            either.go_back(wait_until="commit")
        assert "Secretname" not in content(either)
    expect(heading(either)).to_have_text(re.compile("Come in|Sign up|Log in to continue"))
    assert "Secretname" not in content(either)


def content(page):
    """Return the content of the page, now or as soon as there is a page."""
    while True:
        try:
            return page.content()
        except Error:  # on its way to another page
            page.wait_for_load_state()


def test_nothing_is_kept_in_the_history_or_the_browser(page):
    sign_up(page)
    kept = "[history.state, localStorage.length, sessionStorage.length, document.cookie]"
    assert page.evaluate(kept) == [None, 0, 0, ""]


def test_a_page_that_was_frozen_is_asked_for_again(page):
    """The browser's back/forward cache, which does not always obey no-store."""
    join(page)
    page.goto("/profile")
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))")
    assert not page.get_by_role("main").is_visible()
    with page.expect_navigation():
        page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    expect(page.get_by_role("main")).to_be_visible()


def test_a_double_click_sends_the_form_once(page):
    page.goto("/signup")
    fill_in(page)
    page.get_by_role("button", name="Sign up").dblclick()
    expect(page).to_have_url("/profile")
    assert requests_to(page, "/signup") == ["GET", "POST"]
    assert User.select().count() == 1


def test_without_javascript_a_double_click_makes_one_account_too(new_page):
    page = new_page(java_script_enabled=False)
    page.goto("/signup")
    fill_in(page)
    page.get_by_role("button", name="Sign up").dblclick()
    expect(page).to_have_url(re.compile("/(profile|signup)$"))
    assert User.select().count() == 1


def test_the_button_shows_that_it_is_working_and_keeps_the_focus(marked):
    held = []
    marked.route("**/login", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks it
    fill_in(marked)
    button = marked.get_by_role("main").get_by_role("button", name="Log in")
    button.click()
    expect(button).to_have_attribute("aria-busy", "true")
    expect(button).to_be_focused()
    box(marked, "Password").press("Enter")
    held.pop().continue_()
    expect(marked).to_have_url("/profile")
    assert requests_to(marked, "/login") == ["GET", "POST"]


def test_a_lost_network_says_so_and_keeps_what_was_typed(marked):
    marked.context.set_offline(True)
    submit(marked)
    expect(alert(marked)).to_contain_text("No answer came")
    expect(alert(marked)).to_be_focused()
    expect(box(marked, "Username")).to_have_value("Jane")
    expect(box(marked, "Password")).to_have_value(PASSWORD)
    press(marked, "Log in")
    expect(alert(marked)).to_have_count(1)
    marked.context.set_offline(False)
    press(marked, "Log in")
    expect(marked).to_have_url("/profile")
    assert "net::ERR_INTERNET_DISCONNECTED" in marked.watch.faults.pop()
    assert "net::ERR_INTERNET_DISCONNECTED" in marked.watch.faults.pop()


def deploy(page, file):
    """Make the server answer with pages that link to another version of a file."""

    def new_version(route):
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace(f"{file}?v=", f"{file}?v=new"))

    page.route("**/login", new_version)


def test_after_a_deploy_the_page_takes_the_new_stylesheet(marked):
    """The answer's text is not lost, nor does the page look bare before the stylesheet loads."""
    held = []
    marked.route("**/style.css?v=new*", lambda route: held.append(route))  # noqa: PLW0108
    deploy(marked, "style.css")
    submit(marked, password="wrong horse")
    expect(alert(marked)).to_contain_text("Incorrect")
    in_use = "[...document.styleSheets].map(sheet => sheet.href.includes('?v=new'))"
    assert marked.evaluate(in_use) == [False]
    held.pop().continue_()
    expect(marked.locator("link[rel=stylesheet]")).to_have_count(1)
    assert marked.evaluate(in_use) == [True]
    assert is_same_page(marked)


def test_after_a_deploy_the_next_form_brings_the_new_script(marked):
    deploy(marked, "enhance.js")
    submit(marked, password="wrong horse")
    expect(alert(marked)).to_contain_text("Incorrect")
    assert is_same_page(marked)
    with marked.expect_navigation():
        submit(marked, password="wrong horse")
    expect(alert(marked)).to_contain_text("Incorrect")
    assert not is_same_page(marked)


def test_an_answer_of_somebody_else_keeps_what_was_typed(marked):
    """A proxy in front answers 502 with a page of its own."""
    marked.route("**/login", lambda route: route.fulfill(status=502, body="<h1>Bad Gateway</h1>"))
    submit(marked)
    expect(alert(marked)).to_contain_text("502")
    expect(box(marked, "Password")).to_have_value(PASSWORD)
    assert is_same_page(marked)


@pytest.mark.parametrize("kind", ["application/json", "text/html"])
def test_an_answer_that_is_no_page_of_ours_is_left_to_the_browser(marked, kind):
    odd = {"status": 200, "content_type": kind, "body": "{}"}
    marked.route("**/login", lambda route: route.fulfill(**odd))
    with marked.expect_navigation():
        submit(marked)
    assert not is_same_page(marked)


@pytest.mark.parametrize("attribute", ["target", "enctype"])
def test_a_form_with_a_target_or_another_encoding_is_left_to_the_browser(marked, attribute):
    value = {"target": "_self", "enctype": "multipart/form-data"}[attribute]
    marked.locator("main form").evaluate(f"form => form.setAttribute('{attribute}', '{value}')")
    submit(marked)
    expect(marked).to_have_url("/profile")
    assert not is_same_page(marked)


def test_a_script_in_an_answer_never_runs(marked):
    body = (
        "<main><h1>Odd</h1><script src='/static/odd.js'></script>"
        "<script type=module src='/static/odd.js'></script></main>"
    )
    html = {"status": 400, "content_type": "text/html", "body": body}
    marked.route("**/login", lambda route: route.fulfill(**html))
    submit(marked)
    expect(heading(marked)).to_have_text("Odd")
    marked.goto("/")
    assert requests_to(marked, "/static/odd.js") == []


NOTES = """{% extends "base.html" %}{% from "_fields.html" import button_form %}
{% block title %}Notes{% endblock %}
{% block scripts %}{% if here %}<script type=module src=/notes.js></script>{% endif %}{% endblock %}
{% block content %}<h1>Notes</h1>{% call button_form("/notes") %}Save{% endcall %}{% endblock %}"""
NOTES_JS = """window.loaded = (window.loaded ?? 0) + 1;
window.shown = 0;
export default (main) => main.querySelector("h1").append(` shown ${++window.shown}`);"""


@pytest.fixture
def notes(app, page):
    """Pages of an application: /notes has a script of its own, /before has none."""

    def show_notes(here="notes"):
        return (
            redirect("/notes")
            if request.method == "POST"
            else render_template_string(NOTES, here=here)
        )

    app.add_url_rule("/notes", view_func=show_notes, methods=["GET", "POST"])
    app.add_url_rule("/before", "before", lambda: show_notes(None))
    javascript = {"Content-Type": "text/javascript"}
    app.add_url_rule("/notes.js", "notes.js", lambda: (NOTES_JS, javascript))
    join(page)
    return page


def test_a_pages_own_script_runs_when_it_is_loaded_and_each_time_it_is_shown(notes):
    notes.goto("/notes")
    expect(heading(notes)).to_have_text("Notes shown 1")
    for times in (2, 3):
        press(notes, "Save")
        expect(heading(notes)).to_have_text(f"Notes shown {times}")
    assert notes.evaluate("window.loaded") == 1


def test_a_pages_own_script_runs_when_a_form_elsewhere_leads_to_it(notes):
    notes.goto("/before")
    expect(heading(notes)).to_have_text("Notes")
    assert notes.evaluate("window.loaded") is None
    for times in (1, 2):
        press(notes, "Save")
        expect(heading(notes)).to_have_text(f"Notes shown {times}")
    expect(notes).to_have_url("/notes")
    assert notes.evaluate("window.loaded") == 1


def test_fields_without_label_form_or_id_break_nothing(marked):
    """Chromium complains, sooner or later, about a password field that is in no form, has no
    autocomplete or no field for the username beside it.
    """
    name = "<input hidden autocomplete=username>"
    secret = f"{name}<input type=password autocomplete=current-password>"
    counted = "<input data-min=1 data-max=9 name=n>"
    body = f"<main><h1>Bare</h1><form>{secret}</form><p>{counted}</p></main>"
    html = {"status": 400, "content_type": "text/html", "body": body}
    marked.route("**/login", lambda route: route.fulfill(**html))
    submit(marked)
    expect(marked.get_by_role("button", name="Show password")).to_be_visible()
    marked.locator("[name=n]").fill("four")
    expect(marked.locator("#n-count")).to_have_text("4 of 9")


def test_fields_may_have_any_name(marked):
    """form.action would be the field of that name (DOM clobbering)."""
    marked.locator("main form").evaluate("""form => {
        for (const name of ["action", "method", "submit", "elements", "id"]) {
            const input = document.createElement("input");
            form.append(Object.assign(input, {type: "hidden", name}));
        }
    }""")
    submit(marked)
    expect(marked).to_have_url("/profile")
    assert is_same_page(marked)


def test_a_server_that_says_when_to_come_back_is_obeyed(marked, monkeypatch):
    """The button is disabled, the seconds count down, then the button works."""

    def refuse(*_):
        raise Busy

    monkeypatch.setattr(Busy, "retry_after", 2)
    monkeypatch.setattr(Busy, "text", Busy.text.replace("5", "2"))
    stop_the_clock(marked)
    with monkeypatch.context() as patch:
        patch.setattr(users, "log_in", refuse)
        submit(marked)
        expect(alert(marked)).to_contain_text("in 2 seconds")
    button = marked.get_by_role("main").get_by_role("button", name="Log in")
    expect(button).to_be_disabled()
    marked.clock.run_for(1000)
    expect(alert(marked)).to_contain_text("again in 1 second.")
    box(marked, "Password").press("Enter")
    marked.clock.run_for(1000)
    expect(alert(marked)).to_have_text("You can try again.")
    expect(button).to_be_enabled()
    assert requests_to(marked, "/login") == ["GET", "POST"]
    submit(marked)
    expect(marked).to_have_url("/profile")


def stop_the_clock(page):
    """Stop the page's clock only; its clock.run_for() lets time pass."""
    page.clock.install()
    page.clock.pause_at(time.time() + 60)


@pytest.mark.parametrize(
    ("limit", "words"),
    [("1/minute", r"again in [1-6]?\d seconds\."), ("1/hour", r"again in 3[4-6]\d\d seconds\.")],
)
def test_too_many_tries_count_down(settings, request, limit, words):
    settings["LIMIT_LOGIN_ACCOUNT"] = limit
    page = request.getfixturevalue("marked")
    stop_the_clock(page)
    submit(page, password="wrong horse")
    expect(box(page, "Password")).to_have_value("")
    submit(page, password="wrong horse")
    expect(alert(page)).to_have_text(re.compile(f"Too many attempts. Try {words}"))
    expect(box(page, "Password")).to_have_value("wrong horse")
    before = alert(page).text_content()
    page.clock.run_for(1000)
    assert alert(page).text_content() != before
    expect(alert(page).get_by_role("timer")).to_have_count(1)
    expect(page.get_by_role("main").get_by_role("button", name="Log in")).to_be_disabled()
    page.clock.resume()
    assert Axe().run(page).violations_count == 0


def test_the_password_can_be_shown_and_is_hidden_again_when_it_is_sent(marked):
    fill_in(marked, password="wrong horse")
    show = marked.get_by_role("button", name="Show password")
    show.click()
    expect(box(marked, "Password")).to_have_attribute("type", "text")
    hide = marked.get_by_role("button", name="Hide password")
    expect(hide).to_be_focused()
    hide.click()
    expect(box(marked, "Password")).to_have_attribute("type", "password")
    show.click()
    held = []
    marked.route("**/login", lambda route: held.append(route))  # noqa: PLW0108
    box(marked, "Password").press("Enter")
    expect(box(marked, "Password")).to_have_attribute("type", "password")
    for _ in range(3000):  # until the browser asks, at most a minute
        if not held:
            marked.wait_for_timeout(20)
    held.pop().continue_()
    expect(alert(marked)).to_contain_text("Incorrect")
    expect(show).to_be_visible()


@pytest.mark.parametrize(
    ("typed", "length"),
    [
        ("", ""),
        ("Jan", "1 more"),
        ("Jane", "4 of 31"),
        ("Ja\u0308ne", "4 of 31"),  # a composed with its dots: one letter
        ("\u1109\u1161\u11bc", "3 more"),  # three Hangul parts of one syllable
        ("\uff8a\uff9e\uff8a\uff9e", "2 more"),  # half-width kana with their voice marks
        ("\U0001f511" * 31, "31 of 31"),  # two UTF-16 units each
        ("W" * 33, "2 too many"),
    ],
)
def test_characters_are_counted_as_the_server_counts_them(page, typed, length):
    page.goto("/signup")
    box(page, "Username").fill(typed)
    expect(page.locator("#username-count")).to_have_text(length)
    if length:
        expect(box(page, "Username")).to_have_accessible_description(re.compile(f"{length}$"))
    normal = len(unicodedata.normalize("NFKC", typed))
    assert not typed or int(length.split()[0]) in (normal, 4 - normal, normal - 31)


def test_what_is_put_back_is_counted_too(page):
    send(page, "/signup", "Sign up", Username="abc", Password="")
    expect(page.locator("#username-count")).to_have_text("1 more")


def test_log_in_after_an_error_page(marked):
    """An error page has no form; the next pages work as usual."""
    log_in(marked, password="x" * 20_000)
    expect(heading(marked)).to_have_text(re.compile("Too large|Log in"))
    log_in(marked)
    expect(marked).to_have_url("/profile")


ODD = """{% extends "base.html" %}{% block title %}Odd{% endblock %}
{% block scripts %}<script type=module src=/broken.js></script>
<script type=module src=/whole.js></script>{% endblock %}
{% block content %}<h1>Odd</h1><form method="post">
<input type="hidden" name="csrf_token" value="{{ csrf_token() }}"><input data-max="9">
<input type="file" name="given" disabled><button name="as" value="page">Page</button>
<button name="as" value="file">File</button></form>{% endblock %}"""
WHOLE_JS = "document.querySelector('h1').append(' whole');"


@pytest.fixture
def odd(app, page):
    """A page with scripts that fail beside one that exports nothing, and a button for a file."""

    def show_odd():
        if request.form.get("as") == "file":
            name = {"Content-Disposition": 'attachment; filename="codes.txt"'}
            return "eight codes", {"Content-Type": "text/plain", **name}
        return render_template_string(ODD)

    app.add_url_rule("/odd", "odd", show_odd, methods=["GET", "POST"])
    for path, code in (("/broken.js", "throw new Error('broken')"), ("/whole.js", WHOLE_JS)):
        answer = code, {"Content-Type": "text/javascript"}
        app.add_url_rule(path, path[1:], lambda answer=answer: answer)
    join(page)
    page.goto("/odd")
    page.evaluate("window.mark = 1")
    yield page
    faults = " ".join(page.watch.faults)
    assert "broken" in faults
    page.watch.faults.clear()


def test_a_script_that_exports_nothing_runs_each_time_and_one_that_fails_stops_no_other(odd):
    expect(heading(odd)).to_have_text("Odd whole")
    for _ in range(2):
        press(odd, "Page")
        expect(odd.get_by_role("button", name="Page")).to_be_enabled()
        expect(heading(odd)).to_have_text("Odd whole")
    assert is_same_page(odd)


def test_an_answer_that_is_a_file_is_saved_and_asked_for_once(odd):
    with odd.expect_download() as waiting:
        press(odd, "File")
    assert waiting.value.suggested_filename == "codes.txt"
    assert waiting.value.path().read_text() == "eight codes"
    expect(heading(odd)).to_have_text("Odd whole")
    assert is_same_page(odd)
    assert requests_to(odd, "/odd") == ["GET", "POST"]


def test_a_form_with_a_file_is_left_to_the_browser_without_a_complaint(odd):
    odd.locator("[type=file]").evaluate("input => { input.disabled = false; }")
    with odd.expect_navigation():
        press(odd, "Page")
    assert not is_same_page(odd)


def test_a_key_held_at_the_click_opens_another_tab_as_without_a_script(marked):
    fill_in(marked)
    with marked.context.expect_page() as waiting:
        marked.get_by_role("main").get_by_role("button", name="Log in").click(modifiers=["Control"])
    expect(waiting.value).to_have_url("/profile")
    expect(marked).to_have_url("/login")


def test_a_page_without_main_leaves_its_forms_to_the_browser(marked):
    fill_in(marked)
    marked.evaluate(
        "const main = document.querySelector('main'); main.replaceWith(...main.children)"
    )
    with marked.expect_navigation():
        marked.locator("form button[type=submit]").last.click()
    expect(marked).to_have_url("/profile")


BARE = "<form><label>Word <input type=password autocomplete=off></label></form>"


def test_fields_outside_the_part_that_is_replaced_are_enhanced_once(marked):
    marked.route(
        "**/login",
        lambda route: route.fulfill(
            status=400,
            content_type="text/html",
            body=f"<main><h1>Bare</h1>{BARE}</main>",
        ),
    )
    marked.evaluate("""document.querySelector("footer").innerHTML =
        "<form><label>Pin <input type=password autocomplete=off></label></form>" """)
    submit(marked)
    expect(marked.get_by_role("button", name="Show word")).to_have_count(1)
    expect(marked.get_by_role("button", name="Show pin")).to_have_count(0)


def test_what_was_typed_right_stays_when_something_else_was_wrong(page):
    """Passwords too: the server never sends them back."""
    join(page)
    page.goto("/profile/password")
    typed = {"Current password": "wrong horse", "New password": "battery staple"}
    for label, text in typed.items():
        box(page, label).fill(text)
    press(page, "Change password")
    expect(box(page, "Current password")).to_be_focused()
    expect(box(page, "Current password")).to_have_value("")
    expect(box(page, "New password")).to_have_value("battery staple")
    box(page, "Current password").fill(PASSWORD)
    box(page, "New password").fill("short")
    press(page, "Change password")
    expect(box(page, "New password")).to_be_focused()
    expect(box(page, "New password")).to_have_value("")
    expect(box(page, "Current password")).to_have_value(PASSWORD)
    post(page.request, "/logout")
    page.goto("/signup")
    fill_in(page, "JANE")
    press(page, "Sign up")
    expect(box(page, "Username")).to_be_focused()
    expect(box(page, "Password")).to_have_value(PASSWORD)


def test_a_wrong_log_in_keeps_the_name_and_an_expired_form_the_password_too(marked):
    submit(marked, password="wrong horse")
    expect(alert(marked)).to_contain_text("Incorrect")
    expect(box(marked, "Password")).to_have_value("")
    marked.locator("main [name=csrf_token]").evaluate("input => input.value = 'old'")
    submit(marked)
    expect(alert(marked)).to_contain_text("expired")
    expect(box(marked, "Password")).to_have_value(PASSWORD)
    press(marked, "Log in")
    expect(marked).to_have_url("/profile")


@pytest.mark.parametrize(
    ("zone", "days"),
    [
        ("UTC", {"26 August 2026": ["00:10 UTC"], "25 August 2026": ["23:50 UTC", "12:00 UTC"]}),
        ("Europe/Berlin", {"26 August 2026": ["02:10 CEST", "01:50 CEST"],
                           "25 August 2026": ["14:00 CEST"]}),
        ("America/New_York", {"25 August 2026": ["20:10 GMT-4", "19:50 GMT-4", "08:00 GMT-4"]}),
        ("Asia/Kolkata", {"26 August 2026": ["05:40 GMT+5:30", "05:20 GMT+5:30"],
                          "25 August 2026": ["17:30 GMT+5:30"]}),
    ],
)  # fmt: skip
def test_times_and_days_are_those_of_the_place(new_page, zone, days):
    page = new_page(timezone_id=zone)
    join(page)
    Event.delete().execute()
    moments = ["2026-08-25T12:00:00Z", "2026-08-25T23:50:00Z", "2026-08-26T00:10:00Z"]
    for moment in moments:
        at = round(datetime.fromisoformat(moment).timestamp() * 1000)
        row = {"session": "", "ip_address": "192.0.2.1", "user_agent": "", "detail": ""}
        Event.create(at=at, kind="authn_login_success", user=User.get(), **row)
    page.goto("/profile/activity")
    shown = {}
    for day in page.locator(".day").all():
        shown[day.locator("h2").inner_text()] = day.locator("time").all_inner_texts()
    assert shown == days
    User.update(created_at=at).execute()
    page.goto("/profile")
    page.locator("summary").click()
    [day, times] = next(iter(days.items()))
    expect(page.locator("main")).to_contain_text(f"{day}, {times[0]}")


def test_without_javascript_times_are_utc(new_page):
    page = new_page(timezone_id="Asia/Tokyo", java_script_enabled=False)
    join(page)
    page.goto("/profile/activity")
    expect(page.locator(".day time")).to_have_text(re.compile(r"\d\d:\d\d UTC"))


def test_an_account_is_deleted_only_when_its_name_was_typed(page):
    join(page, "Jané")
    page.goto("/profile/delete")
    button = page.get_by_role("button", name="Delete my account for good")
    expect(button).to_be_disabled()
    box(page, "Current password").fill(PASSWORD)
    for text, armed in {"Jan": False, "Jané ": False, "JANE\u0301": True, "Jané": True}.items():
        box(page, "Type your username").fill(text)
        expect(button).to_be_enabled(enabled=armed)
    box(page, "Type your username").fill("Jan")
    box(page, "Type your username").press("Enter")
    expect(button).to_be_disabled()
    assert requests_to(page, "/profile/delete") == ["GET"]
    box(page, "Type your username").fill("Jané")
    box(page, "Type your username").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("has been deleted")


def test_on_paper_the_details_are_open(new_page):
    page = new_page()
    join(page)
    page.goto("/profile")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(page.get_by_text("User ID")).to_be_visible()
    page = new_page(java_script_enabled=False)
    join(page, "Janet")
    page.goto("/profile")
    expect(page.get_by_text("User ID")).not_to_be_visible()
    page.emulate_media(media="print")
    expect(page.get_by_text("User ID")).to_be_visible()


def test_on_wide_paper_what_is_left_out_leaves_no_gap(new_page):
    page = new_page(viewport={"width": 1047, "height": 718})  # A4, landscape
    join(page)
    for path in ("/profile", "/"):
        page.goto(path)
        page.emulate_media(media="print")
        width = "one => one.getBoundingClientRect().width"
        room, words = (page.locator(part).evaluate(width) for part in (".room", ".words"))
        assert words == room, path
