"""Answers that lie about sizes, never end, lead elsewhere or are none: bounded, and nothing is lost."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from e2e_world import Machine
from hostile_account import Answer, Around, Liar, Record, Request, forever, redirect

from fluxsync.engine.report import Result
from fluxsync.replica.fluxiom import listing
from fluxsync.replica.fluxiom.comment import build

DOWNLOAD = r"/assets/download/"
LIST = r"/assets\.xml\?"
SECRET = "c4nary-s3cret"


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def staged(machine: Machine) -> list[str]:
    return os.listdir(machine.root / ".fluxsync" / "tmp")


RAW = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        Answer(forever(b"x" * 65536)),
        Answer(b"hel"),
        Answer(b"hello, hello"),
        Answer(b"hel", length=5),
        Answer(b"hello", length=10**15),
        Answer(b"hello", length="-5"),
        Answer(b"hello", length="9" * 5000),
        Answer(gzip.compress(b"hello"), headers={"Content-Encoding": "gzip"}),
        Answer(raw=RAW + b"Content-Length: 5\r\nContent-Length: 7\r\n\r\nhello"),
        Answer(raw=RAW + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n"),
        Answer(raw=b"\x00\x1b[2J garbage\r\n\r\n"),
        Answer(raw=b"HTTP/1.1 999 \xff\r\nContent-Length: 0\r\n\r\n"),
        Answer(raw=RAW + b"X: " + b"y" * 200_000),
        redirect("/api/assets/download/1"),
        redirect("http://[::1"),
        redirect("http://127.0.0.1:99999/"),
        redirect("http://127.0.0.1:1/\x7f\x01"),
        redirect("http://..../"),
        redirect(f"http://{'a' * 64}.example/"),
        redirect("http://xn--\u00fc.example/"),
        redirect(f"http://127.0.0.1:1/{'a' * 70_000}"),
        redirect("file:///etc/passwd"),
        redirect("javascript:alert(1)"),
        redirect(""),
        redirect("/x", status=304),
    ],
    ids=[
        "without an end", "short", "long", "cut off", "announced as huge", "negative length", "many digits",
        "packed", "two lengths", "broken chunks", "not HTTP", "status 999", "endless header", "to itself",
        "to half an address", "to no port", "with control characters", "to dots", "to a long label",
        "to no such letters", "to a long path", "to a file", "to a script", "to nowhere", "304",
    ],
)  # fmt: skip
def test_a_download_that_is_not_what_the_list_says_fails_alone(
    liar: Liar, one: Machine, around: Around, answer: Answer
) -> None:
    liar.add(Record(1, "bad.gif"), Record(2, "good.gif", b"good"))
    liar.lie("GET", rf"{DOWNLOAD}1$", answer)
    report = one.once()
    assert report.result is Result.PARTIAL
    assert list(report.failures) == ["bad.gif"]
    assert one.tree() == {"good.gif": b"good"}
    assert (staged(one), one.trash()) == ([], {})
    assert all(c.isprintable() for c in report.failures["bad.gif"])
    around.check()
    liar.honest()
    one.in_step()
    assert one.read("bad.gif") == b"hello"


def test_a_new_version_that_does_not_come_whole_leaves_the_old_file(liar: Liar, one: Machine) -> None:
    liar.add(Record(1, "a.gif", b"old"))
    one.in_step()
    for answer in (Answer(forever(b"x" * 65536)), Answer(b"ne"), Answer(b"new", length=10)):
        liar.add(Record(1, "a.gif", b"new content", version=1))
        liar.lie("GET", DOWNLOAD, answer)
        assert list(one.once().failures) == ["a.gif"]
        assert (one.read("a.gif"), one.trash()) == (b"old", {})


def test_content_that_is_not_what_its_comment_names_is_not_taken(liar: Liar, one: Machine) -> None:
    note = build("desk-ab12", digest(b"right"), 0)
    liar.add(Record(1, "a.gif", b"wrong", version=1, comments=(note,)))
    one.in_step()  # nothing is known of it here, so nobody asks for its versions
    liar.add(Record(1, "a.gif", b"wrung", version=2, comments=(note, note)))
    report = one.once()
    assert "other bytes" in report.failures["a.gif"]
    assert one.read("a.gif") == b"wrong"


def test_a_forged_comment_brings_what_this_machine_has_and_sends_nothing(liar: Liar, one: Machine) -> None:
    """The worst that a lie in a comment does: a file here whose bytes are others than the account's."""
    liar.add(Record(1, "a.gif", b"first"), Record(2, "b.gif", b"local"))
    one.in_step()
    note = build("desk-ab12", digest(b"local"), 0)
    liar.add(Record(1, "a.gif", b"other", version=1, comments=(note,)))
    one.in_step()
    assert one.tree() == {"a.gif": b"local", "b.gif": b"local"}
    assert one.trash() == {"a.gif": [b"first"]}
    liar.add(Record(1, "a.gif", b"other size", version=2, comments=(note, note)))
    one.once()
    assert one.read("a.gif") in (b"local", b"other size")
    assert {r.method for r in liar.log} == {"GET"}


