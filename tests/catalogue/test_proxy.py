"""Catalogue B-096 to B-100: headers that only a trusted proxy may set.

How many hops are believed: test_hosts.py.
"""

import pytest
from conftest import Browser
from hostile import FORM, typed

from app import create_app
from models import Session

pytestmark = pytest.mark.usefixtures("steady")
ALLOWED = 3


@pytest.fixture
def settings(settings):
    """Allow an address three failures a day, and accounts any number."""
    return {**settings, "LIMIT_LOGIN_ADDRESS": f"{ALLOWED}/day"}


def statuses(browser, addresses, header="X-Forwarded-For", peer="192.0.2.1"):
    """Guess once from each address, each time at a different name; return the statuses."""
    answers = []
    for number, address in enumerate(addresses):
        fields = typed(browser, "/login") | {"username": f"name{number}"}
        answers.append(
            browser.client.post(
                "/login",
                data=fields,
                headers={header: address} if header else {},
                environ_base={"REMOTE_ADDR": peer if header else address},
            ).status_code
        )
    return answers


LIMITED = [400] * ALLOWED + [429] * 2


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Client-IP"])
def test_b096_a_new_forwarded_address_on_every_guess_counts_at_the_real_peer(browser, header):
    guesses = [f"203.0.113.{number}" for number in range(5)]
    assert statuses(browser, guesses, header) == LIMITED


def test_b097_behind_one_proxy_its_own_value_counts_and_the_visitors_does_not(app, settings):
    browser = Browser(create_app({**settings, "PROXY_HOPS": "1"}))
    guesses = [f"198.51.100.{number}, 203.0.113.9" for number in range(5)]
    assert statuses(browser, guesses) == LIMITED
    assert statuses(browser, ["203.0.113.9, 203.0.113.10"]) == [400], "another visitor"


def test_b098_addresses_of_one_64_network_are_one(browser):
    inside = [f"2001:db8:1:2:{number}::{number:x}" for number in range(5)]
    assert statuses(browser, inside, header="") == LIMITED
    assert statuses(browser, ["2001:db8:1:3::1"], header="") == [400]


def test_b099_one_address_in_many_spellings_is_one(browser):
    spellings = ["1.2.3.4", "::ffff:1.2.3.4", "::FFFF:102:304", "0:0:0:0:0:ffff:1.2.3.4",
                 "::ffff:1.2.3.4%eth0"]  # fmt: skip
    assert statuses(browser, spellings, header="") == LIMITED
    longer = ["2001:DB8::1", "2001:db8:0:0:0:0:0:1", "2001:0db8::0001", "2001:db8::1", "2001:db8::"]
    assert statuses(browser, longer, header="") == LIMITED


FORWARDED = {
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Prefix": "/evil",
    "X-Forwarded-Port": "8443",
    "Forwarded": "for=203.0.113.9;host=evil.example;proto=https",
    "X_Forwarded_For": "203.0.113.9",
    "X-Host": "evil.example",
    "X-Original-URL": "/evil",
    "X-Rewrite-URL": "/evil",
}


@pytest.mark.parametrize("header", FORWARDED)
def test_b100_a_forwarded_header_has_no_effect_without_trusted_hops(app, browser, header):
    headers = {header: FORWARDED[header]}
    page = browser.get("/profile", headers=headers)
    assert (page.status_code, page.headers["Location"]) == (302, "/")
    answer = browser.submit("/signup", FORM, headers=headers)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/profile")
    assert "Secure" not in answer.headers["Set-Cookie"]
    assert "evil" not in str(answer.headers) + browser.get("/", headers=headers).text
    assert Session.get().ip_address == "127.0.0.1"


def test_b100_a_malformed_forwarded_address_of_a_trusted_proxy_is_left_out(app, settings):
    browser = Browser(create_app({**settings, "PROXY_HOPS": "1"}))
    for address in ("<script>", "999.1.1.1", "", "unknown", "1.2.3.4:80", "\udcff"):
        fields = typed(browser, "/login") | {"password": "wrong horse"}
        environ = {"HTTP_X_FORWARDED_FOR": address}
        answer = browser.client.post("/login", data=fields, environ_overrides=environ)
        assert answer.status_code in (400, 429)
