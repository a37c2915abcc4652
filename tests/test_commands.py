"""The commands in a clone: their names, what is said of others, and Ctrl-C before anything has begun."""

import pathlib
import signal
import subprocess
import sys

import pytest

from experiments.commands import COMMANDS

ROOT = pathlib.Path(__file__).parent.parent


@pytest.mark.parametrize("arguments", [("experiments.formant",), ("experiments", "formant")])
def test_an_unknown_command_is_told_the_nearest(arguments):
    done = subprocess.run([sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: there is no command 'formant'; did you mean 'formants'?\n")
    assert all(f"\n  {name} " in done.stderr for name in COMMANDS)


def test_every_command_is_a_program():
    for name in COMMANDS.keys() - {"convert"}:
        path = ROOT / "experiments" / name
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists()


def test_interrupt_while_importing_is_one_line():
    # The first package that every program imports is not found before Ctrl-C has come.
    code = (
        "import os, runpy, signal, sys\n"
        "class Interrupts:\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == 'absl':\n"
        f"            os.kill(os.getpid(), {int(signal.SIGINT)})\n"
        "sys.meta_path.insert(0, Interrupts())\n"
        "sys.argv = ['w2v-jax', 'f0', '--quick']\n"
        "runpy.run_module('experiments', run_name='__main__', alter_sys=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "\nstopped. Nothing was begun.\n")
