"""Under what users of the library set in JAX, everything goes on, and in float32. (Meshes: test_devices.)"""

import contextlib
import functools
import importlib

import jax
import jax_settings
import numpy as np
import pytest
from flax import nnx
from jax import export

from w2v_jax import sweep
from w2v_jax.front_end import Frames, FrontEndWarning

FRAMES = Frames(16_000, receptive_field=10, hop=5)


@pytest.fixture(scope="module")
def encoder():
    return jax_settings.encoder("group")


def test_everything_is_float32_under_all_settings():
    # Strict types and ranks are asked for while JAX traces; they change no number.
    with jax_settings.all_settings():
        traced = jax.eval_shape(jax_settings.numbers, *jax_settings.ARGUMENTS)
    assert {each: traced[each].dtype for each in traced if traced[each].dtype != np.float32} == {}


def test_the_same_numbers_under_all_settings(encoder):
    expected = jax_settings.on_the_host(encoder)
    with jax_settings.all_settings():
        ours = jax_settings.on_the_host(encoder)
    for name, each in ours.items():
        assert np.asarray(each).dtype == np.float32, name
        np.testing.assert_allclose(each, expected[name], rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("kind", jax_settings.KINDS)
def test_long_sounds_in_pieces_under_all_settings(kind, monkeypatch):
    module = importlib.import_module("w2v_jax.encoder")
    monkeypatch.setattr(module, "_PIECE_BYTES", 1)
    pieces = []
    monkeypatch.setattr(module, "Pieces", lambda *given: pieces.append(given) or cut(*given))
    cut = importlib.import_module("w2v_jax._src.long_waveforms").Pieces
    long = jax.ShapeDtypeStruct((2, 4_000), np.float32)
    lengths = np.array([4_000, 2_000])
    with jax_settings.all_settings():
        encode = functools.partial(jax_settings.encoder(*kind).__call__, lengths=lengths)
        assert jax.eval_shape(encode, long).dtype == np.float32
    assert pieces


def test_a_waveform_of_another_type_is_told_so(encoder):
    for x64 in (contextlib.nullcontext(), jax.enable_x64(True)):
        with x64:
            with pytest.raises(TypeError, match=r"waveform is float64; .*pass waveform.astype\('float32'\)"):
                encoder(np.zeros(900))
            with pytest.raises(TypeError, match="waveform is a list; expected a float32 array"):
                encoder([0.0] * 900)


class Wide:
    """On the host, in float64."""

    frames = FRAMES

    def __call__(self, waveforms):
        return np.ones((len(waveforms), self.frames.num_frames(waveforms.shape[1]), 3))


class WideModule(nnx.Module):
    """Compiled, in float64 where JAX has it."""

    frames = FRAMES

    def __call__(self, waveforms):
        return waveforms[:, : self.frames.num_frames(waveforms.shape[1]), None].astype(np.float64)


@pytest.mark.parametrize("front_end", [Wide(), WideModule()], ids=["callable", "module"])
def test_float64_is_told_once(front_end):
    grid = {"f0": np.linspace(100, 200, 6)}
    name = type(front_end).__name__
    with (
        jax.enable_x64(True),
        pytest.warns(FrontEndWarning, match=f"{name} returns float64 frames; a sweep keeps float32") as told,
    ):
        features = sweep(front_end, jax_settings.voice, grid, batch_size=2)
    assert len(told) == 1
    assert features.dtype == np.float32


@pytest.mark.parametrize("kind", jax_settings.KINDS[::2])
def test_export_with_open_sizes(kind):
    encoder = jax_settings.encoder(*kind)

    def encode(waveforms, lengths):
        return encoder(waveforms), encoder(waveforms, lengths=lengths)

    least = encoder.frames.receptive_field
    batch, time = export.symbolic_shape("batch, time", constraints=(f"time >= {least}",))
    given = jax.ShapeDtypeStruct((batch, time), np.float32), jax.ShapeDtypeStruct((batch,), np.int32)
    program = export.export(jax.jit(encode))(*given)
    given = jax_settings.SOUNDS, jax_settings.LENGTHS.astype(np.int32)
    if kind == jax_settings.KINDS[0]:
        return  # to compile another one would tell nothing new
    for exported, expected in zip(program.call(*given), jax.jit(encode)(*given), strict=True):
        np.testing.assert_allclose(exported, expected, atol=1e-5)
