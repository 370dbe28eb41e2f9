"""The nginx example of docs/operating.md, run as it is except for addresses and certificate."""

import http.client
import re
import shutil
import socket
import ssl
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress

import pytest
from conftest import PASSWORD, hidden_fields, lacking, page_form
from ports import free_port
from processes import PATIENCE, ROOT, kill_group, listens, server, sql, wait_until

from cli.server import IDLE_TIMEOUT

NAME = "accounts.example.org"
OPERATING = ROOT / "docs/operating.md"
pytestmark = [pytest.mark.server, pytest.mark.slow]


@pytest.fixture
def certificate(tmp_path):
    """A self-signed certificate for the name in the example."""
    if not (shutil.which("nginx") and shutil.which("openssl")):
        lacking("needs nginx and openssl")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
               "-keyout", f"{tmp_path}/privkey.pem", "-out", f"{tmp_path}/fullchain.pem",
               "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)


def blocks_of(language):
    """Return the example's blocks in a language."""
    return re.findall(rf"```{language}\n(.*?)```", OPERATING.read_text(), re.DOTALL)


def examples(tls, plain, tmp_path):
    """Return the nginx blocks for these ports: the whole, and two hosts behind it."""
    servers, hosts = blocks_of("nginx")
    servers = re.sub(r" *listen \[::\].*\n", "", servers)
    servers = servers.replace("listen 80;", f"listen 127.0.0.1:{plain};")
    servers = servers.replace("listen 443 ssl", f"listen 127.0.0.1:{tls} ssl")
    return re.sub(r"/etc/letsencrypt/live/[^;]*/", f"{tmp_path}/", servers), hosts


@contextmanager
def nginx(blocks, tls, tmp_path):
    """Run nginx with these blocks."""
    temporary = "".join(
        f"{kind}_temp_path {tmp_path}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = tmp_path / "nginx.conf"
    config.write_text(
        f"daemon off;\nerror_log {tmp_path}/error.log;\npid {tmp_path}/nginx.pid;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{temporary}{blocks}}}\n"
    )
    process = subprocess.Popen(["nginx", "-e", f"{tmp_path}/error.log", "-c", str(config)])
    try:
        assert wait_until(lambda: listens(tls) or process.poll() is not None)
        assert process.poll() is None
        yield
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)


@pytest.fixture
def front(settings, tmp_path, certificate):
    """Run Vestibule behind nginx with TLS; yield the ports of TLS and of plain HTTP."""
    tls, plain = free_port(), free_port()
    settings |= {"PORT": str(free_port()), "PUBLIC_URL": f"https://{NAME}:{tls}", "PROXY_HOPS": "1"}
    block = re.sub(r":5000\b", f":{settings['PORT']}", examples(tls, plain, tmp_path)[0])
    with server(settings), nginx(block, tls, tmp_path):
        yield tls, plain


@pytest.fixture
def trust(tmp_path, front):
    """A TLS context that trusts only the example's certificate."""
    return ssl.create_default_context(cafile=str(tmp_path / "fullchain.pem"))


def connect(front, trust):
    plain = socket.create_connection(("127.0.0.1", front[0]), timeout=PATIENCE)
    return trust.wrap_socket(plain, server_hostname=NAME)


def status_of(connection, data):
    answer = b""
    with suppress(OSError):
        connection.sendall(data.encode("latin-1"))
        while more := connection.recv(65_536):
            answer += more
    return int(answer.split()[1]) if answer else 0


