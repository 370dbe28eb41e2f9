"""Sign-up on the terms of SIGNUP, and sign-up by invitation."""

from typing import Any, NoReturn

from flask import Blueprint, Flask, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blueprints.auth import SignupForm, welcome
from web.current_session import anonymous_only, current_actor
from web.forms import form_page

from . import settings
from .rules import InvitationOver, find_invitation, sign_up_invited
from .settings import APPROVAL, CLOSED, OPEN
from .waiting import sign_up_to_wait

TO_BE_APPROVED = "The person who runs this site has to approve your account before you can log in."
INVITED = "You have been invited to sign up here."

bp = Blueprint("invitations", __name__, template_folder="templates")


class InvitedForm(SignupForm):
    """A new account by invitation."""

    template = "invitations/invited.html"


def set_terms(app: Flask) -> None:
    """Let people sign up on the terms of SIGNUP."""
    terms = app.extensions["signup"]
    terms.offered = settings.SIGNUP in (OPEN, APPROVAL)
    if settings.SIGNUP == APPROVAL:
        terms.before, terms.accept = lambda: {"note": TO_BE_APPROVED}, wait
    elif settings.SIGNUP != OPEN:
        terms.before = refuse


def wait(form: SignupForm) -> ResponseReturnValue:
    """Create an account that waits for approval."""
    sign_up_to_wait(form.username.data, form.password.data, current_actor())
    flash(f"Your account has been created. {TO_BE_APPROVED}", "success")
    return redirect(url_for("auth.home"))


def refuse() -> ResponseReturnValue:
    """Say why there is no form, also to a form that was opened before."""
    closed = settings.SIGNUP == CLOSED
    page = render_template("invitations/no_signup.html", closed=closed)
    return page, 403 if request.method == "POST" else 200


def look_up(token: str) -> dict[str, Any]:
    """Find the invitation of an address. Looking uses nothing up: previews of links look too."""
    if settings.SIGNUP == CLOSED or find_invitation(token) is None:
        _refuse_invitation()
    return {"note": INVITED}


@bp.route("/invitation/<token>", methods=["GET", "POST"])
@anonymous_only
@form_page(InvitedForm, look_up)
def use(form: InvitedForm, token: str) -> ResponseReturnValue:
    """Create an account by invitation, log its owner in, and go on."""
    typed = form.username.data, form.password.data
    try:
        signed_in = sign_up_invited(token, *typed, current_actor())
    except InvitationOver:
        _refuse_invitation()
    return welcome(signed_in, form)


def _refuse_invitation() -> NoReturn:
    g.pop("form", None)  # the page must not show whether there was an invitation
    abort(404, InvitationOver.text)
