"""Names and texts from an account that means harm: all lands in the root, and nothing in its own folder."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from e2e_world import Clock, Machine
from hostile_account import Answer, Around, Liar, Record, Request

from fluxsync.cli import main as command_line
from fluxsync.engine.report import Result
from fluxsync.sandbox.server import Sandbox

#: File names, each with the name that it has to get on this disk; None: its own.
NAMES: dict[str, str | None] = {
    "../x": "..%2Fx",
    "/etc/x": "%2Fetc%2Fx",
    "a/../../x": "a%2F..%2F..%2Fx",
    "..": "%2E%2E",
    ".": "%2E",
    "": "title.gif",
    "line\nbreak.gif": "line%0Abreak.gif",
    "tab\t.gif": "tab%09.gif",
    "del\x7f.gif": "del%7F.gif",
    "csi\x9b31m.gif": "csi%C2%9B31m.gif",
    "line\u2028.gif": "line%E2%80%A8.gif",
    "\u202efig.exe": None,
    "zero\u200bwidth.gif": None,
    "CON.txt": None,
    "-rf": None,
    "%2F": None,
    "\\..\\x": None,
    ".fluxsync": "%2Efluxsync",
    ".FLUXSYNC": "%2EFLUXSYNC",
    ".flux\u017fync": "%2Eflux\u017fync",
    ".fluxsync/root-id": ".fluxsync%2Froot-id",
    "put-0123-4567": None,
    "Logo.gif": None,
    "logo.gif": None,
    "n\u00e9.gif": None,
    "ne\u0301.gif": None,
}
OURS = {"journal", "lock", "root-id", "tmp", "trash"}
LONG = ("a" * 300, "\u00e4" * 200 + ".gif", "\U0001f600" * 64, "x." + "y" * 300)
TAGS = (
    "../../outside",
    "/abs",
    "a//b",
    "..",
    ".",
    ".fluxsync",
    ".fluxsync/trash",
    ".fluxsync/root-id/x",
    ".FluxSync/tmp",
    "a/.fluxsync/b",
    "Clients/./x",
    "\u202ertl",
    "x/" + "y" * 300,
    "/".join("d" * 2000),
    "/".join(["deep"] * 10_000),
    "%2E%2E/x",
    "trail%2F..%2Fx",
)


def settled(machine: Machine) -> None:
    """Let the files come to rest, then make a pass that has to end in step and do nothing."""
    machine.clock.wait(10)
    machine.in_step()
    assert machine.done == []


def own_folder(machine: Machine) -> set[str]:
    control = machine.root / ".fluxsync"
    return {str(path.relative_to(control)) for path in control.rglob("*")}


def test_no_file_name_leads_out_of_the_root_or_into_our_folder(
    liar: Liar, one: Machine, around: Around
) -> None:
    liar.add(*(Record(n, name, b"%d" % n, title="title.gif") for n, name in enumerate(NAMES, 1)))
    one.in_step()
    expected = {NAMES[name] or name: b"%d" % n for n, name in enumerate(NAMES, 1)}
    assert one.tree() == expected
    assert own_folder(one) <= OURS
    around.check()
    settled(one)
    assert not [r for r in liar.log if r.method != "GET"]


def test_names_that_are_too_long_are_cut_and_kept_apart(liar: Liar, one: Machine, around: Around) -> None:
    twins = [name + end for name in LONG for end in ("1", "2")]
    liar.add(*(Record(n, name, b"%d" % n) for n, name in enumerate(twins, 1)))
    one.in_step()
    assert sorted(one.tree().values()) == sorted(b"%d" % n for n, _ in enumerate(twins, 1))
    assert max(len(os.fsencode(path)) for path in one.paths()) <= 255
    around.check()
    settled(one)


def test_no_tag_leads_out_of_the_root_or_into_our_folder(liar: Liar, one: Machine, around: Around) -> None:
    for number, name in enumerate(TAGS, 1):
        liar.tag(number, name)
        liar.add(Record(number, "f.gif", b"%d" % number, (number,)))
    one.in_step()
    assert sorted(one.tree().values()) == sorted(b"%d" % n for n, _ in enumerate(TAGS, 1))
    assert own_folder(one) <= OURS
    assert max(path.count("/") for path in one.paths()) < 250
    around.check()
    settled(one)


def test_a_folder_that_is_too_deep_is_one_folder_and_takes_files_all_the_same(
    liar: Liar, one: Machine, around: Around
) -> None:
    liar.tag(1, "/".join(["deep"] * 3000))
    liar.add(Record(5, "f.gif", b"five", (1,)))
    one.in_step()
    (path,) = one.paths()
    folder, _, _ = path.partition("/")
    assert "deep%2Fdeep" in folder
    one.write(f"{folder}/mine.gif", b"mine")
    one.clock.wait(10)
    one.in_step()
    assert [r.fields["tags"] for r in liar.asked("POST", "assets")] == ["1"]
    around.check()


def test_a_thousand_tags_at_one_asset_are_labels(liar: Liar, one: Machine) -> None:
    for number in range(1, 1001):
        liar.tag(number, f"label {number}")
    liar.add(Record(1, "f.gif", b"x", tuple(range(1, 1001))))
    one.in_step()
    assert one.paths() == ["label 1/f.gif"]


def test_a_title_that_stands_for_the_name_leads_nowhere_else(
    liar: Liar, tmp_path: Path, time_passes: Clock
) -> None:
    one = Machine(tmp_path / "machine", liar.url, time_passes, {"sync": {"rename": "title"}})
    around = Around(tmp_path, one.root)
    liar.add(Record(1, "a.gif", b"x", title="../../outside/x.gif"))
    one.in_step()
    assert one.paths() == ["..%2F..%2Foutside%2Fx.gif"]
    around.check()


def test_a_name_that_the_service_alters_is_taken_over_once_and_says_nothing_of_others(
    liar: Liar, one: Machine
) -> None:
    """An altered name once made the whole account one whose titles stand for names."""

    def underscores(request: Request) -> Answer | None:
        name = request.fields["filename"].encode()
        body = request.body.replace(name, name.replace(b" ", b"_"))
        return liar._usual(Request(request.method, request.path, request.headers, body))

    liar.lie("POST", "assets", underscores)
    liar.add(Record(1, "logo.gif", b"logo", title="Company logo.gif"))
    one.write("my file.gif", b"mine")
    one.clock.wait(10)
    reports = [notice.reason for notice in one.in_step().notices]
    assert reports == ['the service made "my_file.gif" of the file name "my file.gif"']
    one.in_step()
    assert one.tree() == {"logo.gif": b"logo", "my_file.gif": b"mine"}
    one.move("my_file.gif", "my file.gif")
    one.in_step()
    one.in_step()
    assert one.tree() == {"logo.gif": b"logo", "my_file.gif": b"mine"}
    settled(one)
    assert len(liar.asked("POST", "assets")) == 2


@pytest.mark.parametrize(
    ("patterns", "obeyed"),
    [
        ("*a" * 30 + "b\n**/" + "a/**/" * 30 + "b\n", True),
        ("[" * 200 + "\n" + "*" * 5000 + "b\n", True),
        ("x\n" * 1001, False),
        ("y" * 70_000, False),
    ],
    ids=["catastrophic", "brackets and stars", "too many", "too large"],
)
def test_ignore_files_from_the_account_cost_little_time_and_no_file(
    liar: Liar, one: Machine, around: Around, patterns: str, obeyed: bool
) -> None:
    liar.add(Record(1, ".fluxsyncignore", patterns.encode()), Record(2, "a" * 250, b"long"))
    liar.tag(1, "/".join(["a"] * 150))
    liar.add(Record(3, "c", b"deep", (1,)))
    started = time.process_time()
    one.in_step()
    one.clock.wait(10)
    report = one.once()
    assert time.process_time() - started < 10
    assert (report.result is Result.IN_STEP) == obeyed
    assert sorted(one.tree().values()) == sorted([patterns.encode(), b"long", b"deep"])
    assert not [r for r in liar.log if r.method != "GET"]
    around.check()


def test_an_ignore_file_that_hides_everything_deletes_nothing(
    liar: Liar, one: Machine, around: Around
) -> None:
    liar.add(Record(2, "mine.gif", b"mine"))
    one.in_step()
    liar.add(Record(1, ".fluxsyncignore", b"*\n"))
    one.in_step()
    one.clock.wait(10)
    one.in_step()
    assert one.read("mine.gif") == b"mine"
    assert not [r for r in liar.log if r.method != "GET"]


def test_names_here_that_no_account_can_hold_are_named_and_the_others_go_up(
    account: Sandbox, machine: Callable[..., Machine]
) -> None:
    one, two = machine("a"), machine("b")
    good = [b"-rf", b"%2F", b"x" * 255, b" lead", b"trail ", b'quo"te;.gif', b"data:a,b", b"back\\slash"]
    good += [b"\xe2\x80\xaertl", b"n\xcc\x88.gif", b"l\nf", b"t\tb"]
    bad = [b"\xff\xfe.gif", b"\xed\xa0\x80"]
    for number, name in enumerate(good + bad):
        with open(os.path.join(os.fsencode(one.root), name), "wb") as file:
            file.write(b"%d" % number)
    (one.root / os.fsdecode(b"fold\xff")).mkdir()
    one.write(os.fsdecode(b"fold\xff/x.gif"))
    one.clock.wait(10)
    report = one.once()
    assert len(report.failures) == 3
    assert all("rename it" in reason for reason in report.failures.values())
    assert report.uploaded == len(good)
    assert all(path.isprintable() or "\n" not in path for path in report.failures)
    two.in_step()
    assert sorted(two.tree().values()) == sorted(b"%d" % n for n, _ in enumerate(good))


def test_what_the_terminal_gets_holds_no_escape_sequence(
    liar: Liar, one: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = "\u202eevil\x7f\x9b2Jtail\u2066.gif"
    liar.tag(1, evil)
    liar.add(Record(1, evil, b"x", (1,)), Record(2, "bad" + evil, b"y", size=9))
    (one.root / "del\x7f\x9b2J\u202e.gif").write_bytes(b"here")
    one.clock.wait(10)
    assert one.once().result is Result.PARTIAL
    for variable, value in one.environment().items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("HOME", str(one.home))
    for command in (
        ["--once"],
        ["--once", "--dry-run"],
        ["status"],
        ["history"],
        ["explain", next(path for path in one.paths() if "evil" in path)],
    ):
        for options in ([], ["--json"], ["-v"], ["--log-format", "json"]):
            monkeypatch.setattr("sys.argv", ["fluxsync", *options, *command])
            with pytest.raises(SystemExit):
                command_line.main()
            out, err = capsys.readouterr()
            printed = out + err
            assert "fault of fluxsync" not in printed
            strange = {c for c in printed if not c.isprintable() and c != "\n"}
            assert not strange, (command, options, strange)
            assert "evil" in printed or command[0] == "--once"
