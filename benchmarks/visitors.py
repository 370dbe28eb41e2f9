"""A visitor over raw HTTP: opens the log-in form, submits it, keeps the cookies."""

import http.client
import re
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from urllib.parse import urlencode

from .peers import NAMES, PASSWORD

HIDDEN = re.compile('name="(csrf[a-z_]*)" value="([^"]*)"')
UP_TO = re.compile('name="(up_to)" value="([^"]*)"')
NOTICES = "/profile/notices"
FORM = "application/x-www-form-urlencoded"


@dataclass
class Answer:
    """The answer to a request."""

    status: int
    location: str
    text: str


@dataclass
class Visitor:
    """A browser with a cookie jar."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)

    def send(self, method: str, path: str, body: str = "") -> Answer:
        """Send a request, and keep the cookies that come back."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, body or None, self.headers(body))
        answer = connection.getresponse()
        text = answer.read().decode()
        for header in answer.headers.get_all("Set-Cookie", []):
            self.cookies.update({name: item.value for name, item in SimpleCookie(header).items()})
        connection.close()
        return Answer(answer.status, answer.headers.get("Location", ""), text)

    def headers(self, body: str = "") -> dict[str, str]:
        """Return what a browser sends with a request, as far as any peer uses it."""
        headers = {"User-Agent": "Mozilla/5.0 (bench)"}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {**headers, "Content-Type": FORM} if body else headers

    def hidden_field(self) -> dict[str, str]:
        """Open the log-in form; return its CSRF field."""
        found = HIDDEN.search(self.send("GET", "/login").text)
        return {found[1]: found[2]} if found else {}

    def raw(self, method: str, path: str, body: str = "") -> bytes:
        """Return a request as sent over the wire."""
        headers = {"Host": f"127.0.0.1:{self.port}", **self.headers(body)}
        if body:
            headers["Content-Length"] = str(len(body))
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {headers[name]}" for name in headers)]
        return "\r\n".join([*lines, "", body]).encode()


def page_requests(port: int) -> list[bytes]:
    """Log in; return the request for the profile page, which is checked to show the name."""
    visitor = Visitor(port)
    body = login_body(visitor.hidden_field(), NAMES[0])
    answer = visitor.send("POST", "/login", body)
    page = visitor.send("GET", "/profile")
    if form := seen(page.text):
        visitor.send("POST", NOTICES, form)
        page = visitor.send("GET", "/profile")  # uses up the message that it was done
    if (answer.status, page.status) != (302, 200) or NAMES[0] not in page.text:
        raise SystemExit(f"port {port}: the log-in failed ({answer.status}, {page.status})")
    return [visitor.raw("GET", "/profile")]


def seen(profile: str) -> str:
    """Return the form that says that the notices of a profile were seen, filled in; "" where there
    are none: they are not on the pages that people open every day, and no peer has any.
    """
    if found := UP_TO.search(profile):
        hidden = dict(each.groups() for each in (HIDDEN.search(profile), found) if each)
        return urlencode({**hidden, "current_password": PASSWORD})
    return ""


def form_requests(port: int) -> list[bytes]:
    """Return the request of a stranger, new every time, for the log-in form."""
    return [Visitor(port).raw("GET", "/login")]


def login_requests(port: int) -> list[bytes]:
    """Return log-ins of all users from one browser that has just opened the form."""
    page_requests(port)  # log-ins work at all
    visitor = Visitor(port)
    hidden = visitor.hidden_field()
    return [visitor.raw("POST", "/login", login_body(hidden, name)) for name in NAMES]


def login_body(hidden: dict[str, str], name: str, password: str = PASSWORD) -> str:
    """Return the log-in form, filled in."""
    return urlencode({**hidden, "username": name, "password": password})
