"""The sounds of `experiments.claims`, and what a layer of a front end makes of them.

Which tones all frames see alike depends on the frame rate, so the sounds depend on how a front end frames a waveform.
Its controls hear the same ones.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from w2v_jax import front_end as library
from w2v_jax import grids, probes, scales, scores, stimuli
from w2v_jax.arguments import Scalar
from w2v_jax.front_end import Frames
from w2v_jax.grids import Grid
from w2v_jax.scores import Score, UndefinedScoreError
from w2v_jax.scores.frequency_scale import SCALES

from .. import amplitude
from ..harness import vowel_chart
from ..harness.front_ends import NamedFrontEnd
from ..harness.results import Results
from ..harness.vowel_choice import PAPERS, VowelChoice

Size = Literal["quick", "usual", "full"]
Values = Sequence[float] | np.ndarray
Pairs = tuple[tuple[int, int], ...]

DURATION = 1.0  # seconds, of every sound
FRACTIONS = grids.BURSTS.axis("burst_fraction")  # of that
# The paper's six f0 are multiples of 25 Hz, at which the frames of wav2vec 2.0 see one or two phases; these are near.
F0_ELSEWHERE = (103, 127, 153, 177, 203, 227)

# Of a tone at a multiple of the frame rate all frames see one phase; these are moved to the nearest multiples.
_AT_RATE = (100, 200, 300, 400, 500, 800, 1500, 3000)
_BURSTS_AT_RATE: Pairs = ((100, 700), (150, 600), (200, 800), (300, 1200), (400, 1500), (500, 2000))
# Of the others the frames see at least so many phases; these have 50 at 50 frames a second.
_LEAST_PHASES = 8
_ELSEWHERE = (113, 213, 337, 447, 563, 813, 1537, 3067)
_BURSTS_ELSEWHERE: Pairs = ((113, 713), (163, 617), (213, 833), (313, 1237), (413, 1537), (513, 2033))
# The first convolution of all of wav2vec's kin moves by 5 samples. Tones that repeat after so many are constant to it.
_FIRST_STRIDE = 5
_ONE_PHASE = 1e-4  # turns per hop, from a whole number


@dataclasses.dataclass(frozen=True)
class Grids:
    """The sounds that every front end of the same frames, and every control, is given.

    There is none at the Nyquist frequency: at zero phase it is silence.
    """

    frames: Frames
    vowels: Grid
    vowels_elsewhere: Grid
    tones: Grid
    tones_at_rate: Grid
    amplitudes: Grid
    bursts: Grid
    biases: Grid
    levels: Grid
    shifts: Grid

    def items(self) -> dict[str, Grid]:
        """The grids by name."""
        found = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {name: grid for name, grid in found.items() if isinstance(grid, Grid)}

    @property
    def num_samples(self) -> int:
        """Of every sound."""
        return round(DURATION * self.frames.sample_rate)


@functools.cache
def grids_of(frames: Frames, size: Size = "usual", choice: VowelChoice = PAPERS) -> Grids:
    """The sounds for front ends with these frames, of full grids, thinned ones, or a handful; `choice` is of vowels."""
    full = _full(frames, choice)
    if size == "full":
        return full
    counts = {"usual": (6, 8, 8, 10), "quick": (4, 4, 4, 5)}[size]
    f0, f1, f2, amplitudes = counts
    step, every = {"usual": (40, 3), "quick": (240, 9)}[size]
    offsets = {"usual": (0, 1, 2, 3, 4, 7, 40, 113, 211, frames.hop - 1), "quick": (0, 1, 113)}[size]
    found = dataclasses.replace(
        full,
        vowels=full.vowels.thinned(f0=f0, f1=f1, f2=f2),
        vowels_elsewhere=full.vowels_elsewhere.thinned(f0=f0, f1=f1, f2=f2),
        tones=_tones("tones", _heard(np.arange(13, frames.nyquist, step), frames)),
        tones_at_rate=_tones("tones_at_rate", _heard(_multiples(frames)[::every], frames)),
        amplitudes=full.amplitudes.thinned(amplitude_low=amplitudes, amplitude_high=amplitudes),
        shifts=_shifts(frames, [offset for offset in dict.fromkeys(offsets) if offset < frames.hop]),
    )
    return found if size == "usual" else dataclasses.replace(found, bursts=_bursts(frames, slice(2, 4)))


def _full(frames: Frames, choice: VowelChoice) -> Grids:
    both = _both(frames)
    vowels = grids.VOWEL_SPACE_BY_F0 if choice.is_papers else choice.vowel_space_by_f0()
    return Grids(
        frames=frames,
        vowels=vowels,
        vowels_elsewhere=_with_f0(F0_ELSEWHERE if choice.is_papers else _f0_beside(choice.all_f0, frames), vowels),
        tones=_tones("tones", _heard(np.arange(13, frames.nyquist, 10), frames)),
        tones_at_rate=_tones("tones_at_rate", _heard(_multiples(frames), frames)),
        amplitudes=grids.AMPLITUDES,
        bursts=_bursts(frames, slice(None)),
        biases=_tones("biases", both, amplitude=[0.5], bias=grids.BIAS.axis("bias")),
        levels=_tones("levels", both, amplitude=[0.01, 0.03, 0.1, 0.3, 1]),
        shifts=_shifts(frames, range(frames.hop)),
    )


def sees_one_phase(frequency: np.ndarray, frames: Frames) -> np.ndarray:
    """Whether all frames of a tone see the same phase: at multiples of the frame rate."""
    turns = np.asarray(frequency, np.float64) / frames.rate
    return np.abs(turns - np.round(turns)) < _ONE_PHASE


def _multiples(frames: Frames) -> np.ndarray:
    """All multiples of the frame rate below the Nyquist frequency."""
    return np.arange(1, np.ceil(frames.nyquist / frames.rate)) * frames.rate


def _at_rate(frequency: float, frames: Frames) -> float:
    return max(1, round(frequency / frames.rate)) * frames.rate


def _elsewhere(frequency: float, frames: Frames) -> float:
    least = min(_LEAST_PHASES, frames.phases(1))  # no whole number of Hz is seen in more than 1 Hz is
    while frames.phases(frequency) < least:
        frequency += 1
    return frequency


def _both(frames: Frames) -> list[float]:
    """Tones at multiples of the frame rate, and others."""
    at_rate = dict.fromkeys(_at_rate(each, frames) for each in _AT_RATE)
    return [each for each in (*at_rate, *(_elsewhere(each, frames) for each in _ELSEWHERE)) if each < frames.nyquist]


def _heard(frequency: np.ndarray, frames: Frames) -> np.ndarray:
    """Without the tones that are constant to a first layer which moves by 5 samples (3,200 Hz at 16 kHz, say).

    A normalisation over time removes them, and what is left, as at the Nyquist frequency, is rounding noise.
    """
    turns = _FIRST_STRIDE * np.asarray(frequency, np.float64) / frames.sample_rate
    return frequency[np.abs(turns - np.round(turns)) > _ONE_PHASE]


def _grid(name: str, **axes: Values) -> Grid:
    return Grid(name, tuple({parameter: np.asarray(values, np.float64)} for parameter, values in axes.items()))


def _tones(
    name: str, frequency: Values, *, amplitude: Values = (1.0,), bias: Values = (0.0,), offset: Values = (0.0,)
) -> Grid:
    """Pure tones. All have the same four parameters, so that one compiled program serves them."""
    return _grid(name, frequency=frequency, amplitude=amplitude, bias=bias, offset=offset)


def _shifts(frames: Frames, offsets: Sequence[int]) -> Grid:
    return _tones("shifts", _both(frames), offset=offsets)


def _bursts(frames: Frames, chosen: slice) -> Grid:
    pairs = [tuple(_at_rate(each, frames) for each in pair) for pair in _BURSTS_AT_RATE[chosen]]
    pairs += [tuple(_elsewhere(each, frames) for each in pair) for pair in _BURSTS_ELSEWHERE[chosen]]
    base, burst = np.array([pair for pair in pairs if max(pair) < frames.nyquist], np.float64).T
    return Grid("bursts", ({"base_frequency": base, "burst_frequency": burst},))


def _with_f0(f0: Sequence[float], vowels: Grid) -> Grid:
    """The same vowels at other f0."""
    return Grid("vowels_elsewhere", ({"f0": np.array(f0, np.float64)}, *vowels.axes[1:]))


def _f0_beside(f0: Sequence[float], frames: Frames) -> list[float]:
    """Next to each f0, one above it of which the frames see many phases, as `F0_ELSEWHERE` is to the paper's f0."""
    return sorted({_elsewhere(each + 1, frames) for each in f0})


