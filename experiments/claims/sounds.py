"""The sounds of `experiments.claims`, and what a layer of a front end makes of them.

Which tones all frames see alike depends on the frame rate, so the sounds depend on how a front end frames a waveform.
Its controls hear the same ones.
"""

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from w2v_jax import front_end as library
from w2v_jax import grids, layer_pooling, scales, scores, source_filter, stimuli
from w2v_jax._src.arguments import Scalar
from w2v_jax.front_end import FRAMES, Frames
from w2v_jax.grids import Grid, Vowel
from w2v_jax.scores import BlockScores, Bootstrap, RsaProfile, Score, UndefinedScoreError
from w2v_jax.scores.bootstrap import make_score
from w2v_jax.scores.frequency_scale import SCALES
from w2v_jax.scores.parameter_metrics import ParameterMetric

from .. import amplitude
from ..draw import vowel_chart
from ..front_ends.named import NamedFrontEnd
from ..store.results import Results
from ..vowels.choice import PAPERS, VowelChoice
from ..vowels.synthesis import SYNTHESES, Synthesis
from . import designs, listeners
from .listeners import Noticeable

Size = Literal["quick", "usual", "full"]
Values = Sequence[float] | np.ndarray
Pairs = tuple[tuple[int, int], ...]

DURATION = 1.0  # seconds, of bursts
FRACTIONS = grids.BURSTS.axis("burst_fraction")  # of that
SHORT = 0.4  # seconds, of all others, for a front end that makes `_LEAST_FRAMES` of them
_LEAST_FRAMES = 8
LONG = 1.0  # for one with longer frames
NOISE = 0.1  # of the features' deviation, in every probe that states no other
MOST_COMPARED = 600  # sounds of an RSA
INNER_RESAMPLES = 100  # of the intervals of inner layers, which are drawn but not compared
# Values of f0, F1 and F2 in the design of vowels, a prime.
_VALUES = {"quick": 11, "usual": 23, "full": 29}
_CONTEXTS = {"quick": 5, "usual": 8, "full": 8}  # vowels, or f0, across which an ABX is asked
_NEXT_F0 = 1.03  # times the one before, at least, of f0 across which vowels are told apart
_BASES = {"quick": 1, "usual": 3, "full": 3}  # from which differences are taken

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


OF_VOWELS = ("vowels", "vowel_lines", "abx_f0", "abx_formants", "abx_level")
"""The grids that are heard once with each synthesis."""


def grid_name(name: str, synthesis: Synthesis) -> str:
    """What a grid of vowels is called: of sines as it always was, of resonances with their name."""
    return name if synthesis == "sines" else f"{name}_{synthesis}"


@dataclasses.dataclass(frozen=True)
class Grids:
    """The sounds that every front end of the same frames, and every control, is given.

    `vowels` and `amplitudes` have many values of each parameter, `vowel_lines` and `amplitude_lines` lines along each.
    There is none at the Nyquist frequency: at zero phase it is silence. Vowels are heard as sums of sines, as the paper
    has them, and as voices: harmonics through resonances.
    """

    frames: Frames
    syntheses: tuple[Synthesis, ...]
    vowels: Grid
    vowel_lines: Grid
    tones: Grid
    tones_at_rate: Grid
    amplitudes: Grid
    amplitude_lines: Grid
    abx_f0: Grid
    abx_formants: Grid
    abx_level: Grid
    bursts: Grid
    biases: Grid
    levels: Grid
    shifts: Grid

    def items(self) -> dict[str, Grid]:
        """The grids by name; those of vowels once for each synthesis, see `grid_name`."""
        found = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        named: dict[str, Grid] = {}
        for name, grid in found.items():
            if name not in OF_VOWELS:
                named |= {name: grid} if isinstance(grid, Grid) else {}
                continue
            for synthesis in self.syntheses:
                spoken = grid_name(name, synthesis)
                named[spoken] = Grid(spoken, grid.axes)
        return named

    @property
    def num_samples(self) -> int:
        """Of a burst."""
        return round(DURATION * self.frames.sample_rate)


