"""The experiments that come with w2v_jax, and what each says of itself in its record.

What help needs is read from the source, without running it and so without JAX; `records` imports.
"""

import ast
import dataclasses
import functools
import pathlib

# Modules, in the order of the page.
EXPERIMENTS = ("temporal", "f0", "formants", "amplitude", "diphthongs", "claims", "emergence", "recordings")
RECORD = "EXPERIMENT"  # what a module calls its record


@dataclasses.dataclass(frozen=True)
class Said:
    """What help needs of an experiment; see `experiment.Experiment`."""

    name: str
    title: str
    question: str
    options: tuple[str, ...] = ()
    asks_vowels: bool = False
    default: tuple[str, ...] = ()
    in_paper: bool = False


@functools.cache
def said(name: str) -> Said:
    """What the record of an experiment says, read from its source."""
    record = _assigned(name, RECORD)
    if not isinstance(record, ast.Call):
        raise LookupError(f"{source_of(name)} has no {RECORD} = Experiment(...)")
    fields = {field.name for field in dataclasses.fields(Said)}
    return Said(**{each.arg: ast.literal_eval(each.value) for each in record.keywords if each.arg in fields})


def options(name: str) -> tuple[str, ...]:
    """The modules of `options` whose flags an experiment takes, or another command; none where it reads its own."""
    if name in EXPERIMENTS:
        record = said(name)
        return options_of(record.options, asks_vowels=record.asks_vowels)
    literal = _assigned(name, "OPTIONS")
    return () if literal is None else tuple(ast.literal_eval(literal))


def options_of(own: tuple[str, ...], *, asks_vowels: bool) -> tuple[str, ...]:
    """The same of a record that says this."""
    return ("process", "common", *(["vowels"] if asks_vowels else []), *own)


def docstring(name: str) -> str:
    """Of the module of an experiment, or of another command."""
    return ast.get_docstring(_parsed(name)) or ""


def _assigned(name: str, variable: str) -> ast.expr | None:
    for node in _parsed(name).body:
        if isinstance(node, ast.Assign) and [getattr(each, "id", "") for each in node.targets] == [variable]:
            return node.value
    return None


@functools.cache
def _parsed(name: str) -> ast.Module:
    return ast.parse(source_of(name).read_text(encoding="utf-8"))


def source_of(name: str) -> pathlib.Path:
    """Where an experiment's record is, or the program of another command."""
    here = pathlib.Path(__file__).parent
    library = here.parent if here.parent.name == "w2v_jax" else here.parent / "w2v_jax"
    several = (here / f"{name}.py", here / name / "__main__.py", library / name / "__main__.py")
    return next(path for path in several if path.exists())


def in_paper() -> list[str]:
    """Those that `reproduce` runs."""
    return [name for name in EXPERIMENTS if said(name).in_paper]
