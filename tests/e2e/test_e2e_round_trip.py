"""A real tree goes up, comes down identical elsewhere, and stays identical whatever people do to it."""

from __future__ import annotations

import random
import re
import sysconfig
import unicodedata
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import pytest
from e2e_world import Machine, counted, differences, live, settle, tag_names, tags_of
from PIL import Image

from fluxsync.engine.report import Result
from fluxsync.sandbox.server import Sandbox

pytestmark = pytest.mark.slow

MachineFactory = Callable[..., Machine]

NFC = unicodedata.normalize("NFC", "Entwürfe/Plakat für Zürich.txt")
LONG = "l" * 246 + ".txt"
ODD_NAMES = (
    NFC,
    "Smith, Jane/one, two.txt",
    "100% sure.txt",
    "Smith%2C Jane/literal.txt",
    "%2C/%2C.txt",
    "%252C/50%25.txt",
    "2024/2024",
    "2024/07/1.txt",
    "101/a.txt",
    " leading/ x.txt",
    "trailing /x .txt",
    "two  blanks/a  b.txt",
    "🎨/🖼️ final 😀.txt",
    "日本語/デザイン.txt",
    f"long/{LONG}",
    'quotes "and" <angles> & ampersands/"x" & <y>.txt',
    "semi;colon/a;b=c.txt",
    "back\\slash/a\\b.txt",
    "UPPER/upper.TXT",
    "no-extension/README",
    ".hidden/.hidden",
    "dots.in.folder/a.b.c.tar.gz",
    "ends with dot./x.",
    "+plus/a+b.txt",
    "#hash/a#b.txt",
    "question?/what?.txt",
    "colon:/a:b.txt",
    "empty files/empty.txt",
    "empty files/also empty",
    "/".join(f"level {n}" for n in range(1, 13)) + "/deep.txt",
)


def standard_library(most: int) -> Iterator[tuple[str, bytes]]:
    """Yield real sources with their paths."""
    top = Path(sysconfig.get_paths()["stdlib"])
    packages = ("asyncio", "collections", "concurrent", "ctypes", "distutils", "email", "encodings", "html")
    packages += ("http", "importlib", "json", "logging", "multiprocessing", "sqlite3", "unittest", "xml")
    files = [path for name in packages for path in sorted((top / name).rglob("*.py"))]
    files += sorted(top.glob("*.py"))
    files += sorted(top.glob("*.txt"))
    for path in files[:most]:
        yield f"python/{path.relative_to(top)}", path.read_bytes()


def picture(number: int) -> bytes:
    target = BytesIO()
    kind = ("PNG", "JPEG", "GIF")[number % 3]
    image = Image.new("RGB", (16 + number, 24), (number * 5 % 256, number * 11 % 256, number * 17 % 256))
    image.save(target, kind)
    return target.getvalue()


def fill(machine: Machine, sources: int) -> None:
    for path, content in standard_library(sources):
        machine.write(path, content)
    for number in range(30):
        extension = ("png", "jpg", "gif")[number % 3]
        machine.write(f"Clients/Acme/Logos/logo {number}.{extension}", picture(number))
    for path in ODD_NAMES:
        machine.write(path, b"" if "empty" in path else f"content of {path}")


def test_a_real_tree_comes_down_identical_on_a_machine_that_has_never_seen_it(
    machine: MachineFactory, account: Sandbox
) -> None:
    a, b = machine("a"), machine("b")
    fill(a, 480)
    files = len(a.paths())
    assert files >= 500
    assert a.in_step().uploaded == files
    assert len(account.store.assets()) == files
    assert b.in_step().downloaded == files
    assert differences(a, b) == ""
    for one in (a, b):
        report = one.in_step()
        assert counted(report) == {}
        assert report.unchanged == files


