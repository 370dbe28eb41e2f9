"""The pages behind the log-in."""

from flask import Blueprint, g, render_template
from flask.typing import ResponseReturnValue

bp = Blueprint("profile", __name__, url_prefix="/profile")


@bp.get("")
def show() -> ResponseReturnValue:
    """Who is signed in, and since when."""
    return render_template("profile/show.html", current_session=g.session)
