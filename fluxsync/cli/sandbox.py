"""`sandbox`: the embedded server."""

from __future__ import annotations

from pathlib import Path

import click

from fluxsync.cli import output
from fluxsync.cli.session import log_options, this

__all__ = ["sandbox"]


@click.command(short_help="Run a Fluxiom-compatible server on this machine.")
@log_options
@click.option("--port", type=click.IntRange(0, 65535), default=8787, show_default=True, help="0: a free one.")
@click.option(
    "--data",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the account lives. Default: fluxsync/sandbox in your data directory.",
)
@click.option("--username", default="demo", show_default=True, help="Who holds the account.")
@click.option("--password", default="demo", show_default=True, help="The password of that user.")
@click.option(
    "--plan",
    type=click.Choice(["versions", "no-versions"]),
    default="versions",
    show_default=True,
    help="What the account's plan can do.",
)
@click.option("--quota", metavar="SIZE", help='Room in the account, like "2 GB".  [default: 28 GiB]')
@click.option(
    "--request-log",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Append one line for each request.",
)
@click.option("--seed", is_flag=True, help="Put sample assets into an account that has none.")
def sandbox(
    port: int,
    data: Path | None,
    username: str,
    password: str,
    plan: str,
    quota: str | None,
    request_log: Path | None,
    seed: bool,
) -> int:
    """Run a Fluxiom-compatible server on this machine, to try fluxsync without an account.

    Changes: only files in DIR, where the account lives and stays until you remove it. It answers this machine
    alone, prints READY with its address once it listens, and runs until Ctrl-C or SIGTERM.
    """
    from fluxsync.errors import ConfigError
    from fluxsync.sandbox.account import DEFAULT_QUOTA_BYTES
    from fluxsync.sandbox.errors import SandboxError
    from fluxsync.sandbox.server import run

    session = this()
    session.start_log()
    if not username or not password or ":" in username:
        raise click.UsageError("--username and --password must not be empty, nor the username hold a colon")
    if data is None:
        import platformdirs

        data = platformdirs.user_data_path("fluxsync", appauthor=False) / "sandbox"
    quota_bytes = DEFAULT_QUOTA_BYTES if quota is None else _quota(quota)
    try:
        if seed:
            _seed(data, username, password)
        output.say(f"account in {data}, user {username}; stop with Ctrl-C")
        run(
            data,
            port,
            username,
            password,
            "no-versions" if plan == "no-versions" else "versions",
            quota_bytes,
            request_log,
        )
    except SandboxError as error:
        raise ConfigError(str(error)) from error
    return 0


def _quota(text: str) -> int:
    import re

    units = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "t": 1000**4}
    units |= {"ki": 1024, "mi": 1024**2, "gi": 1024**3, "ti": 1024**4}
    number = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]i?|)b?", text.strip().lower())
    if number is None:
        raise click.BadParameter('write a size like "2 GB"', param_hint="--quota")
    return int(float(number[1]) * units[number[2]])


def _seed(data: Path, username: str, password: str) -> None:
    from fluxsync.sandbox.seed import seed
    from fluxsync.sandbox.server import Sandbox

    with Sandbox(data, 0, username, password) as server:
        if not server.store.assets(per_page=1):
            seed(server.store)
