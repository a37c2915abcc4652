"""Help and wrong flags need no JAX; the flags apart from their commands are those of the commands."""

import ast
import pathlib
import re
import subprocess
import sys

import pytest

from experiments import catalog
from experiments.commands import COMMANDS, OTHERS
from experiments.options import common, vowels
from experiments.pretrain.training import Recipe
from experiments.store.results import SIZES
from w2v_jax.praat import PraatSettings
from w2v_jax.vowels import PUBLISHED

ROOT = pathlib.Path(__file__).parent.parent
FLAGS_AT = ROOT / "experiments" / "options"


def defined(path):
    """The flags that a file defines, by name, with the call. Read, since flags of two commands may share a name."""
    calls = (each for each in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(each, ast.Call))
    called = ((getattr(call.func, "attr", getattr(call.func, "id", "")), call) for call in calls)
    return {call.args[0].value: call for name, call in called if name.startswith("DEFINE_")}


def test_choices_are_those_of_what_they_set():
    assert set(vowels.PUBLISHED) == PUBLISHED.keys()
    assert ast.literal_eval(defined(FLAGS_AT / "common.py")["size"].args[2]) == list(SIZES)
    assert common.SIZE.name in common.NAMES


@pytest.mark.parametrize("name", [name for name in COMMANDS if catalog.options(name)])
def test_help_begins_with_four_flags_and_ends_with_those_of_clusters(name):
    done = subprocess.run(
        [sys.executable, "-m", "experiments", name, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    headings = [line for line in done.stdout.splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert headings[:2] == ["For example:", "Flags to begin with:"]
    assert headings[-1].startswith("Several processes") == ("common" in catalog.options(name))
    told = re.findall("^  --([a-z0-9_]+)", done.stdout, flags=re.MULTILINE)
    several = {each for option in catalog.options(name) for each in defined(FLAGS_AT / f"{option}.py")}
    assert several - {"clips"} <= set(told)
    assert len(set(told)) == len(told)
    first = done.stdout.partition("Flags to begin with:")[2].partition("\n\n")[2].partition("\n\n")[0]
    assert first.count("\n  --") + first.startswith("  --") == 4


def test_reproduce_takes_the_flags_of_its_experiments():
    several = {option for name in catalog.in_paper() for option in catalog.options(name)}
    assert set(catalog.options("reproduce")) == several


def test_help_of_every_command_imports_no_jax():
    # One process; a fork for each command, since two commands define flags of one name.
    code = (
        "import os, sys\n"
        "from experiments.__main__ import main\n"
        "from experiments.commands import COMMANDS\n"
        "for arguments in [['--help'], *([name, '--help'] for name in COMMANDS), ['f0', '--quik']]:\n"
        "    child = os.fork()\n"
        "    if not child:\n"
        "        sys.argv = ['w2v-jax', *arguments]\n"
        "        try:\n"
        "            sys.exit(main())\n"
        "        except SystemExit as end:\n"
        "            print(end.code)\n"
        "        sys.stdout.flush()\n"
        "        os._exit(bool({'jax', 'numpy', 'flax'} & sys.modules.keys()))\n"
        "    assert os.waitpid(child, 0)[1] == 0, arguments\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--quick" in done.stdout
    assert "--textgrid_tier" in done.stdout
    assert "error: Unknown command line flag 'quik'. Did you mean: quick ?" in done.stdout


def test_flags_are_defined_where_help_finds_them():
    outside = (path for path in (ROOT / "experiments").rglob("*.py") if path.parent != FLAGS_AT)
    assert [str(path) for path in (*outside, *(ROOT / "w2v_jax").rglob("*.py")) if defined(path)] == []
    modules = {path.stem for path in FLAGS_AT.glob("*.py") if defined(path)}
    assert modules == {"process", *(module for name in COMMANDS for module in catalog.options(name))}
    for name in OTHERS:
        source = catalog.source_of(name).read_text("utf-8")
        own = {module for module in modules if re.search(rf"options(\.{module}\b| import {module}\b)", source)}
        assert own <= set(catalog.options(name)), name


@pytest.mark.parametrize(
    ("command", "settings", "names"),
    [
        (
            "pretrain",
            Recipe(),
            {"max_steps": "steps", **{name: name for name in ("seed", "batch_size", "seconds", "learning_rate")}},
        ),
        (
            "recordings",
            PraatSettings(),
            {name: name for name in ("pitch_floor", "pitch_ceiling", "formant_ceiling", "num_formants")},
        ),
    ],
)
def test_defaults_of_flags_are_those_of_what_they_set(command, settings, names):
    flags = defined(FLAGS_AT / f"{command}.py")
    for flag, field in names.items():
        assert ast.literal_eval(flags[flag].args[1]) == getattr(settings, field), flag
