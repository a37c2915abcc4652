"""The numbered examples run as a user runs them, and find what is there."""

import os
import pathlib
import re
import runpy
import subprocess
import sys
import wave

import matplotlib.image
import numpy as np
import pytest

from experiments import running
from experiments.f0 import __main__ as f0
from experiments.front_ends import resolving
from experiments.store.results import Results

pytestmark = pytest.mark.pages

EXAMPLES = pathlib.Path(__file__).parent.parent / "examples"


def run(name, *arguments, folder):
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *map(str, arguments)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(EXAMPLES.parent)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_your_own_front_end(tmp_path, monkeypatch):
    shown = run("1_your_own_front_end.py", folder=tmp_path)
    shares = {name: [float(each) for each in re.findall(r"([\d.]+) \[", row)] for name, row in rows(shown).items()}
    assert all(len(of_each) == 3 for of_each in shares.values())
    assert shares["formant-base"][1] > 0.9 > shares["autocorrelogram"][1]
    # The command that it shows takes it through the experiment; of its pictures the tests of the experiments take care.
    (names,) = re.findall(r"w2v-jax f0 --quick --encoders=(\S+)", shown)
    monkeypatch.chdir(EXAMPLES)
    chosen = resolving.resolve(names.split(","))
    assert [each.kind for each in chosen] == ["yours", "trained"]
    measured = running.run(f0.EXPERIMENT, chosen[:1], Results(tmp_path / "results", size="smoke"))
    frames = measured.encoders["1_your_own_front_end:make"].frames
    assert frames == {"sample_rate": 8_000, "receptive_field": 256, "hop": 80}


def rows(shown):
    return {line.split()[0]: line for line in shown.splitlines() if "[" in line}


def test_your_own_sound_on_the_vowel_map(tmp_path):
    """The vowel that it makes, with F1 of 600 Hz and F2 of 1,170 Hz, is found again."""
    shown = run("2_your_own_sound_on_the_vowel_map.py", folder=tmp_path)
    assert "f0 is 120.0 Hz" in shown
    nearest = re.findall(r"F1 +(\d+) Hz, F2 +(\d+) Hz, f0 120 Hz", shown)
    assert len(nearest) == 3
    assert all(abs(int(f1) - 600) < 42 for f1, _ in nearest)  # a step of the map
    assert all(abs(int(f2) - 1_170) < 2 * 124 for _, f2 in nearest)  # two steps
    least, most = re.search(r"F1 of the ten nearest is (\d+) to (\d+) Hz", shown).groups()
    assert 600 - 42 < int(least) <= int(most) < 600 + 42
    picture = matplotlib.image.imread(tmp_path / "results/your_own_sound/vowel_map.png")
    assert len(np.unique(picture.reshape(-1, picture.shape[-1]), axis=0)) > 1_000


def test_a_recording_of_another_rate_is_resampled(tmp_path, capsys):
    example = runpy.run_path(str(EXAMPLES / "2_your_own_sound_on_the_vowel_map.py"))
    tone = 0.5 * np.sin(2 * np.pi * 150 * np.arange(44_100) / 44_100)
    with wave.open(str(tmp_path / "stereo.wav"), "wb") as file:
        file.setparams((2, 2, 44_100, 0, "NONE", ""))
        file.writeframes(np.round(np.repeat(tone, 2) * 32_767).astype("<i2").tobytes())
    sound = example["middle_of"](tmp_path / "stereo.wav", 16_000)
    assert "44,100 samples a second: resampled to 16,000" in capsys.readouterr().out
    np.testing.assert_allclose(sound, 0.5 * np.sin(2 * np.pi * 150 * np.arange(4_000, 12_000) / 16_000), atol=1e-3)
    assert abs(example["fundamental_frequency"](sound, 16_000) - 150) < 0.1
