"""The sounds of `experiments.claims`, and what a layer of an encoder makes of them."""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence

import jax.numpy as jnp
import numpy as np

from w2v_jax import grids, scales, scores, stimuli
from w2v_jax.grids import Grid
from w2v_jax.probes import BurstNearness, Layer, LayerMeans, layers, split, split_nearness
from w2v_jax.scores import Score
from w2v_jax.scores.frequency_scale import SCALES

from .. import amplitude
from ..harness import controls, vowel_chart
from ..harness.front_ends import NamedEncoder
from ..harness.workspace import Workspace

# The frame rate is 50 Hz: of a tone at a multiple of it, all frames see one phase. The other tones here share no
# divisor with 50, so that every frame sees another phase (at 25 Hz, say, they would see two).
AT_50_HZ = (100, 200, 300, 400, 500, 800, 1500, 3000)
ELSEWHERE = (113, 213, 337, 447, 563, 813, 1537, 3067)
BURST_TONES_AT_50_HZ = ((100, 700), (150, 600), (200, 800), (300, 1200), (400, 1500), (500, 2000))
BURST_TONES_ELSEWHERE = ((113, 713), (163, 617), (213, 833), (313, 1237), (413, 1537), (513, 2033))
NUM_SAMPLES = stimuli.SAMPLE_RATE  # of every sound: one second
FRACTIONS = grids.BURSTS.axis("burst_fraction")  # of one second
# The paper's six f0 are multiples of 25 Hz; these are beside them.
F0_ELSEWHERE = (103, 127, 153, 177, 203, 227)


def _grid(name: str, **axes: Sequence[float] | np.ndarray) -> Grid:
    return Grid(name, tuple({parameter: np.asarray(values, np.float64)} for parameter, values in axes.items()))


def _tones(name: str, frequency, *, amplitude=(1.0,), bias=(0.0,), offset=(0.0,)) -> Grid:
    """Pure tones. All have the same four parameters, so that one compiled program serves them."""
    return _grid(name, frequency=frequency, amplitude=amplitude, bias=bias, offset=offset)


def _heard(frequency: np.ndarray) -> np.ndarray:
    """Without multiples of 3,200 Hz: of those every frame of the first layer (a hop of 5 samples) sees one phase.

    A normalisation over time removes them, and what is left, as at 8 kHz, is rounding noise.
    """
    return frequency[frequency % 3200 != 0]


def _bursts(*pairs: tuple[float, float]) -> Grid:
    base, burst = np.array(pairs, np.float64).T
    return Grid("bursts", ({"base_frequency": base, "burst_frequency": burst},))


def _beside(vowels: Grid) -> Grid:
    """The same vowels at f0 beside the paper's."""
    f0, *formants = vowels.axes
    return Grid("vowels_elsewhere", ({"f0": np.array(F0_ELSEWHERE[: len(f0["f0"])], np.float64)}, *formants))


@dataclasses.dataclass(frozen=True)
class Grids:
    """The sounds that every encoder and control is given. 8 kHz is not among them: at zero phase it is silence."""

    vowels: Grid
    vowels_elsewhere: Grid
    tones: Grid
    tones_at_50: Grid
    amplitudes: Grid
    bursts: Grid
    biases: Grid
    levels: Grid
    shifts: Grid

    def sizes(self) -> dict[str, int]:
        """How many sounds each grid has."""
        return {field.name: len(getattr(self, field.name)) for field in dataclasses.fields(self)}


BOTH = (*AT_50_HZ, *ELSEWHERE)
FULL_GRIDS = Grids(
    vowels=grids.VOWEL_SPACE_BY_F0,
    vowels_elsewhere=_beside(grids.VOWEL_SPACE_BY_F0),
    tones=_tones("tones", np.arange(13, 8000, 10)),
    tones_at_50=_tones("tones_at_50", _heard(np.arange(50, 8000, 50))),
    amplitudes=grids.AMPLITUDES,
    bursts=_bursts(*BURST_TONES_AT_50_HZ, *BURST_TONES_ELSEWHERE),
    biases=_tones("biases", BOTH, amplitude=[0.5], bias=grids.BIAS.axis("bias")),
    levels=_tones("levels", BOTH, amplitude=[0.01, 0.03, 0.1, 0.3, 1]),
    shifts=_tones("shifts", BOTH, offset=np.arange(320)),
)
GRIDS = dataclasses.replace(
    FULL_GRIDS,
    vowels=FULL_GRIDS.vowels.thinned(f1=8, f2=8),
    vowels_elsewhere=FULL_GRIDS.vowels_elsewhere.thinned(f1=8, f2=8),
    tones=_tones("tones", np.arange(13, 8000, 40)),
    tones_at_50=_tones("tones_at_50", _heard(np.arange(50, 8000, 150))),
    amplitudes=FULL_GRIDS.amplitudes.thinned(amplitude_low=10, amplitude_high=10),
    shifts=_tones("shifts", BOTH, offset=[0, 1, 2, 3, 4, 7, 40, 113, 211, 319]),
)
QUICK_GRIDS = dataclasses.replace(
    GRIDS,
    vowels=FULL_GRIDS.vowels.thinned(f0=4, f1=4, f2=4),
    vowels_elsewhere=FULL_GRIDS.vowels_elsewhere.thinned(f0=4, f1=4, f2=4),
    tones=_tones("tones", np.arange(13, 8000, 240)),
    tones_at_50=_tones("tones_at_50", _heard(np.arange(50, 8000, 450))),
    amplitudes=FULL_GRIDS.amplitudes.thinned(amplitude_low=5, amplitude_high=5),
    bursts=_bursts(*BURST_TONES_AT_50_HZ[2:4], *BURST_TONES_ELSEWHERE[2:4]),
    shifts=_tones("shifts", BOTH, offset=[0, 1, 113]),
)


