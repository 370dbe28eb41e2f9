"""The server that the browser talks to."""

import gc
import socket
import struct
import time
from urllib.parse import urlsplit

RESET = struct.pack("ii", 1, 0)  # for SO_LINGER: close() hangs up at once


def test_who_hangs_up_leaves_no_file_open(site: str) -> None:
    """An open file is a warning, which fails whichever test is running when it is noticed."""
    port = urlsplit(site).port
    for _ in range(30):
        with socket.create_connection(("127.0.0.1", port)) as visitor:
            visitor.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            visitor.sendall(b"GET /static/favicon.svg HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            time.sleep(0.002)
    time.sleep(0.2)
    gc.collect()
