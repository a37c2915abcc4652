"""Imports lead one way: no file imports one that imports it, and the library nothing of the experiments."""

import ast
import graphlib
import importlib.util
import pathlib
from collections.abc import Iterator

ROOT = pathlib.Path(__file__).parent.parent
FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for room in ("w2v_jax", "experiments")
    for path in (ROOT / room).rglob("*.py")
}


def imports(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """The imports in a file and in its functions, without those for the checker of types alone."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            yield from imports(node)


def imported(module: str) -> set[str]:
    """Which files a file imports, by the names of their modules."""
    path, names = FILES[module], set()
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in imports(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {each.name for each in node.names}
        else:
            origin = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            names |= {name if (name := f"{origin}.{each.name}") in FILES else origin for each in node.names}
    return names & FILES.keys()


def test_imports_in_functions_and_relative_ones_are_seen():
    assert "w2v_jax.convert.command" in imported("w2v_jax.convert.__main__")
    assert "experiments.vowels.flags" in imported("experiments.launch.flags")
    assert "w2v_jax.hub.cache" in imported("experiments.encoders")


def test_no_file_imports_one_that_imports_it():
    graphlib.TopologicalSorter({module: imported(module) for module in FILES}).prepare()  # its error names the circle


def test_the_library_imports_nothing_of_the_experiments():
    library = [module for module in FILES if module.startswith("w2v_jax")]
    assert not [each for module in library for each in imported(module) if each.startswith("experiments")]