def test_a_decomposed_name_is_composed_on_the_account_and_kept_on_its_own_disk(
    machine: MachineFactory, account: Sandbox
) -> None:
    a, b = machine("a"), machine("b")
    decomposed = unicodedata.normalize("NFD", NFC)
    assert decomposed != NFC
    a.write(decomposed, "ü")
    assert a.in_step().uploaded == 1
    assert set(live(account)) == {NFC.split("/")[1]}
    assert tag_names(account) == {NFC.split("/")[0]}
    b.in_step()
    assert b.tree() == {NFC: "ü".encode()}
    settle(a, b)
    assert a.paths() == [decomposed]


def test_every_odd_name_is_one_tag_and_one_file_name(machine: MachineFactory, account: Sandbox) -> None:
    a = machine("a")
    for path in ODD_NAMES:
        a.write(path, path)
    a.in_step()
    by_content = {account.store.content(asset.id).decode(): asset for asset in account.store.assets()}
    assert set(by_content) == set(ODD_NAMES)
    for path, asset in by_content.items():
        folder, _, name = path.rpartition("/")
        assert asset.filename == name
        assert len(tags_of(asset)) == (1 if folder else 0), path


class Person:
    """Somebody who works on one machine and never touches what a colleague has touched in this round."""

    def __init__(self, machine: Machine, chance: random.Random, name: str) -> None:
        self.machine = machine
        self.chance = chance
        self.name = name
        self.made = 0
        #: Contents that this person knowingly wrote over.
        self.overwritten: set[bytes] = set()

    def work(self, times: int, untouched: list[str]) -> None:
        """Do things to files, using up the list of those that nobody has touched."""
        for _ in range(times):
            action = self.chance.choice((self.edit, self.move, self.rename, self.delete, self.new))
            action(untouched)
        self._tidy()

    def _tidy(self) -> None:
        """Take away the folders that are empty now, as people do; else they stay on this machine alone."""
        for folder in sorted(self.machine.folders(), reverse=True):
            if not any(self.machine.path(folder).iterdir()):
                self.machine.path(folder).rmdir()

    def _take(self, untouched: list[str]) -> str:
        return untouched.pop(self.chance.randrange(len(untouched)))

    def _fresh(self) -> str:
        self.made += 1
        return f"{self.name} {self.made}"

    def edit(self, untouched: list[str]) -> None:
        path = self._take(untouched)
        content = self.machine.read(path)
        self.overwritten.add(content)
        self.machine.write(path, content + f"\n# {self._fresh()}".encode())

    def move(self, untouched: list[str]) -> None:
        path = self._take(untouched)
        folder = self.chance.choice(("Moved/here", "Moved/there", "", "Moved/new " + self._fresh()))
        name = f"{self._fresh()} {path.rpartition('/')[2]}"[-80:]
        self.machine.move(path, f"{folder}/{name}" if folder else name)

    def rename(self, untouched: list[str]) -> None:
        path = self._take(untouched)
        folder, _, _ = path.rpartition("/")
        name = f"renamed {self._fresh()}.txt"
        self.machine.move(path, f"{folder}/{name}" if folder else name)

    def delete(self, untouched: list[str]) -> None:
        self.machine.remove(self._take(untouched))

    def new(self, untouched: list[str]) -> None:
        self.machine.write(f"New/{self._fresh()}.txt", self._fresh())