def test_a_forged_over_makes_a_conflict_copy_and_loses_nothing(liar: Liar, one: Machine) -> None:
    one.write("a.gif", b"mine")
    one.clock.wait(10)
    one.in_step()
    (number,) = liar.records
    note = build("desk-ab12", digest(b"more"), 0)
    liar.add(Record(number, "a.gif", b"more", version=5, comments=("", "", "", "", note)))
    one.once()
    one.clock.wait(10)
    one.once()
    contents = [*one.tree().values(), *(c for held in one.trash().values() for c in held)]
    assert {b"mine", b"more"} <= set(contents)


@pytest.mark.parametrize("size", [10**12, 10**17, 10**18 - 1])
def test_a_size_that_no_disk_holds_is_not_begun(liar: Liar, one: Machine, size: int) -> None:
    liar.add(Record(1, "bad.gif", size=size), Record(2, "good.gif", b"good"))
    assert list(one.once().failures) == ["bad.gif"]
    assert one.paths() == ["good.gif"]
    assert not liar.asked("GET", rf"{DOWNLOAD}1")


@pytest.mark.parametrize(
    "record",
    [
        Record("-1"), Record("0"), Record(""), Record("1" * 30), Record("\u0661"), Record("1 2"),
        Record(2, size="-1"), Record(2, size="ten"), Record(2, size="1e3"), Record(2, version="-1"),
        Record(2, version="1_0"), Record(2, size="9" * 400),
    ],
    ids=lambda r: f"{r.id!a:.9}-{r.size!s:.9}-{r.version}",
)  # fmt: skip
def test_a_record_that_cannot_be_true_makes_the_list_none(liar: Liar, one: Machine, record: Record) -> None:
    liar.add(Record(1, "a.gif"))
    one.in_step()
    liar.records[2] = record
    report = one.once()
    assert (report.result, one.tree()) == (Result.UNREACHABLE, {"a.gif": b"hello"})
    assert {r.method for r in liar.log} == {"GET"}


@pytest.mark.parametrize(
    "when", ["99999-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1e400", "0001-01-01", "|@|", "\u202e"]
)
def test_times_that_no_clock_shows_are_no_times(liar: Liar, one: Machine, when: str) -> None:
    liar.add(Record(1, "a.gif", created=when, updated=when))
    one.in_step()
    assert one.path("a.gif").stat().st_mtime < 7_300_000_000
    one.clock.wait(10)
    one.in_step()
    assert one.done == []


def test_one_id_with_two_faces_is_one_asset(liar: Liar, one: Machine, around: Around) -> None:
    liar.tag(1, "A")
    liar.tag(2, "B")
    liar.records = {
        "1": Record(1, "a.gif", b"hello", (1,)),
        "one": Record(1, "b.gif", b"hello", (2,)),
        1: Record(1, "b.gif", b"hello", (2,)),
    }
    one.in_step()
    assert one.paths() == ["B/b.gif"]
    around.check()


def page_of(number: int) -> bytes:
    first = number * 1000
    return b"<documents>" + b"".join(Record(first + n).xml({}) for n in range(100)) + b"</documents>"


