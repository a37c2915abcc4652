"""The sounds of `experiments.claims`.

Which tones all frames see alike depends on the frame rate, so the sounds depend on how a front end frames a waveform.
Its controls hear the same ones.
"""

import dataclasses
import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from w2v_jax import grids, layer_pooling, source_filter, stimuli
from w2v_jax._src.arguments import Scalar
from w2v_jax.front_end import Frames
from w2v_jax.grids import Grid, Vowel

from .. import amplitude
from ..front_ends.controls import seed_of
from ..hearing import Setting, Sweep
from ..measures import learned_scale
from ..store.results import Size
from ..vowel_choice import PAPERS, VowelChoice
from ..vowels import space
from ..vowels.synthesis import SYNTHESES, Synthesis, syntheses_of
from . import designs, listeners, phased
from .listeners import Noticeable

Values = Sequence[float] | np.ndarray
Pairs = tuple[tuple[int, int], ...]

DURATION = 1.0  # seconds, of bursts
FRACTIONS = grids.BURSTS.axis("burst_fraction")  # of that
SHORT = 0.4  # seconds, of all others, for a front end that makes `_LEAST_FRAMES` of them
_LEAST_FRAMES = 8
LONG = 1.0  # for one with longer frames
# Values of f0, F1 and F2 in the design of vowels, a prime.
_VALUES = {"smoke": 11, "quick": 11, "usual": 23, "full": 29}
_CONTEXTS = {"smoke": 4, "quick": 5, "usual": 8, "full": 8}  # vowels, or f0, across which an ABX is asked
NEXT_F0 = 1.03  # times the one before, at least, of f0 across which vowels are told apart
_BASES = {"smoke": 1, "quick": 1, "usual": 3, "full": 3}  # from which differences are taken

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
    has them, and as voices: harmonics through resonances. Those of `phased` are at several starting phases.
    """

    frames: Frames
    size: Size
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
    tone_changes: Grid
    voice_changes: Grid
    scale_tones: Grid

    def items(self) -> dict[str, Grid]:
        """The grids by name; those of vowels once for each synthesis, see `grid_name`."""
        grids = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        if "resonances" not in self.syntheses:
            del grids["voice_changes"]
        named: dict[str, Grid] = {}
        for name, grid in grids.items():
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
    usual = size == "usual"
    f0, f1, f2, amplitudes = (4, 4, 4, 8) if usual else (4, 4, 4, 5)
    step, every = (40, 3) if usual else (240, 9)
    offsets = (0, 1, 3, 40, 113, frames.hop - 1) if usual else (0, 1, 113)
    grids = dataclasses.replace(
        full,
        vowel_lines=full.vowel_lines.thinned(f0=f0, f1=f1, f2=f2),
        tones=_tones("tones", _heard(np.arange(13, frames.nyquist, step), frames)),
        tones_at_rate=_tones("tones_at_rate", _heard(_multiples(frames)[::every], frames)),
        amplitude_lines=full.amplitude_lines.thinned(amplitude_low=amplitudes, amplitude_high=amplitudes),
        shifts=_shifts(frames, [offset for offset in dict.fromkeys(offsets) if offset < frames.hop]),
        bursts=_bursts(frames, slice(1, 5)),
    )
    if usual:
        return grids
    grids = dataclasses.replace(grids, bursts=_bursts(frames, slice(2, 4)))
    return grids if size == "quick" else _fewest(grids)


def _fewest(quick: Grids) -> Grids:
    """What the scores cannot do without."""
    return dataclasses.replace(
        quick,
        vowels=quick.vowels.thinned(f0=64),
        vowel_lines=quick.vowel_lines.thinned(f0=3, f1=3, f2=3),
        amplitude_lines=quick.amplitude_lines.thinned(amplitude_low=3, amplitude_high=3),
        biases=quick.biases.thinned(frequency=8, bias=3),
        levels=quick.levels.thinned(frequency=8, amplitude=3),
        shifts=quick.shifts.thinned(frequency=8),
        tones=quick.tones.thinned(frequency=18),
    )


def _full(frames: Frames, size: Size, choice: VowelChoice) -> Grids:
    both = _both(frames)
    f0 = _f0_values(choice.all_f0, _VALUES[size], frames)
    # Of one f0 there is nothing to be read off, and formants are asked across a few near it.
    near = f0 if len(f0) > 1 else [f0[0] * (0.9 + 0.025 * index) for index in range(9)]
    f1, f2 = (np.linspace(choice.span(name).low, choice.span(name).high, _VALUES[size]) for name in ("f1", "f2"))
    amplitudes = grids.AMPLITUDES.axis("amplitude_low")
    if size in ("smoke", "quick"):
        amplitudes = amplitudes[::2]
    bases = _BASES[size]
    vowels = designs.vowels("vowels", f0, f1, f2)
    contexts = _spread(_vowels_by_f2(choice), _CONTEXTS[size])
    return Grids(
        frames=frames,
        size=size,
        syntheses=SYNTHESES,
        vowels=vowels,
        vowel_lines=Grid("vowel_lines", choice.vowel_space_by_f0().axes),
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
        tone_changes=phased.tone_changes(frames, size),
        voice_changes=phased.voice_changes(vowels, size),
        scale_tones=learned_scale.tones_for(frames, size, usual_step=phased.SCALE_STEP),
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
    return stimuli.sine_mixture([f0, f1, f2], space.AMPLITUDES, duration=duration, sample_rate=sample_rate)


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
    **phased.SOUNDS,
}
BURSTS = "bursts"


def stimulus_of(grid: str, frames: Frames, size: Size) -> Callable[..., jax.Array]:
    """What makes the sounds of a grid, for a front end with these frames."""
    if grid in phased.SOUNDS:
        return phased.stimulus_of(grid, frames)
    seconds = duration(frames, size)
    return SOUNDS[grid] if seconds == SHORT else learned_scale.lasting(SOUNDS[grid], seconds)


def duration(frames: Frames, size: Size) -> float:
    """Of all sounds but bursts and those of `phased`, in seconds, for a front end with these frames."""
    if size == "smoke":
        return phased.duration(frames)
    return SHORT if frames.num_frames(round(SHORT * frames.sample_rate)) >= _LEAST_FRAMES else LONG


def grids_for(setting: Setting) -> Grids:
    """The sounds for a front end in a run."""
    results, options = setting.results, setting.options
    size: Size = "full" if options.get("full") and not results.quick else results.size
    grids = grids_of(setting.front_end.frames, size, results.vowels, syntheses_of(options.get("synthesis")))
    if any(options.get(name) is not None for name in ("lowest", "highest", "step")):
        tones = learned_scale.tones(setting, usual_step=phased.SCALE_STEP)
        grids = dataclasses.replace(grids, scale_tones=tones)
    return grids


SEEDS_ASKED_ALL = 3
"""Encoders with random weights that are asked about everything; the others about main scores, of the final frames."""

_HEARD_BY_FEW = (
    *("vowel_lines", grid_name("vowel_lines", "resonances"), "amplitude_lines"),
    *("tones_at_rate", "biases", "shifts", BURSTS, *phased.SOUNDS),
)


def is_asked_less(setting: Setting) -> bool:
    """Whether a front end is one of many controls with random weights, of which a few are asked everything."""
    most = 1 if setting.results.size == "smoke" else SEEDS_ASKED_ALL
    return setting.front_end not in setting.named and (seed_of(setting.front_end.name) or 0) > most


def sweeps_of(setting: Setting, names: Iterable[str] = ()) -> list[Sweep]:
    """The sweeps of some grids, or of all, kept with the claims. Controls hear them, too."""
    chosen = grids_for(setting)
    named = chosen.items()
    wanted = list(names) or [*(each for each in SOUNDS if each in named), BURSTS]
    if is_asked_less(setting):
        wanted = [each for each in wanted if each not in _HEARD_BY_FEW]
    sweeps = []
    for name in wanted:
        is_bursts = name == BURSTS
        stimulus = bursts if is_bursts else stimulus_of(name, chosen.frames, chosen.size)
        pooling = layer_pooling.burst_nearness if is_bursts else layer_pooling.layer_means
        sweeps.append(Sweep(name, named[name], stimulus, pooling, folder="claims", of_controls=True))
    return sweeps
