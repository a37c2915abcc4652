"""Front ends of the user's own, which a factory makes, and the same with random weights."""

import contextlib
import hashlib
import importlib
import pathlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax
import numpy as np
from flax import nnx

from w2v_jax import front_end as library
from w2v_jax._src.quoting import first_line, quote
from w2v_jax.encoder import FeatureEncoder
from w2v_jax.front_end import Frames, FrontEnd, FrontEndError

from .named import EncoderChoiceError, NamedFrontEnd


def yours(label: str, name: str, module: str, factory: str) -> NamedFrontEnd:
    """What a factory of the user's, called `name` as a whole, makes, if it is a front end."""
    make = _imported(name, module, factory)

    def made() -> FrontEnd:
        with _users_code(f"--encoders={name}: the factory raised", told=" {}"):
            return make()

    front_end = made()
    if not callable(front_end):
        raise EncoderChoiceError(
            f"--encoders={name}: the factory returned a {type(front_end).__name__}; expected a front end, which maps "
            "(n, samples) to (n, frames, channels) and has `frames`"
        )
    with _users_code(f"--encoders={name}: its `frames` cannot be read"):  # they may be a property
        frames = getattr(front_end, "frames", None)
    if not isinstance(frames, Frames):
        raise EncoderChoiceError(
            f"--encoders={name}: its `frames` is {quote(frames)}; expected how it frames a waveform, such as "
            "w2v_jax.Frames(sample_rate=16_000, receptive_field=400, hop=320)"
        )
    if not frames.num_frames(frames.sample_rate):
        raise EncoderChoiceError(
            f"--encoders={name}: its frames see {frames.receptive_field:,} samples, more than the "
            f"{frames.sample_rate:,} of the sounds, which last a second; expected at least one frame of that"
        )
    with _users_code(f"--encoders={name}: it cannot be called with one second of sound"):
        digest, heard = _digest_of_yours(front_end)
    encoder = front_end if isinstance(front_end, FeatureEncoder) else None
    return NamedFrontEnd(
        name=label,
        kind="yours",
        source=f"made by {name}",
        digest=digest,
        frames=frames,
        make=made,
        config=None if encoder is None else encoder.config,
        precision=None if encoder is None else encoder.precision,
        alike=_cosine(heard),
    )


def randomised(like: NamedFrontEnd, seeds: Sequence[int]) -> tuple[NamedFrontEnd, ...]:
    """A front end of the user's with random weights, for each seed; none where it has no `untrained`.

    One that is itself of random weights, those of one of the seeds, has those of the others.

    Raises:
        EncoderChoiceError: its `untrained` raises, returns something else than it is itself, or the same for two seeds.
    """
    if not callable(getattr(like.front_end, "untrained", None)):
        return ()
    several = tuple(_randomised(like, seed) for seed in seeds)
    others = tuple(each for each in several if each.digest != like.digest)
    if len({each.digest for each in several}) < len(several) or not others:
        raise EncoderChoiceError(
            f"{like.name}: its untrained(seed) is the same for several seeds, or as it is itself; expected random "
            "weights that depend on the seed, and, where it has one, an `identity` that does"
        )
    return others


def _randomised(like: NamedFrontEnd, seed: int) -> NamedFrontEnd:
    called = f"{like.name}: its untrained({seed})"

    def made() -> FrontEnd:
        with _users_code(f"{called} raised", told=" {}"):
            return library.untrained(like.front_end, seed)  # type: ignore[return-value]

    front_end = made()
    frames = getattr(front_end, "frames", None)
    if not callable(front_end) or frames != like.frames:
        raise EncoderChoiceError(
            f"{called} is a {type(front_end).__name__} with the frames {quote(frames)}; expected a front end with "
            f"{quote(like.frames)}"
        )
    with _users_code(f"{called} cannot be called with one second of sound"):
        digest, _ = _digest_of_yours(front_end)
    return NamedFrontEnd(
        name=f"{like.name}.random-{seed}",
        kind="random",
        source=f"untrained: random weights, seed {seed}, {like.source}",
        digest=digest,
        frames=like.frames,
        make=made,
    )


