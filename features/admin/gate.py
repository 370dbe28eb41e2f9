"""Who gets to the pages of admins: every page of this blueprint, also one that no one thought of.

Members get the page of an unknown address, whatever they send. An admin whose password was given a
while ago is asked for it again, and until then nothing is done.
"""

import re
from typing import Any

from flask import Blueprint, Request, abort, flash, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from blueprints.auth import current_password
from web.current_session import current_actor, remember_page, start_session
from web.forms import Form, form_page
from web.logs import Refused, log_refusal

from . import rules

bp = Blueprint("admin", __name__, template_folder="templates", url_prefix="/admin")
UNDER = re.compile("/+admin(/|$)")


class ConfirmForm(Form):
    """The password once more."""

    template = "admin/confirm.html"
    current_password = current_password()


def check(incoming: Request) -> ResponseReturnValue | None:
    """Let only admins with a fresh password pass. By the path: an address that is unknown, or that
    takes another method, must answer members as every unknown one does.
    """
    if not UNDER.match(incoming.path) or g.user is None:  # in this order: `g` is slow
        return None
    if g.user.admin_since is None:
        log_refusal(Refused.NOT_ALLOWED, current_actor())
        incoming.url_rule = None  # or the page could differ from that of an unknown address
        abort(404)
    if rules.is_fresh(g.session) or incoming.endpoint in (None, "admin.confirm"):
        return None
    return _ask_to_confirm()


def _ask_to_confirm() -> ResponseReturnValue:
    remember_page()
    if request.method not in ("GET", "HEAD"):
        flash("Nothing was done yet: enter your password first, then do it again.", "warning")
    return redirect(url_for("admin.confirm"))


@bp.route("/confirm", methods=["GET", "POST"])
@form_page(ConfirmForm)
def confirm(form: ConfirmForm) -> ResponseReturnValue:
    """Renew the session, and go on to the page that was asked for."""
    password: Any = form.current_password.data
    session.setdefault("next", url_for(".overview"))
    return redirect(start_session(rules.confirm(password, current_actor()), password))