def test_pages_that_never_end_do(liar: Liar, one: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MOST_ASSETS", 3000)
    liar.lie("GET", LIST, lambda r: Answer(page_of(int(r.path.rpartition("=")[2]))))
    report = one.once()
    assert (report.result, one.paths()) == (Result.UNREACHABLE, [])
    assert "no end" in report.message
    assert len(liar.asked("GET", LIST)) < 60


BOMB = (
    b'<!DOCTYPE d [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><documents>&b;</documents>'
)
EXTERNAL = b'<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><documents>&x;</documents>'


@pytest.mark.parametrize(
    "answer",
    [
        Answer(forever(b"<documents><asset>" * 4000)),
        Answer(forever(gzip.compress(bytes(1 << 24)) * 1000), headers={"Content-Encoding": "gzip"}),
        Answer(gzip.compress(b"<documents>" + b" " * (1 << 26)), headers={"Content-Encoding": "gzip"}),
        Answer(gzip.compress(gzip.compress(bytes(1 << 26))), headers={"Content-Encoding": "gzip, gzip"}),
        Answer(gzip.compress(b"<documents/>")[:-9], headers={"Content-Encoding": "gzip"}),
        Answer(b"<documents/>", headers={"Content-Encoding": "gzip"}),
        Answer(b"<documents/>", headers={"Content-Encoding": "br"}),
        Answer(b"<documents>" + b"<a/>" * 3_000_000 + b"</documents>"),
        Answer(b"<documents>" + b"<a>" * 100_000),
        Answer(BOMB),
        Answer(EXTERNAL),
        Answer(EXTERNAL.decode().encode("utf-16")),
        Answer(b'<?xml version="1.0" encoding="utf-7"?>+ADw-documents/+AD4-'),
        Answer(b"<documents><asset><filename>\xff\xfe</filename></asset></documents>"),
        Answer(json.dumps([{"id": 1}]).encode(), headers={"Content-Type": "application/json"}),
        Answer(b"<tags/>"),
        Answer(b"<documents><asset><id>1</id></asset></documents>"),
        Answer(b""),
        Answer(b"<html><form action=login>"),
        Answer(forever(b"<" * 65536), status=500),
        Answer(b"", status=204),
        Answer(b"<documents>", status=206),
        redirect("http://127.0.0.1:1/"),
    ],
    ids=[
        "endless", "packed bomb", "packed blanks", "packed twice", "packed and cut", "not packed", "odd pack",
        "many elements", "deep", "entities", "external entity", "UTF-16", "UTF-7", "invalid UTF-8", "JSON",
        "another list", "half a record", "nothing", "login page", "endless refusal", "204", "206", "redirect",
    ],
)  # fmt: skip
def test_a_list_that_is_none_deletes_nothing_and_fits_in_memory(
    liar: Liar, one: Machine, around: Around, answer: Answer
) -> None:
    liar.add(Record(1, "a.gif"), Record(2, "b.gif"))
    one.in_step()
    one.write("mine.gif", b"mine")
    liar.lie("GET", LIST, answer)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    report = one.once()
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert report.result is Result.UNREACHABLE
    assert grown < 700_000  # kB
    assert one.paths() == ["a.gif", "b.gif", "mine.gif"]
    assert {r.method for r in liar.log} == {"GET"}
    assert "passwd" not in report.message
    assert "root:" not in report.message
    around.check()


def test_a_create_that_answers_with_the_id_of_another_asset_takes_nothing_over(
    liar: Liar, one: Machine, around: Around
) -> None:
    liar.add(Record(1, "a.gif", b"hello"))
    one.in_step()
    one.write("mine.gif", b"mine!")
    one.clock.wait(10)
    liar.lie("POST", "assets", Answer(Record(1, "mine.gif", b"mine!").xml({})))
    one.once()
    liar.honest()
    one.clock.wait(10)
    one.once()
    one.clock.wait(10)
    one.once()
    assert {b"hello", b"mine!"} <= {*one.tree().values(), *(c for k in one.trash().values() for c in k)}
    around.check()


def test_no_password_goes_along_to_another_host_and_nothing_that_it_asks_for(
    liar: Liar, one: Machine, around: Around
) -> None:
    """Another port is another origin; nothing but a GET without credentials and cookies goes there."""
    one.set("remote", password=SECRET)
    liar.add(Record(1, "a.gif"), Record(2, "b.gif"), Record(3, "c.gif"))
    with Liar() as other:
        other.lie("GET", "/here", Answer(b"hello", headers={"Set-Cookie": "a=b; Domain=127.0.0.1"}))
        other.lie("GET", "/ask", Answer(b"", 401, {"WWW-Authenticate": 'Basic realm="give"'}))
        other.lie("GET", "/busy", Answer(b"", 503, {"Retry-After": "86400", "Date": "nonsense"}))
        targets = {"1": "/here", "2": "/ask", "3": "/busy"}
        cookie = {"Set-Cookie": "session=1; Path=/"}

        def away(request: Request) -> Answer:
            location = other.url + targets[request.path.rpartition("/")[2]]
            return Answer(b"", 302, {"Location": location, **cookie})

        liar.lie("GET", DOWNLOAD, away)
        report = one.once()
        assert report.result is Result.PARTIAL
        assert sorted(report.failures) == ["b.gif", "c.gif"]
        assert one.tree() == {"a.gif": b"hello"}
        assert {(r.method, r.path) for r in other.log} == {("GET", path) for path in targets.values()}
        for request in other.log:
            assert not {"authorization", "cookie"} & {name.lower() for name in request.headers}
            assert SECRET not in str(request.headers)
    assert not [r for r in liar.log if "Cookie" in r.headers]
    around.check()


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_no_other_request_is_followed_elsewhere(liar: Liar, one: Machine, method: str) -> None:
    with Liar() as other:
        liar.add(Record(1, "a.gif"))
        liar.tag(1, "A")
        one.in_step()
        (one.root / "A").mkdir(exist_ok=True)
        one.move("a.gif", "A/a.gif")
        one.write("new.gif", b"new")
        one.clock.wait(10)
        for status in (301, 307):
            liar.lie(method, "assets|tags", redirect(f"{other.url}/x", status))
            assert one.once().result in (Result.UNREACHABLE, Result.PARTIAL)
        assert other.log == []


@pytest.mark.parametrize(
    "after",
    [
        "-5",
        "9" * 300,
        "1e400",
        "soon",
        "Sun, 99 Nov 99999 99:99:99 GMT",
        "\xff",
        "Thu, 01 Jan 1970 00:00:00 GMT",
    ],
)
def test_a_retry_after_that_is_nonsense_neither_stops_nor_hurries(
    liar: Liar, one: Machine, after: str
) -> None:
    liar.add(Record(1, "a.gif"))
    liar.lie("GET", LIST, Answer(b"", 429, {"Retry-After": after}))
    assert one.once().result is Result.UNREACHABLE
    assert len(liar.asked("GET", LIST)) < 20
    liar.honest()
    one.in_step()


def test_a_service_that_repeats_what_it_was_sent_does_not_make_us_say_it(liar: Liar, one: Machine) -> None:
    one.set("remote", password=SECRET)
    one.write("a.gif", b"x")
    one.clock.wait(10)

    def echo(request: Request) -> Answer:
        return Answer(f"<p>{request.headers} {SECRET}</p>".encode(), 422)

    liar.lie("POST", "assets", echo)
    token = liar.log[0].headers["Authorization"].split()[1] if one.once() else ""
    report = one.once()
    said = f"{report.failures} {report.message} {report.notices}"
    assert "***" in said
    assert SECRET not in said
    assert token
    assert token not in said
    for file in one.home.rglob("*"):
        if file.is_file():
            assert SECRET.encode() not in file.read_bytes()
            assert token.encode() not in file.read_bytes()


def test_the_program_itself_ends_with_a_word_and_no_traceback(
    liar: Liar, one: Machine, around: Around, tmp_path: Path
) -> None:
    liar.tag(1, "../../outside")
    liar.add(Record(1, "../x", b"one", (1,)), Record(2, "/etc/x", b"two"), Record(3, "c.gif", size=10**6))
    liar.lie("GET", rf"{DOWNLOAD}3", Answer(forever(b"x" * 65536)))
    env = {k: v for k, v in os.environ.items() if not k.startswith(("FLUXSYNC_", "XDG_"))}
    done = subprocess.run(
        [sys.executable, "-m", "fluxsync.cli.main", "--once"],
        env=env | one.environment() | {"HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "\nc.gif: " in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert one.tree() == {"%2Fetc%2Fx": b"two", "..%2F..%2Foutside/..%2Fx": b"one"}
    around.check()