def tone(frequency: Scalar, amplitude: Scalar, bias: Scalar, offset: Scalar, *, sample_rate: int) -> jax.Array:
    """A tone from its sample `offset` on; the offset is a whole number, and mostly the frequency: an exact product."""
    turns = jnp.mod(frequency * offset, sample_rate) / sample_rate
    return stimuli.sine_mixture(
        [frequency], amplitude, phases=2 * jnp.pi * turns, bias=bias, duration=DURATION, sample_rate=sample_rate
    )


def bursts(base_frequency: Scalar, burst_frequency: Scalar, *, sample_rate: int) -> jax.Array:
    """The base tone, the burst's tone, and bursts of every length: (2 + bursts, samples), for `burst_nearness`."""
    mixture = functools.partial(stimuli.sine_mixture, duration=DURATION, sample_rate=sample_rate)
    burst = functools.partial(stimuli.burst, duration=DURATION, sample_rate=sample_rate)
    tones = [mixture([frequency]) for frequency in (base_frequency, burst_frequency)]
    return jnp.stack([*tones, *(burst(base_frequency, burst_frequency, each) for each in FRACTIONS)])


SOUNDS: dict[str, Callable[..., jax.Array]] = {
    "vowels": vowel_chart.vowel,
    "vowels_elsewhere": vowel_chart.vowel,
    "tones": tone,
    "tones_at_rate": tone,
    "amplitudes": amplitude.two_tones,
    "biases": tone,
    "levels": tone,
    "shifts": tone,
}


