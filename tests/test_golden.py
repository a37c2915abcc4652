"""The encoder against float64 features that PyTorch computed, kept in a file (`make golden` writes it)."""

import functools
import json
import pathlib

import numpy as np
import pytest
import reference
import safetensors

GOLDEN = pathlib.Path(__file__).parent / "golden_features.safetensors"


@functools.cache
def our_features(variant: str, precision: str) -> dict[str, np.ndarray]:
    waveforms = reference.waveforms()
    encoder = reference.encoder(variant, precision)
    features = reference.jit_as_in_use(lambda encoder, x: encoder(x))(encoder, np.stack(list(waveforms.values())))
    return dict(zip(waveforms, np.asarray(features)[:, ::8], strict=True))


@pytest.mark.parametrize("variant", reference.CONFIGS)
@pytest.mark.parametrize("waveform", reference.waveforms())
@pytest.mark.parametrize("precision", reference.MOST_TIMES_PYTORCH)
def test_error_is_within_its_bound_of_pytorchs(variant, waveform, precision):
    with safetensors.safe_open(GOLDEN, framework="numpy") as file:
        exact = file.get_tensor(f"{variant}/{waveform}")
        error_of_pytorch = json.loads(file.metadata()["errors"])[f"{variant}/{waveform}"]
    assert 1e-7 < error_of_pytorch < 1e-6  # the yardstick itself is sound
    error = reference.relative_error(our_features(variant, precision)[waveform], exact)
    assert error <= reference.MOST_TIMES_PYTORCH[precision] * error_of_pytorch