@contextlib.contextmanager
def _users_code(what: str, *, told: str = " ({})") -> Iterator[None]:
    """Around code of the user's, which may raise anything and even exit: says in a line what failed, and where.

    Args:
        what: failed.
        told: how the error follows it.

    Raises:
        EncoderChoiceError: in place of every error but `KeyboardInterrupt`.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException as raised:
        error = raised.__cause__ if isinstance(raised, FrontEndError) and raised.__cause__ else raised
        line = f"{type(error).__name__}: {first_line(error)}{_where(error)}"
        raise EncoderChoiceError(what + told.format(line)) from raised


def _imported(name: str, module: str, factory: str) -> Callable[[], Any]:
    sys.path.insert(0, "")  # the current folder, as for `python -m`
    try:
        with _users_code(f"--encoders={name}: cannot import it"):
            make = getattr(importlib.import_module(module), factory)
    finally:
        if "" in sys.path:  # the module may have changed it
            sys.path.remove("")
    if not callable(make):
        raise EncoderChoiceError(f"--encoders={name}: {factory} is a {type(make).__name__}; expected a function")
    return make


def _digest_of_yours(front_end: FrontEnd) -> tuple[str, np.ndarray]:
    """A digest of a front end that no file describes, and its frames of noise and of a tone, (2, frames, channels).

    Of one that is compiled: its arrays, and the program that JAX makes of it. Of one that computes on the host: what it
    makes of a second of noise and one of a tone; or its `identity`, if it has one, a text that changes when its
    features do (the last bits of features may differ from run to run).

    Raises:
        ValueError: it does not return what its `frames` and `layers` say.
    """
    rate = front_end.frames.sample_rate
    noise = 0.1 * np.random.default_rng(0).standard_normal(rate)
    sounds = np.stack([noise, 0.1 * np.sin(2 * np.pi * 200 * np.arange(rate) / rate)]).astype(np.float32)
    digest = hashlib.sha256()
    if library.is_compiled(front_end):
        static, state = library.split(front_end)

        # By name: the digest must not depend on the order of the layers, which results keep beside it.
        def outputs(state: nnx.State, sounds: jax.Array) -> dict[str, jax.Array]:
            return library.outputs(static.merge(state), sounds)

        _check_shapes(front_end, jax.eval_shape(outputs, state, sounds), sounds)
        program = jax.jit(outputs).lower(state, sounds)
        digest.update(program.as_text().encode())
        _take_in(digest, {jax.tree_util.keystr(path): leaf for path, leaf in jax.tree.leaves_with_path(state)})
        made = program.compile()(state, sounds)
        return f"module sha256:{digest.hexdigest()}", np.asarray(made[library.FRAMES], np.float32)
    returned = library.outputs(front_end, sounds)
    for layer, frames in returned.items():
        if not isinstance(frames, np.ndarray | jax.Array):
            raise ValueError(
                f"its {layer!r} is a {type(frames).__name__}; expected a NumPy array (n, frames, channels)"
            )
    arrays = {layer: np.asarray(frames) for layer, frames in returned.items()}
    _check_shapes(front_end, arrays, sounds)
    _take_in(digest, arrays)
    identity = getattr(front_end, "identity", None)
    said = f"identity {identity}" if isinstance(identity, str) else f"on the host sha256:{digest.hexdigest()}"
    return said, np.asarray(arrays[library.FRAMES], np.float32)


def _cosine(heard: np.ndarray) -> float | None:
    """Of the two sounds' features, averaged over time; None where it is undefined."""
    first, second = heard.astype(np.float64).mean(axis=1)
    norm = np.linalg.norm(first) * np.linalg.norm(second)
    return float(first @ second / norm) if np.isfinite(norm) and norm > 0 else None


def _check_shapes(front_end: FrontEnd, outputs: Mapping[str, Any], sounds: np.ndarray) -> None:
    count, samples = sounds.shape
    for layer, frames in library.layers(front_end).items():
        shape, expected = tuple(outputs[layer].shape), (count, frames.num_frames(samples))
        if len(shape) != 3 or shape[:2] != expected or not shape[2]:
            raise ValueError(
                f"its {layer!r} has shape {shape} for {count} sounds of {samples} samples; expected "
                f"({expected[0]}, {expected[1]}, channels), at least one channel, by {frames}"
            )
        if not jax.numpy.issubdtype(outputs[layer].dtype, np.floating):
            raise ValueError(f"its {layer!r} is {outputs[layer].dtype}; expected floating-point frames")


def _take_in(digest: "hashlib._Hash", arrays: Mapping[str, Any]) -> None:
    for name, value in arrays.items():
        array = np.asarray(value)
        digest.update(f"{name} {array.dtype} {array.shape}\n".encode())
        # As bytes: bfloat16 has no buffer of its own kind.
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)


def _where(error: BaseException) -> str:
    """The last place in the user's own code, if the error comes from there."""
    trace = error.__traceback__
    place = ""
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if pathlib.Path(file) != pathlib.Path(__file__) and "importlib" not in file:
            place = f", {pathlib.Path(file).name} line {trace.tb_lineno}"
        trace = trace.tb_next
    return place
