"""A person at a terminal, who starts a `flask` command and types."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from processes import FLASK, PATIENCE, ROOT, environment

# What a session leader opens first becomes its terminal, and Ctrl-C typed there reaches it.
ON_TERMINAL = ["sh", "-c", 'exec "$@" <"$0" >"$0" 2>&1']


class Terminal:
    """A terminal with a command on it; `shown` is what stands there."""

    def __init__(self, settings: dict[str, str], *args: str, columns: int, **more: str) -> None:
        self.shown = b""
        self.screen, self.end = pty.openpty()
        fcntl.ioctl(self.end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.process = subprocess.Popen(
            [*ON_TERMINAL, os.ttyname(self.end), *FLASK, *args],
            env={**environment(settings), "COLUMNS": str(columns), **more},
            cwd=ROOT,
            start_new_session=True,
        )

    def press(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self.screen, keys)

    def insist(self, keys: bytes) -> int:
        """Press keys again and again until the command ends; return its exit code."""
        while self.process.poll() is None:
            self.press(keys)
            if select.select([self.screen], [], [], 0.5)[0]:
                self._read()
        return self.wait_for_end()

    def wait_for(self, text: bytes) -> None:
        """Read until a text is shown."""
        while text not in self.shown:
            assert self._read(), self.shown

    def wait_for_end(self) -> int:
        """Read until the command ends; return its exit code."""
        while self._read():
            pass
        return self.process.wait(PATIENCE)

    def _read(self) -> bool:
        assert select.select([self.screen], [], [], PATIENCE)[0], self.shown
        with suppress(OSError):  # nobody has the other end open any more
            self.shown += (read := os.read(self.screen, 65_536))
            if self.end >= 0:  # kept open until the command had opened it
                os.close(self.end)
                self.end = -1
            return bool(read)
        return False


@contextmanager
def terminal(
    settings: dict[str, str], *args: str, columns: int = 200, **more: str
) -> Iterator[Terminal]:
    """Run a `flask` command on a terminal; it ends with the block. more: for its environment."""
    opened = Terminal(settings, *args, columns=columns, **more)
    try:
        yield opened
        opened.wait_for_end()
    finally:
        opened.process.kill()
        opened.process.wait()
        os.close(opened.screen)
        if opened.end >= 0:
            os.close(opened.end)
