"""Tasks do exactly what was shown to a person, whatever has changed since."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from cli_world import World
from fault_proxy import Drop, FaultProxy, Reply

from fluxsync.app import App, opened
from fluxsync.engine.conflicts import Keep
from fluxsync.engine.service import Outcome, Task, Verb
from fluxsync.engine.watcher import Watcher
from fluxsync.errors import ConfigError
from fluxsync.settings import load
from fluxsync.tasks import Approve, Empty, Resolve, Restore, perform, task
from fluxsync.trash import contents

SYNC = Task(Verb.SYNC)


@pytest.fixture
def app(world: World) -> Iterator[App]:
    """A pair that lives on from task to task, as that of a service."""
    keep_journal(world)
    with opened(load(world.config, world.env)) as app:
        yield app


def keep_journal(world: World, text: str = "", **keys: str) -> None:
    world.configure(f'{text}\n[journal]\npath = "{world.home / "journal.sqlite"}"', **keys)


def do(app: App, task: Task, **how: Any) -> Outcome:
    return perform(app, task, Watcher(), **how)


def in_trash(world: World) -> set[str]:
    return {
        asset.filename
        for asset in world.sandbox.store.assets()
        if "fluxsync-trash" in {tag.name for tag in asset.tags}
    }


def trash_files(world: World, app: App, *names: str) -> None:
    for name in names:
        world.write(name, name)
    assert do(app, SYNC).code == 0
    for name in names:
        (world.root / name).unlink()
    assert do(app, SYNC).code == 0


def test_an_approval_is_of_the_rows_that_were_shown_and_of_no_others(world: World, app: App) -> None:
    """The others stay held back; what is approved does not count again."""
    names = [f"f{number:02}.txt" for number in range(30)]
    for name in names:
        world.write(name, name)
    assert do(app, SYNC).code == 0
    for name in names[:20]:
        (world.root / name).unlink()
    assert do(app, SYNC).code == 4
    shown = [row for row in app.journal.held() if row.path < "f05"]
    assert do(app, task(Approve(shown))).code == 4
    assert in_trash(world) == set(names[:5])
    assert [row.path for row in app.journal.held()] == names[5:20]


def test_only_what_was_shown_leaves_the_trash_for_good(world: World, app: App) -> None:
    """On both sides; what came into it since then stays."""
    trash_files(world, app, "a.txt", "b.txt")
    found = contents(app)
    shown = [thing.id for thing in (*found.local, *found.remote) if thing.path == "a.txt"]
    assert shown
    done = do(app, task(Empty(True, True, shown)))
    assert done.code == 0
    assert {row["path"] for row in done.document["remote"]} == {"a.txt"}  # type: ignore[attr-defined]
    assert in_trash(world) == {"b.txt"}


def test_the_trash_of_an_account_that_is_never_changed_is_not_emptied(world: World) -> None:
    """Whoever asks: the command is not the only way."""
    keep_journal(world, 'direction = "down"')
    with (
        opened(load(world.config, world.env)) as app,
        pytest.raises(ConfigError, match="never changes the account"),
    ):
        do(app, task(Empty(True, True)))


def test_a_conflict_that_is_settled_already_is_named(app: App) -> None:
    with pytest.raises(ConfigError, match=r"nothing is in conflict at a\.txt"):
        do(app, task(Resolve(["a.txt"], Keep.LOCAL)))
    with pytest.raises(ConfigError, match="nothing is in conflict at the root"):
        do(app, task(Resolve([""], Keep.LOCAL)))


def test_a_name_stands_for_itself_where_nothing_else_is_said(world: World, app: App) -> None:
    """So do those of a script; a folder is named with its slash or without."""
    trash_files(world, app, "A/a.txt", "b.txt")
    assert do(app, task(Restore(["A/", "b.txt"]))).code == 0
    assert (world.root / "A" / "a.txt").read_text() == "A/a.txt"
    assert (world.root / "b.txt").exists()


def test_what_was_restored_once_may_go_again(world: World, app: App) -> None:
    """What a person asked for holds for that task, though the pair lives on."""
    trash_files(world, app, "a.txt")
    assert do(app, task(Restore(["a.txt"]))).code == 0
    assert app.asked == frozenset()
    (world.root / "a.txt").unlink()
    assert do(app, SYNC).code == 0
    assert in_trash(world) == {"a.txt"}


def test_a_damaged_journal_is_told_once(app: App) -> None:
    app.journal.set_aside = "the journal was damaged"
    assert do(app, SYNC).told["set_aside"] == "the journal was damaged"
    assert do(app, SYNC).told["set_aside"] == ""


@pytest.mark.parametrize(("own", "given", "heeded"), [(None, 1, None), (2, None, 2), ("-", 1, 1)])
def test_whether_a_person_looks_on_is_said_by_the_task_where_it_knows(
    app: App, monkeypatch: pytest.MonkeyPatch, own: object, given: int | None, heeded: int | None
) -> None:
    heard: list[object] = []
    run = App.run

    def listen(self: App, watcher: Watcher, **how: Any) -> Any:
        heard.append(how["heed_from"])
        return run(self, watcher, **how)

    monkeypatch.setattr(App, "run", listen)
    args: dict[str, object] = {} if own == "-" else {"heed_from": own}
    do(app, Task(Verb.SYNC, args), heed_from=given)
    assert heard == [heeded]


@pytest.mark.parametrize(
    ("verb", "args"),
    [
        (Verb.APPROVE, {}),
        (Verb.APPROVE, {"rows": [{"path": 7}]}),
        (Verb.RESOLVE, {"paths": "a.txt", "keep": "both"}),
        (Verb.RESOLVE, {"paths": ["a.txt"], "keep": "neither"}),
        (Verb.RESTORE, {"names": [["a.txt"]]}),
        (Verb.RESTORE, {"names": []}),
        (Verb.RESTORE, {"since": "yesterday"}),
        (Verb.EMPTY, {"local": 1, "remote": True}),
        (Verb.EMPTY, {"local": True, "remote": True, "ids": {"a": object()}}),
    ],
)
def test_what_cannot_be_asked_is_a_mistake_and_nothing_is_done(
    world: World, app: App, verb: Verb, args: Mapping[str, object]
) -> None:
    world.write("a.txt", "a")
    with pytest.raises(ConfigError):
        do(app, Task(verb, args))
    assert world.sandbox.store.assets() == []


def test_a_task_after_a_pass_that_was_broken_off_has_its_own_patience(world: World) -> None:
    """The end of that pass is not its end: a connection that breaks is tried again."""
    with FaultProxy(world.sandbox.port) as proxy:
        keep_journal(world, url=proxy.url)
        with opened(load(world.config, world.env)) as app:
            trash_files(world, app, "a.txt")
            proxy.fault(
                "GET", r"/api/assets\.xml", Reply(200, {"Content-Type": "text/html"}, b"<html></html>")
            )
            assert do(app, SYNC).document["result"] == "unreachable"
            proxy.fault("GET", r"/api/.*", Drop())
            assert do(app, task(Restore(("a.txt",)))).code == 0
    assert (world.root / "a.txt").read_text() == "a.txt"
