"""Help and wrong flags need no JAX; the flags apart from their commands are those of the commands."""

import pathlib
import subprocess
import sys

from experiments.commands import COMMANDS
from experiments.help import OPTIONS
from experiments.options import vowels
from w2v_jax.vowels import PUBLISHED

ROOT = pathlib.Path(__file__).parent.parent


def test_every_command_has_options():
    assert OPTIONS.keys() == COMMANDS.keys() - {"convert", "encoders"}
    assert set(vowels.PUBLISHED) == PUBLISHED.keys()


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
