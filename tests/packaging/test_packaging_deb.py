"""The Debian package: built, unpacked and run from there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fluxsync import __version__

PROJECT = Path(__file__).parents[2]
BUILD = PROJECT / "packaging/build-deb.sh"
CLEAN = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}


def run(*command: str | Path, **env: str) -> str:
    """Return what a command prints; it has to succeed."""
    done = subprocess.run(command, capture_output=True, text=True, env=CLEAN | env)
    assert done.returncode == 0, done.stderr
    return done.stdout


def python() -> Path:
    """Return the system's Python, where it makes environments; else the one that this one is from."""
    system = Path("/usr/bin/python3")
    can = "import ensurepip, sys; sys.exit(sys.version_info < (3, 11))"
    if system.exists() and subprocess.run([system, "-c", can], capture_output=True).returncode == 0:
        return system
    return Path(sys._base_executable).resolve()  # type: ignore[attr-defined]


def test_what_is_missing_is_one_line(tmp_path: Path) -> None:
    """Nothing is built."""
    done = subprocess.run(
        [BUILD, tmp_path], capture_output=True, text=True, env=CLEAN | {"PYTHON": "/nowhere/python3"}
    )
    assert done.returncode == 2
    assert re.fullmatch(r"build-deb\.sh: there is no [^\n]+: [^\n]+\n", done.stderr)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_package_holds_all_and_runs(tmp_path: Path) -> None:
    """From the folder that it was unpacked in: the program, the demo, and the unit that it would install."""
    if shutil.which("dpkg-deb") is None:
        done = subprocess.run([BUILD, tmp_path], capture_output=True, text=True, env=CLEAN)
        assert (done.returncode, "no dpkg-deb" in done.stderr) == (2, True)
        return
    kept = {key: os.environ[key] for key in os.environ if key.startswith(("PIP_", "SSL_", "HTTP", "http"))}
    kept["HOME"] = os.environ.get("HOME", "/")
    run(BUILD, tmp_path, PYTHON=str(python()), COMPRESSION="gzip", **kept)
    (package,) = tmp_path.glob("*.deb")
    assert package.name.startswith(f"fluxsync_{__version__}-1_")

    fields = run("dpkg-deb", "--field", package)
    assert re.search(r"^Depends: python3 \(>= 3\.(\d+)\), python3 \(<< 3\.\d+~\)", fields, re.MULTILINE)
    assert "@" not in fields.replace("maintainers@", "")
    entries = [line.split(None, 5) for line in run("dpkg-deb", "--contents", package).splitlines()]
    paths = {entry[5].removeprefix(".").partition(" -> ")[0] for entry in entries}
    assert {
        "/usr/bin/fluxsync",
        "/usr/lib/fluxsync/bin/python",
        "/usr/lib/systemd/user/fluxsync.service",
        "/usr/lib/systemd/user/fluxsync@.service",
        "/usr/share/bash-completion/completions/fluxsync",
        "/usr/share/doc/fluxsync/changelog.Debian.gz",
        "/usr/share/doc/fluxsync/copyright",
        "/usr/share/doc/fluxsync/dependencies.txt",
        "/usr/share/doc/fluxsync/examples/config.toml",
        "/usr/share/fish/vendor_completions.d/fluxsync.fish",
        "/usr/share/man/man1/fluxsync.1.gz",
        "/usr/share/zsh/vendor-completions/_fluxsync",
    } <= paths
    assert all(path.startswith("/usr/") for path in paths - {"/"})
    assert not [path for path in paths if "__pycache__" in path]
    assert all(entry[1] == "root/root" and "w" not in entry[0][5:] for entry in entries if entry[0][0] != "l")

    place = tmp_path / "unpacked"
    run("dpkg-deb", "--extract", package, place)
    environment = place / "usr/lib/fluxsync"
    start = (environment / "bin/python", "-I", environment / "bin/fluxsync")
    home = tmp_path / "home"
    home.mkdir()
    assert run(*start, "--version", HOME=str(home)) == f"fluxsync {__version__}\n"
    assert '"result": "in-step"' in run(*start, "demo", "--json", HOME=str(home))
    text = (
        "from pathlib import Path; from fluxsync.service_unit.systemd import unit_text;"
        "print(unit_text('/usr/bin/fluxsync', description='fluxsync'))"
    )
    assert "ExecStart=/usr/bin/fluxsync\n" in run(environment / "bin/python", "-I", "-c", text)
    licence = (place / "usr/share/doc/fluxsync/copyright").read_text()
    assert "Permission is hereby granted" in licence
    assert all(
        line.startswith(" ")
        for line in licence.partition("License: Expat\n\nLicense: Expat\n")[2].splitlines()
    )
