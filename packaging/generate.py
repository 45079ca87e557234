"""Write the files of this folder that follow from fluxsync itself.

    python packaging/generate.py            writes those that are not up to date
    python packaging/generate.py --check    names them, and exits 1 where there are any

They are: the systemd units and the launchd agent, from the same texts that `fluxsync service install` writes;
the man page, from the help of all commands, config.example.toml and man/fluxsync.1.in; the shell completions.
"""

from __future__ import annotations

import sys
from pathlib import Path

from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete
from man_page import man_page

from fluxsync.cli.main import fluxsync
from fluxsync.service_unit.launchd import agent_text
from fluxsync.service_unit.systemd import unit_text

HERE = Path(__file__).resolve().parent
ABOUT = "fluxsync: a folder and an asset account in step"
SHELLS: dict[str, type[ShellComplete]] = {
    "completions/fluxsync.bash": BashComplete,
    "completions/_fluxsync": ZshComplete,
    "completions/fluxsync.fish": FishComplete,
}


def files() -> dict[str, str]:
    """Return the text of each file, by its path in this folder."""
    found = {
        "systemd/fluxsync.service": unit_text("/usr/bin/fluxsync", description=f"{ABOUT} (default)"),
        "systemd/fluxsync@.service": unit_text(
            "/usr/bin/fluxsync --config %E/fluxsync/%i.toml", description=f"{ABOUT} (%i)"
        ),
        "launchd/org.fluxsync.agent.plist": agent_text(
            ["/usr/local/bin/fluxsync"], label="org.fluxsync.agent", log="/usr/local/var/log/fluxsync.log"
        ),
        "man/fluxsync.1": man_page(
            fluxsync,
            (HERE / "man/fluxsync.1.in").read_text(encoding="utf-8"),
            (HERE.parent / "config.example.toml").read_text(encoding="utf-8"),
        ),
    }
    for path, shell in SHELLS.items():
        script = shell(fluxsync, {}, "fluxsync", "_FLUXSYNC_COMPLETE")
        # Not the shell's own `source`, which asks the shell of this machine for its version.
        found[path] = ShellComplete.source(script).strip() + "\n"
    return found


def main() -> int:
    stale = {}
    for path, text in files().items():
        file = HERE / path
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            stale[path] = text
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"packaging/{path} is not up to date: run python packaging/generate.py", file=sys.stderr)
        return 1 if stale else 0
    for path, text in stale.items():
        (HERE / path).parent.mkdir(exist_ok=True)
        (HERE / path).write_text(text, encoding="utf-8")
        print(f"wrote packaging/{path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
