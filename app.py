"""The application factory. The order of its lines is its content."""

from collections.abc import Mapping
from dataclasses import make_dataclass
from importlib import import_module

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

import accounts
import cli
import migrations
from blueprints import auth, profile
from config import Config, ConfigError
from database import DatabaseURLError, connect, release
from web import current_session, errors, fast, guard, headers, logs, templating

# To take one out, delete its line, features/NAME, tests/features/NAME and docs/NAME.md.
FEATURES: tuple[str, ...] = (
    "account_activity",
    "admin",
    "common_passwords",
    "export",
    "importing",
    "invitations",
    "notices",
    "recovery",
    "sent_again",
)  # fmt: skip
MODULES = [import_module(f"features.{name}") for name in FEATURES]
SETTINGS = [each for module in MODULES for each in getattr(module, "SETTINGS", [])]
Settings: type[Config] = make_dataclass("Settings", SETTINGS, bases=(Config,), frozen=True)
KIB = 1024


def create_app(config: Mapping[str, str] | None = None) -> Flask:
    """Return Vestibule. `config` has settings by their names in config.py, as text; they win
    over the environment. Raises ConfigError.
    """
    app = Flask(__name__)
    settings = Settings.load(app.instance_path, config)
    app.config.from_object(settings)
    app.config.from_mapping(
        SESSION_COOKIE_SECURE=settings.over_https,
        # The largest honest form is under 12 KiB. Only the first of the three limits a body of
        # plain fields; the other two limit multipart.
        MAX_CONTENT_LENGTH=16 * KIB,
        MAX_FORM_MEMORY_SIZE=16 * KIB,
        MAX_FORM_PARTS=20,
    )
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    logs.init_app(app)

    try:
        connect(settings.DATABASE_URL, app.instance_path, migrations.check_schema)
    except DatabaseURLError as error:
        raise ConfigError(f"DATABASE_URL: {error}") from None
    app.teardown_request(lambda _error: release())
    accounts.configure(settings)

    current_session.init_app(app)
    guard.init_app(app)
    errors.init_app(app)
    templating.init_app(app)
    app.register_blueprint(auth.bp)
    app.register_blueprint(profile.bp)
    cli.init_app(app)
    for module in MODULES:
        module.init_app(app)

    fast.init_app(app, auth.LoginForm, auth.SignupForm)

    headers.init_app(app)
    if hops := settings.PROXY_HOPS:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]
    return app