@functools.cache
def grids_of(
    frames: Frames,
    size: Size = "usual",
    choice: VowelChoice = PAPERS,
    syntheses: tuple[Synthesis, ...] = SYNTHESES,
) -> Grids:
    """The sounds for front ends with these frames, of full grids, thinned ones, or a handful; `choice` is of vowels."""
    full = dataclasses.replace(_full(frames, size, choice), syntheses=syntheses)
    if size == "full":
        return full
    counts = {"usual": (5, 5, 5, 10), "quick": (4, 4, 4, 5)}[size]
    f0, f1, f2, amplitudes = counts
    step, every = {"usual": (40, 3), "quick": (240, 9)}[size]
    offsets = {"usual": (0, 1, 2, 3, 4, 7, 40, 113, 211, frames.hop - 1), "quick": (0, 1, 113)}[size]
    found = dataclasses.replace(
        full,
        vowel_lines=full.vowel_lines.thinned(f0=f0, f1=f1, f2=f2),
        tones=_tones("tones", _heard(np.arange(13, frames.nyquist, step), frames)),
        tones_at_rate=_tones("tones_at_rate", _heard(_multiples(frames)[::every], frames)),
        amplitude_lines=full.amplitude_lines.thinned(amplitude_low=amplitudes, amplitude_high=amplitudes),
        shifts=_shifts(frames, [offset for offset in dict.fromkeys(offsets) if offset < frames.hop]),
    )
    return found if size == "usual" else dataclasses.replace(found, bursts=_bursts(frames, slice(2, 4)))


def _full(frames: Frames, size: Size, choice: VowelChoice) -> Grids:
    both = _both(frames)
    lines = grids.VOWEL_SPACE_BY_F0 if choice.is_papers else choice.vowel_space_by_f0()
    f0 = _f0_values(choice.all_f0, _VALUES[size], frames)
    # Of one f0 there is nothing to be read off, and formants are asked across a few near it.
    near = f0 if len(f0) > 1 else [f0[0] * (0.9 + 0.025 * index) for index in range(9)]
    f1, f2 = (np.linspace(choice.span(name).low, choice.span(name).high, _VALUES[size]) for name in ("f1", "f2"))
    amplitudes = grids.AMPLITUDES.axis("amplitude_low")
    if size == "quick":
        amplitudes = amplitudes[::2]
    bases = _BASES[size]
    contexts = _spread(_vowels_by_f2(choice), _CONTEXTS[size])
    return Grids(
        frames=frames,
        syntheses=SYNTHESES,
        vowels=designs.vowels("vowels", f0, f1, f2),
        vowel_lines=Grid("vowel_lines", lines.axes),
        tones=_tones("tones", _heard(np.arange(13, frames.nyquist, 10), frames)),
        tones_at_rate=_tones("tones_at_rate", _heard(_multiples(frames), frames)),
        amplitudes=designs.pairs("amplitudes", amplitude_low=amplitudes, amplitude_high=amplitudes),
        amplitude_lines=Grid("amplitude_lines", grids.AMPLITUDES.axes),
        abx_f0=_abx_f0(_spread(near, bases), contexts),
        abx_formants=_abx_formants(contexts, bases, _spread(near, _CONTEXTS[size])),
        abx_level=_abx_level(_spread(near, bases), contexts),
        bursts=_bursts(frames, slice(None)),
        biases=_tones("biases", both, amplitude=[0.5], bias=grids.BIAS.axis("bias")),
        levels=_tones("levels", both, amplitude=[0.01, 0.03, 0.1, 0.3, 1]),
        shifts=_shifts(frames, range(frames.hop)),
    )


def _f0_values(given: Sequence[float], count: int, frames: Frames) -> list[float]:
    """Many f0 over the range of those given, of which the frames see many phases; of one, itself."""
    low, high = min(given), max(given)
    if low == high:
        return [low]
    return [_elsewhere(float(each), frames) for each in np.linspace(low + 1, high - 1, count).round()]


def _spread(values: Sequence[Any], most: int) -> list[Any]:
    """Some of a sequence, from its first to its last."""
    return [values[index] for index in np.unique(np.linspace(0, len(values) - 1, most).round().astype(int))]


def _vowels_by_f2(choice: VowelChoice) -> list[Vowel]:
    """Vowels of one speaker, by F2."""
    return sorted(choice.of(choice.speakers[0]), key=lambda vowel: (vowel.f2, vowel.f1))


def _of_vowels(several: Sequence[Vowel]) -> dict[str, np.ndarray]:
    return {name: np.array([getattr(vowel, name) for vowel in several], np.float64) for name in ("f1", "f2")}