@dataclasses.dataclass(frozen=True)
class Heard:
    """What one layer of one front end made of all sounds.

    Attributes:
        frames: how the layer frames a waveform.
        grids: the sounds.
        mean: by grid (of `SOUNDS`) the features averaged over time, (n, channels).
        steady: by grid how steady the frames were, (n,).
        nearness: (tones, `FRACTIONS`, frames), of each frame of a burst to its tone.
    """

    frames: Frames
    grids: Grids
    mean: Mapping[str, np.ndarray]
    steady: Mapping[str, np.ndarray]
    nearness: np.ndarray

    def points(self, grid: str, *names: str) -> dict[str, np.ndarray]:
        """The parameters of a grid: those named, or all."""
        points = self.grids.items()[grid].points()
        return {name: points[name] for name in names or points}

    @functools.cached_property
    def _read(self) -> dict[tuple[str, str | None], dict[str, Score]]:
        return {}

    def read(self, grid: str, parameter: str, *, across: str | None = None) -> Score:
        """Decodability of a parameter, across the values of another where one is given."""
        # All parameters of a grid are read at once.
        points = self._varying(grid, parameter)
        if (grid, across) not in self._read:
            groups = None if across is None else self.points(grid)[across]
            try:
                self._read[grid, across] = scores.decodability(self.mean[grid], points, groups=groups)
            except UndefinedScoreError:
                # Of another parameter, perhaps: of three f0, a resample may have one only, in which F1 still varies.
                chosen = {parameter: points[parameter]}
                return scores.decodability(self.mean[grid], chosen, groups=groups)[parameter]
        return self._read[grid, across][parameter]

    def monotonicity(self, grid: str, parameter: str) -> Score:
        return scores.monotonicity(self.mean[grid], self._varying(grid, parameter), parameter)

    def _varying(self, grid: str, parameter: str) -> dict[str, np.ndarray]:
        """The parameters of a grid, without those that are the same for all sounds, as an only f0 is."""
        points = self.points(grid)
        if not np.ptp(points[parameter]):
            raise UndefinedScoreError(f"{parameter} is {points[parameter][0]:g} for all sounds; expected it to vary")
        return {name: values for name, values in points.items() if np.ptp(values)}

    def rsa(self, grid: str, *parameters: str, within: str | None = None) -> Score:
        points = self.points(grid)
        label = None if within is None else points[within]
        return scores.rsa(self.mean[grid], self.points(grid, *parameters), within=label)

    def neighbour_overlap(self, grid: str) -> Score:
        return scores.neighbour_overlap(self.mean[grid], self.points(grid))

    def mel(self) -> dict[str, np.ndarray]:
        return {"mel": scales.mel(self.points("tones")["frequency"])}

    def mel_read(self) -> Score:
        return scores.decodability(self.mean["tones"], self.mel())["mel"]

    def scale_fit(self, scale: str, grid: str = "tones") -> Score:
        return scores.scale_fit(self.mean[grid], self.points(grid)["frequency"], SCALES[scale])

    def burst_separation(self, fraction: float, *, at_rate: bool) -> Score:
        chosen = self._at_rate("bursts", "base_frequency") == at_rate
        num_samples = self.grids.num_samples
        start, stop = (int(edge) for edge in stimuli.burst_span(fraction, num_samples=num_samples))
        overlaps = self.frames.seeing(start, stop, num_samples=num_samples)
        return scores.burst_separation(self.nearness[chosen, int(np.argmin(np.abs(FRACTIONS - fraction)))], overlaps)

    def invariance(
        self, grid: str, parameter: str, reference: float, *, at_rate: bool, relative: bool = False
    ) -> Score:
        points = self.points(grid)
        rows = self._at_rate(grid, "frequency") == at_rate
        score = scores.relative_invariance if relative else scores.invariance
        is_reference = np.isclose(points[parameter][rows], reference)
        return score(self.mean[grid][rows], points["frequency"][rows], is_reference)

    def _at_rate(self, grid: str, parameter: str) -> np.ndarray:
        return sees_one_phase(self.points(grid)[parameter], self.grids.frames)


def listen(front_end: NamedFrontEnd, chosen: Grids, results: Results, *, experiment: str) -> dict[str, Heard]:
    """Plays all sounds to a front end: by layer, what it made of them."""
    layers = library.layers(front_end.front_end)
    channels = probes.layer_channels(front_end.front_end, num_samples=chosen.num_samples)
    means, steady = {}, {}
    for grid, stimulus in SOUNDS.items():
        features = results.sweep(experiment, front_end, chosen.items()[grid], stimulus, pooling=probes.layer_means)
        by_layer = probes.split_means(features, channels)
        means[grid] = {name: found.mean for name, found in by_layer.items()}
        steady[grid] = {name: found.steadiness for name, found in by_layer.items()}
    features = results.sweep(experiment, front_end, chosen.bursts, bursts, pooling=probes.burst_nearness)
    nearness = probes.split_nearness(features, layers, num_samples=chosen.num_samples)
    return {
        name: Heard(
            frames,
            chosen,
            {grid: found[name] for grid, found in means.items()},
            {grid: found[name] for grid, found in steady.items()},
            nearness[name],
        )
        for name, frames in layers.items()
    }
