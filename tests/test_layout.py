"""Who may import whom, and how long a module may be."""

import ast
import sys
from collections.abc import Iterable
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "supervise"
FILES = sorted(PACKAGE.rglob("*.py"))
PROGRAMS = sorted(path for path in (PACKAGE / "programs").iterdir() if path.is_file())
MOST_LINES = 300

MAY_IMPORT = {
    "": set(),
    "programs": {"commands"},
    "commands": {"commands", "engine", "director", "log", "protocol"},
    "engine": {"engine", "core", "protocol"},
    "director": {"director", "protocol"},
    "log": {"log", "protocol"},
    "core": {"core"},
    "protocol": {"protocol"},
}
PURE = {"typing", "collections.abc", "enum"}
"""What the core may import: nothing that can touch anything."""

LATE = {
    "supervise.commands.svstat": {"supervise.commands.report"},
    "supervise.commands.svc": {"supervise.commands.svcwait"},
}
"""Imported by a function that hands over and does not come back, because it takes time."""


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in FILES}


def imports(path: Path) -> set[str]:
    """The names of all modules that are imported anywhere in the file."""
    return imports_of(ast.walk(ast.parse(path.read_text())))


def imports_of(nodes: Iterable[ast.AST]) -> set[str]:
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import"
            assert node.module is not None
            for alias in node.names:
                module = f"{node.module}.{alias.name}"
                found.add(module if module in MODULES else node.module)
    return found


def ours(names: set[str]) -> set[str]:
    return {name for name in names if name.split(".")[0] == "supervise"}


def part_of(module: str) -> str:
    """The part of supervise/ that a module is in; empty for the package itself."""
    return module.partition(".")[2].partition(".")[0]


def label(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def in_parts(*names: str) -> list[Path]:
    return [path for path in FILES if path.relative_to(PACKAGE).parts[0] in names]


@pytest.mark.parametrize("path", FILES + PROGRAMS, ids=label)
def test_imports_point_one_way(path: Path) -> None:
    part = part_of(name_of(path))
    for name in ours(imports(path)):
        assert name in MODULES, "no such module"
        assert part_of(name) in MAY_IMPORT[part], f"{part} imports {name}"


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = {name: ours(imports(path)) - LATE.get(name, set()) for name, path in MODULES.items()}
    TopologicalSorter(graph).prepare()


@pytest.mark.parametrize("path", in_parts("core"), ids=label)
def test_the_core_imports_nothing_that_can_touch_anything(path: Path) -> None:
    found = imports(path)
    assert found - ours(found) <= PURE


@pytest.mark.parametrize("path", in_parts("protocol"), ids=label)
def test_the_protocol_imports_the_standard_library_only(path: Path) -> None:
    found = {name.split(".")[0] for name in imports(path)}
    assert found <= sys.stdlib_module_names | {"supervise"}


@pytest.mark.parametrize("path", in_parts("engine", "core", "protocol"), ids=label)
def test_what_is_known_about_keepalived_is_not_here(path: Path) -> None:
    assert "keepalived" not in path.read_text().lower()


@pytest.mark.parametrize("path", FILES + PROGRAMS, ids=label)
def test_no_module_is_long(path: Path) -> None:
    assert len(path.read_text().splitlines()) < MOST_LINES


@pytest.mark.parametrize("name", LATE)
def test_what_is_imported_late_is_imported_by_a_function(name: str) -> None:
    at_once = imports_of(ast.parse(MODULES[name].read_text()).body)
    assert imports(MODULES[name]) - at_once >= LATE[name]


def test_each_manual_page_is_where_man_finds_it_beside_its_program() -> None:
    pages = {f"man{path.suffix[1:]}/{path.name}" for path in (ROOT / "docs/man").iterdir()}
    assert {f"man8/{path.name}.8" for path in PROGRAMS} <= pages
    installed = Path(sys.prefix, "share/man")
    assert pages <= {str(path.relative_to(installed)) for path in installed.glob("man?/*")}
