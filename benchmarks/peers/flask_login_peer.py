"""Flask-Login, Flask-SQLAlchemy and Flask-WTF, as their documentation puts them together.

There is no session row: one query finds the user. It cannot log out other browsers.
"""

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from flask import Flask, redirect, render_template
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, UserMixin, current_user, login_required, login_user
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect, FlaskForm
from flask_wtf.csrf import generate_csrf
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length

from . import ARGON2, NAMES, PAGE, PASSWORD, SECRET, TEMPLATES, sqlite

db = SQLAlchemy()
login_manager = LoginManager()
hasher = PasswordHasher(**ARGON2)


class User(UserMixin, db.Model):
    """A user."""

    id = db.Column(db.Integer, primary_key=True)
    username = db.Column(db.String(31), unique=True, nullable=False)
    password_hash = db.Column(db.String(255), nullable=False)


class LoginForm(FlaskForm):
    """Name and password."""

    username = StringField("Username", validators=[InputRequired(), Length(1, 31)])
    password = PasswordField("Password", validators=[InputRequired(), Length(1, 255)])


@login_manager.user_loader
def load_user(user_id: str) -> User | None:
    """Return the user of the cookie."""
    return db.session.get(User, int(user_id))


def create_app() -> Flask:
    """Return the application, its database filled."""
    app = Flask(__name__, template_folder=str(TEMPLATES))
    app.config.from_mapping(SECRET_KEY=SECRET, **sqlite.settings("flask_login"))
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    db.init_app(app)
    login_manager.init_app(app)
    CSRFProtect(app)
    with app.app_context():
        fill()

    @app.get("/profile")
    @login_required
    def profile() -> str:
        name = current_user.username
        return render_template(
            "profile.html",
            username=name,
            csrf_name="csrf_token",
            csrf_token=generate_csrf(),
            **PAGE,
        )

    @app.route("/login", methods=["GET", "POST"])
    def login() -> ResponseReturnValue:
        form = LoginForm()
        if form.validate_on_submit() and (user := authenticate(form)):
            login_user(user)
            return redirect("/profile")
        return render_template(
            "login_wtforms.html", form=form, csrf_name="csrf_token", csrf_token=generate_csrf()
        )

    return app


def authenticate(form: LoginForm) -> User | None:
    """Return the user with this name and password."""
    query = db.select(User).filter_by(username=form.username.data)
    user = db.session.execute(query).scalar_one_or_none()
    try:
        if user and hasher.verify(user.password_hash, form.password.data):
            return user
    except VerifyMismatchError:
        pass
    return None


def fill() -> None:
    """Create the users."""
    db.create_all()
    if not db.session.execute(db.select(User).limit(1)).first():
        password_hash = hasher.hash(PASSWORD)
        db.session.add_all(User(username=name, password_hash=password_hash) for name in NAMES)
        db.session.commit()
