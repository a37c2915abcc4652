"""The README's Python runs as it stands, and its commands name things that exist."""

import pathlib
import re

import numpy as np
import pytest
from flax import nnx

import w2v_jax

ROOT = pathlib.Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_python_examples_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # The geometry of the real one, but few channels: this is about the examples, not about speed.
    encoder = w2v_jax.FeatureEncoder(w2v_jax.EncoderConfig(channels=(16,) * 7), rngs=nnx.Rngs(0))
    w2v_jax.save_encoder(encoder, "weights/wav2vec2-base.safetensors")
    names: dict = {}
    for block in re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL):
        exec(compile(block, "README.md", "exec"), names)
    assert names["features"].shape == (100, 16)
    assert names["hidden"][0].shape == (3_199, 16)
    assert names["logits"].shape == (4, 10)
    assert names["per_sound"].shape == (2, 3, 49, 16)
    np.testing.assert_allclose(np.diag(names["similarity"]), 1, atol=1e-6)


@pytest.mark.parametrize("target", sorted(set(re.findall(r"(?:`|^ +)make (\w+)", README, flags=re.MULTILINE))))
def test_make_targets_exist(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)


@pytest.mark.parametrize("module", sorted(set(re.findall(r"python -m ([\w.]+)\b", README)) - {"experiments.NAME"}))
def test_commands_exist(module):
    path = ROOT / module.replace(".", "/")
    assert path.with_suffix(".py").exists() or (path / "__main__.py").exists()


@pytest.mark.parametrize("name", re.findall(r"^\| `(\w+)` \|", README, flags=re.MULTILINE))
def test_experiments_exist(name):
    path = ROOT / "experiments" / name
    assert path.with_suffix(".py").exists() or (path / "__main__.py").exists()


@pytest.mark.parametrize("path", re.findall(r"\]\((\w+/[\w.]+)\)", README))
def test_figures_exist(path):
    assert (ROOT / path).exists()
