"""What an experiment asks of a front end: how it frames a waveform, its call, and its layers by name.

Anything with `frames` and a call is a front end; nobody needs to inherit from anything here. A `flax.nnx.Module` is
compiled together with the sound and what is asked of it. Any other callable computes on the host, on NumPy arrays: a
PyTorch model, say.
"""

import dataclasses
import fractions
import inspect
import operator
from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from w2v_jax._src import static_modules
from w2v_jax._src.quoting import first_line
from w2v_jax._src.static_modules import Static

# The name of the layer that a front end returns when it is called: the last one.
FRAMES = "frames"


class FrontEndError(ValueError):
    """A front end on the host fails, or returns something else than its frames. The message is one line."""


class FrontEndWarning(UserWarning):
    """What a front end does is taken, but not as it stands."""


@dataclasses.dataclass(frozen=True)
class Frames:
    """How a front end cuts a waveform into frames. Frozen and hashable.

    Frame `i` sees the samples from `i * hop - padding` up to, but without, `i * hop - padding + receptive_field`.

    Attributes:
        sample_rate: Hz.
        receptive_field: samples that one frame sees.
        hop: samples between the starts of neighbouring frames.
        padding: zeros that the front end puts before the waveform, and as many after it.

    Raises:
        ValueError: a value that is not a positive integer (`padding`: not negative).

    Examples:
        >>> wav2vec2 = Frames(sample_rate=16_000, receptive_field=400, hop=320)
        >>> wav2vec2.rate, wav2vec2.num_frames(16_000)
        (50.0, 49)
        >>> wav2vec2.times(3)
        array([0.01246875, 0.03246875, 0.05246875])
    """

    sample_rate: int
    receptive_field: int
    hop: int
    padding: int = 0

    def __post_init__(self) -> None:
        for name, least in (("sample_rate", 1), ("receptive_field", 1), ("hop", 1), ("padding", 0)):
            value = getattr(self, name)
            try:
                whole = operator.index(value)
            except TypeError:
                whole = -1
            if isinstance(value, bool) or whole < least:
                expected = "a positive integer" if least else "0 or a positive integer"
                raise ValueError(f"Frames.{name} is {value!r}; expected {expected}")
            object.__setattr__(self, name, whole)

    @property
    def rate(self) -> float:
        """Frames per second (50 for wav2vec 2.0)."""
        return self.sample_rate / self.hop

    @property
    def nyquist(self) -> float:
        """The highest frequency that the waveform can hold, in Hz."""
        return self.sample_rate / 2

    def num_frames(self, num_samples: int) -> int:
        """Frames of a waveform of `num_samples` samples; 0 when it is shorter than the receptive field."""
        return max(0, (num_samples + 2 * self.padding - self.receptive_field) // self.hop + 1)

    def valid(self, lengths: jax.Array | np.ndarray, num_frames: int) -> jax.Array:
        """Which frames of padded waveforms lie within the waveform itself.

        Args:
            lengths: (...) int, samples of each waveform without its padding.
            num_frames: frames of the padded waveforms.

        Returns:
            (..., num_frames) bool: the first `num_frames(length)` of each are true.

        Examples:
            >>> Frames(16_000, 400, 320).valid(np.array([399, 1_040]), 4).astype(int)
            Array([[0, 0, 0, 0],
                   [1, 1, 1, 0]], dtype=int32)
        """
        counts = self.counts(lengths)[..., None]
        return jnp.expand_dims(jnp.arange(num_frames, dtype=counts.dtype), tuple(range(counts.ndim - 1))) < counts

    def counts(self, lengths: jax.Array | np.ndarray) -> jax.Array:
        """Frames of each of several waveforms: `num_frames` of `lengths`, (...) int, in an array."""
        return jnp.maximum(0, (jnp.asarray(lengths) + 2 * self.padding - self.receptive_field) // self.hop + 1)

    def times(self, num_frames: int) -> np.ndarray:
        """Centres of the first `num_frames` frames, (num_frames,) float64 seconds; sample n is at n / sample_rate."""
        return (self._starts(num_frames) + (self.receptive_field - 1) / 2) / self.sample_rate

    def seeing(self, start: int, stop: int, *, num_samples: int) -> np.ndarray:
        """Which frames see any of the samples from `start` up to, but without, `stop`.

        Args:
            start: the first sample.
            stop: the first one after the last.
            num_samples: of the whole waveform.

        Returns:
            (frames,) bool.

        Examples:
            >>> np.flatnonzero(Frames(16_000, 400, 320).seeing(7_840, 8_160, num_samples=16_000))
            array([24, 25])
        """
        first = self._starts(self.num_frames(num_samples))
        return (first < stop) & (first + self.receptive_field > start) & (start < stop)

    def phases(self, frequency: float) -> int:
        """How many different phases of a steady tone the frames see, one after the other.

        1 at multiples of the frame rate, where every frame sees the same samples; 2 at odd multiples of half of it.

        Examples:
            >>> [Frames(16_000, 400, 320).phases(frequency) for frequency in (100, 125, 113)]
            [1, 2, 50]
        """
        turns_per_hop = fractions.Fraction(float(frequency)) * self.hop / self.sample_rate
        return turns_per_hop.denominator

    def _starts(self, num_frames: int) -> np.ndarray:
        return np.arange(num_frames) * self.hop - self.padding


@runtime_checkable
class FrontEnd(Protocol):
    """A waveform in, frames out.

    A `flax.nnx.Module` with these two is compiled. Any other object with them computes on the host: its call then
    takes a NumPy array (n, samples) of float32 and returns one (n, frames, channels). It may have more: `Complete`
    lists it.
    """

    @property
    def frames(self) -> Frames:
        """How it frames a waveform."""
        ...

    def __call__(self, waveform: Any, /) -> Any:
        """(..., samples) float32 to (..., frames, channels) float32."""
        ...


@dataclasses.dataclass(frozen=True, eq=False)
class Complete:
    """A front end with everything that one may have: for what it lacks, there is a default.

    A front end of one's own may define, under the same names:

    - `layers`, a Mapping[str, Frames], the input's side first. The last one is called "frames" and is what the call
      returns. By default there is only this one.
    - `outputs(waveform)`, where it has `layers`: a Mapping[str, array], one (..., frames_i, channels_i) per layer, in
      any order.
    - a keyword `lengths` of its call, (...) int, for padded waveforms: each then gets the frames that it would have
      alone, and frames past its end are 0; see `mean_over_time`.
    - `filters`, (filters, taps), impulse responses, where the first layer is a bank of linear filters.
    - `identity`, a text that changes when its features do: by default results are kept under what it computes.
    - `untrained(seed)`, where it was trained: the same architecture with random weights, its control.

    Attributes:
        itself: the front end.
    """

    itself: FrontEnd

    def _own(self, name: str, default: Any = None) -> Any:
        return getattr(self.itself, name, default)

    @property
    def name(self) -> str:
        """What messages call it: a function's name, or its class."""
        return self._own("__name__", type(self.itself).__name__)

    @property
    def is_compiled(self) -> bool:
        """Whether it runs inside a compiled program; otherwise it runs on the host, on NumPy arrays."""
        return isinstance(self.itself, nnx.Module)

    @property
    def takes_lengths(self) -> bool:
        """Whether its call has the keyword `lengths`."""
        try:
            return "lengths" in inspect.signature(self.itself).parameters
        except (TypeError, ValueError):  # a callable that does not tell
            return False

    @property
    def frames(self) -> Frames | None:
        """How it frames a waveform; None where a mere callable does not say."""
        frames = self._own("frames")
        return frames if isinstance(frames, Frames) else None

    @property
    def precision(self) -> str:
        """An encoder's; "" for any other front end."""
        return self._own("precision", "")

    @property
    def identity(self) -> str | None:
        """A text that changes when its features do."""
        identity = self._own("identity")
        return identity if isinstance(identity, str) else None

    @property
    def filters(self) -> np.ndarray | None:
        """Impulse responses of the first layer's filters, (filters, taps) float64."""
        filters = self._own("filters")
        return None if filters is None else np.asarray(filters, np.float64)

    def untrained(self, seed: int) -> FrontEnd | None:
        """The same architecture with random weights."""
        make = self._own("untrained")
        return make(seed) if callable(make) else None

    @property
    def has_layers(self) -> bool:
        """Whether it names its layers."""
        return isinstance(self._own("layers"), Mapping)

    @property
    def layers(self) -> dict[str, Frames]:
        """See `layers`."""
        if not self.has_layers:
            return {FRAMES: self.itself.frames}
        layers, kind = dict(self._own("layers")), type(self.itself).__name__
        for name, frames in layers.items():
            if not isinstance(name, str) or not isinstance(frames, Frames):
                raise ValueError(f"{kind}: its layer {name!r} is {frames!r}; expected a name and its Frames")
        last = next(reversed(layers), None)
        if last != FRAMES:
            raise ValueError(
                f"{kind}: its last layer is {last!r}; expected {FRAMES!r}, what the front end returns when it is called"
            )
        if self.frames is not None and layers[FRAMES] != self.frames:
            raise ValueError(f"{kind}: its layer {FRAMES!r} has {layers[FRAMES]}; expected its `frames`, {self.frames}")
        return layers

    @property
    def layer_names(self) -> tuple[str, ...]:
        """The names of its `layers`, in their order."""
        return tuple(self.layers) if self.has_layers else (FRAMES,)

    def outputs(self, waveform: Any, names: tuple[str, ...]) -> tuple[Any, ...]:
        """What every layer makes of a waveform, in the order of `names`: a sequence, which may cross `jax.jit`.

        Args:
            waveform: what it hears.
            names: its `layer_names`.

        Raises:
            ValueError: the front end's outputs are not those that `names` has.
        """
        outputs = self.call(self._own("outputs"), waveform) if self.has_layers else {FRAMES: self(waveform)}
        if not isinstance(outputs, Mapping) or outputs.keys() != set(names):
            said = f"the layers {list(outputs)}" if isinstance(outputs, Mapping) else f"a {type(outputs).__name__}"
            raise ValueError(
                f"{type(self.itself).__name__}.outputs returned {said}; expected {list(names)}, as its `layers` names "
                "them"
            )
        return tuple(outputs[name] for name in names)

    def __call__(self, waveform: Any) -> Any:
        """Its frames of a waveform. Raises as `call` does."""
        return self.call(self.itself, waveform)

    def call(self, function: Callable[[Any], Any], waveform: Any) -> Any:
        """`function(waveform)`, which is the front end or a method of it.

        Raises:
            FrontEndError: it raises what is no `Exception`, such as `SystemExit`, which would end the program without a
                word; or it computes on the host, and raises anything but `KeyboardInterrupt` there.
        """
        try:
            return function(waveform)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            if self.is_compiled and isinstance(error, Exception):
                raise
            raise FrontEndError(f"{self.name} raised {type(error).__name__} ({first_line(error)})") from error


def is_compiled(front_end: FrontEnd) -> bool:
    """Whether a front end runs inside a compiled program; otherwise it runs on the host, on NumPy arrays."""
    return Complete(front_end).is_compiled


def layers(front_end: FrontEnd) -> dict[str, Frames]:
    """The layers of a front end, the input's side first; one, called "frames", of a front end that names none.

    This is the one order of its layers. Names are static in compiled programs, and arrays cross them as a sequence in
    this order: JAX sorts the keys of a dict.

    Raises:
        ValueError: the last one has another name, or other `Frames` than the front end; a name that is not text; a
            layer without `Frames`.
    """
    return Complete(front_end).layers


def layer_names(front_end: FrontEnd) -> tuple[str, ...]:
    """The names of its `layers`, in their order."""
    return Complete(front_end).layer_names


def outputs(front_end: FrontEnd, waveform: jax.Array | np.ndarray) -> dict[str, Any]:
    """What every layer makes of a waveform: by name of the layer, (..., frames_i, channels_i), in their order.

    The mapping that the front end returns may have any order: one that comes out of `jax.jit` is sorted.

    Raises:
        ValueError: the front end's outputs are not those of its `layers`.
    """
    names = layer_names(front_end)
    return dict(zip(names, Complete(front_end).outputs(waveform, names), strict=True))


def filters(front_end: FrontEnd) -> np.ndarray | None:
    """Impulse responses of the first layer's filters, (filters, taps) float64; None where it has no such filters."""
    return Complete(front_end).filters


def untrained(front_end: FrontEnd, seed: int) -> FrontEnd | None:
    """The same architecture with random weights; None where the front end has no `untrained`."""
    return Complete(front_end).untrained(seed)


def split(front_end: Any) -> tuple[Static, nnx.State]:
    """A compiled front end as what is static of it and its weights; see `Static.merge`.

    Raises:
        TypeError: a static attribute that cannot be hashed.
    """
    is_dict = isinstance(vars(front_end).get("layers"), Mapping)
    return static_modules.split(front_end, layers(front_end) if is_dict else None)


def check_lengths(lengths: jax.Array | np.ndarray, waveform: jax.Array | np.ndarray) -> jax.Array:
    """`lengths` as int32, if they are those of padded waveforms.

    Args:
        lengths: (...) int, one per waveform; values are checked where they are known, not while JAX traces them.
        waveform: (..., samples).

    Raises:
        TypeError: not integers.
        ValueError: of another shape than the waveforms, negative, or longer than the padded waveform.
    """
    if not hasattr(lengths, "dtype"):
        lengths = np.asarray(lengths)
    if not jnp.issubdtype(lengths.dtype, jnp.integer):
        raise TypeError(f"lengths are {lengths.dtype}; expected integers, in samples")
    if lengths.shape != waveform.shape[:-1]:
        raise ValueError(f"lengths have shape {lengths.shape}; expected one per waveform, {waveform.shape[:-1]}")
    samples = waveform.shape[-1]
    if not isinstance(lengths, jax.core.Tracer):
        known = np.asarray(lengths)
        if (bad := (known < 0) | (known > samples)).any():
            raise ValueError(f"lengths has {known[bad].flat[0]}; expected 0 to {samples}, the samples of a waveform")
    return jnp.asarray(lengths, jnp.int32)


def mean_over_time(features: jax.Array, valid: jax.Array) -> jax.Array:
    """The mean of the frames that lie within each waveform.

    Args:
        features: (..., frames, channels).
        valid: (..., frames) bool, from `Frames.valid`.

    Returns:
        (..., channels); NaN where a waveform has no frame.

    Examples:
        >>> frames = jnp.array([[[1.0], [3.0], [0.0]]])
        >>> mean_over_time(frames, jnp.array([[True, True, False]]))
        Array([[2.]], dtype=float32)
    """
    counts = jnp.sum(valid, axis=-1)[..., None]
    total = jnp.sum(jnp.where(valid[..., None], features, 0), axis=-2)
    return jnp.where(counts > 0, total / jnp.maximum(counts, 1).astype(total.dtype), jnp.nan)
