"""The law of moves: whatever moves while a pass walks the folder stays the asset that it is."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from engine_world import World
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fluxsync.core.paths import is_below, join
from fluxsync.engine.dirty import Dirt
from fluxsync.engine.vanished import Vanished
from fluxsync.replica.folder import Folder
from fluxsync.replica.folder import scan as walking

EXAMPLES = int(os.environ.get("FLUXSYNC_EXAMPLES", "150"))

FOLDERS = ("", "A", "B", "C", "A/S", "B/T")
#: What moves, where to, and whether it keeps its name.
moves = st.tuples(st.integers(0, 40), st.integers(0, 40), st.booleans())
#: What moves before a pass, what moves at which step of its walk, and whether it looks at everything.
passes = st.tuples(
    st.lists(moves, max_size=2), st.integers(1, 30), st.lists(moves, min_size=1, max_size=2), st.booleans()
)


class Steps:
    """Stands for `os` where the folder is walked, and does something at one of the steps."""

    def __init__(self) -> None:
        self.left = 0
        self.deed: Callable[[], None] = lambda: None

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def open(self, *args: Any, **more: Any) -> int:
        self._step()
        return os.open(*args, **more)

    def scandir(self, fd: int) -> Any:
        self._step()
        return os.scandir(fd)

    def _step(self) -> None:
        self.left -= 1
        if not self.left:
            self.deed()


class Room:
    """A real folder in step with an account, in which somebody moves things."""

    def __init__(self, home: Path, unattended: bool) -> None:
        self.root = home / "root"
        self.root.mkdir()
        self.world = World(home / "world", settle=2.0, unattended=unattended)
        # What was made a moment ago is at rest already: nothing but the walk itself is tried here.
        real = Folder(self.root, settle_s=0.0, clock=lambda: time.time() + 7200, wait=lambda s: None)
        real.prepare()
        self.world.folder = real  # type: ignore[assignment]
        self.dirty: set[str] = set()
        self.vanished = Vanished(0.0)
        for number in range(8):
            path = self.root / FOLDERS[number % 5] / f"{number}.gif"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"content {number}")
        (self.root / FOLDERS[5]).mkdir(exist_ok=True)
        self.world.clock.now = time.time() - 3600
        self.world.rest()
        self.keys = {path: key for key, path in self.assets().items()}
        self.steps = Steps()

    def paths(self) -> tuple[list[str], list[str]]:
        """Return all folders, and all files."""
        folders, files = [""], []
        for path in sorted(self.root.rglob("*")):
            name = path.relative_to(self.root).as_posix()
            if not name.startswith(".fluxsync"):
                (folders if path.is_dir() else files).append(name)
        return folders, files

    def move(self, what: int, to: int, keeps_name: bool) -> None:
        folders, files = self.paths()
        things = [*files, *folders[1:]]
        old = things[what % len(things)]
        name = old.rpartition("/")[2]
        new = join(folders[to % len(folders)], name if keeps_name else f"{len(self.dirty)}-{name}")
        if not (self.root / new).exists() and new != old and not is_below(new, old):
            (self.root / old).rename(self.root / new)
            self.dirty |= {old, new}
            at = {path: key for path, key in self.keys.items() if path == old or is_below(path, old)}
            for path, key in at.items():
                del self.keys[path]
                self.keys[new + path[len(old) :]] = key

    def look(self, *, whole: bool) -> None:
        """Look at everything, or at what is dirty."""
        took, self.dirty = self.dirty, set()
        self.world.clock.now = time.time()
        dirt = Dirt(took or {""}, self.vanished, lambda: not self.dirty)
        self.dirty |= self.world.once(dirt=None if whole else dirt).again.keys()

    def assets(self) -> dict[str, str]:
        """Return the path of each live asset by its key."""
        world = self.world
        live = {key: asset for key, asset in world.account.assets.items() if not asset.trashed}
        return {key: world._path(asset) for key, asset in live.items()}


@contextmanager
def walked(steps: Steps) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(walking, "os", steps)
        yield


@pytest.mark.slow
@settings(
    max_examples=EXAMPLES,
    derandomize="FLUXSYNC_EXAMPLES" not in os.environ,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=False,
)
@given(st.booleans(), st.lists(passes, min_size=1, max_size=3))
def test_what_moves_while_a_pass_walks_stays_the_asset_that_it_is(unattended, story):
    """Seen at neither of its places, or at both: nothing is sent again, and nothing goes to the trash."""
    with tempfile.TemporaryDirectory() as name:
        room = Room(Path(name), unattended)
        with walked(room.steps):
            for before, step, meanwhile, whole in story:
                for deed in before:
                    room.move(*deed)
                room.steps.deed = lambda deeds=meanwhile: [room.move(*deed) for deed in deeds]
                room.steps.left = step
                room.look(whole=whole)
                room.steps.left = 0
            for _ in range(3):  # an empty folder is looked at again for a minute
                room.look(whole=False)
        room.world.rest()
        assert {path: key for key, path in room.assets().items()} == room.keys
        assert not any(asset.trashed for asset in room.world.account.assets.values())