def whole_folders(person: Person, round_number: int) -> list[str]:
    """Rename one folder and remove another; returns nothing of what they held."""
    machine = person.machine
    renamed = {1: "python/email", 2: "Clients/Acme", 3: "python/http", 4: "level 1/level 2"}[round_number]
    removed = {1: "python/html", 2: "python/json", 3: "python/logging", 4: "Smith, Jane"}[round_number]
    touched = [p for p in machine.paths() if p.startswith((f"{renamed}/", f"{removed}/"))]
    if machine.path(renamed).exists():
        machine.move(renamed, f"{renamed} (renamed {round_number})")
    if machine.path(removed).exists():
        machine.remove(removed)
    return touched


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 9))])
def test_whatever_two_people_do_in_turn_both_folders_end_identical(
    machine: MachineFactory, account: Sandbox, seed: int
) -> None:
    """Edits, moves, renames, deletions, new files, whole folders renamed and removed; no conflict is real."""
    chance = random.Random(seed)
    limits = {"max_delete": "100%", "max_move": "100%", "max_edit": "100%"}
    a, b = machine("a", safety=limits), machine("b", safety=limits)
    fill(a, 120)
    settle(a, b)
    people = [Person(a, chance, "Ada"), Person(b, chance, "Bob")]
    for round_number in range(1, 5):
        untouched = a.paths()
        acting = people[round_number % 2]
        touched = set(whole_folders(acting, round_number))
        untouched = [path for path in untouched if path not in touched]
        for person in people:
            person.work(12, untouched)
        contents = sorted([*a.tree().values(), *b.tree().values()])
        assert a.in_step().conflicts == 0
        assert b.in_step().conflicts == 0
        settle(a, b)
        assert differences(a, b) == "", f"round {round_number}"
        assert "conflicted copy" not in " ".join(a.paths())
        assert set(a.tree().values()) <= set(contents)
    c = machine("c")
    c.in_step()
    assert differences(a, c) == ""
    assert len(live_ids(account)) == len(a.paths())


def shown(machine: Machine) -> list[tuple[str, bytes]]:
    """Return all files, without the ids that tell two assets of one name apart: each disk gives its own."""
    return sorted((re.sub(r" \(\d{5}\)", "", path), content) for path, content in machine.tree().items())


def live_ids(account: Sandbox) -> list[int]:
    return [a.id for a in account.store.assets() if "fluxsync-trash" not in tags_of(a)]


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 9))])
def test_machines_that_sync_at_the_same_time_lose_nothing_and_agree_in_the_end(
    machine: MachineFactory, account: Sandbox, seed: int
) -> None:
    """Three people touch whatever they like while all three machines make their passes at once."""
    chance = random.Random(seed)
    limits = {"max_delete": "100%", "max_move": "100%", "max_edit": "100%"}
    machines = [machine(name, safety=limits) for name in "abc"]
    for number in range(30):
        machines[0].write(f"F{number % 4}/{number}.txt", f"content {number}")
    settle(*machines)
    people = [Person(one, chance, name) for one, name in zip(machines, ("Ada", "Bob", "Cy"), strict=True)]
    saved: set[bytes] = set()
    for _ in range(3):
        for person in people:
            before = set(person.machine.tree().values())
            for _ in range(5):
                chance.choice((person.edit, person.edit, person.move, person.rename, person.new))(
                    person.machine.paths()
                )
            saved |= set(person.machine.tree().values()) - before
        with ThreadPoolExecutor(3) as pool:
            reports = list(pool.map(Machine.once, machines))
        assert {report.result for report in reports} <= {Result.IN_STEP, Result.PARTIAL}
    settle(*machines, rounds=10)
    # Not the folders: one that a person emptied stays on that machine, though it has no tag.
    for one in machines[1:]:
        assert shown(one) == shown(machines[0])
    held = set(machines[0].tree().values())
    for one in machines:
        held |= {content for contents in one.trash().values() for content in contents}
    for asset in account.store.assets():
        held.add(account.store.content(asset.id))
    assert saved - set().union(*(person.overwritten for person in people)) <= held
    assert len(live_ids(account)) == len(machines[0].paths())


def test_only_what_both_people_edited_is_a_conflict(machine: MachineFactory) -> None:
    a, b = machine("a"), machine("b")
    fill(a, 40)
    settle(a, b)
    a.write("python/asyncio/base_events.py", "Ada was here")
    b.write("python/asyncio/base_events.py", "Bob was here")
    b.write("100% sure.txt", "only Bob")
    a.in_step()
    assert b.in_step().conflicts == 1
    settle(a, b)
    assert differences(a, b) == ""
    copies = [path for path in a.paths() if "conflicted copy" in path]
    assert len(copies) == 1
    assert {a.read("python/asyncio/base_events.py"), a.read(copies[0])} == {b"Ada was here", b"Bob was here"}
