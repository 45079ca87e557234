"""Two machines and a colleague at one account, who all do something to the same two files.

Each content is written once, and known by what it was written over: so it is known afterwards what may be
left of a file. Deeds fall between passes, or between two calls of a pass; a pass may be killed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine_world import Call, Killed, Meddle, World

from fluxsync.core.model import Entry, Intent, Place
from fluxsync.core.owed import Owed
from fluxsync.core.paths import dirname, join
from fluxsync.engine.dirty import Dirt
from fluxsync.engine.vanished import Vanished
from fluxsync.replica.base import Source
from fluxsync.replica.memory import MemoryAccount, MemoryAsset, MemoryVersion

MACHINES = ("a", "b")
#: What people do at a folder, and on the account.
EDITS_HERE = ("edit", "rename", "move")
EDITS_THERE = ("edit", "rename", "move")
ALL_HERE = (*EDITS_HERE, "save over", "delete", "write anew", "put over the other")
ALL_THERE = (*EDITS_THERE, "trash", "restore")
_MOST_TURNS = 10

#: (who, deed, file) or (machine, "part" or "whole", call, what happens before it: steps, or "killed").
Step = tuple[Any, ...]


class Sender:
    """The account as one machine uses it: of the versions there, its intents are answered by its own."""

    def __init__(self, account: MemoryAccount) -> None:
        self._account = account
        self._sent: dict[str, set[int]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._account, name)

    def put(
        self, place: Place, content: Source, expected: Entry | None, *, like: Entry | None = None
    ) -> Entry:
        entry = self._account.put(place, content, expected, like=like)
        self._sent.setdefault(entry.key, set()).add(entry.revision)
        return entry

    def find(self, intents: Sequence[Intent]) -> Mapping[Intent, Entry]:
        found = self._account.find(intents)
        return {i: e for i, e in found.items() if not i.key or e.revision in self._sent.get(i.key, ())}


class Site:
    """A machine: its folder, its service, and what its events named since the last look."""

    def __init__(self, home: Path, account: MemoryAccount, trusting: bool) -> None:
        self.world = World(home)
        self.world.account = Sender(account)  # type: ignore[assignment]
        self.dirty: set[str] = set()
        self._vanished = Vanished(0.0)
        self._owed = Owed()
        self._trusting = trusting
        #: What the last pass could not do, as when somebody was faster.
        self.problems: dict[str, str] = {}
        #: It was killed: what comes first is a look at everything.
        self.begins = True

    def look(self, kind: str, meddle: Meddle = lambda call: call.go_on()) -> bool:
        """Make a pass; returns whether it did something."""
        paths, self.dirty = self.dirty, set()
        dirt = Dirt(paths, self._vanished, lambda: not self.dirty, self._trusting, self._owed)
        if kind == "whole" or self.begins:
            dirt = None
        self.begins = True
        try:
            report = self.world.once(meddle, dirt=dirt)
        except Killed:
            self._owed = Owed()
            return True
        assert report.stopped is None, report.message
        self.problems = dict(report.failures)
        self.begins = False
        self.dirty |= report.again.keys()
        self._owed = report.owed
        return bool(self.world.done)


class Town:
    """Everybody together, and what became of what they wrote."""

    def __init__(self, home: Path, *, trusting: bool = True) -> None:
        self.account = MemoryAccount()
        self.sites = {name: Site(home / name, self.account, trusting) for name in MACHINES}
        #: What each content was written over, and of which file it is.
        self.over: dict[str, str] = {}
        self.file = {"f0": "f", "g0": "g"}
        #: What was deleted, and not taken out of the trash.
        self.deleted: set[str] = set()
        #: Who did what to which file.
        self.deeds: set[tuple[str, str, str]] = set()
        self._count = 0
        for file in "fg":
            self.sites["a"].world.write(f"{file}.gif", f"{file}0")
        self.rest()

    def tell(self, step: Step) -> None:
        who, deed, what, *inner = step
        if deed in ("part", "whole"):
            self.sites[who].look(deed, self._between(who, what, *inner))
            return
        self.deeds.add((who, deed, what))
        if who in MACHINES:
            self._here(self.sites[who], who, deed, what)
        else:
            self._there(deed, what)

    def rest(self) -> None:
        for _ in range(_MOST_TURNS):
            busy = [site.look("whole") for site in self.sites.values()]
            assert not any(site.problems for site in self.sites.values())
            if not any(busy):
                return
        raise AssertionError("no rest")

    def _between(self, who: str, at: int, inner: object = ()) -> Meddle:
        left, dead = at, False

        def meddle(call: Call) -> object:
            nonlocal left, dead
            left -= 1
            if left == 0 and inner == "killed":
                dead = True
            elif left == 0:
                for step in inner:  # type: ignore[attr-defined]
                    if step[0] != who or step[1] not in ("part", "whole"):
                        self.tell(step)
            if dead:
                raise Killed
            return call.go_on()

        return meddle

    # -- people

    def _written(self, over: str) -> str:
        self._count += 1
        content = f"c{self._count}"
        self.over[content], self.file[content] = over, self.file[over]
        return content

    def _name(self, who: str, file: str) -> str:
        self._count += 1
        return f"{file} by {who} {self._count}.gif"

    def _here(self, site: Site, who: str, deed: str, file: str) -> None:
        world = site.world
        path, other = self._path(world, file), self._path(world, "g" if file == "f" else "f")
        if path is None:
            return
        content, folders = world.here()[path], set(world.folder.folders)
        target = path
        match deed:
            case "edit":
                world.write(path, self._written(content))
            case "save over" | "write anew":
                world.remove(path)
                world.write(path, self._written(content))
            case "rename":
                target = join(dirname(path), self._name(who, file))
                world.move(path, target)
            case "move":
                target = join("" if dirname(path) else who.upper(), path.rpartition("/")[2])
                if target not in world.folder.files:
                    world.move(path, target)
            case "delete":
                self.deleted.add(content)
                world.remove(path)
            case "put over the other" if other is not None:
                self.deleted.add(world.here()[other])
                target = other
                world.remove(other)
                world.move(path, other)
        site.dirty |= {path, target, *(set(world.folder.folders) - folders)}

    def _path(self, world: World, file: str) -> str | None:
        mine = [path for path, content in world.here().items() if self.file[content] == file]
        return min(mine, key=lambda path: ("conflicted" in path, path), default=None)

    def _there(self, deed: str, file: str) -> None:
        asset = self._asset(file, trashed=deed == "restore")
        if asset is None:
            return
        last = asset.versions[-1]
        content = last.content.decode()
        match deed:
            case "edit":
                asset.versions.append(MemoryVersion(self._written(content).encode(), last.name))
            case "rename":
                asset.versions.append(MemoryVersion(last.content, self._name("c", file)))
            case "move":
                asset.home = "" if asset.home else self.account.make_folder(Place("", "C")).key
            case "trash":
                self.deleted.add(content)
                asset.trashed = True
            case "restore":
                asset.trashed = False

    def _asset(self, file: str, *, trashed: bool) -> MemoryAsset | None:
        for asset in self.account.assets.values():
            if asset.trashed is trashed and self.file[asset.versions[-1].content.decode()] == file:
                return asset
        return None

    # -- looking

    def live(self) -> Counter[str]:
        """Return the contents of all live assets; both folders have the same."""
        live = [asset for asset in self.account.assets.values() if not asset.trashed]
        contents = Counter(asset.versions[-1].content.decode() for asset in live)
        for site in self.sites.values():
            assert Counter(site.world.here().values()) == contents
        return contents

    def last(self) -> set[str]:
        """Return the contents over which nobody wrote."""
        return self.file.keys() - self.over.values()

    def tree(self) -> Counter[tuple[str, str]]:
        """Return the files of the first machine, without the numbers of assets."""
        here = self.sites["a"].world.here()
        return Counter(
            (path.replace(" (conflicted copy 2026-11-22 174501 DESK)", "*"), here[path]) for path in here
        )
