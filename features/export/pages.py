"""The page that is a file."""

import json

from flask import Blueprint, Response, g
from flask.typing import ResponseReturnValue

from web.current_session import download

from .account import export_account

bp = Blueprint("export", __name__)


@bp.get("/profile/export")
@download
def show() -> ResponseReturnValue:
    """Send everything stored about the account, as a file."""
    content = json.dumps(export_account(g.user), indent=2, ensure_ascii=False) + "\n"
    attachment = {"Content-Disposition": 'attachment; filename="account.json"'}
    return Response(content, mimetype="application/json", headers=attachment)
