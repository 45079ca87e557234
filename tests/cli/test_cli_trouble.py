"""The program in trouble: what it says, how it exits, what it leaves alone."""

from __future__ import annotations

import json
import os
import signal

import pytest
from cli_world import World, messages
from fault_proxy import FaultProxy, Reply


def test_a_file_that_keeps_failing_is_put_aside_with_its_next_try(world: World) -> None:
    """Nobody at a terminal: three passes try, then its pauses hold. Status and explain show until when."""
    with FaultProxy(world.sandbox.port) as proxy:
        world.configure(url=proxy.url)
        world.write("bad.txt", "bad")
        tried = proxy.fault("POST", r"/api/assets\.xml", Reply(422, body=b"unwanted"), times=None)
        for expected in (1, 2, 3):
            done = world.run("--once")
            assert (done.returncode, tried()) == (1, expected), done.stderr
        (line,) = messages(done.stderr)
        assert line.startswith("bad.txt: the service refused to upload")
        assert "; put aside after 3 tries until " in line

        (failure,) = world.document("--once")["failures"]
        assert (failure["path"], failure["tries"], tried()) == ("bad.txt", 3, 3)
        assert "unwanted" in failure["reason"]
        (failing,) = world.document("status")["failing"]
        assert (failing["tries"], failing["next_try"]) == (3, failure["next_try"])
        assert "put aside after 3 tries" in world.run("explain", "bad.txt").stdout

        world.write("bad.txt", "changed")
        world.run("--once")
        assert tried() == 4


@pytest.mark.slow
def test_a_person_at_a_terminal_gets_a_try_of_everything(world: World) -> None:
    with FaultProxy(world.sandbox.port) as proxy:
        world.configure(url=proxy.url)
        world.write("bad.txt", "bad")
        tried = proxy.fault("POST", r"/api/assets\.xml", Reply(422), times=None)
        for _ in range(3):
            world.run("--once")
        terminal, other = os.openpty()
        try:
            world.run("--once", stdin=other)
            assert tried() == 4
            proxy.heal()
            assert world.run("--once", stdin=other).returncode == 0
        finally:
            os.close(terminal)
            os.close(other)
    assert world.document("status")["failing"] == []


@pytest.mark.parametrize("arguments", [("--once",), ("--once", "--json"), ("--help",)])
def test_an_output_without_room_is_one_line(world: World, arguments: tuple[str, ...]) -> None:
    """Not a fault of fluxsync; what the pass did stays done."""
    world.write("a.txt", "a")
    done = world.run(*arguments, before=("sh", "-c", 'exec "$@" >/dev/full', "sh"))
    assert done.returncode == 1
    (line,) = messages(done.stderr)
    assert line.startswith("fluxsync: the output cannot be written: No space left on device")
    if "--once" in arguments:
        assert len(world.sandbox.store.assets()) == 1


@pytest.mark.slow
@pytest.mark.parametrize("gone", [">&- 2>&-", "2>/dev/full"])
def test_a_pass_needs_nobody_who_listens(world: World, gone: str) -> None:
    world.write("a.txt", "a")
    assert world.run("--once", before=("sh", "-c", f'exec "$@" {gone}', "sh")).returncode == 0
    assert len(world.sandbox.store.assets()) == 1


def test_an_interrupt_does_not_wait_for_a_huge_file(world: World) -> None:
    """Reading it would take the better part of a minute; the document says what was done."""
    with open(world.root / "huge.psd", "wb") as file:
        file.truncate(60 << 30)
    with world.start("--once", "--json", "--log-format", "json") as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "looking at both sides" in line:
                break
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert messages(err)[-1] == "fluxsync: interrupted: the next run continues"
    document = json.loads(out)
    assert (document["result"], document["uploaded"]) == ("partial", 0)
    assert document["message"] == "interrupted: the next run continues"


def test_wrong_usage_prints_no_document(world: World) -> None:
    world.configure(color="red")
    done = world.run("--once", "--json")
    assert (done.returncode, done.stdout) == (2, "")