class Person:
    """A browser that keeps its cookies, over TLS."""

    def __init__(self, front, trust):
        self.front, self.trust, self.cookies = front, trust, {}

    def send(self, path, fields="", **headers):
        with connect(self.front, self.trust) as tunnel:
            connection = http.client.HTTPConnection(NAME)
            connection.sock = tunnel
            headers |= {"Host": f"{NAME}:{self.front[0]}", "Connection": "close"}
            headers["Cookie"] = "; ".join(f"{key}={value}" for key, value in self.cookies.items())
            if fields:
                headers["Content-Type"] = "application/x-www-form-urlencoded"
            connection.request("POST" if fields else "GET", path, fields or None, headers)
            answer = connection.getresponse()
            for cookie in answer.headers.get_all("Set-Cookie") or []:
                key, _, value = cookie.partition(";")[0].partition("=")
                self.cookies[key] = value
            return answer, answer.read().decode()

    def sign_up(self, **headers):
        page = self.send("/signup")[1]
        token = hidden_fields(page_form(page, "/signup"))["csrf_token"]
        form = f"username=Jane&password={PASSWORD.replace(' ', '+')}&csrf_token={token}"
        return self.send("/signup", form, **headers)[0]


def test_people_sign_up_over_tls_and_are_sent_there_from_plain_http(front, trust, settings):
    jane = Person(front, trust)
    origin = f"https://{NAME}:{front[0]}"
    answer = jane.sign_up(Origin=origin, **{"X-Forwarded-For": "1.2.3.4"})
    assert (answer.status, answer.headers["Location"]) == (302, "/profile")
    assert all(name.startswith("__Host-") for name in jane.cookies)
    assert jane.send("/profile")[0].status == 200
    assert "max-age=" in answer.headers["Strict-Transport-Security"]
    assert len(answer.headers.get_all("Content-Security-Policy")) == 1
    assert re.fullmatch("[a-z]+", answer.headers["Server"]), "no version"
    assert sql(settings, "SELECT ip_address FROM session") == [("127.0.0.1",)], "not the forged one"

    plain = http.client.HTTPConnection("127.0.0.1", front[1], timeout=PATIENCE)
    plain.request("GET", "/login?x=1", headers={"Host": NAME})
    answer = plain.getresponse()
    assert (answer.status, answer.headers["Location"]) == (301, f"https://{NAME}/login?x=1")
    plain.close()


def test_http_2_is_spoken(front, trust):
    trust.set_alpn_protocols(["h2", "http/1.1"])
    with connect(front, trust) as connection:
        assert connection.selected_alpn_protocol() == "h2"
        assert connection.version() in ("TLSv1.2", "TLSv1.3")


MESSAGES = {
    "a length and chunks": (
        "POST /login", "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n", {400}
    ),
    "two lengths": ("POST /login", "Content-Length: 4\r\nContent-Length: 5\r\n", "a=bcd", {400}),
    "a header of 9 KB": ("GET /", f"X-Long: {'x' * 9000}\r\n", "", {400, 431}),
    "headers of 40 KB": ("GET /", f"X-Long: {'x' * 4000}\r\n" * 10, "", {400, 431}),
    "an address of 9 KB": (f"GET /{'x' * 9000}", "", "", {414}),
    "a body of 99 MB": ("POST /login", "Content-Length: 99000000\r\n", "a=b", {413}),
    "no such host": ("GET /", "Host: evil.example\r\n", "", {400}),
}  # fmt: skip


@pytest.mark.parametrize("case", MESSAGES)
def test_b103_b106_in_front_the_doubtful_is_refused(front, trust, settings, case):
    start, headers, body, expected = MESSAGES[case]
    host = "" if "Host:" in headers else f"Host: {NAME}:{front[0]}\r\n"
    with connect(front, trust) as connection:
        data = f"{start} HTTP/1.1\r\n{host}Connection: close\r\n{headers}\r\n{body}"
        assert status_of(connection, data) in expected
    assert sql(settings, "SELECT count(*) FROM user") == [(0,)]


def test_b113_b114_behind_the_front_slow_visitors_keep_nobody_waiting(front, trust):
    """A hundred send their headers slowly, another hundred send half a form."""
    host = f"Host: {NAME}:{front[0]}\r\n"
    with ExitStack() as stack:
        for number in range(200):
            connection = stack.enter_context(connect(front, trust))
            length = "Content-Length: 1000\r\n\r\nusername=" if number % 2 else "X-Slow: "
            connection.sendall(f"POST /login HTTP/1.1\r\n{host}{length}".encode())
        time.sleep(0.5)
        with ThreadPoolExecutor(8) as threads:
            pages = threads.map(lambda _: Person(front, trust).send("/login")[0], range(24))
            assert {answer.status for answer in pages} == {200}


