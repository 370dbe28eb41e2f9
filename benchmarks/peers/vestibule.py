"""Vestibule itself, with users to log in and limits that do not bind."""

from flask import Flask

import migrations
from accounts import passwords
from app import create_app as create_vestibule
from database import database
from models import Key, User, now

from . import ARGON2, FOLDER, NAMES, PASSWORD, SECRET

NO_LIMIT = "1000000/second"
SETTINGS = {
    "DATABASE_URL": f"sqlite:///{FOLDER.resolve()}/vestibule.db",
    "SECRET_KEY": SECRET,
    "LIMIT_LOGIN_ACCOUNT": NO_LIMIT,
    "LIMIT_LOGIN_KNOWN_BROWSER": NO_LIMIT,
    "LIMIT_LOGIN_ADDRESS": NO_LIMIT,
    "LIMIT_SIGNUP_ADDRESS": NO_LIMIT,
}


def create_app() -> Flask:
    """Return the application, its database filled."""
    passwords.ARGON2 = ARGON2
    app = create_vestibule(SETTINGS)
    migrations.upgrade()
    if not User.select().exists():
        fill()
    database.close_all()
    return app


def fill() -> None:
    """Create the users. They share one hash, since computing one for each would take a while."""
    password_hash = passwords.hash_password(passwords.parse_password(PASSWORD))
    with database.atomic():
        for number, name in enumerate(NAMES):
            user = User.create(id=f"user{number:011}", username=name, created_at=now())
            Key.create(
                provider="username",
                provider_user_id=name,
                user=user,
                password_hash=password_hash,
            )


if __name__ == "__main__":
    create_app()