def _steps(noticeable: Noticeable) -> list[float]:
    """What a parameter is multiplied by: nothing, then the multiples of a just noticeable difference."""
    return [1.0, *map(noticeable.step, noticeable.multiples)]


def _abx_f0(bases: Sequence[float], contexts: Sequence[Vowel]) -> Grid:
    """f0, and f0 that are higher by steps, of every vowel."""
    f0 = np.array([base * step for base in bases for step in _steps(listeners.F0)])
    return Grid("abx_f0", ({"f0": f0}, _of_vowels(contexts)))


def _abx_formants(vowels: Sequence[Vowel], most: int, f0: Sequence[float]) -> Grid:
    """Vowels, and such with a higher F1 or a higher F2, at every f0."""
    steps = _steps(listeners.FORMANT)
    bases = _spread([vowel for vowel in vowels if vowel.f1 * steps[-1] < vowel.f2] or vowels, most)
    shifted = [(step, 1.0) for step in steps] + [(1.0, step) for step in steps[1:]]
    f1, f2 = np.array([[vowel.f1 * by_f1, vowel.f2 * by_f2] for vowel in bases for by_f1, by_f2 in shifted]).T
    return Grid("abx_formants", ({"f1": f1, "f2": f2}, {"f0": np.array(f0, np.float64)}))


def _abx_level(bases: Sequence[float], contexts: Sequence[Vowel]) -> Grid:
    """Levels, from the loudest down, of every vowel."""
    level = np.array(_steps(listeners.LEVEL))
    return Grid("abx_level", ({"f0": np.array(bases, np.float64)}, {"level": level}, _of_vowels(contexts)))


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


def tone(
    frequency: Scalar, amplitude: Scalar, bias: Scalar, offset: Scalar, *, sample_rate: int, duration: float = SHORT
) -> jax.Array:
    """A tone from its sample `offset` on; the offset is a whole number, and mostly the frequency: an exact product."""
    turns = jnp.mod(frequency * offset, sample_rate) / sample_rate
    return stimuli.sine_mixture(
        [frequency], amplitude, phases=2 * jnp.pi * turns, bias=bias, duration=duration, sample_rate=sample_rate
    )


def vowel(f0: Scalar, f1: Scalar, f2: Scalar, *, sample_rate: int, duration: float = SHORT) -> jax.Array:
    """The vowel of `formants`, for a shorter time."""
    return stimuli.sine_mixture([f0, f1, f2], vowel_chart.AMPLITUDES, duration=duration, sample_rate=sample_rate)


def voice(f0: Scalar, f1: Scalar, f2: Scalar, *, sample_rate: int, duration: float = SHORT) -> jax.Array:
    """The vowel with resonances of `formants`, for a shorter time."""
    formants = source_filter.with_higher_formants(f1, f2)
    return source_filter.vowel(f0, formants, duration=duration, sample_rate=sample_rate)


def voice_at_level(
    f0: Scalar, f1: Scalar, f2: Scalar, level: Scalar, *, sample_rate: int, duration: float = SHORT
) -> jax.Array:
    """A vowel with resonances whose waveform is multiplied by `level`."""
    return jnp.asarray(level) * voice(f0, f1, f2, sample_rate=sample_rate, duration=duration)


def vowel_at_level(
    f0: Scalar, f1: Scalar, f2: Scalar, level: Scalar, *, sample_rate: int, duration: float = SHORT
) -> jax.Array:
    """A vowel whose waveform is multiplied by `level`."""
    return jnp.asarray(level) * vowel(f0, f1, f2, sample_rate=sample_rate, duration=duration)


def two_tones(amplitude_low: Scalar, amplitude_high: Scalar, *, sample_rate: int, duration: float = SHORT) -> jax.Array:
    """The pair of tones of `amplitude`, for a shorter time."""
    amplitudes = [amplitude_low, amplitude_high]
    return stimuli.sine_mixture(amplitude.FREQUENCIES, amplitudes, duration=duration, sample_rate=sample_rate)


