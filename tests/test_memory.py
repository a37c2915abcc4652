"""Memory does not grow with the grid."""

import pathlib
import resource

import numpy as np
from flax import nnx
from processes import program

from w2v_jax import stimuli
from w2v_jax.checkpoint import save_encoder
from w2v_jax.encoder import EncoderConfig, FeatureEncoder
from w2v_jax.grids import Grid

# As many channels as wav2vec 2.0, so features as large (246 MB for 120,000 sounds), but made of next to nothing.
CONFIG = EncoderConfig(channels=(4, 512), kernel_sizes=(16, 25), strides=(16, 20))


def short_tones(f1, f2, *, sample_rate):
    return stimuli.sine_mixture([f1, f2], [0.5, 0.5], duration=0.03, sample_rate=sample_rate)


def sweep_few(front_ends, results):
    sweep_tones(front_ends, results, 25)


def sweep_many(front_ends, results):
    sweep_tones(front_ends, results, 600)


def sweep_tones(front_ends, results, length: int) -> None:
    grid = Grid("tones", ({"f1": np.linspace(100, 1000, 200)}, {"f2": np.linspace(100, 3000, length)}))
    features = results.sweep("memory", front_ends[0], grid, short_tones)
    assert features.shape == (200 * length, 512)
    assert features[-2].any()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)


def test_120_000_sounds_take_little_more_memory_than_5_000(tmp_path: pathlib.Path):
    save_encoder(FeatureEncoder(CONFIG, rngs=nnx.Rngs(0)), tmp_path / "wide.safetensors")
    peaks = {}
    for run in (sweep_few, sweep_many):
        log = tmp_path / f"{run.__name__}.log"
        options = (f"--encoders={tmp_path}/wide.safetensors", f"--output_dir={tmp_path / run.__name__}")
        process = program(run, log, *options, "--batch_size=64")
        process.join(120)
        assert process.exitcode == 0, log.read_text()
        peaks[run] = next(int(line) for line in log.read_text().splitlines() if line.isdecimal())
    assert peaks[sweep_many] < peaks[sweep_few] + 60, f"MB: {list(peaks.values())}"
    print(f"peak MB: {list(peaks.values())}")
