"""Front ends of a user's: whatever they do, one line says so, and names are the user's."""

import shutil
import sys
import types

import flax.nnx as nnx
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.f0 import measuring
from experiments.front_ends import remarks, resolving
from experiments.front_ends.named import EncoderChoiceError
from experiments.store import shards
from experiments.store.results import Results
from w2v_jax import grids
from w2v_jax.front_end import Frames, FrontEndError

FRAMES = Frames(16_000, 400, 320)
GRID = grids.PURE_TONES.thinned(frequency=9)


class Late:
    """Frames at first, and something else from its third call on."""

    frames = FRAMES

    def __init__(self, then=lambda frames: frames):
        self.then, self.calls = then, 0

    def __call__(self, waveforms):
        self.calls += 1
        windows = np.lib.stride_tricks.sliding_window_view(waveforms, 400, axis=-1)[:, ::320]
        frames = np.log1p(np.abs(np.fft.rfft(windows))).astype(np.float32)[..., :20]
        return frames if self.calls < 3 else self.then(frames)


@nnx.jit
def _ones(waveforms):
    return jnp.ones((len(waveforms), 49, 5)) * (1 + 1e-4 * waveforms[:, :1, None])


class Same(nnx.Module):
    """Compiled; nearly the same features of every sound."""

    frames = FRAMES

    def __call__(self, waveforms):
        return _ones(waveforms)


def raising(error):
    def then(*_):
        raise error

    return then


@pytest.fixture
def yours(monkeypatch):
    """Makes a factory of the user's of what it is given, and returns what `--encoders` calls it."""

    def named(make):
        module = types.ModuleType("of_a_user")
        module.make = make
        monkeypatch.setitem(sys.modules, "of_a_user", module)
        return "of_a_user:make"

    return named


@pytest.mark.parametrize("error", [SystemExit(), GeneratorExit("x"), BaseException("of\nits own"), RuntimeError()])
def test_a_factory_may_raise_anything(yours, error):
    with pytest.raises(EncoderChoiceError, match=f"the factory raised {type(error).__name__}: ") as raised:
        resolving.resolve([yours(raising(error))])
    assert "\n" not in str(raised.value)


class Wordless(Exception):
    def __str__(self):
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("error", "said"), [(Wordless(), "no message"), (ValueError("\x1b[2J\u202e" + 999 * "x"), r"\x1b[2J\u202e" + "x")]
)
def test_what_an_error_says_is_shown_as_text(yours, error, said):
    with pytest.raises(EncoderChoiceError) as raised:
        resolving.resolve([yours(raising(error))])
    assert said in str(raised.value)
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 500


def test_properties_may_raise(yours):
    class Unready:
        frames = property(raising(ValueError("not\nyet")))

        def __call__(self, waveforms):
            raise AssertionError

    with pytest.raises(EncoderChoiceError, match=r"its `frames` cannot be read \(ValueError: not, .* line [0-9]+\)$"):
        resolving.resolve([yours(Unready)])


@pytest.mark.parametrize("error", [SystemExit(0), ValueError("only\ntwo")])
def test_a_module_that_fails_while_it_is_compiled_is_named(yours, tmp_path, error):
    class OfTwo(nnx.Module):
        frames = FRAMES

        def __call__(self, waveforms):
            if len(waveforms) != 2:
                raise error
            return _ones(waveforms)

    (each,) = resolving.resolve([yours(OfTwo)])
    with pytest.raises(FrontEndError, match=r"^of_a_user:make: pure_tones: .*raised \w+ \((0|only)\); nothing was"):
        Results(tmp_path).sweep("f0", each, GRID, measuring.tone)


def test_what_was_finished_before_a_failure_is_kept_and_used(yours, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(shards, "ROWS_PER_SHARD", 4)
    monkeypatch.setattr(shards.shard_spans, "__kwdefaults__", {"rows_per_shard": 4})
    (each,) = resolving.resolve([yours(lambda: Late(raising(SystemExit())))])
    results = Results(tmp_path, batch_size=4)
    with pytest.raises(FrontEndError, match="8 of 9 sounds are finished and kept"):
        results.sweep("f0", each, GRID, measuring.tone)
    (each,) = resolving.resolve([yours(Late)])
    assert results.sweep("f0", each, GRID, measuring.tone).shape == (9, 20)
    assert "going on, 8 of 9 sounds were finished before" in capsys.readouterr().out
    assert not list(tmp_path.rglob("*.shards"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frames: frames.tolist(), r"its 'frames' is a list; expected a NumPy array \(n, frames, channels\)"),
        (lambda frames: frames[..., :0], r"has shape \(2, 49, 0\) .* at least one channel"),
    ],
)
def test_what_is_no_frames_is_refused_at_once(yours, change, message):
    class Other(Late):
        def __call__(self, waveforms):
            return change(super().__call__(waveforms))

    with pytest.raises(EncoderChoiceError, match=message):
        resolving.resolve([yours(Other)])


