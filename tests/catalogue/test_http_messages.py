"""Catalogue B-101 to B-114: HTTP messages that no browser sends, on a raw socket.

The server runs alone here, as bin/serve starts it. B-103, B-106, B-113 and B-114 are judged with
the front server of docs/operating.md. Without it, what counts is: never a 500, nothing written,
and the server keeps serving. These tests also record what granian answers today.
"""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import pytest
from conftest import NO_LIMITS, PASSWORD, SECRET_KEY
from ports import free_port
from processes import PATIENCE, Visitor, members, server, sql

pytestmark = pytest.mark.server

THREADS = 64  # more than the server has, see `threads` of cli/server.py
FORM = "Content-Type: application/x-www-form-urlencoded\r\n"


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """One server for all tests: an entry that harms it shows up in the next one."""
    settings = {
        "DATABASE_URL": f"sqlite:///{tmp_path_factory.mktemp('http')}/test.db",
        "SECRET_KEY": SECRET_KEY,
        "PORT": str(free_port()),
        "HASH_THREADS": "2",
        **NO_LIMITS,
    }
    with server(settings) as process:
        assert Visitor(settings).submit("/signup", "Jane")[0] == 302
        yield settings, process


@pytest.fixture(autouse=True)
def unharmed(running):
    """Check that nothing is written, the same processes keep running, and pages open."""
    settings, process = running
    before = rows(settings), sorted(members(process))
    yield
    assert Visitor(settings).send("/healthz")[::2] == (200, "ok")
    assert (rows(settings), sorted(members(process))) == before


def rows(settings):
    return [sql(settings, f'SELECT count(*) FROM "{name}"') for name in ("user", "key", "session")]


@pytest.fixture
def send(running):
    """Send bytes; return the status of the answer, or 0 if the connection closed without one."""
    port = int(running[0]["PORT"])

    def send(data):
        data = data if isinstance(data, bytes) else data.encode("latin-1")
        answer = b""
        with connect(port) as connection, suppress(ConnectionError):
            connection.sendall(data)
            while more := connection.recv(65_536):
                answer += more
        assert b"Traceback" not in answer
        return int(answer.split()[1]) if answer else 0

    return send


def get(path="/", host="Host: localhost\r\n", headers="", version="1.1", method="GET"):
    return f"{method} {path} HTTP/{version}\r\n{host}Connection: close\r\n{headers}\r\n"


def post(headers, body=""):
    return get("/login", headers=FORM + headers, method="POST") + body


def test_a_plain_request_is_answered(send):
    assert send(get()) == 200
    assert send(post("Content-Length: 3\r\n", "a=b")) == 400


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_b101_a_request_without_host_is_400(send, version):
    assert send(get(host="", version=version)) == 400


@pytest.mark.parametrize("second", ["localhost", "evil.example", ""])
def test_b102_two_host_headers_are_400(send, second):
    assert send(get(headers=f"Host: {second}\r\n")) == 400


LENGTH, CHUNKED = "Content-Length: 4\r\n", "Transfer-Encoding: chunked\r\n"


@pytest.mark.parametrize("headers", [LENGTH + CHUNKED, CHUNKED + LENGTH])
def test_b103_a_length_and_chunks_together_are_400(send, headers):
    assert send(post(headers, "0\r\n\r\n")) == 400


@pytest.mark.parametrize("length", ["4\r\nContent-Length: 5", "-1", "+4", "x", "4,4", "0x4", ""])
def test_b104_a_length_that_can_be_read_in_two_ways_is_400(send, length):
    assert send(post(f"Content-Length: {length}\r\n", "a=bcd")) == 400


@pytest.mark.parametrize("encoding", ["xchunked", "identity", "chunked, identity", "gzip", "x"])
def test_b105_another_transfer_encoding_is_400(send, encoding):
    assert send(post(f"Transfer-Encoding: {encoding}\r\n", "0\r\n\r\n")) in (400, 501)


@pytest.mark.parametrize("body", ["zz\r\n\r\n", "-1\r\n\r\n", "4\r\na=b", "ffffffffffffffffff\r\n"])
def test_b105_chunks_that_are_none_write_nothing(send, body):
    assert send(post(CHUNKED, body + "\r\n0\r\n\r\n")) in (0, 400, 413)


def test_b106_headers_of_9_kb_two_hundred_of_them_or_an_address_of_9_kb(send):
    assert send(get(headers=f"X-Long: {'x' * 9000}\r\n")) in (200, 431)
    assert send(get(headers="".join(f"X-{number}: x\r\n" for number in range(200)))) == 431
    assert send(get("/" + "x" * 9000)) in (404, 414)
    assert send(get("/" + "x" * 70_000)) == 414
    assert send(get(headers=f"X-Long: {'x' * 300_000}\r\n")) in (0, 400, 431)


