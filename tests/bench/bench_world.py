"""What the benches of the service share: large accounts made at once, and what a process costs."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "service"))

from service_world import Service

from fluxsync.engine.status import State
from fluxsync.sandbox.assets import Content
from fluxsync.sandbox.model import UserSpec
from fluxsync.sandbox.store import Store

COMMAND = (sys.executable, "-m", "fluxsync.cli.main")
PER_FOLDER = 100
#: The default of the configuration.
SETTLE_S = 2.0
_LOOK_S = 0.005
_SAMPLE_S = 0.05
#: So little between two looks is no work: the interpreter of a process at rest.
_NOTHING_S = 0.0002
#: So much is some: more than to hear of an event.
_WORK_S = 0.002


def fill(account: Path, root: Path, files: int) -> None:
    """Write the same small files to an account that nobody serves and to a folder, a hundred a folder."""
    store = Store(account)
    bytes_of = random.Random(files).randbytes
    try:
        store.users.save(UserSpec("demo", "demo"))
        names = [f"folder {number:04}" for number in range(-(-files // PER_FOLDER))]
        tags = [store.create_tag(name).id for name in names]
        owner, now = store.users.first_id(), store.now()
        # One transaction for all of them: what the store offers makes one for each.
        with store._database.transaction():
            for number in range(files):
                content = bytes_of(300)
                name = f"file {number:06}.bin"
                path = root / names[number // PER_FOLDER] / name
                if number % PER_FOLDER == 0:
                    path.parent.mkdir(parents=True)
                path.write_bytes(content)
                sent = Content(name, "application/octet-stream", store.blobs.put(content))
                asset_id = store._assets.add(sent, path.stem, "", owner, now)
                store.tag_table.put_on(asset_id, [tags[number // PER_FOLDER]])
    finally:
        store.close()
    rest(SETTLE_S + 0.5)  # what was just written is left for a later pass


@contextmanager
def served(account: Path, requests: Path) -> Iterator[str]:
    """Serve an account from a process of its own, one line in `requests` for each; gives the URL."""
    server = subprocess.Popen(
        [*COMMAND, "sandbox", "--port", "0", "--data", str(account), "--request-log", str(requests)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    try:
        yield next(line for line in server.stdout if line.startswith("READY ")).split()[1]
    finally:
        server.terminate()
        server.wait()
        server.stdout.close()


def seen(found: Callable[[], Any], patience_s: float = 60.0) -> float:
    """Wait until something is found, looking every 5 ms; returns when that was, by `time.monotonic`."""
    end_s = time.monotonic() + patience_s
    pause = threading.Event()
    while not found():
        assert time.monotonic() < end_s, f"not within {patience_s:g} s"
        pause.wait(_LOOK_S)
    return time.monotonic()


def rest(seconds: float) -> float:
    """Let a stretch of time pass that is itself what is measured."""
    threading.Event().wait(seconds)
    return time.monotonic()


@dataclass(frozen=True)
class Cost:
    """What a process took for something: seconds, seconds of processor, switches of its threads, requests."""

    wall_s: float
    cpu_s: float
    switches: int
    requests: int


class Meter:
    """Tells what a process costs, by what the kernel counts of it and the log of the server counts."""

    def __init__(self, pid: int, requests: Path) -> None:
        self._pid = pid
        self._requests = requests

    def cost(self, act: Callable[[], float]) -> Cost:
        """Do something that returns when it was over, and return what the process took meanwhile.

        Threads that end take their count of switches along, so all are asked every 50 ms: what a thread did
        between the last question and its end is not counted. Everything else is exact.
        """
        over = threading.Event()
        before = self.switches()
        counts = dict(before)

        def sample() -> None:
            while not over.wait(_SAMPLE_S):
                counts.update(self.switches())

        sampler = threading.Thread(target=sample)
        wall_s, cpu_s, requests = time.monotonic(), self.cpu_s(), self.requests()
        sampler.start()
        try:
            end_s = act()
        finally:
            over.set()
            sampler.join()
        counts.update(self.switches())
        return Cost(
            end_s - wall_s,
            self.cpu_s() - cpu_s,
            sum(counts.values()) - sum(before.values()),
            self.requests() - requests,
        )

    def cpu_s(self) -> float:
        """Return the processor time of all threads, those that have ended included."""
        return time.clock_gettime((~self._pid << 3) | 2)  # what clock_getcpuclockid(3) makes of a pid

    def switches(self) -> dict[str, int]:
        """Return how often each thread was put on a processor, by choice or not."""
        found = {}
        for task in Path(f"/proc/{self._pid}/task").iterdir():
            try:
                lines = (task / "status").read_text().splitlines()
            except OSError:
                continue  # it has ended meanwhile
            found[task.name] = sum(int(line.split()[1]) for line in lines if "ctxt_switches" in line)
        return found

    def until_worked(self, quiet_s: float, patience_s: float = 600.0) -> float:
        """Wait until the process has worked and then rested, without asking it; returns when that began.

        `quiet_s`: a rest is longer than this; what is begun with a pause is not over in the pause.
        """
        end_s = time.monotonic() + patience_s
        start = last = self.cpu_s()
        since_s = time.monotonic()
        pause = threading.Event()
        while last - start < _WORK_S or time.monotonic() - since_s < quiet_s:
            assert time.monotonic() < end_s, f"not within {patience_s:g} s"
            pause.wait(_LOOK_S)
            now = self.cpu_s()
            if now - last > _NOTHING_S:
                since_s = time.monotonic()
            last = now
        return since_s

    def memory_mb(self) -> tuple[float, float]:
        """Return what is resident now, and the most that ever was."""
        lines = Path(f"/proc/{self._pid}/status").read_text().splitlines()
        kb = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.startswith("Vm")}
        return kb["VmRSS"] / 1024, kb["VmHWM"] / 1024

    def requests(self) -> int:
        with self._requests.open("rb") as file:
            return sum(1 for _ in file)


def passed(service: Service) -> float:
    """Have the service make a complete pass, and return when it was over, both sides in step."""
    done = service.command("sync", patience_s=900)
    assert done.returncode == 0, done.stdout + done.stderr
    over_s = time.monotonic()
    service.until_state(State.IN_STEP)
    return over_s


def quantiles(values: Sequence[float]) -> str:
    """Return least, median, ninth decile and most."""
    ranked = sorted(values)
    at = [ranked[min(len(ranked) - 1, int(len(ranked) * share))] for share in (0, 0.5, 0.9, 1)]
    return "  ".join(f"{value:7.2f}" for value in at)
