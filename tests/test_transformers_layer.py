"""The layer of a `transformers` model on the page about extending: any of them, and through an experiment."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pages
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch and transformers")
transformers = pytest.importorskip("transformers", reason="needs PyTorch and transformers")
pytestmark = pytest.mark.parity

LAYERS = 3
ROOT = pathlib.Path(__file__).parent.parent


@pytest.fixture(scope="module")
def page():
    """The page's block of Python."""
    (block,) = pages.blocks_of("extending.md", torch=True)
    return block


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A small model with random weights, as a folder, and read from there by PyTorch."""
    folder = tmp_path_factory.mktemp("model")
    torch.manual_seed(0)
    config = transformers.Wav2Vec2Config(
        conv_dim=(16,) * 4,
        conv_kernel=(10, 5, 3, 3),
        conv_stride=(5, 4, 4, 2),
        num_feat_extract_layers=4,
        hidden_size=24,
        num_hidden_layers=LAYERS,
        num_attention_heads=2,
        intermediate_size=32,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=2,
    )
    transformers.Wav2Vec2Model(config).save_pretrained(folder)
    return folder, transformers.Wav2Vec2Model.from_pretrained(folder).eval()


@pytest.mark.parametrize("layer", range(LAYERS + 1))
def test_every_layer_is_the_models_own(page, model, layer):
    folder, direct = model
    names: dict = {}
    exec(compile(page, "extending.md", "exec"), names)
    waveforms = np.random.default_rng(layer).normal(0.3, 0.1, (2, 4_000)).astype(np.float32)
    for normalize in (False, True):
        front_end = names["Layer"](folder, layer, normalize=normalize)
        prepared = transformers.Wav2Vec2FeatureExtractor(do_normalize=normalize)(
            list(waveforms), sampling_rate=16_000, return_tensors="pt"
        ).input_values
        with torch.inference_mode():
            expected = direct(prepared, output_hidden_states=True).hidden_states[layer].numpy()
        found = front_end(waveforms)
        assert front_end.frames.hop == 160
        assert found.shape == (2, front_end.frames.num_frames(4_000), 24)
        np.testing.assert_allclose(found, expected, atol=2e-5)


def test_an_experiment_takes_it_and_keeps_its_results(page, model, tmp_path):
    folder, _ = model
    made = page.replace('Layer("facebook/wav2vec2-base", 6', f"Layer({str(folder)!r}, {LAYERS}")
    assert made != page
    (tmp_path / "mine.py").write_text(made)
    command = [sys.executable, "-m", "experiments.f0", "--quick", "--encoders=mine:make", "--output_dir=results"]

    def run():
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
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