def test_every_front_closes_an_idle_connection_before_the_server_does():
    """Otherwise a request may be sent on a connection that is just being closed: a 502."""
    upstreams = re.findall(r"upstream \w+ \{.*?\}", "".join(blocks_of("nginx")), re.DOTALL)
    fronts = [*upstreams, *blocks_of("caddyfile")]
    assert len(fronts) == 3
    for front in fronts:
        (seconds,) = re.findall(r"(?:keepalive_timeout|keepalive) (\d+)s", front)
        assert int(seconds) + 2 <= IDLE_TIMEOUT
    assert blocks_of("nginx")[0].count("proxy_pass http://vestibule;") == 1


def test_the_front_closes_an_idle_connection_and_does_not_wait_for_the_server(
    tmp_path, certificate
):
    tls = free_port()
    with socket.create_server(("127.0.0.1", 0)) as behind:
        behind.settimeout(PATIENCE)
        port = behind.getsockname()[1]
        block = re.sub(r":5000\b", f":{port}", examples(tls, free_port(), tmp_path)[0])
        with nginx(block, tls, tmp_path), ThreadPoolExecutor(1) as threads:
            trust = ssl.create_default_context(cafile=str(tmp_path / "fullchain.pem"))
            answer = threads.submit(lambda: Person((tls,), trust).send("/")[0].status)
            kept, _ = behind.accept()
            with kept:
                kept.settimeout(PATIENCE)
                assert kept.recv(65_536).startswith(b"GET / HTTP/1.1\r\n")
                kept.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                assert answer.result() == 200
                assert kept.recv(1) == b"", "closed by nginx"


def test_the_server_keeps_an_idle_connection_as_long_as_it_says(settings):
    settings |= {"PORT": str(free_port())}
    with server(settings):
        connection = http.client.HTTPConnection(
            "127.0.0.1", int(settings["PORT"]), timeout=PATIENCE
        )
        since = time.monotonic()
        connection.request("GET", "/healthz")
        assert connection.getresponse().read() == b"ok"
        assert connection.sock.recv(1) == b""
        assert time.monotonic() - since > IDLE_TIMEOUT - 0.5
        connection.close()


def test_caddy_takes_its_block(tmp_path):
    if not shutil.which("caddy"):
        lacking("needs Caddy")
    (tmp_path / "Caddyfile").write_text(blocks_of("caddyfile")[0])
    command = ["caddy", "validate", "--adapter", "caddyfile", "--config", f"{tmp_path}/Caddyfile"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.database("postgresql")
def test_two_hosts_behind_one_name_and_one_of_them_is_lost(settings, tmp_path, certificate):
    tls = free_port()
    settings |= {"PUBLIC_URL": f"https://{NAME}:{tls}", "PROXY_HOPS": "1"}
    first, second = (settings | {"PORT": str(free_port())} for _ in range(2))
    servers, hosts = examples(tls, free_port(), tmp_path)
    servers = re.sub(r"upstream vestibule \{.*?\}\n", "", servers, flags=re.DOTALL)
    hosts = hosts.replace("10.0.0.11:5000", f"127.0.0.1:{first['PORT']}")
    hosts = hosts.replace("10.0.0.12:5000", f"127.0.0.1:{second['PORT']}")
    with server(first) as lost, server(second), nginx(hosts + servers, tls, tmp_path):
        jane = Person((tls,), ssl.create_default_context(cafile=str(tmp_path / "fullchain.pem")))
        assert jane.sign_up().status == 302
        assert [jane.send("/profile")[0].status for _ in range(6)] == [200] * 6
        kill_group(lost)
        assert [jane.send("/profile")[0].status for _ in range(6)] == [200] * 6
