"""The commands in a clone: their names, what is said of others, and Ctrl-C before anything has begun."""

import dataclasses
import pathlib
import re
import signal
import subprocess
import sys

import pytest

from experiments import catalog, records
from experiments.commands import COMMANDS, about

ROOT = pathlib.Path(__file__).parent.parent


@pytest.mark.parametrize("arguments", [("experiments.formant",), ("experiments", "formant")])
def test_an_unknown_command_is_told_the_nearest(arguments):
    done = subprocess.run([sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: there is no command 'formant'; did you mean 'formants'?\n")
    assert all(f"\n  {name} " in done.stderr for name in COMMANDS)


def test_every_command_says_of_itself():
    for name in COMMANDS:
        assert catalog.source_of(name).exists()
        assert re.fullmatch(r"[A-Z].{10,120}", about(name)), name


@pytest.mark.parametrize("name", catalog.EXPERIMENTS)
def test_what_help_reads_is_what_the_record_says(name):
    said, record = catalog.said(name), records.experiment(name)
    assert said.name == record.name == name
    for field in dataclasses.fields(said):
        ours, theirs = getattr(said, field.name), getattr(record, field.name)
        assert ours == theirs or (field.name == "default" and not ours)


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
