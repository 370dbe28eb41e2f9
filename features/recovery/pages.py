"""The pages of the kit, of a code and of a link."""

import contextlib
from typing import Any, NoReturn
from urllib.parse import quote

from flask import Blueprint, Response, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from peewee import DatabaseError

from accounts import settings, usernames
from accounts.sessions import SignedIn
from accounts.times import in_words
from blueprints.auth import current_password, new_password, own_username
from models import User, now
from web.current_session import (
    allow_anonymous,
    anonymous_only,
    current_actor,
    end_session,
    start_session,
)
from web.forms import Form, Text, form_page

from . import kit, links
from .codes import in_fours, parse_code

FEW = 2  # codes
NO_LINK = "This link does not work: it was used or replaced, or its time is over. Ask for another."

bp = Blueprint("recovery", __name__, template_folder="templates")


class KitForm(Form):
    """New codes."""

    template = "recovery/kit.html"
    current_password = current_password()


class RecoverForm(Form):
    """A code in place of the password."""

    template = "recovery/recover.html"
    username = own_username("Username", "username", usernames.parse_typed_username)
    recovery_code = Text(
        "Recovery code",
        parse_code,
        missing="Enter one of your recovery codes.",
        description="Any one of the eight that you have not used yet.",
    )
    new_password = new_password("New password")


class ResetForm(Form):
    """A link in place of the password."""

    template = "recovery/reset.html"
    new_password = new_password("New password")


def _state() -> dict[str, Any]:
    left, made_at = kit.state_of_kit(g.user)
    return {"left": left, "made_at": made_at}


@bp.route("/profile/recovery", methods=["GET", "POST"])
@form_page(KitForm, prepare=_state)
def show_kit(form: KitForm) -> ResponseReturnValue:
    """Make new codes, and show them this once or send them as a file."""
    codes = [*map(in_fours, kit.make_kit(form.current_password.data, current_actor()))]
    text = _on_paper(codes)
    if request.form.get("as") == "file":
        attachment = {"Content-Disposition": 'attachment; filename="recovery-codes.txt"'}
        return Response(text, mimetype="text/plain", headers=attachment)
    file = f"data:text/plain;charset=utf-8,{quote(text)}"
    return render_template("recovery/codes.html", codes=codes, file=file)


def _on_paper(codes: list[str]) -> str:
    where = url_for(".recover", _external=True)
    head = f"{settings.SITE_NAME}: recovery codes of {g.user.username}, made {in_words(now())}."
    use = f"Each sets a new password once, at {where}"
    return "\n".join([head, use, "", *codes, ""])


@bp.route("/recover", methods=["GET", "POST"])
@anonymous_only
@form_page(RecoverForm)
def recover(form: RecoverForm) -> ResponseReturnValue:
    """Set a new password with a code, and log in."""
    name, code, password = (
        field.data for field in (form.username, form.recovery_code, form.new_password)
    )
    signed_in = kit.recover(name, code, password, current_actor())
    if signed_in is None:
        return form.page(400, "Incorrect username or recovery code.")
    more = ""
    with contextlib.suppress(DatabaseError):  # it is done: a fault here must not deny it
        more = f" You have {count_codes(kit.state_of_kit(signed_in.user)[0])} left."
    return _welcome(signed_in, password, more)


def _welcome(signed_in: SignedIn, password: str, more: str = "") -> ResponseReturnValue:
    start_session(signed_in, password)
    changed = "Your password has been changed, and all other browsers have been logged out."
    flash(changed + more, "success")
    return redirect(url_for("profile.show"))


def _owner(token: str) -> dict[str, Any]:
    return {"user": links.find_user(token) or _refuse_link()}


def _refuse_link() -> NoReturn:
    g.pop("form", None)  # the page must not show that there was a link, and whose
    abort(404, NO_LINK)


@bp.route("/reset/<token>", methods=["GET", "POST"])
@allow_anonymous
@form_page(ResetForm, prepare=_owner)
def reset(form: ResetForm, token: str) -> ResponseReturnValue:
    """Set a new password with a link, and log in."""
    password = form.new_password.data
    signed_in = links.reset_password(token, password, current_actor())
    if signed_in is None:
        _refuse_link()
    if g.user not in (None, signed_in.user):
        with contextlib.suppress(DatabaseError):  # the new password is committed
            end_session()
    return _welcome(signed_in, password)


def count_codes(left: int) -> str:
    """Return "no recovery codes", "1 recovery code", "7 recovery codes"."""
    return f"{left or 'no'} recovery code{'' if left == 1 else 's'}"


def words(_user: User, left: int) -> str:
    """Return how things stand, for the profile."""
    return f"{left} of {kit.CODES} left" if left else "None yet"


def advice(_user: User, left: int) -> str:
    """Return what the profile says to a user with few codes."""
    if left > FEW:
        return ""
    have = f"You have {count_codes(left)}{' left' if left else ''}."
    return f"{have} A code lets you in again if you lose your password."
