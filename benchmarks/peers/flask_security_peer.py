"""Flask-Security with Flask-SQLAlchemy and its own log-in view, tracking off.

There is no session row: the user is found by the random "uniquifier" in the cookie.
"""

from flask import Flask, render_template
from flask_security import (
    Security,
    SQLAlchemyUserDatastore,
    auth_required,
    current_user,
    hash_password,
)
from flask_security.models import fsqla_v3 as fsqla
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from flask_wtf.csrf import generate_csrf

from . import ARGON2, NAMES, PAGE, PASSWORD, SECRET, TEMPLATES, sqlite

db = SQLAlchemy()
fsqla.FsModels.set_db_info(db)


class Role(db.Model, fsqla.FsRoleMixin):
    """Needed by Flask-Security."""


class User(db.Model, fsqla.FsUserMixin):
    """A user."""


def settings() -> dict[str, object]:
    """Return Flask-Security's settings: usernames instead of e-mail, our hash parameters."""
    return {
        "SECRET_KEY": SECRET,
        "SECURITY_PASSWORD_SALT": SECRET,
        "SECURITY_PASSWORD_HASH": "argon2",
        "SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS": {
            f"argon2__{name}": value for name, value in ARGON2.items()
        },
        "SECURITY_USERNAME_ENABLE": True,
        "SECURITY_USER_IDENTITY_ATTRIBUTES": [
            {"username": {"mapper": lambda text: text, "case_insensitive": True}}
        ],
        "SECURITY_POST_LOGIN_VIEW": "/profile",
        "SECURITY_SEND_REGISTER_EMAIL": False,
        **sqlite.settings("flask_security"),
    }


def create_app() -> Flask:
    """Return the application, its database filled."""
    app = Flask(__name__, template_folder=str(TEMPLATES))
    app.config.from_mapping(settings())
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    db.init_app(app)
    CSRFProtect(app)
    store = SQLAlchemyUserDatastore(db, User, Role)
    security = Security(app, store)

    @security.login_context_processor
    def form_values() -> dict[str, str]:
        return {"csrf_name": "csrf_token", "csrf_token": generate_csrf()}

    @app.get("/profile")
    @auth_required("session")
    def profile() -> str:
        name = current_user.username
        return render_template(
            "profile.html",
            username=name,
            csrf_name="csrf_token",
            csrf_token=generate_csrf(),
            **PAGE,
        )

    with app.app_context():
        fill(store)
    return app


def fill(store: SQLAlchemyUserDatastore) -> None:
    """Create the users."""
    db.create_all()
    if not db.session.execute(db.select(User).limit(1)).first():
        password = hash_password(PASSWORD)
        for name in NAMES:
            store.create_user(username=name, email=f"{name}@example.org", password=password)
        store.commit()
