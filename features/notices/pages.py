"""Notices at the top of the profile, the mark beside its link, and the form that acknowledges."""

from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from wtforms.widgets import HiddenInput

from accounts import passwords
from accounts.errors import AccountError
from accounts.events import Kind
from blueprints.account_pages import count
from models import User
from web.current_session import current_actor
from web.forms import Form, Password, Text, form_page
from web.words import describe_event, describe_origin

from . import rules
from .models import Notice

bp = Blueprint("notices", __name__, template_folder="templates", url_prefix="/profile/notices")


class NoticesForm(Form):
    """What was seen, and where needed the proof of who has seen it."""

    template = "notices/refused.html"
    up_to = Text("Notices", widget=HiddenInput())
    current_password = Password(
        "Current password",
        lambda text: text and passwords.parse_typed_password(text),  # where none is needed, ""
        autocomplete="current-password",
    )


def _shown() -> dict[str, Any]:
    found = rules.notices_of(g.user)
    asks = any(rules.needs_password(notice, g.session) for notice in found)
    return {"notices": found, "asks": asks, "describe": describe, "origin": describe_origin}


def _prepare() -> Any:
    if request.method != "POST":  # "Back" from a refused form
        return redirect(url_for("profile.show"))
    return _shown()


@bp.route("", methods=["GET", "POST"])
@form_page(NoticesForm, prepare=_prepare)
def acknowledge(form: NoticesForm) -> ResponseReturnValue:
    """Show these notices no more."""
    try:
        rules.acknowledge(form.up_to.data, form.current_password.data, current_actor())
    except AccountError:  # a wrong password is a failed log-in more
        g.user = User.get_or_none(id=g.user.id) or g.user
        form.context = _shown()
        raise
    flash("What you have seen is not shown again.", "success")
    return redirect(url_for("profile.show"))


def panel() -> str:
    """Return the notices of the user, for the top of the profile."""
    if not g.user.notices:
        return ""
    form = NoticesForm(formdata=None)
    return Markup(render_template("notices/panel.html", form=form, **_shown()))  # noqa: S704


def mark(number: int) -> Markup:
    """Return what stands beside the link to the profile on every page."""
    noun = "notice" if number == 1 else "notices"
    text = ' <span class="badge">{}<span class="visually-hidden"> {}</span></span>'
    return Markup(text).format(number, noun)  # noqa: S704


def describe(notice: Notice) -> str:
    """Return what happened, in words."""
    if notice.kind == Kind.LOGIN_FAIL:
        return count(notice.number, "failed log-in")
    text = describe_event(notice)  # type: ignore[arg-type] # which has the same columns
    return f"{text} from a new browser" if notice.kind == Kind.LOGIN_SUCCESS else text
