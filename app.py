"""The application factory. The order of its lines is its content."""

from collections.abc import Mapping

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

import cli
import migrations
from accounts import common_passwords, events, passwords, sessions, throttling, usernames
from blueprints import auth, current_session, errors, guard, headers, logs, pages, profile
from config import Config, ConfigError
from database import DatabaseURLError, connect, release

KIB = 1024


def create_app(config: Mapping[str, str] | None = None) -> Flask:
    """Return Vestibule. `config` has settings by their names in config.py, as text; they win
    over the environment. Raises ConfigError.
    """
    app = Flask(__name__)
    settings = Config.load(app.instance_path, config)
    app.config.from_object(settings)
    app.config.from_mapping(
        SESSION_COOKIE_SECURE=settings.over_https,
        # The largest honest form is under 12 KiB. Only the first of the three binds a body of
        # plain fields; the other two bind multipart.
        MAX_CONTENT_LENGTH=16 * KIB,
        MAX_FORM_MEMORY_SIZE=16 * KIB,
        MAX_FORM_PARTS=20,
    )
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    app.jinja_environment = pages.Environment

    logs.init_app(app)
    set_up_accounts(settings, app.instance_path)
    app.teardown_request(lambda _error: release())

    current_session.init_app(app)
    guard.init_app(app)
    errors.init_app(app)
    pages.init_app(app)
    app.register_blueprint(auth.bp)
    app.register_blueprint(profile.bp)
    cli.init_app(app)

    headers.init_app(app)
    if settings.PROXY_HOPS:
        hops = settings.PROXY_HOPS
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]
    return app


def set_up_accounts(settings: Config, instance_path: str) -> None:
    """Hand the settings down to the packages that know neither Flask nor the environment."""
    try:
        connect(settings.DATABASE_URL, instance_path, migrations.check_schema)
    except DatabaseURLError as error:
        raise ConfigError(f"DATABASE_URL: {error}") from None
    usernames.configure(settings.RESERVED_USERNAMES)
    events.configure(settings.EVENT_RETENTION)
    throttling.configure(
        settings.SECRET_KEY,
        login_account=settings.LIMIT_LOGIN_ACCOUNT,
        login_known_browser=settings.LIMIT_LOGIN_KNOWN_BROWSER,
        login_address=settings.LIMIT_LOGIN_ADDRESS,
        signup_address=settings.LIMIT_SIGNUP_ADDRESS,
    )
    common_passwords.configure(refuse=settings.PASSWORD_COMMON == "refuse")  # noqa: S105 # nosec B105
    passwords.configure(settings.HASH_THREADS, settings.HASH_QUEUE)
    sessions.configure(
        settings.SESSION_ACTIVE_PERIOD,
        settings.SESSION_IDLE_PERIOD,
        settings.SESSION_MAX_AGE,
        settings.SESSIONS_PER_USER,
    )
