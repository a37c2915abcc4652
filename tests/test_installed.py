"""The wheel, installed far from the repository: it has the experiments, the bundled encoder and one command."""

import os
import shutil
import subprocess
import sys

import pytest
from pages import ROOT, UMAP

pytestmark = pytest.mark.pages


def run(command, *, cwd, **environment):
    return subprocess.run(
        command, cwd=cwd, env=os.environ | environment, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Runs `w2v-jax` in an empty folder, from a wheel that was built of a copy of the sources."""
    folder = tmp_path_factory.mktemp("installed")
    for name in ("w2v_jax", "experiments", "weights"):
        shutil.copytree(ROOT / name, folder / "source" / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / "source")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    done = run([*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir=.", "./source"], cwd=folder)
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("*.whl")
    done = run([*pip, "install", "--no-deps", "--target=site", str(wheel)], cwd=folder)
    assert done.returncode == 0, done.stderr
    (folder / "elsewhere").mkdir()
    (folder / "stand-in").mkdir()
    (folder / "stand-in/umap.py").write_text(UMAP)

    def command(*arguments):
        program = [sys.executable, str(folder / "site/bin/w2v-jax"), *arguments]
        path = f"{folder / 'site'}{os.pathsep}{folder / 'stand-in'}"
        return run(program, cwd=folder / "elsewhere", PYTHONPATH=path)

    return command


def test_an_experiment_runs_with_the_bundled_encoder(installed):
    done = installed("temporal", "--quick", "--encoders=formant-base")
    assert done.returncode == 0, done.stderr
    assert "Figures (.png, .pdf and .svg) and metrics.json:" in done.stdout
    assert "results/quick/temporal: " in done.stdout


def test_published_vowels_are_installed(installed):
    done = installed("sounds", "--experiment=formants", "--vowels=peterson-barney-1952", "--speakers=women")
    assert done.returncode == 0, done.stderr
    assert "20 sounds in results/sounds/formants" in done.stdout


def test_it_lists_its_commands(installed):
    assert "\n  f0 " in installed("--help").stdout
    assert installed("--version").stdout.startswith("w2v_jax ")
    done = installed("formant")
    assert done.returncode == 1
    assert done.stderr.startswith("error: there is no command 'formant'; did you mean 'formants'?")


def test_the_flags_of_a_command(installed):
    assert "--encoders" in installed("f0", "--help").stdout
    assert "--source" in installed("convert", "--help").stdout