def bursts(base_frequency: Scalar, burst_frequency: Scalar, *, sample_rate: int) -> jax.Array:
    """The base tone, the burst's tone, and bursts of every length: (2 + bursts, samples), for `burst_nearness`."""
    mixture = functools.partial(stimuli.sine_mixture, duration=DURATION, sample_rate=sample_rate)
    burst = functools.partial(stimuli.burst, duration=DURATION, sample_rate=sample_rate)
    tones = [mixture([frequency]) for frequency in (base_frequency, burst_frequency)]
    return jnp.stack([*tones, *(burst(base_frequency, burst_frequency, each) for each in FRACTIONS)])


SOUNDS: dict[str, Callable[..., jax.Array]] = {
    "vowels": vowel,
    "vowel_lines": vowel,
    "tones": tone,
    "tones_at_rate": tone,
    "amplitudes": two_tones,
    "amplitude_lines": two_tones,
    "abx_f0": vowel,
    "abx_formants": vowel,
    "abx_level": vowel_at_level,
    **{grid_name(name, "resonances"): voice for name in OF_VOWELS},
    grid_name("abx_level", "resonances"): voice_at_level,
    "biases": tone,
    "levels": tone,
    "shifts": tone,
}


# For a front end whose frames are too long for the short ones.
_LONGER: dict[Callable[..., jax.Array], Callable[..., jax.Array]] = {
    stimulus: functools.partial(stimulus, duration=LONG)
    for stimulus in (tone, vowel, vowel_at_level, voice, voice_at_level, two_tones)
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
        bootstrap: how intervals are made.
    """

    frames: Frames
    grids: Grids
    mean: Mapping[str, np.ndarray]
    steady: Mapping[str, np.ndarray]
    nearness: np.ndarray
    bootstrap: Bootstrap

    def points(self, grid: str, *names: str) -> dict[str, np.ndarray]:
        """The parameters of a grid: those named, or all."""
        points = self.grids.items()[grid].points()
        return {name: points[name] for name in names or points}

    @functools.cached_property
    def _found(self) -> dict[Any, Any]:
        """What several scores need."""
        return {}

    def probe(self, grid: str, parameter: str, *, noise: float = NOISE) -> BlockScores:
        """Linearity of a parameter: a linear probe at ranges of its values that were held out."""
        return self._probe(grid, parameter, lambda: self._varying(grid, parameter)[parameter], noise)

    def mel_probe(self, *, noise: float = NOISE) -> BlockScores:
        """The same of the tones' frequency in Mel."""
        return self._probe("tones", "mel", lambda: scales.mel(self.points("tones")["frequency"]), noise)

    def _probe(self, grid: str, name: str, values: Callable[[], np.ndarray], noise: float) -> BlockScores:
        key = "probe", grid, name, noise
        if key not in self._found:
            asked = functools.partial(scores.block_decodability, noise=noise, bootstrap=self.bootstrap)
            self._found[key] = asked(self.mean[grid], values())
        return self._found[key]

    def read_off(self, grid: str, parameter: str, *, between: bool = False) -> Score:
        """A parameter read off in contexts that were not heard: cents of a frequency, dB of an amplitude."""
        points = self._varying(grid, parameter)
        contexts = {name: values for name, values in points.items() if name != parameter}
        found = scores.read_off(
            self.mean[grid],
            {parameter: points[parameter]},
            contexts,
            between=between,
            unit="dB" if parameter.startswith("amplitude") else "cents",
            noise=NOISE,
            bootstrap=self.bootstrap,
        )
        return found[parameter]

    def saturation(self, grid: str, *, within: str | None = None) -> float:
        """The share of pairs of a grid's sounds that are all but as far apart as the farthest."""
        return scores.saturation(self.mean[grid], within=None if within is None else self.points(grid)[within])

    def saturations(self) -> dict[str, float]:
        """By what is compared in RSA and near order, its `saturation`; without what has no direction."""
        asked: dict[str, tuple[str, str | None]] = {"tones": ("tones", None), "two tones": ("amplitudes", None)}
        for synthesis in self.grids.syntheses:
            vowels = grid_name("vowels", synthesis)
            asked |= {f"vowels, {synthesis}": (vowels, None), f"vowels of one f0, {synthesis}": (vowels, "f0")}
        found = {}
        for name, (grid, within) in asked.items():
            with contextlib.suppress(UndefinedScoreError):
                found[name] = self.saturation(grid, within=within)
        return found

    def rsa(
        self, grid: str, *parameters: str, metrics: Mapping[str, ParameterMetric], within: str | None = None
    ) -> RsaProfile:
        """RSA with some parameters of a grid, or all, in several metrics; for vowels, f0 are drawn again."""
        names = parameters or self._all_varying(grid)
        key = "rsa", grid, names, within
        if key not in self._found:
            points = self.points(grid, *names)
            f0 = self.points(grid).get("f0")
            self._found[key] = scores.rsa_profile(
                self.mean[grid],
                points,
                metrics=metrics,
                within=None if within is None else self.points(grid)[within],
                units=f0 if f0 is not None and np.ptp(f0) else None,
                max_points=MOST_COMPARED,
                bootstrap=self.bootstrap,
            )
        return self._found[key]

    def abx(self, kind: str, multiple: int, synthesis: Synthesis = "sines") -> Score:
        """Whether a difference of so many just noticeable ones is heard across contexts; `kind` of `NOTICEABLE`."""
        features = self._for_abx(kind, synthesis)
        place = 1 + listeners.NOTICEABLE[kind].multiples.index(multiple)
        chosen = features[:, [0, place]]  # (bases, 2, contexts, channels)
        base, on, across = np.indices(chosen.shape[:3]).reshape(3, -1)
        return scores.abx(chosen.reshape(len(on), -1), on, across, by=base, bootstrap=self.bootstrap)

    def abx_mean(self, kind: str, synthesis: Synthesis = "sines") -> Score:
        """The mean of a curve over its multiples."""
        found = [self.abx(kind, multiple, synthesis) for multiple in listeners.NOTICEABLE[kind].multiples]
        value = float(np.mean([each.value for each in found]))
        replicates = np.mean([each.replicates for each in found], axis=0)
        return make_score(value, replicates, units=found[0].units, bootstrap=self.bootstrap, bounds=(0.0, 1.0))

    def abx_vowels(self, synthesis: Synthesis = "sines") -> Score:
        """Whether the same vowel is nearer at another f0 than another vowel is; f0 from the sounds for its own ABX."""
        f0, contexts = self.grids.abx_f0.axes[0]["f0"], self.grids.abx_f0.shape[-1]
        chosen = [0]
        for place in range(1, len(f0)):
            if f0[place] >= _NEXT_F0 * f0[chosen[-1]]:
                chosen.append(place)
        features = self.mean[grid_name("abx_f0", synthesis)].reshape(len(f0), contexts, -1)[chosen]
        across, on = np.indices(features.shape[:2]).reshape(2, -1)
        return scores.abx(features.reshape(len(on), -1), on, across, bootstrap=self.bootstrap)

    def _for_abx(self, kind: str, synthesis: Synthesis) -> np.ndarray:
        """Features (bases, 1 + steps, contexts, channels) of the sounds for a discrimination."""
        name = {"f0": "abx_f0", "level": "abx_level"}.get(kind, "abx_formants")
        grid = grid_name(name, synthesis)
        shape = self.grids.items()[grid].shape
        contexts, steps = shape[-1], 1 + len(listeners.NOTICEABLE[kind].multiples)
        features = self.mean[grid]
        if name != "abx_formants":
            return features.reshape(-1, steps, contexts, features.shape[-1])
        both = features.reshape(-1, 2 * steps - 1, contexts, features.shape[-1])
        chosen = range(steps) if kind == "F1" else [0, *range(steps, 2 * steps - 1)]
        return both[:, list(chosen)]

    def monotonicity(self, grid: str, parameter: str) -> Score:
        points = self._varying(grid, parameter)
        return scores.monotonicity(self.mean[grid], points, parameter, bootstrap=self.bootstrap)

    def _varying(self, grid: str, parameter: str) -> dict[str, np.ndarray]:
        """The parameters of a grid, without those that are the same for all sounds, as an only f0 is."""
        points = self.points(grid)
        if not np.ptp(points[parameter]):
            raise UndefinedScoreError(f"{parameter} is {points[parameter][0]:g} for all sounds; expected it to vary")
        return {name: points[name] for name in self._all_varying(grid)}

    def _all_varying(self, grid: str) -> tuple[str, ...]:
        return tuple(name for name, values in self.points(grid).items() if np.ptp(values))

    def neighbours(self, grid: str, *parameters: str, count: int = 10, within: str | None = None) -> Score:
        return scores.neighbour_overlap(
            self.mean[grid],
            self.points(grid, *(parameters or self._all_varying(grid))),
            count=count,
            within=None if within is None else self.points(grid)[within],
            bootstrap=self.bootstrap,
        )

    def scale_fit(self, scale: str, grid: str = "tones") -> Score:
        frequency = self.points(grid)["frequency"]
        return scores.scale_fit(self.mean[grid], frequency, SCALES[scale], bootstrap=self.bootstrap)

    def steadiness(self, grid: str) -> Score:
        if self.frames.num_frames(round(_duration(self.grids.frames) * self.frames.sample_rate)) == 1:
            raise UndefinedScoreError("a sound has one frame, which is its own mean; expected several")
        return scores.steadiness(self.steady[grid], bootstrap=self.bootstrap)

    def burst_separation(self, fraction: float, *, at_rate: bool) -> Score:
        chosen = self._where("bursts", "base_frequency", at_rate=at_rate)
        num_samples = self.grids.num_samples
        start, stop = (int(edge) for edge in stimuli.burst_span(fraction, num_samples=num_samples))
        overlaps = self.frames.seeing(start, stop, num_samples=num_samples)
        nearness = self.nearness[chosen, int(np.argmin(np.abs(FRACTIONS - fraction)))]
        return scores.burst_separation(nearness, overlaps, bootstrap=self.bootstrap)

    def invariance(
        self, grid: str, parameter: str, reference: float, *, at_rate: bool, relative: bool = False
    ) -> Score:
        points = self.points(grid)
        rows = self._where(grid, "frequency", at_rate=at_rate)
        score = scores.relative_invariance if relative else scores.invariance
        is_reference = np.isclose(points[parameter][rows], reference)
        return score(self.mean[grid][rows], points["frequency"][rows], is_reference, bootstrap=self.bootstrap)

    def _where(self, grid: str, parameter: str, *, at_rate: bool) -> np.ndarray:
        """Which sounds are at multiples of the frame rate, or which are not: (n,) bool."""
        rows = sees_one_phase(self.points(grid)[parameter], self.grids.frames) == at_rate
        if not rows.any():
            rate = f"{self.grids.frames.rate:g} Hz, the frame rate"
            raise UndefinedScoreError(f"{'no' if at_rate else 'every'} tone is at a multiple of {rate}")
        return rows


def stimulus_of(grid: str, frames: Frames) -> Callable[..., jax.Array]:
    """What makes the sounds of a grid, for a front end with these frames."""
    return SOUNDS[grid] if _duration(frames) == SHORT else _LONGER[SOUNDS[grid]]


def _duration(frames: Frames) -> float:
    """Of all sounds but bursts, in seconds, for a front end with these frames."""
    return SHORT if frames.num_frames(round(SHORT * frames.sample_rate)) >= _LEAST_FRAMES else LONG


def listen(front_end: NamedFrontEnd, chosen: Grids, results: Results, *, experiment: str) -> dict[str, Heard]:
    """Plays all sounds to a front end: by layer, what it made of them."""
    layers = library.layers(front_end.front_end)
    channels = layer_pooling.layer_channels(front_end.front_end, num_samples=chosen.num_samples)
    means, steady = {}, {}
    for grid in (each for each in SOUNDS if each in chosen.items()):
        stimulus = stimulus_of(grid, chosen.frames)
        features = results.sweep(
            experiment, front_end, chosen.items()[grid], stimulus, pooling=layer_pooling.layer_means
        )
        by_layer = layer_pooling.split_means(features, channels)
        means[grid] = {name: found.mean for name, found in by_layer.items()}
        steady[grid] = {name: found.steadiness for name, found in by_layer.items()}
    features = results.sweep(experiment, front_end, chosen.bursts, bursts, pooling=layer_pooling.burst_nearness)
    nearness = layer_pooling.split_nearness(features, layers, num_samples=chosen.num_samples)
    return {
        name: Heard(
            frames,
            chosen,
            {grid: found[name] for grid, found in means.items()},
            {grid: found[name] for grid, found in steady.items()},
            nearness[name],
            Bootstrap() if name == FRAMES else Bootstrap(resamples=min(INNER_RESAMPLES, Bootstrap().resamples)),
        )
        for name, frames in layers.items()
    }
