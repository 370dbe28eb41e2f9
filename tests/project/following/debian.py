"""An empty Debian in a folder, for follow.py: made by debootstrap, with this machine's network."""

import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[2]
NAME, DATABASE_HOST = "accounts.example.org", "db.example.org"
PASSWORD = "correct horse"
COPIED = (
    *(f"/etc/apt/{name}" for name in ("sources.list", "sources.list.d", "apt.conf.d", "keyrings")),
    "/etc/resolv.conf",
    "/usr/local/share/ca-certificates",
)


def run(*command: object, **options: object) -> str:
    """Run a command of this machine and return its output; stop if it fails."""
    words = [str(word) for word in command]
    return subprocess.run(words, check=True, text=True, stdout=subprocess.PIPE, **options).stdout


def network() -> dict[str, str]:
    """Return the variables with which downloads work here, pip's settings among them."""
    about = re.compile(r"(?i)pip_|ssl_cert_|(https?|no)_proxy")
    found = {name: value for name, value in os.environ.items() if about.match(name)}
    settings = run(sys.executable, "-m", "pip", "config", "list")
    for name, value in re.findall(r"^(?:global|:env:)\.(\S+)='(.*)'$", settings, re.MULTILINE):
        found[f"PIP_{name.upper().replace('-', '_')}"] = value
    return found


def make_root(root: Path, base: Path | None) -> None:
    """Make an empty Debian of this machine's release and with its network."""
    if base:
        run("cp", "-a", f"{base}/.", root)
    else:
        form = "$(CODENAME) $(REPO_URI)"
        run("apt-get", "-qq", "update")  # an image often has no lists, and so names no mirror
        sources = run("apt-get", "indextargets", "--format", form, "Created-By: Packages").split(
            "\n"
        )
        release = run("sh", "-c", ". /etc/os-release; echo $VERSION_CODENAME").strip()
        mirror = next(each.split()[1] for each in sources if each.startswith(f"{release} "))
        run("debootstrap", "--variant=minbase", release, root, mirror)
    run("mount", "--bind", root, root)
    run("mount", "-t", "proc", "proc", f"{root}/proc")
    for name in ("/sys", "/dev"):
        run("mount", "--rbind", name, f"{root}{name}")
    (root / "etc/apt/sources.list").unlink(missing_ok=True)
    for name in COPIED:
        if Path(name).exists():
            run("cp", "-rL", name, Path(f"{root}{name}").parent)
    named = re.findall(r"(?:^|\s|//)(/\S+)", "\n".join(network().values()))
    for name in {each.removesuffix("/simple") for each in named}:  # an index, beside its files
        if name.startswith("/etc/ssl/"):
            continue  # Debian makes them of what is in /usr/local/share/ca-certificates
        if Path(name).is_dir():  # of packages
            run("mkdir", "-p", f"{root}{name}")
            run("mount", "--bind", "-o", "ro", name, f"{root}{name}")
        elif Path(name).is_file():
            run("install", "-D", name, f"{root}{name}")


def outside_world(root: Path) -> None:
    """Put into the root what the pages take for granted: systemd and something that obeys
    `systemctl`, other shells, host names, certificates from an authority, a clone, a password
    manager.
    """
    for command in ("update", "install systemd zsh fish git"):
        run("chroot", root, "apt-get", "--yes", "-qq", *command.split(), stderr=subprocess.STDOUT)
    (root / "etc/apt/apt.conf.d/99yes").write_text('APT::Get::Assume-Yes "true";\n')
    (root / "etc/hosts").write_text(f"127.0.0.1 localhost {NAME} {DATABASE_HOST}\n::1 localhost\n")
    run("mount", "--bind", root / "etc/hosts", "/etc/hosts")  # for us too; see bin/try-docs
    (root / "usr/local/bin/pass").write_text(f"#!/bin/sh\necho '{PASSWORD}'\n")
    run("install", HERE / "systemctl.py", root / "usr/local/bin/systemctl")
    (root / "usr/local/bin/pass").chmod(0o755)
    live = root / f"etc/letsencrypt/live/{NAME}"
    live.mkdir(parents=True)
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
        "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME},DNS:{DATABASE_HOST}",
        "-keyout", live / "privkey.pem", "-out", live / "fullchain.pem",
        stderr=subprocess.DEVNULL)  # fmt: skip
    run("install", "-D", live / "fullchain.pem", root / "usr/local/share/ca-certificates/here.crt")
    run("chroot", root, "useradd", "--create-home", "--shell", "/bin/bash", "reader")
    for folder in ("home/reader/vestibule", "srv/vestibule"):
        (root / folder).mkdir()
        ours = "git ls-files --cached --others --exclude-standard -z"
        run("sh", "-c", f"{ours} | xargs -0 cp -P --parents -t {root / folder}", cwd=CHECKOUT)
    who = "git -c user.name=Jane -c user.email=jane@example.org"
    clone = f"git init -q; git add --all; {who} commit -qm Vestibule; chown -R reader: ."
    run("chroot", root, "sh", "-ec", f"cd /home/reader/vestibule; {clone}")
