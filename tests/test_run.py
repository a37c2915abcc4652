"""An experiment of one's own: what is not one, and how one becomes a program with a section on the page."""

import dataclasses
import pathlib
import sys

import pytest
from processes import module_done

from experiments import run
from experiments.run import RunError, load

ROOT = pathlib.Path(__file__).parent.parent
OWN = """
import numpy as np
from {package}.experiment import Experiment, Sweep
from {package}.store import rows
from w2v_jax import stimuli
from w2v_jax.grids import Grid

GRID = Grid("levels", ({{"amplitude": np.array([0.1, 0.4])}},))


def tone(amplitude, *, sample_rate):
    return stimuli.sine_mixture([440.0], amplitude, duration=0.1, sample_rate=sample_rate)


def measure(heard):
    assert heard.options["lowest"] == 99
    return rows.curve("length", np.linalg.norm(heard.features("levels"), axis=1), **GRID.points())


OWN = Experiment(
    name="levels",
    title="Levels <of> sound",
    question="Does level leave a trace?",
    sweeps=(Sweep("levels", GRID, tone),),
    measure=measure,
    headline=lambda measured: f"It does for {{measured.asked[0]}}.",
    options=("learned_scale",),
    table=("length",),
)
NOT = "one"
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine_to_test.py").write_text(OWN.format(package="experiments"))
    yield tmp_path / "mine_to_test.py"
    for name in ("mine_to_test", "mine_to_test_to_run"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("mine_to_test.py", r"'mine_to_test\.py'; expected FILE\.py:EXPERIMENT or package\.module:EXPERIMENT"),
        ("nowhere.py:OWN", r"nowhere\.py: there is no such file; expected"),
        ("mine_to_test.py:NONE", r"mine_to_test\.py:NONE: NONE is not there; expected an Experiment; it has OWN"),
        ("mine_to_test.py:NOT", r"NOT is a str; expected an Experiment; it has OWN"),
        ("mine_to_test:NOT", r"mine_to_test:NOT: NOT is a str"),
        ("no.such.module:OWN", r"no\.such\.module: it cannot be imported \(ModuleNotFoundError: "),
        ("what ever:OWN", r"'what ever' is neither a Python file nor the name of a module"),
    ],
)
def test_what_is_no_experiment_is_told_in_a_line(mine, target, message):
    with pytest.raises(RunError, match=message) as raised:
        load(target)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("\n\n1 / 0\n", r"broken\.py, line 3: it cannot be imported \(ZeroDivisionError: division by zero\)"),
        ("x = (\n", r"broken\.py, line 1: it cannot be imported \(SyntaxError: "),
        ("raise SystemExit(0)\n", r"broken\.py, line 1: it cannot be imported \(SystemExit: 0\)"),
    ],
)
def test_a_module_that_fails_is_told_with_its_line(mine, code, message):
    pathlib.Path("broken.py").write_text(code)
    with pytest.raises(RunError, match=message):
        load("broken.py:OWN")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"name": "f0"}, "its name is 'f0', which w2v-jax uses itself"),
        ({"name": "report"}, "its name is 'report', which w2v-jax uses itself"),
        ({"name": "quick"}, "its name is 'quick', which w2v-jax uses itself"),
        ({"name": "../up"}, r"its name is '\.\./up'; expected one for a folder"),
        ({"name": ""}, "its name is ''; expected one for a folder"),
        ({"options": ("mine",)}, "it has the options 'mine'; expected some of claims, common, "),
    ],
)
def test_names_that_cannot_be(mine, changed, message):
    record = load("mine_to_test.py:OWN")
    with pytest.raises(RunError, match=message):
        run._check(dataclasses.replace(record, **changed), "mine_to_test.py:OWN")


@pytest.mark.parametrize("package", ["experiments", "w2v_jax.experiments"])
def test_it_is_a_program_and_has_a_section(mine, package):
    """In a clone the package may be imported under another name than the one that the command runs."""
    mine.write_text(OWN.format(package=package))

    def started(*arguments):
        command = ("experiments", "run", "mine_to_test.py:OWN", *arguments)
        return module_done(*command, cwd=mine.parent, environment={"PYTHONPATH": str(ROOT)}, forgetting="experiments")

    told = started("--help")
    assert told.stdout.startswith("usage: python -m experiments run mine_to_test.py:OWN [FLAGS]\n\nLevels <of> sound: ")
    assert "--lowest" in told.stdout
    wrong = started("--lowst=99")
    assert (wrong.returncode, wrong.stderr.splitlines()) == (
        1,
        [
            "error: Unknown command line flag 'lowst'. Did you mean: lowest ? (see python -m experiments run "
            "mine_to_test.py:OWN --help)"
        ],
    )
    done = started("--size=smoke", "--encoders=log-mel", "--lowest=99")
    assert done.returncode == 0, done.stderr
    assert "\nIt does for log-mel.\n" in done.stdout
    folder = mine.parent / "results/smoke"
    assert (folder / "levels/levels.log-mel.safetensors").exists()
    html = (folder / "index.html").read_text(encoding="utf-8")
    assert len(html) < 200_000  # nothing that draws maps, of which there are none
    assert "Levels &lt;of&gt; sound" in html
    assert "amplitude 0.4" in html  # a line of the table
