"""systemctl and launchctl as shell scripts that note each call and remember what they were told."""

from __future__ import annotations

from pathlib import Path

SYSTEMCTL = """#!/bin/sh
cd "{place}" || exit 9
echo "systemctl $*" >> calls
fail() {{ echo "$1" >&2; exit 1; }}
[ -e refuses ] && [ "$(cat refuses)" = "$2" ] && {{
    echo "Created symlink a → b." >&2; fail "Job for it failed."
}}
case "$*" in
"--version") cat version ;;
"--user show-environment") [ ! -e absent ] || fail "Failed to connect to bus: No medium found" ;;
"--user enable --now "*) touch "enabled-$4" "running-$4" ;;
"--user disable --now "*) rm -f "enabled-$4" "running-$4" ;;
"--user is-enabled "*) [ -e "enabled-$3" ] && echo enabled || {{ echo disabled; exit 1; }} ;;
"--user is-active "*) [ -e "running-$3" ] && echo active || {{ echo inactive; exit 3; }} ;;
esac
"""
LAUNCHCTL = """#!/bin/sh
cd "{place}" || exit 9
echo "launchctl $*" >> calls
fail() {{ echo "$1" >&2; exit 5; }}
[ -e refuses ] && [ "$(cat refuses)" = "$1" ] && fail "Bootstrap failed: 5: Input/output error"
case "$1" in
print) [ -e loaded ] || exit 113; printf '\\tstate = running\\n' ;;
bootstrap) touch loaded ;;
bootout) rm loaded ;;
esac
"""


class StandIns:
    """Put `bin` first on PATH. `calls` are those made since it was last asked."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.bin = place / "bin"
        self.bin.mkdir(parents=True)
        self.say("version", "systemd 252 (252.38-1)")
        for name, text in (("systemctl", SYSTEMCTL), ("launchctl", LAUNCHCTL)):
            script = self.bin / name
            script.write_text(text.format(place=place))
            script.chmod(0o755)

    def say(self, what: str, text: str = "") -> None:
        """Change what the tools answer: "version", "absent" (no manager), "refuses" (that verb)."""
        (self.place / what).write_text(text)

    def calls(self) -> list[str]:
        noted = self.place / "calls"
        found = noted.read_text().splitlines() if noted.exists() else []
        noted.write_text("")
        return found
