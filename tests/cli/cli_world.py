"""A folder, an account and a configuration for the real program, run as a process of its own."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

from zygote import Zygote

from fluxsync.sandbox.model import UserSpec
from fluxsync.sandbox.server import Sandbox

PROJECT = Path(__file__).resolve().parents[2]
READER = UserSpec("reader", "secret", permissions=("login",))
PROGRAM = (sys.executable, "-m", "fluxsync.cli.main")


@cache
def zygote() -> Zygote:
    """Return the one of this process, until its end."""
    made = Zygote()
    atexit.register(made.close)
    return made


class World:
    """`run` calls the program with this configuration; `home` is all of the user's that it can see."""

    def __init__(self, home: Path, sandbox: Sandbox) -> None:
        self.home = home
        self.sandbox = sandbox
        self.root = home / "root"
        self.root.mkdir()
        self.config = home / "config.toml"
        self.configure()

    def configure(self, text: str = "", **remote: object) -> None:
        """Write the configuration; `text` is appended, `remote` replaces keys of that section."""
        values: dict[str, object] = {"url": self.sandbox.url, "username": "demo", "password": "demo"} | remote
        lines = [f"[local]\nroot = {json.dumps(str(self.root))}\n\n[remote]"]
        lines += [f"{key} = {json.dumps(value)}" for key, value in values.items()]
        self.config.write_text("\n".join(lines) + f"\n\n[sync]\nsettle = 0.0\n{text}\n")
        self.config.chmod(0o600)

    def write(self, path: str, text: str) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    @property
    def env(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("FLUXSYNC_", "XDG_"))}
        return kept | {
            "HOME": str(self.home),
            "PYTHONPATH": str(PROJECT),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "COLUMNS": "100",
        }

    def start(self, *arguments: str, configured: bool = True, **how: Any) -> subprocess.Popen[str]:
        config = ("--config", str(self.config)) if configured else ()
        return subprocess.Popen(
            [*how.pop("before", ()), *PROGRAM, *config, *arguments],
            stdin=how.pop("stdin", subprocess.DEVNULL),
            stdout=subprocess.PIPE,
            stderr=how.pop("stderr", subprocess.PIPE),
            text=True,
            cwd=how.pop("cwd", self.home),
            env=self.env | how.pop("env", {}),
            **how,
        )

    def run(self, *arguments: str, **how: Any) -> subprocess.CompletedProcess[str]:
        """Run it to its end; unless something about its start is special, it is forked."""
        if how.keys() <= {"cwd"}:
            return zygote().run(
                ["--config", str(self.config), *arguments], self.env, how.get("cwd", self.home)
            )
        with self.start(*arguments, **how) as process:
            out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def document(self, *arguments: str, **how: Any) -> dict[str, Any]:
        """Run with --json and return the document."""
        found: dict[str, Any] = json.loads(self.run(*arguments, "--json", **how).stdout)
        return found


def messages(err: str) -> list[str]:
    """Return the lines on stderr that are for people: all but the log's."""
    return [line for line in err.splitlines() if not line[:4].isdigit()]
