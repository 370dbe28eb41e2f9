"""What a check of flask doctor found."""

import stat
from pathlib import Path
from typing import NamedTuple

OK, NOTE, WRONG = "ok", "note", "wrong"


class Finding(NamedTuple):
    """What one check found. A note is worth knowing and no fault."""

    check: str
    state: str
    finding: str
    mend: str = ""


def open_to_others(path: Path, bits: int) -> tuple[str, str] | None:
    """Return what is wrong when any of these mode bits is set on a path, and how to mend it."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if not mode & bits:
        return None
    good = 0o700 if path.is_dir() else 0o600
    return f"{path} is open to others (mode {mode:04o})", f"chmod {good:o} {path}"
