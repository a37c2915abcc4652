"""Under what users of the library set in JAX, everything goes on, and in float32. (Meshes: test_devices.)"""

import contextlib
import importlib

import jax
import jax_settings
import numpy as np
import pytest

from w2v_jax import sweep
from w2v_jax.front_end import FrontEndWarning


@pytest.fixture(scope="module")
def expected():
    return jax_settings.numbers()


@pytest.mark.parametrize("setting", ["x64", "strict", "rank"])
def test_the_same_numbers_under_settings(setting, expected):
    contexts = {
        "x64": jax.enable_x64(True),
        "strict": jax.numpy_dtype_promotion("strict"),
        "rank": jax.numpy_rank_promotion("raise"),
    }
    with contexts[setting]:
        found = jax_settings.numbers()
    for name, each in found.items():
        assert each.dtype == np.float32, name
        scale = np.abs(expected[name]).max()
        # The type of a half's step is the same; rounding near a tie need not be.
        tolerance = 2e-2 if "bfloat16" in name else 1e-4
        np.testing.assert_allclose(each, expected[name], atol=tolerance * scale, err_msg=name)


def test_a_waveform_of_another_type_is_told_so():
    encoder = jax_settings.encoder("group")
    for x64 in (contextlib.nullcontext(), jax.enable_x64(True)):
        with x64:
            with pytest.raises(TypeError, match=r"waveform is float64; .*pass waveform.astype\('float32'\)"):
                encoder(np.zeros(900))
            with pytest.raises(TypeError, match="waveform is a list; expected a float32 array"):
                encoder([0.0] * 900)


def test_long_sounds_in_pieces_under_strict_settings(monkeypatch):
    monkeypatch.setattr(importlib.import_module("w2v_jax.encoder"), "_PIECE_BYTES", 4_096)
    encoder = jax_settings.encoder("group")
    long = np.tile(jax_settings.SOUNDS, 8)
    expected = encoder(long, lengths=np.array([7_200, 4_000]))
    with jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"), jax.enable_x64(True):
        found = encoder(long, lengths=np.array([7_200, 4_000]))
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_float64_of_a_callable_is_told_once():
    class Mine:
        frames = jax_settings.encoder("group").frames

        def __call__(self, waveforms):
            return np.ones((len(waveforms), self.frames.num_frames(waveforms.shape[1]), 3))

    with pytest.warns(FrontEndWarning, match="Mine returns float64 frames; a sweep keeps float32") as told:
        found = sweep(Mine(), jax_settings.voice, {"f0": np.linspace(100, 200, 20)}, batch_size=2)
    assert len(told) == 1
    assert found.dtype == np.float32
