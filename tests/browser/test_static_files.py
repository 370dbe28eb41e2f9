"""A rolling update: a page of the new version asks a server that still has the old files."""

import hashlib

import pytest
from flask import render_template_string
from playwright.sync_api import expect

from web.current_session import allow_anonymous

pytestmark = pytest.mark.browser
PAGE = "<!doctype html><title>New</title><link rel=stylesheet href={{ href }}><h1>New</h1>"


def test_the_old_file_is_not_kept_at_the_new_address(app, page, tmp_path):
    old, new = "h1 { color: rgb(1, 2, 3) }", "h1 { color: rgb(4, 5, 6) }"
    href = f"/static/style.css?v={hashlib.sha256(new.encode()).hexdigest()[:12]}"
    show = allow_anonymous(lambda: render_template_string(PAGE, href=href))
    app.add_url_rule("/new", "new", show)
    app.static_folder = str(tmp_path)
    for content, color in ((old, "rgb(1, 2, 3)"), (new, "rgb(4, 5, 6)")):
        (tmp_path / "style.css").write_text(content)
        page.goto("/new")
        expect(page.locator("h1")).to_have_css("color", color)