def tone(frequency, amplitude, bias, offset):
    """A tone from its sample `offset` on; frequency and offset are whole numbers, so that their product is exact."""
    turns = jnp.mod(frequency * offset, stimuli.SAMPLE_RATE) / stimuli.SAMPLE_RATE
    return stimuli.sine_mixture([frequency], amplitude, phases=2 * jnp.pi * turns, bias=bias)


def bursts(base_frequency, burst_frequency):
    """The base tone, the burst's tone, and bursts of every length, one second each, as `BurstNearness` takes them."""
    tones = [stimuli.sine_mixture([frequency]) for frequency in (base_frequency, burst_frequency)]
    return jnp.concatenate([*tones, *(stimuli.burst(base_frequency, burst_frequency, each) for each in FRACTIONS)])


SOUNDS: dict[str, Callable] = {
    "vowels": vowel_chart.vowel,
    "vowels_elsewhere": vowel_chart.vowel,
    "tones": tone,
    "tones_at_50": tone,
    "amplitudes": amplitude.two_tones,
    "biases": tone,
    "levels": tone,
    "shifts": tone,
}


@dataclasses.dataclass(frozen=True)
class Heard:
    """What one layer of one encoder made of all sounds.

    Attributes:
        layer: the layer.
        grids: the sounds.
        mean: by grid (of `SOUNDS`) the features averaged over time, (n, channels).
        steady: by grid how steady the frames were, (n,).
        nearness: (tones, `FRACTIONS`, frames), of each frame of a burst to its tone.
    """

    layer: Layer
    grids: Grids
    mean: Mapping[str, np.ndarray]
    steady: Mapping[str, np.ndarray]
    nearness: np.ndarray

    def points(self, grid: str, *names: str) -> dict[str, np.ndarray]:
        """The parameters of a grid: those named, or all."""
        points = getattr(self.grids, grid).points()
        return {name: points[name] for name in names or points}

    @functools.cached_property
    def _read(self) -> dict[tuple[str, str | None], dict[str, Score]]:
        return {}

    def read(self, grid: str, parameter: str, *, across: str | None = None) -> Score:
        """Decodability of a parameter, across the values of another where one is given."""
        # All parameters of a grid are read at once.
        if (grid, across) not in self._read:
            points = self.points(grid)
            groups = None if across is None else points[across]
            self._read[grid, across] = scores.decodability(self.mean[grid], points, groups=groups)
        return self._read[grid, across][parameter]

    def monotonicity(self, grid: str, parameter: str) -> Score:
        return scores.monotonicity(self.mean[grid], self.points(grid), parameter)

    def geometry(self, grid: str, *parameters: str, within: str | None = None) -> Score:
        points = self.points(grid)
        label = None if within is None else points[within]
        return scores.geometry(self.mean[grid], self.points(grid, *parameters), within=label)

    def neighbours(self, grid: str) -> Score:
        return scores.neighbours(self.mean[grid], self.points(grid))

    def mel(self) -> dict[str, np.ndarray]:
        return {"mel": scales.mel(self.points("tones")["frequency"])}

    def mel_read(self) -> Score:
        return scores.decodability(self.mean["tones"], self.mel())["mel"]

    def scale_fit(self, scale: str, grid: str = "tones") -> Score:
        return scores.scale_fit(self.mean[grid], self.points(grid)["frequency"], SCALES[scale])

    def burst_separation(self, fraction: float, *, at_50_hz: bool) -> Score:
        chosen = _at_50_hz(self.points("bursts")["base_frequency"]) == at_50_hz
        start, stop = (int(edge) for edge in stimuli.burst_span(fraction, num_samples=NUM_SAMPLES))
        overlaps = self.layer.frames_seeing(start, stop, num_samples=NUM_SAMPLES)
        return scores.burst_separation(self.nearness[chosen, int(np.argmin(np.abs(FRACTIONS - fraction)))], overlaps)

    def invariance(
        self, grid: str, parameter: str, reference: float, *, at_50_hz: bool, relative: bool = False
    ) -> Score:
        points = self.points(grid)
        rows = _at_50_hz(points["frequency"]) == at_50_hz
        score = scores.relative_invariance if relative else scores.invariance
        is_reference = np.isclose(points[parameter][rows], reference)
        return score(self.mean[grid][rows], points["frequency"][rows], is_reference)


def _at_50_hz(frequency: np.ndarray) -> np.ndarray:
    return np.asarray(frequency) % 50 == 0


def listen(encoder: NamedEncoder, chosen: Grids, workspace: Workspace, *, experiment: str) -> dict[str, Heard]:
    """Plays all sounds to an encoder: by layer, what it made of them."""
    layout = layers(encoder.encoder)
    means, steady = {}, {}
    for grid, synthesize in SOUNDS.items():
        features = workspace.sweep(experiment, controls.inside(encoder, LayerMeans), getattr(chosen, grid), synthesize)
        by_layer = split(features, layout)
        means[grid] = {name: found.mean for name, found in by_layer.items()}
        steady[grid] = {name: found.steadiness for name, found in by_layer.items()}
    asked = controls.inside(encoder, BurstNearness, num_samples=NUM_SAMPLES)
    nearness = workspace.sweep(experiment, asked, chosen.bursts, bursts, pooling="none")
    nearness = split_nearness(nearness, layout, num_samples=NUM_SAMPLES)
    return {
        layer.name: Heard(
            layer,
            chosen,
            {grid: found[layer.name] for grid, found in means.items()},
            {grid: found[layer.name] for grid, found in steady.items()},
            nearness[layer.name],
        )
        for layer in layout
    }
