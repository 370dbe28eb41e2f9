"""How the commands take a password: typed on a terminal, hidden and twice, or read from standard
input in whatever encoding the shell or editor wrote it.
"""

import codecs
import os
import sys
from contextlib import suppress

import click

from accounts import passwords
from accounts.errors import InvalidPassword
from accounts.passwords import Password
from models import User

from .commands import printable

LONGEST = 16 * 1024  # bytes of a first line; no password has as many
# What a text may begin with. That of UTF-16 is also the beginning of that of UTF-32.
MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
NOT_UTF8 = "the password is not UTF-8, or lost letters on its way; send it as UTF-8"

password_option = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input."
)


def read_password(password_stdin: bool, username: str) -> Password:
    """Return the new password of a user. Raises InvalidPassword; a person is asked again."""
    if not password_stdin:
        return _ask(username)
    line = _first_line()
    if not line:
        raise InvalidPassword("Standard input is empty. Password must be 6 to 255 characters.")
    return passwords.parse_new_password(line, username)


def _ask(username: str) -> Password:
    def parse(text: str) -> Password:
        try:
            return passwords.parse_new_password(text, username)
        except InvalidPassword as error:
            raise click.UsageError(str(error)) from None

    if not _has_terminal():
        raise click.ClickException(
            "there is no terminal to type a password on; send it with --password-stdin"
        )
    try:
        return click.prompt("Password", hide_input=True, confirmation_prompt=True, value_proc=parse)
    except UnicodeDecodeError:
        raise click.ClickException("these bytes are not text in the terminal's encoding") from None


def _has_terminal() -> bool:
    """Whether a password can be typed unseen: standard input may be a file all the same."""
    with suppress(OSError):
        os.close(os.open("/dev/tty", os.O_RDWR))
        return True
    with suppress(OSError):  # raised by an input that is no file, as in tests
        return sys.stdin is not None and os.isatty(sys.stdin.fileno())
    return True


def _first_line() -> str:
    """Return the first line of standard input; a writer may keep it open. Refuses what is not
    surely the text that was meant: it would be stored as another password.
    """
    if sys.stdin is None:
        raise click.ClickException("there is no standard input to read a password from")
    data, text, ended = b"", "", False
    while not ended and "\n" not in text and len(data) < LONGEST:
        chunk = sys.stdin.buffer.read1(LONGEST)  # type: ignore[union-attr]
        ended = not chunk
        data += chunk
        encoding = next((MARKS[mark] for mark in MARKS if data.startswith(mark)), "utf-8")
        text = codecs.getincrementaldecoder(encoding)("replace").decode(data, final=ended)
    line, _, rest = text.lstrip("\ufeff").partition("\n")
    line = line.rstrip("\r")
    # UTF-16 without a mark has a NUL in or right after each line; "\ufffd" stands for lost letters.
    if any(lost in line for lost in "\ufffd\0\r") or rest.startswith("\0"):
        raise click.ClickException(NOT_UTF8)
    return line


def warn_of_weak(password: Password, user: User) -> None:
    """Warn the operator of a password that is easy to guess."""
    if weakness := passwords.find_weakness(password, user.username):
        name = printable(user.username)
        click.echo(f"Warning: the password of {name} is {weakness}.", err=True)
