"""Which host names are served, and which forwarded names and addresses are believed."""

import pytest
from conftest import PASSWORD, Browser, hidden_fields, page_form, soup

from models import Session

FORM = {"username": "Jane", "password": PASSWORD}
OURS = ["localhost", "localhost:5000", "LOCALHOST", "127.0.0.1:8000", "[::1]", "[::1]:5000"]
OTHERS = [
    "evil.example", "localhost.evil.example", "evil.example:5000", "127.0.0.1.evil.example",
    "localhost:5000@evil.example", "127.0.0.2", "localhost:", "localhost:5000x", "", "[::2]",
]  # fmt: skip


@pytest.mark.parametrize("host", OURS)
def test_a_server_without_public_url_answers_to_the_names_of_this_machine(browser, host):
    assert browser.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", OTHERS)
@pytest.mark.parametrize("path", ["/", "/profile", "/nowhere", "/static/style.css"])
def test_b109_b110_no_other_host_name_is_served_nor_repeated(browser, host, path):
    answer = browser.get(path, headers={"Host": host})
    assert answer.status_code == 400
    assert "evil" not in answer.text
    assert "Location" not in answer.headers


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "a..b", "\x80"])
def test_a_host_that_is_no_name_is_refused_by_a_whole_page_even_as_the_first_of_all(
    browser, caplog, host
):
    answer = browser.get("/", headers={"Host": host})
    assert answer.status_code == 400
    assert soup(answer.text).find("link", rel="stylesheet")
    assert [record for record in caplog.records if record.exc_info] == []


@pytest.mark.parametrize("host", ["10.0.0.7", "evil.example"])
def test_healthz_answers_any_host(browser, host):
    assert browser.get("/healthz", headers={"Host": host}).text == "ok"


@pytest.fixture
def public(settings, request):
    """An application that is reached at https://accounts.example.org."""
    settings["PUBLIC_URL"] = "https://accounts.example.org"
    return request.getfixturevalue("app")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("accounts.example.org", 200),
        ("ACCOUNTS.example.org", 200),
        ("accounts.example.org:443", 200),
        ("accounts.example.org:8443", 400),
        ("example.org", 400),
        ("localhost", 400),
        ("127.0.0.1", 400),
    ],
)
def test_with_public_url_only_its_host_is_served(public, host, status):
    assert Browser(public).get("/", headers={"Host": host}).status_code == status


@pytest.mark.parametrize(
    ("public_url", "origin"),
    [
        ("https://accounts.example.org", "https://accounts.example.org"),
        ("https://accounts.example.org/", "https://accounts.example.org"),
        ("https://Accounts.Example.org", "https://accounts.example.org"),
        ("https://accounts.example.org:443", "https://accounts.example.org"),
        ("http://accounts.example.org:80", "http://accounts.example.org"),
        ("https://accounts.example.org:8443", "https://accounts.example.org:8443"),
    ],
)
def test_a_form_works_at_the_public_url_however_it_is_written(
    settings, request, public_url, origin
):
    settings["PUBLIC_URL"] = public_url
    browser = Browser(request.getfixturevalue("app"))
    form = page_form(browser.get("/signup", base_url=origin).text, "/signup")
    answer = browser.client.post(
        "/signup",
        base_url=origin,
        data=FORM | hidden_fields(form),
        headers={"Origin": origin, "Sec-Fetch-Site": "same-origin"},
    )
    assert (answer.status_code, answer.headers.get("Location")) == (302, "/profile")


@pytest.mark.parametrize(
    ("hops", "address"), [("0", "127.0.0.1"), ("1", "203.0.113.9"), ("2", "198.51.100.7")]
)
def test_a_forwarded_address_counts_only_from_trusted_proxies(settings, request, hops, address):
    settings["PROXY_HOPS"] = hops
    browser = Browser(request.getfixturevalue("app"))
    token = hidden_fields(page_form(browser.get("/signup").text, "/signup"))
    forwarded = {"X-Forwarded-For": "1.2.3.4, 198.51.100.7, 203.0.113.9"}
    browser.client.post("/signup", data=FORM | token, headers=forwarded)
    assert Session.get().ip_address == address
