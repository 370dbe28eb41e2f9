"""Django's own auth: sessions in the database, the middleware of startproject, kept connections."""

from collections.abc import Callable
from typing import Any

import django
from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher, make_password
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.urls import path

from . import ARGON2, FOLDER, NAMES, PAGE, PASSWORD, PRAGMAS, SECRET, TEMPLATES

APPS = [f"django.contrib.{name}" for name in ("auth", "contenttypes", "sessions", "messages")]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
DATABASE = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": FOLDER.resolve() / "django.db",
    "CONN_MAX_AGE": None,  # the default, 0, opens one for each request
    "OPTIONS": {"init_command": ";".join(PRAGMAS), "transaction_mode": "IMMEDIATE"},
}
TEMPLATE = {
    "BACKEND": "django.template.backends.django.DjangoTemplates",
    "DIRS": [TEMPLATES],
    "OPTIONS": {
        "context_processors": [
            "django.template.context_processors.request",
            "django.contrib.auth.context_processors.auth",
            "django.contrib.messages.context_processors.messages",
        ]
    },
}


class Hasher(Argon2PasswordHasher):
    """Argon2id with our parameters."""

    memory_cost = ARGON2["memory_cost"]
    time_cost = ARGON2["time_cost"]
    parallelism = ARGON2["parallelism"]


def profile(request: HttpRequest) -> HttpResponse:
    """The page behind the log-in."""
    from django.shortcuts import render  # noqa: PLC0415 - only after django.setup()

    values = {"csrf_name": "csrfmiddlewaretoken", "csrf_token": get_token(request), **PAGE}
    return render(request, "profile.html", {"username": request.user.username, **values})


urlpatterns: list[Any] = []


def create_app() -> Callable[..., Any]:
    """Return the application, its database filled."""
    settings.configure(
        SECRET_KEY=SECRET,
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        INSTALLED_APPS=APPS,
        MIDDLEWARE=MIDDLEWARE,
        DATABASES={"default": DATABASE},
        TEMPLATES=[TEMPLATE],
        PASSWORD_HASHERS=[f"{__name__}.Hasher"],
        LOGIN_URL="/login",
        LOGIN_REDIRECT_URL="/profile",
        USE_TZ=True,
    )  # fmt: skip
    django.setup()
    add_urls()
    call_command("migrate", verbosity=0)
    fill()
    from django.core.wsgi import get_wsgi_application  # noqa: PLC0415

    return get_wsgi_application()


def add_urls() -> None:
    """Return the routes; Django's views can be imported only after its setup."""
    from django.contrib.auth.decorators import login_required  # noqa: PLC0415
    from django.contrib.auth.views import LoginView  # noqa: PLC0415

    values = {"csrf_name": "csrfmiddlewaretoken"}
    login = LoginView.as_view(template_name="login_django.html", extra_context=values)
    urlpatterns[:] = [path("profile", login_required(profile)), path("login", login)]


def fill() -> None:
    """Create the users."""
    from django.contrib.auth.models import User  # noqa: PLC0415

    if not User.objects.exists():
        password = make_password(PASSWORD)
        User.objects.bulk_create(User(username=name, password=password) for name in NAMES)
    from django.db import connection  # noqa: PLC0415

    connection.close()
