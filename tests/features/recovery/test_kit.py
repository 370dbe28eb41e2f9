"""GET and POST /profile/recovery."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from conftest import PASSWORD, Browser, field_error, import_user, page_text, soup, stored
from flask import Flask

from accounts import users
from accounts.actor import OPERATOR
from features.recovery.models import RecoveryCode
from models import Event, User

from .conftest import NEW_PASSWORD, make_kit, recover, shown_codes


def row_of_profile(browser: Browser) -> str:
    link = soup(browser.get("/profile").text).select_one(".rows a[href='/profile/recovery']")
    return link.parent.p.get_text(strip=True)


def test_the_page_says_how_many_are_left_and_since_when(jane: Browser, app: Flask) -> None:
    assert "You have none" in page_text(jane.get("/profile/recovery").text)
    codes = make_kit(jane)
    assert "8 of 8 left, made just now" in page_text(jane.get("/profile/recovery").text)
    browser = Browser(app)
    recover(browser, codes[0], password=PASSWORD)
    assert "7 of 8 left" in page_text(browser.get("/profile/recovery").text)


def test_eight_codes_are_shown_this_once(jane: Browser) -> None:
    codes = make_kit(jane)
    assert len(set(codes)) == 8
    page = jane.get("/profile/recovery").text + jane.get("/profile").text
    assert not [code for code in codes if code in page]
    assert RecoveryCode.select().count() == 8


def test_the_page_of_the_codes_asks_to_save_them_before_one_leaves(jane: Browser) -> None:
    page = soup(jane.submit("/profile/recovery", {"current_password": PASSWORD}).text)
    box = page.find("input", type="checkbox")
    assert box.has_attr("required")
    assert box.parent.get_text(strip=True) == "I have saved them"
    assert box.find_parent("form")["action"] == "/profile"


def test_the_link_to_a_file_on_that_page_has_the_same_codes(jane: Browser) -> None:
    answer = jane.submit("/profile/recovery", {"current_password": PASSWORD})
    link = soup(answer.text).find("a", download="recovery-codes.txt")["href"]
    kind, _, text = unquote(link).partition(",")
    assert kind == "data:text/plain;charset=utf-8"
    assert [line for line in text.splitlines() if line.count("-") == 3] == shown_codes(answer)


def test_with_as_file_they_are_sent_as_a_text_file(jane: Browser, app: Flask) -> None:
    fields = {"current_password": PASSWORD, "as": "file"}
    answer = jane.submit("/profile/recovery", fields)
    assert answer.status_code == 200
    assert answer.mimetype == "text/plain"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["Cache-Control"] == "no-store"
    codes = shown_codes(answer)
    assert len(codes) == 8
    assert "Jane" in answer.text
    assert recover(Browser(app), codes[3]).status_code == 302


def test_new_codes_end_the_old(jane: Browser, app: Flask) -> None:
    old, new = make_kit(jane), make_kit(jane)
    assert recover(Browser(app), old[0]).status_code == 400
    assert recover(Browser(app), new[0]).status_code == 302


def test_a_wrong_password_makes_nothing_and_counts(jane: Browser) -> None:
    codes = make_kit(jane)
    answer = jane.submit("/profile/recovery", {"current_password": "wrong horse"})
    assert answer.status_code == 400
    assert "not your current password" in field_error(answer.text, "current_password")
    assert Event.select().where(Event.kind == "authn_login_fail").count() == 1
    assert recover(jane_elsewhere(jane), codes[0]).status_code == 302


def jane_elsewhere(jane: Browser) -> Browser:
    return Browser(jane.client.application)


def test_strangers_are_sent_away(browser: Browser) -> None:
    assert browser.get("/profile/recovery").location == "/"
    assert browser.client.post("/profile/recovery").location == "/"


def test_a_kit_is_offered_after_sign_up_until_there_is_one(browser: Browser, app: Flask) -> None:
    browser.sign_up("Jane")
    page = soup(browser.get("/profile").text)
    assert page.select_one(".notice a[href='/profile/recovery']")
    assert row_of_profile(browser) == "None yet"
    codes = make_kit(browser)
    assert not soup(browser.get("/profile").text).select_one(".notice a[href='/profile/recovery']")
    assert row_of_profile(browser) == "8 of 8 left"
    for code in codes[:6]:
        recover(browser := Browser(app), code, password=PASSWORD)
    assert row_of_profile(browser) == "2 of 8 left"
    assert "2 recovery codes left" in page_text(browser.get("/profile").text)


def test_imported_accounts_are_offered_a_kit_and_can_use_it(app: Flask, browser: Browser) -> None:
    import_user("Zoë Müller")
    users.rename_user(User.get(), "Zoe_Mueller", OPERATOR)
    browser.log_in("Zoe_Mueller")
    assert row_of_profile(browser) == "None yet"
    assert recover(Browser(app), make_kit(browser)[0], "zoe_mueller").status_code == 302


def test_a_rename_keeps_the_kit_and_a_deletion_takes_it(
    jane: Browser, app: Flask, codes: list[str]
) -> None:
    users.rename_user(User.get(), "Joan", OPERATOR)
    assert recover(Browser(app), codes[0], "Jane").status_code == 400
    assert recover(Browser(app), codes[0], "Joan").status_code == 302
    users.delete_user(User.get(), OPERATOR)
    assert RecoveryCode.select().count() == 0


def test_no_code_is_stored_logged_or_exported(
    jane: Browser, codes: list[str], caplog, app: Flask
) -> None:
    browser = Browser(app)
    recover(browser, codes[0])
    content = stored() + browser.get("/profile/export").data + caplog.text.encode()
    for code in codes:
        assert code.encode() not in content
        assert code.replace("-", "").encode() not in content


def test_the_export_has_when_the_codes_were_made_and_docs_say_so(
    jane: Browser, codes: list[str], link, app: Flask
) -> None:
    pytest.importorskip("features.export")
    link()
    content = jane.get("/profile/export").json
    assert len(content["recovery_codes"]) == 8
    assert set(content["recovery_codes"][0]) == {"created_at"}
    assert [set(entry) for entry in content["reset_links"]] == [{"created_at", "expires_at"}]
    text = Path(app.root_path, "docs/recovery.md").read_text()
    documented = set(
        re.findall(r"^\| `((?:recovery_codes|reset_links)\[\]\S*)` \|", text, re.MULTILINE)
    )
    assert documented == {
        "recovery_codes[]", "recovery_codes[].created_at",
        "reset_links[]", "reset_links[].created_at", "reset_links[].expires_at",
    }  # fmt: skip


def test_the_activity_says_that_codes_were_made_and_used(
    jane: Browser, codes: list[str], app: Flask
) -> None:
    pytest.importorskip("features.account_activity")
    assert "Recovery codes made" in jane.get("/profile/activity").text
    browser = Browser(app)
    recover(browser, codes[0], password=NEW_PASSWORD)
    text = page_text(browser.get("/profile/activity").text)
    assert "Password changed (with a recovery code)" in text
    assert "Logged in (with a recovery code)" in text