def test_frames_of_bfloat16_and_sound_that_is_written_into(yours, tmp_path):
    class Half(Late):
        def __call__(self, waveforms):
            waveforms -= waveforms.mean(axis=-1, keepdims=True)
            return jnp.asarray(super().__call__(waveforms), jnp.bfloat16)

    (each,) = resolving.resolve([yours(Half)])
    assert Results(tmp_path).sweep("f0", each, GRID, measuring.tone).dtype == np.float32


def test_a_module_may_exit(tmp_path, monkeypatch):
    (tmp_path / "it_exits.py").write_text("import sys\nsys.exit()\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(EncoderChoiceError, match=r"cannot import it \(SystemExit: no message, it_exits.py line 2\)"):
        resolving.resolve(["it_exits:make"])


def test_ctrl_c_in_a_factory_is_ctrl_c(yours):
    with pytest.raises(KeyboardInterrupt):
        resolving.resolve([yours(raising(KeyboardInterrupt()))])


@pytest.mark.parametrize(
    ("then", "message"),
    [
        (raising(RuntimeError("no\nmore")), r"Late raised RuntimeError \(no\)"),
        (raising(SystemExit(0)), r"Late raised SystemExit \(0\)"),
        (lambda frames: frames.astype(object), "Late returned object; expected floating-point frames"),
        (lambda frames: frames[:, :-1], "Late returned 48 frames for 16000 samples; expected 49, by Frames"),
        (lambda frames: frames[..., :-1], "Late returned 19 channels; expected 20, as at first"),
        (lambda frames: None, "Late returned a NoneType"),
    ],
)
def test_one_that_fails_in_mid_sweep_is_named(yours, tmp_path, then, message):
    (each,) = resolving.resolve([yours(lambda: Late(then))])
    with pytest.raises(
        FrontEndError, match=f"of_a_user:make: pure_tones: {message}.* run the same command again"
    ) as caught:
        Results(tmp_path, batch_size=4).sweep("f0", each, GRID, measuring.tone)
    assert "\n" not in str(caught.value)


def test_frames_of_python_objects_are_refused_at_once(yours):
    class Objects(Late):
        def __call__(self, waveforms):
            return super().__call__(waveforms).astype(object)

    with pytest.raises(EncoderChoiceError, match="its 'frames' is object; expected floating-point frames"):
        resolving.resolve([yours(Objects)])


def test_a_seed_that_jax_would_cut_is_refused():
    assert resolving.resolve(["random-4294967295"])[0].name == "random-4294967295"
    for seed in ("4294967296", "99999999999999999999", "9" * 5000):
        with pytest.raises(EncoderChoiceError, match="the seed is too large; expected 0 to 4,294,967,295"):
            resolving.resolve([f"random-{seed}"])


def test_a_name_of_ones_own(yours):
    front_ends = resolving.resolve([f"mine={yours(Late)}", "mel=log-mel", "log-mel", "seven=random-7"])
    assert [each.name for each in front_ends] == ["mine", "mel", "log-mel", "seven"]
    assert [each.group for each in front_ends] == [None] * 4
    assert front_ends[0].source == "made by of_a_user:make"
    assert front_ends[1].digest == front_ends[2].digest
    for names, message in [
        (["log-mel=untrained"], "'log-mel' is the name of a control"),
        (["x="], "nothing is named 'x'; expected x=ENCODER"),
        (["x=log-mel", "x=stft"], "names 'x' twice .* NAME=ENCODER"),
    ]:
        with pytest.raises(EncoderChoiceError, match=message):
            resolving.resolve(names)


def test_a_file_with_an_equals_sign_keeps_its_name(weights, tmp_path):
    path = tmp_path / "lr=0.1.safetensors"
    shutil.copyfile(weights, path)
    assert [each.name for each in resolving.resolve([str(path), f"low={path}"])] == ["lr=0.1", "low"]


@pytest.mark.parametrize(("make", "told"), [(Same, True), (Late, False)])
def test_features_that_are_alike_for_all_sounds_are_told(yours, make, told):
    said = remarks.doubts(resolving.resolve([yours(make)]))
    assert [line.startswith("NOTE: of_a_user:make: its features of noise and of a tone") for line in said] == [
        True
    ] * told


def test_frames_longer_than_the_sounds_are_refused(yours):
    class Long(Late):
        frames = Frames(16_000, 16_001, 320)

    with pytest.raises(EncoderChoiceError, match="its frames see 16,001 samples, more than the 16,000 of the sounds"):
        resolving.resolve([yours(Long)])