@pytest.mark.parametrize("path", ["/a\0b", "/\xff\xe9", "/a\x7fb", "/a\tb"], ids=ascii)
def test_b107_a_byte_that_belongs_in_no_path_is_400(send, path):
    assert send(get(path)) in (400, 404)


@pytest.mark.parametrize(
    "data",
    ["GET /\r\n\r\n", "GET / HTTP/9.9\r\nHost: localhost\r\n\r\n", "\r\n\r\n\r\n\r\nx\r\n\r\n",
     "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0",
     "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
     "GET / HTTP/1.1\r\nHost: localhost\r\nX y: z\r\n\r\n", "GET  /  HTTP/1.1\r\n\r\n"],
    ids=ascii,
)  # fmt: skip
def test_b107_what_is_no_http_1_is_400_or_closed(send, data):
    assert send(data) in (0, 400)


def test_b107_a_method_in_lower_case_is_another_method_or_the_same(send):
    assert send(get(method="get")) in (200, 400, 405)
    assert send(get("/logout", method="post")) in (302, 400, 405)


def test_b108_a_body_declared_huge_is_413_at_once(send):
    assert send(post("Content-Length: 99000000\r\n", "a=b")) == 413


def test_b108_chunks_without_end_are_cut_off_and_cost_no_memory(send, running):
    before = memory(running[1])
    chunk = f"8000\r\n{'x' * 0x8000}\r\n"
    assert send(post(CHUNKED, chunk * 4 + "0\r\n\r\n")) in (400, 413)
    assert send(post(CHUNKED, chunk * 1000 + "0\r\n\r\n")) in (0, 400, 413)
    assert memory(running[1]) < before + 30_000


def memory(process):
    """Resident memory of the server's processes, in KiB."""
    sizes = []
    for pid in members(process):
        with open(f"/proc/{pid}/status") as status:  # noqa: PTH123
            sizes += [int(line.split()[1]) for line in status if line.startswith("VmRSS")]
    return sum(sizes)


@pytest.mark.parametrize(
    "host",
    ["evil.example", "a b", "[::1", "evil:99999", "127.0.0.1@evil", "", "x" * 3000, "\xff",
     "localhost:x", "localhost/evil", "localhost#", "localhost,evil.example"],
    ids=lambda host: ascii(host[:20]),
)  # fmt: skip
def test_b109_b110_another_host_however_written_is_400(send, host):
    assert send(get(host=f"Host: {host}\r\n")) == 400


@pytest.mark.parametrize("target", ["http://evil/login", "https://evil:8443/login", "http://evil/"])
def test_b111_an_address_of_another_host_is_the_local_path_or_400(send, target):
    assert send(get(target)) in (200, 400)
    assert send(get("http://localhost/login", host="Host: evil\r\n")) == 400


def test_b112_a_host_in_upper_case_is_ours_and_one_with_a_final_dot_is_not(send):
    assert send(get(host="Host: LOCALHOST\r\n")) == 200
    assert send(get(host="Host: localhost.\r\n")) == 400


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("TRACE", "/", 405), ("CONNECT", "localhost:80", 404), ("OPTIONS", "*", 404)],
)
def test_b107_methods_for_proxies_do_nothing(send, method, path, status):
    assert send(get(path, method=method)) == status


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)


def test_b113_a_hundred_slow_connections_starve_nobody(running):
    """granian reads headers without a thread, and hangs up after five seconds."""
    port = int(running[0]["PORT"])
    with ExitStack() as stack:
        slow = [stack.enter_context(connect(port)) for _ in range(100)]
        for connection in slow:
            connection.sendall(b"GET / HTTP/1.1\r\nX-Slow: ")
        with ThreadPoolExecutor(4) as threads:
            statuses = list(threads.map(lambda _: Visitor(running[0]).send("/")[0], range(20)))
        assert statuses == [200] * 20
        assert slow[0].recv(1000).split()[1:2] in ([b"408"], []), "disconnected"


def test_b114_half_a_body_and_a_closed_connection_free_the_thread(running, send):
    settings = running[0]
    token = Visitor(settings).prepare("/login")["csrf_token"]
    half = post("Content-Length: 1000\r\n", f"username=John&password={PASSWORD}&csrf_token={token}")
    for _ in range(3):
        with ExitStack() as stack:
            for _ in range(THREADS):
                stack.enter_context(connect(int(settings["PORT"]))).sendall(half.encode())
            time.sleep(0.2)
        assert send(get()) == 200
