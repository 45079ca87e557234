"""The program in trouble: what it says, how it exits, what it leaves alone."""

from __future__ import annotations

import os

from cli_world import World, messages
from fault_proxy import FaultProxy, Reply


def test_a_file_that_keeps_failing_is_put_aside_with_its_next_try(world: World) -> None:
    """Nobody at a terminal: three passes try, then its pauses hold. Status and explain show until when."""
    with FaultProxy(world.sandbox.port) as proxy:
        world.configure(url=proxy.url)
        world.write("bad.txt", "bad")
        tried = proxy.fault("POST", r"/api/assets\.xml", Reply(422, body=b"unwanted"), times=None)
        for expected in (1, 2, 3, 3):
            done = world.run("--once")
            assert (done.returncode, tried()) == (1, expected), done.stderr
        (line,) = messages(done.stderr)
        assert line.startswith("bad.txt: the service refused to upload")
        assert "; put aside after 3 tries until " in line

        document = world.document("--once")
        (failure,) = document["failures"]
        assert (failure["path"], failure["tries"]) == ("bad.txt", 3)
        assert "unwanted" in failure["reason"]
        (failing,) = world.document("status")["failing"]
        assert (failing["tries"], failing["next_try"]) == (3, failure["next_try"])
        assert "put aside after 3 tries" in world.run("status").stdout
        assert world.document("explain", "bad.txt")["put_aside"]["next_try"] == failure["next_try"]
        assert "put aside after 3 tries" in world.run("explain", "bad.txt").stdout

        world.write("bad.txt", "changed")
        world.run("--once")
        assert tried() == 4


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
