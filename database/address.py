"""DATABASE_URL, read strictly. What cannot be understood is refused, and nothing of it is repeated:
in a mistyped address any part may be the password.
"""

import re
from urllib.parse import unquote

FORMS = "must be sqlite:///PATH, to a file, or postgresql://USER:PASSWORD@HOST/NAME"
ABSOLUTE = f"{FORMS}; a PATH that begins with / makes four slashes in a row"
OTHER_SERVER = f"{FORMS}; Vestibule runs on no other database"
PLAIN_PATH = "sqlite:/// takes a path and no parameters, which Vestibule sets itself"
ESCAPES = "; in the name of a file write ? as %3F, # as %23 and % as %25"
# What libpq takes apart as it was meant. In others half a password would count as the host, and be
# shown as such.
NAME = r"(?:[^\s:/?#@%]|%[0-9A-Fa-f]{2})*"
WORD = r"(?:[^\s/@%]|%[0-9A-Fa-f]{2})*"
HOST = r"(?:\[[0-9A-Fa-f:.%]+\]|(?:[\w.-]|%[0-9A-Fa-f]{2})*)(?::[0-9]{0,5})?"
PARAMETER = r"[A-Za-z_]+=[^\s&#]*"
POSTGRESQL = re.compile(
    rf"postgres(?:ql)?://(?:{NAME}(?::{WORD})?@)?{HOST}(?:,{HOST})*(?:/{NAME})?"
    rf"(?:\?(?:{PARAMETER}(?:&{PARAMETER})*)?)?"
)
UNREADABLE = (
    "must be postgresql://USER:PASSWORD@HOST:PORT/NAME; in user, password and name write "
    "@ as %40, / as %2F, : as %3A, # as %23, ? as %3F and % as %25"
)


class DatabaseURLError(ValueError):
    """DATABASE_URL cannot be used; the text says why, and repeats nothing of it."""


def is_postgresql(url: str) -> bool:
    """Return whether an address is one of PostgreSQL's. Raises DatabaseURLError when it is, but
    written so that libpq would take it apart otherwise than was meant.
    """
    if not url.startswith(("postgresql://", "postgres://")):
        return False
    if not POSTGRESQL.fullmatch(url):
        raise DatabaseURLError(UNREADABLE)
    return True


def sqlite_path(url: str) -> str:
    """Return the path in sqlite:///PATH, unescaped. Raises DatabaseURLError."""
    if not url.startswith("sqlite:///"):
        if re.match("(?i)(mysql|mariadb|mongodb|mssql|oracle|redis|cockroach)", url):
            raise DatabaseURLError(OTHER_SERVER)
        raise DatabaseURLError(ABSOLUTE if url.startswith("sqlite:") else FORMS)
    path = url.removeprefix("sqlite:///")
    if re.search("[?#]|%(?![0-9A-Fa-f]{2})", path):
        raise DatabaseURLError(PLAIN_PATH + ESCAPES)
    path = unquote(path, errors="surrogateescape")
    if not path.isprintable():
        raise DatabaseURLError(
            "the name of the file must consist of characters that can be printed"
        )
    if not path or path == ":memory:" or path.startswith("file:") or path.endswith("/"):
        raise DatabaseURLError(FORMS)
    return path
