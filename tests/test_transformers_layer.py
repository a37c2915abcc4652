"""The layer of a `transformers` model on the page about extending: any of them, and through an experiment."""

import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pages
import pytest

from w2v_jax import Frames

torch = pytest.importorskip("torch", reason="needs PyTorch and transformers")
transformers = pytest.importorskip("transformers", reason="needs PyTorch and transformers")
pytestmark = pytest.mark.parity

LAYERS = 3
FAMILIES = ("Wav2Vec2", "Hubert", "WavLM", "Data2VecAudio")


@pytest.fixture(scope="module")
def page() -> str:
    """The page's block of Python."""
    (block,) = pages.blocks_of("extending.md", torch=True)
    return block


@pytest.fixture(scope="module")
def layer_of(page) -> Callable:
    """The page's class."""
    names: dict = {}
    exec(compile(page, "extending.md", "exec"), names)
    return names["Layer"]


def write_model(folder: pathlib.Path, *, family: str = "Wav2Vec2", seed: int = 0, dtype=torch.float32) -> None:
    """A small model with random weights."""
    torch.manual_seed(seed)
    config = getattr(transformers, f"{family}Config")(
        conv_dim=(16,) * 4,
        conv_kernel=(10, 5, 3, 3),
        conv_stride=(5, 4, 4, 2),
        num_feat_extract_layers=4,
        hidden_size=24,
        num_hidden_layers=LAYERS,
        num_attention_heads=2,
        intermediate_size=32,
        # Of data2vec the number of convolutions, of the others the size of their kernel.
        num_conv_pos_embeddings=3 if family == "Data2VecAudio" else 16,
        num_conv_pos_embedding_groups=2,
    )
    getattr(transformers, f"{family}Model")(config).to(dtype).save_pretrained(folder)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_layer_is_the_models_own(layer_of, tmp_path, family):
    write_model(tmp_path, family=family)
    direct = getattr(transformers, f"{family}Model").from_pretrained(tmp_path).eval()
    waveforms = np.random.default_rng(0).normal(0.3, 0.1, (2, 4_000)).astype(np.float32)
    for normalize in (False, True):
        prepared = transformers.Wav2Vec2FeatureExtractor(do_normalize=normalize)(
            list(waveforms), sampling_rate=16_000, return_tensors="pt"
        ).input_values
        with torch.inference_mode():
            expected = direct(prepared, output_hidden_states=True).hidden_states
        assert len(expected) == LAYERS + 1
        for layer in range(LAYERS + 1):
            front_end = layer_of(tmp_path, layer, normalize=normalize)
            frames = front_end(waveforms)
            assert front_end.frames == Frames(sample_rate=16_000, receptive_field=230, hop=160)
            assert frames.shape == (2, front_end.frames.num_frames(4_000), 24)
            np.testing.assert_allclose(frames, expected[layer].numpy(), atol=2e-5)


def test_weights_in_half_precision(layer_of, tmp_path):
    write_model(tmp_path, dtype=torch.float16)
    assert layer_of(tmp_path, 1)(np.zeros((1, 4_000), np.float32)).dtype == np.float32


def test_its_identity_changes_with_its_features(layer_of, tmp_path):
    write_model(tmp_path)
    identities = [layer_of(tmp_path, *each).identity for each in ((1,), (1,), (2,))]
    identities.append(layer_of(tmp_path, 1, normalize=True).identity)
    write_model(tmp_path, seed=1)
    identities.append(layer_of(tmp_path, 1).identity)
    assert identities[0] == identities[1]
    assert len(set(identities)) == 4


def test_an_experiment_takes_it_and_keeps_its_results(page, tmp_path):
    folder = tmp_path / "model"
    write_model(folder)
    made = page.replace('Layer("facebook/wav2vec2-base", 6', f"Layer({str(folder)!r}, {LAYERS}")
    assert made != page
    (tmp_path / "mine.py").write_text(made)
    command = [sys.executable, "-m", "experiments.f0", "--quick", "--encoders=mine:make", "--output_dir=results"]

    def run():
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(pages.ROOT)},
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done

    assert "sounds/s" in run().stderr
    kept = tmp_path / "results/quick/f0"
    written = {path: path.stat().st_mtime_ns for path in kept.glob("*.safetensors")}
    metrics = json.loads((kept / "metrics.json").read_text())["encoders"]["mine:make"]
    assert metrics["kind"] == "yours"
    assert metrics["frames"] == {"sample_rate": 16_000, "receptive_field": 230, "hop": 160}
    again = run()
    assert "sounds/s" not in again.stderr  # it has no sweep to make
    assert {path: path.stat().st_mtime_ns for path in kept.glob("*.safetensors")} == written
