"""Imports point inward, and a third-party name appears where it belongs: walked with `ast`."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "fluxsync"
MODULES = sorted(ROOT.rglob("*.py"))


def package_of(path: Path) -> str:
    """Return the part of the house that a file is in: "core", "replica.folder", "app", ..."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    if parts[0] != "replica":
        return parts[0]
    return "replica.base" if len(parts) == 2 else f"replica.{parts[1]}"


def imports(path: Path) -> Iterator[str]:
    """Yield each imported module by its absolute name, those imported inside functions, too."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    package = ["fluxsync", *path.relative_to(ROOT).parent.parts]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *((node.module or "").split(".") if node.module else [])])
            yield module
            if module == "fluxsync":
                yield from (f"fluxsync.{alias.name}" for alias in node.names)


def house(module: str) -> str | None:
    """Return the part of the house that an imported name is in; None for what is not ours."""
    parts = module.split(".")
    if parts[0] != "fluxsync" or len(parts) == 1 or parts[1] == "__version__":
        return None
    if parts[1] != "replica":
        return parts[1]
    return "replica.base" if len(parts) == 2 or parts[2] == "base" else f"replica.{parts[2]}"


ALLOWED = {
    "core": {"core"},
    "errors": set(),
    "state": {"state", "core", "errors"},
    "replica.base": {"replica.base", "core", "errors"},
    "replica.memory": {"replica.base", "replica.memory", "core", "errors"},
    "replica.folder": {"replica.base", "replica.folder", "core", "errors"},
    "replica.fluxiom": {"replica.base", "replica.fluxiom", "core", "errors"},
    "replica.mediagraph": {"replica.base", "replica.mediagraph", "core", "errors"},
    "engine": {"engine", "replica.base", "state", "core", "errors"},
    "web": {"web", "engine", "core", "errors", "logs"},
    "sandbox": {"sandbox"},
}


@pytest.mark.parametrize(
    "path", [p for p in MODULES if package_of(p) in ALLOWED], ids=lambda p: str(p.relative_to(ROOT))
)
def test_imports_point_inward(path: Path) -> None:
    package = package_of(path)
    for module in imports(path):
        part = house(module)
        assert part is None or part in ALLOWED[package], f"{package} imports {module}"


@pytest.mark.parametrize(
    "path",
    [p for p in MODULES if package_of(p) not in ("sandbox", "cli")],
    ids=lambda p: str(p.relative_to(ROOT)),
)
def test_nothing_but_the_command_line_imports_the_sandbox(path: Path) -> None:
    assert not [module for module in imports(path) if house(module) == "sandbox"]


@pytest.mark.parametrize(
    "path", [p for p in MODULES if package_of(p) == "core"], ids=lambda p: str(p.relative_to(ROOT))
)
def test_the_core_is_pure(path: Path) -> None:
    """It touches no disk, network, clock, log, chance or database, and needs only the standard library."""
    impure = {"os", "pathlib", "time", "logging", "sqlite3", "random", "socket", "subprocess", "threading"}
    impure |= {"datetime", "io", "shutil", "tempfile", "uuid", "secrets"}
    for module in imports(path):
        top = module.split(".")[0]
        assert top == "fluxsync" or (top in sys.stdlib_module_names and top not in impure), module
    names = {node.id for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Name)}
    assert not names & {"open", "print", "input"}


HOMES = {
    "httpx": (
        "replica/fluxiom/client.py",
        "replica/fluxiom/connections.py",
        "replica/fluxiom/download.py",
        "replica/fluxiom/line.py",
        "replica/mediagraph/client.py",
        "replica/mediagraph/signed_upload.py",
    ),
    "watchdog": ("replica/folder/watch_linux.py", "replica/folder/watch_macos.py"),
    "sqlite_utils": ("state/", "sandbox/"),
    "sqlite3": ("state/", "sandbox/"),
    "pydantic": ("settings.py",),
    "pydantic_settings": ("settings.py",),
    "flask": ("web/", "sandbox/"),
    "waitress": ("web/", "sandbox/"),
    "werkzeug": ("web/", "sandbox/"),
    "prometheus_client": ("web/metrics.py",),
}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_third_party_name_appears_in_one_place(path: Path) -> None:
    place = path.relative_to(ROOT).as_posix()
    for module in imports(path):
        homes = HOMES.get(module.split(".")[0])
        assert homes is None or place.startswith(homes), f"{place} imports {module}"
