#!/usr/bin/python3
"""Stands in for systemd's `systemctl` where no systemd runs.

It runs a unit's ExecStart as its User, with its Environment, EnvironmentFile, WorkingDirectory,
StateDirectory, UMask and LimitNOFILE, without capabilities, on a file system that is read-only but
for StateDirectory and a /tmp of its own (ProtectSystem=strict, PrivateTmp). It stops it as systemd
does, and fails if it does not exit with 0. It bounds neither memory nor system calls, and restarts
nothing. `daemon-reload` has systemd-analyze read the units. Every other service is Debian's own,
and obeys its script in /etc/init.d.
"""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

UNITS = Path("/etc/systemd/system")
# The file system as the unit sees it, then what runs there. $1: what it may write, $2: its user.
INSIDE = """
test -z "$1" || mount --bind "$1" "$1"
mount -o remount,bind,ro /
mount -t tmpfs tmpfs /tmp
user=$2
shift 2
exec setpriv --reuid="$user" --regid="$user" --init-groups --no-new-privs --bounding-set=-all "$@"
"""


def read(unit):
    """Return a unit's settings, each with all that it was set to."""
    settings = {}
    for line in (UNITS / f"{unit}.service").read_text().splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            settings.setdefault(name, []).append(value)
    return settings


def environment(settings):
    """Return what systemd would set; PIP_… and the like are this machine's network."""
    words = [word for value in settings.get("Environment", []) for word in shlex.split(value)]
    for name in settings.get("EnvironmentFile", []):
        file = Path(name.removeprefix("-"))
        if file.exists() or not name.startswith("-"):
            lines = file.read_text().splitlines()
            words += [shlex.join(shlex.split(line)).strip("'") for line in lines if "=" in line]
    user = settings["User"][-1]
    own = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "USER": user,
        "LOGNAME": user,
        "HOME": "/nowhere",
    }
    return own | dict(word.split("=", 1) for word in words)


def start(unit):
    """Start a unit, with a process beside it that waits for its end and notes its exit code."""
    if pid(unit):
        return
    settings = read(unit)
    user, folder = settings["User"][-1], ""
    for name in settings.get("StateDirectory", []):
        folder = f"/var/lib/{name}"
        Path(folder).mkdir(exist_ok=True)
        shutil.chown(folder, user, user)
        Path(folder).chmod(int(settings.get("StateDirectoryMode", ["0755"])[-1], 8))
    files = settings.get("LimitNOFILE", ["1024"])[-1]
    command = [
        "prlimit",
        f"--nofile={files}",
        "unshare",
        "--mount",
        "sh",
        "-ec",
        INSIDE,
        "sh",
        folder,
        user,
    ]
    command += shlex.split(settings["ExecStart"][-1])
    if os.fork():
        while not Path(f"/run/{unit}.pid").exists():
            time.sleep(0.05)
        return
    os.setsid()
    os.umask(int(settings.get("UMask", ["0022"])[-1], 8))
    with Path(f"/var/log/{unit}.log").open("ab") as log:
        service = subprocess.Popen(
            command,
            env=environment(settings),
            cwd=settings["WorkingDirectory"][-1],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        Path(f"/run/{unit}.exit").unlink(missing_ok=True)
        Path(f"/run/{unit}.pid").write_text(str(service.pid))
        code = service.wait()
    Path(f"/run/{unit}.exit").write_text(str(code))
    Path(f"/run/{unit}.pid").unlink()
    os._exit(0)


def pid(unit):
    """Return the unit's process, or None."""
    file = Path(f"/run/{unit}.pid")
    return int(file.read_text()) if file.exists() else None


def stop(unit):
    """Ask it to stop, wait as long as the unit says, then kill it."""
    if not pid(unit):
        return
    os.kill(pid(unit), signal.SIGTERM)
    deadline = time.monotonic() + int(read(unit).get("TimeoutStopSec", ["90"])[-1])
    while (process := pid(unit)) and time.monotonic() < deadline:
        time.sleep(0.05)
    if process:
        os.killpg(process, signal.SIGKILL)
        sys.exit(f"{unit} did not stop in time")
    if (code := Path(f"/run/{unit}.exit").read_text()) != "0":
        sys.exit(f"{unit} exited with {code}: see /var/log/{unit}.log")


def control(service, action):
    """Run a service of Debian's, which systemd would have started when it was installed."""
    script = f"/etc/init.d/{service}"
    if subprocess.run([script, "status"], check=False, stdout=subprocess.DEVNULL).returncode:
        subprocess.run([script, "start"], check=True)
    subprocess.run([script, action], check=True)


def main(action, *arguments):
    """Do what `systemctl` would."""
    units = [each.removesuffix(".service") for each in arguments if not each.startswith("-")]
    if action == "daemon-reload":
        subprocess.run(["systemd-analyze", "verify", *UNITS.glob("*.service")], check=True)
    if action == "enable":
        action = "start" if "--now" in arguments else "is-enabled"
    for unit in units:
        if not (UNITS / f"{unit}.service").exists():
            control(unit, action)
        elif action == "is-enabled":
            read(unit)
        elif action in ("status", "is-active"):
            print("active" if pid(unit) else "inactive")
            sys.exit(0 if pid(unit) else 3)
        else:
            steps = {"start": [start], "stop": [stop], "restart": [stop, start]}
            for step in steps[action]:
                step(unit)


main(*sys.argv[1:])
