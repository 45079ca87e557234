"""How fast one pass is and what it costs: prints rates, asserts only what the pass did.

    python -m pytest -n 0 -m bench -s tests/bench

`FLUXSYNC_BENCH_FILES` sets how many small files there are (10,000), `FLUXSYNC_BENCH_LARGE_MB` how large the
large one is (2,048).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

FILES = int(os.environ.get("FLUXSYNC_BENCH_FILES", "10000"))
LARGE_MB = int(os.environ.get("FLUXSYNC_BENCH_LARGE_MB", "2048"))
COMMAND = (sys.executable, "-m", "fluxsync.cli.main")

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]


@dataclass(frozen=True)
class Run:
    """One process: seconds of wall and processor, peak resident MB, MB written, and its report."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    written_mb: float
    report: dict[str, object]


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    server = subprocess.Popen(
        [*COMMAND, "sandbox", "--port", "0", "--data", str(tmp_path / "account")],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    ready = next(line for line in server.stdout if line.startswith("READY "))
    yield ready.split()[1]
    server.terminate()
    server.wait()
    server.stdout.close()


def once(tmp_path: Path, url: str, name: str) -> Run:
    """Run the command as a process of its own and take the system's account of it."""
    root = tmp_path / name
    root.mkdir(exist_ok=True)
    env = os.environ | {
        "FLUXSYNC_LOCAL__ROOT": str(root),
        "FLUXSYNC_REMOTE__URL": url,
        "FLUXSYNC_REMOTE__USERNAME": "demo",
        "FLUXSYNC_REMOTE__PASSWORD": "demo",
        "FLUXSYNC_JOURNAL__PATH": str(tmp_path / f"{name}.sqlite"),
        "FLUXSYNC_LOG__LEVEL": "warning",
        "XDG_CONFIG_HOME": str(tmp_path / "no-config"),
    }
    out = tmp_path / "report.json"
    started = time.perf_counter()
    with out.open("wb") as stdout:
        process = subprocess.Popen([*COMMAND, "--once", "--json"], stdout=stdout, env=env)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall_s = time.perf_counter() - started
    report = json.loads(out.read_text())
    assert process.returncode == 0, report
    return Run(
        wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, usage.ru_oublock / 2048, report
    )


def show(what: str, run: Run, *, files: int = 0, megabytes: float = 0) -> None:
    rate = f"{files / run.wall_s:,.0f} files/s" if files else f"{megabytes / run.wall_s:,.0f} MB/s"
    print(
        f"\n{what}: {run.wall_s:.2f} s, {rate}, {run.cpu_s:.2f} s of processor, peak {run.peak_mb:.0f} MB,"
        f" {run.written_mb:.1f} MB written, {run.report['requests']} requests"
    )


def test_ten_thousand_small_files(tmp_path: Path, url: str) -> None:
    for number in range(FILES):
        path = tmp_path / "a" / f"folder {number // 100:03}" / f"file {number}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(4096))
    first = once(tmp_path, url, "a")
    show(f"first upload of {FILES:,} files of 4 KB", first, files=FILES)
    assert first.report["uploaded"] == FILES
    again = once(tmp_path, url, "a")
    show("a pass in step", again, files=FILES)
    assert again.report["unchanged"] == FILES
    fetched = once(tmp_path, url, "b")
    show("the same on another machine", fetched, files=FILES)
    assert fetched.report["downloaded"] == FILES
    (tmp_path / "a" / "folder 000").rename(tmp_path / "a" / "renamed")
    show("a folder of 100 renamed here", once(tmp_path, url, "a"), files=100)
    show("the same on the other machine", once(tmp_path, url, "b"), files=100)


def test_one_large_file(tmp_path: Path, url: str) -> None:
    (tmp_path / "a").mkdir()
    empty = once(tmp_path, url, "a")
    with (tmp_path / "a" / "large.psd").open("wb") as file:
        block = os.urandom(1 << 20)
        for number in range(LARGE_MB):
            file.write(number.to_bytes(8, "big") + block[8:])
    up = once(tmp_path, url, "a")
    show(f"upload of {LARGE_MB:,} MB", up, megabytes=LARGE_MB)
    down = once(tmp_path, url, "b")
    show("download of the same", down, megabytes=LARGE_MB)
    growth = max(up.peak_mb, down.peak_mb) - empty.peak_mb
    print(f"\nmemory over that of an empty pass: {growth:.0f} MB")
    assert growth < 64
