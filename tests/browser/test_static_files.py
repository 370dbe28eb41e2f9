"""A rolling update: a page of the new version asks a server that still has the old files."""

import hashlib

import pytest
from flask import render_template_string
from playwright.sync_api import expect

from web.current_session import allow_anonymous

pytestmark = pytest.mark.browser
PAGE = "<!doctype html><title>New</title><link rel=stylesheet href={{ href }}><h1>New</h1>"
OLD, NEW = "h1 { color: rgb(1, 2, 3) }", "h1 { color: rgb(4, 5, 6) }"
FILES = {OLD: "rgb(1, 2, 3)", NEW: "rgb(4, 5, 6)"}


@pytest.fixture
def deploy(app, tmp_path):
    """A page of the new version, /new, and what puts a stylesheet in its place."""
    href = f"/static/style.css?v={hashlib.sha256(NEW.encode()).hexdigest()[:12]}"
    show = allow_anonymous(lambda: render_template_string(PAGE, href=href))
    app.add_url_rule("/new", "new", show)
    app.static_folder = str(tmp_path)
    return (tmp_path / "style.css").write_text


def test_the_old_file_is_not_kept_at_the_new_address(deploy, page):
    for content, color in FILES.items():
        deploy(content)
        page.goto("/new")
        expect(page.locator("h1")).to_have_css("color", color)


def test_nor_is_it_in_firefox(deploy, firefox):
    for content, color in FILES.items():
        deploy(content)
        firefox.open("/new")
        shown = firefox.script("return getComputedStyle(document.querySelector('h1')).color")
        assert shown == color
