"""Checks of the files: who may read and replace them, what they are on, whether there is room."""

import os
import shutil
import stat
import sys
from contextlib import suppress
from pathlib import Path

from flask import Flask

from database import database

from .result import FAIL, OK, WARN, Outcome

MIB = 1024 * 1024
LITTLE, NONE_LEFT = 200 * MIB, 20 * MIB
FEW_INODES = 1000
# File systems that have no locks or shared memory to rely on, which a write-ahead log needs.
NETWORK = {
    "nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "beegfs",
    "gpfs", "virtiofs", "vboxsf", "vmhgfs", "prl_fs", "davfs", "fuse",
}  # fmt: skip
FLEETING = {"tmpfs": "in memory", "ramfs": "in memory", "overlay": "inside the container"}
MOUNTS = Path("/proc/self/mountinfo")


def real_path() -> Path:
    """Return where the database really is, whatever links lead there."""
    return Path(database.path).resolve()


def shown(path: Path) -> str:
    """Return how a path is shown: with where a link leads."""
    return str(path) if path == path.resolve() else f"{path} (really {path.resolve()})"


def open_to_others(path: Path, bits: int) -> tuple[str, str] | None:
    """Return finding and fix when any of these mode bits is set on a path, else None."""
    status = path.stat()
    mode = stat.S_IMODE(status.st_mode)
    if not mode & bits:
        return None
    good = 0o700 if stat.S_ISDIR(status.st_mode) else 0o600
    return f"{path} is open to others (mode {mode:04o})", f"chmod {good:o} {path}"


def check_modes() -> Outcome:
    """Check who may read the database, and who may put another in its place."""
    path = real_path()
    beside = [path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm")]
    files = [file for file in beside if file.exists()]
    faults = [open_to_others(file, 0o077) for file in files]
    for fault in filter(None, [*faults, open_to_others(path.parent, 0o022)]):
        return FAIL, *fault
    for unusable in filter(None, (_not_usable(file, path) for file in [*files, path.parent])):
        return FAIL, *unusable
    if (names := path.stat().st_nlink) > 1:
        fix = "remove the other names: opened by two of them, the database is damaged"
        return FAIL, f"{path} has {names} names (hard links)", fix
    return OK, f"only its owner can read {shown(Path(database.path))}"


def _not_usable(file: Path, path: Path) -> tuple[str, str] | None:
    owner = path.stat().st_uid
    if file != path.parent and file.stat().st_uid != owner:
        return f"{file} has another owner than {path}", f"chown {owner} {file}"
    if sys.platform != "win32" and os.statvfs(file).f_flag & os.ST_RDONLY:
        return f"{file} is on a file system that is mounted read-only", "mount it writable"
    if not os.access(file, os.R_OK | os.W_OK):
        return f"{file} cannot be written", "run this as the server's user, or fix owner and mode"
    return None


def check_place() -> Outcome:
    """Check what the database is on: its file and its -wal must stay together, and stay."""
    path = real_path()
    mounts = _mounts()
    kind = next((kind for point, kind in mounts if path.is_relative_to(point)), "a disk")
    if path in [point for point, _ in mounts] or path.stat().st_dev != path.parent.stat().st_dev:
        finding = f"{path} is mounted without its folder: what is in its -wal can be lost"
        return FAIL, finding, f"mount the folder {path.parent} instead of the file"
    if kind.split(".")[0] in NETWORK:
        fix = "move it to a disk of this machine, or use PostgreSQL"
        return WARN, f"{path} is on {kind}, which a write-ahead log cannot rely on", fix
    if kind in FLEETING:
        return WARN, f"{path} is {FLEETING[kind]} ({kind}) and goes with it", "move it to a disk"
    return OK, f"on {kind}, together with its folder"


def _mounts() -> list[tuple[Path, str]]:
    """Return mount points with the kind of their file system, the deepest first."""
    found = []
    with suppress(OSError):
        for line in MOUNTS.read_text(errors="surrogateescape").splitlines():
            before, _, after = line.partition(" - ")
            point = before.split()[4].encode(errors="surrogateescape").decode("unicode_escape")
            found.append((Path(point), after.split()[0]))
    found.sort(key=lambda mount: len(mount[0].parts))  # of one point, what was mounted last stays
    return found[::-1]


def check_disk(app: Flask) -> Outcome:
    """Check that there is room: for the database and its -wal, and in the instance folder."""
    folders = [real_path().parent, Path(app.instance_path)]
    size = sum(file.stat().st_size for file in [real_path()] if file.exists())
    there = [next(filter(Path.exists, [folder, *folder.parents])) for folder in folders]
    (free, inodes), folder = min((_room(folder), folder) for folder in there)
    finding = f"{free / MIB:,.0f} MiB free in {folder}"
    if inodes < FEW_INODES:
        state = WARN if inodes else FAIL
        return state, f"room for only {inodes:,} more files in {folder}", "delete some files"
    if free < NONE_LEFT:
        return FAIL, finding, "free some space"
    if free < max(LITTLE, 2 * size):
        return WARN, finding, "free some space: a backup takes as much again as the database"
    return OK, finding


def _room(folder: Path) -> tuple[int, int]:
    """Return the bytes and the number of files that there is room for."""
    if sys.platform == "win32":
        return shutil.disk_usage(folder).free, sys.maxsize
    found = os.statvfs(folder)  # f_files is 0 where files are not counted
    return found.f_bavail * found.f_frsize, found.f_favail if found.f_files else sys.maxsize
