"""What one layer of a front end makes of the sounds of the claims, and what is asked of that."""

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np

from w2v_jax import front_end as library
from w2v_jax import layer_pooling, scales, scores, stimuli
from w2v_jax.front_end import FRAMES, Frames
from w2v_jax.scores import BlockScores, Bootstrap, DistanceGrowth, LearnedScale, RsaProfile, Score, UndefinedScoreError
from w2v_jax.scores.bootstrap import make_score, mean_score
from w2v_jax.scores.learned_scale import PHASES
from w2v_jax.scores.parameter_metrics import ParameterMetric
from w2v_jax.scores.reading import WIDTHS

from ..hearing import Heard
from ..measures import learned_scale
from ..vowels.synthesis import Synthesis
from . import listeners, phased
from .sounds import BURSTS, FRACTIONS, NEXT_F0, Grids, duration, grid_name, grids_for, sees_one_phase

NOISE = 0.1  # of the features' deviation, in every probe that states no other
MOST_COMPARED = 600  # sounds of an RSA
INNER_RESAMPLES = 100  # of the intervals of inner layers, which are drawn but not compared
_SMOKE_RESAMPLES, _SMOKE_WIDTHS = 20, (1.0,)

Phases = Literal["one starting phase", "mean of 8 starting phases"]


@dataclasses.dataclass(frozen=True)
class Layer:
    """What one layer of one front end made of all sounds.

    Attributes:
        frames: how the layer frames a waveform.
        grids: the sounds.
        mean: by grid (of `SOUNDS`) the features averaged over time, (n, channels).
        steady: by grid how steady the frames were, (n,).
        nearness: (tones, `FRACTIONS`, frames), of each frame of a burst to its tone.
        bootstrap: how intervals are made.
        widths: among which `read_off` chooses one.
    """

    frames: Frames
    grids: Grids
    mean: Mapping[str, np.ndarray]
    steady: Mapping[str, np.ndarray]
    nearness: np.ndarray
    bootstrap: Bootstrap
    widths: tuple[float, ...] = WIDTHS

    @property
    def heard(self) -> set[str]:
        """The grids whose sounds were heard."""
        return {*self.mean, *([BURSTS] if self.nearness.size else [])}

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

    def mel_probe(self) -> BlockScores:
        """The same of the tones' frequency in Mel."""
        return self._probe("tones", "mel", lambda: scales.mel(self.points("tones")["frequency"]), NOISE)

    def _probe(self, grid: str, name: str, values: Callable[[], np.ndarray], noise: float) -> BlockScores:
        key = "probe", grid, name, noise
        if key not in self._found:
            score = functools.partial(scores.block_decodability, noise=noise, bootstrap=self.bootstrap)
            self._found[key] = score(self.mean[grid], values())
        return self._found[key]

    def read_off(self, grid: str, parameter: str, *, between: bool = False) -> Score:
        """A parameter read off in contexts that were not heard: cents of a frequency, dB of an amplitude."""
        points = self._varying(grid, parameter)
        contexts = {name: values for name, values in points.items() if name != parameter}
        errors = scores.read_off(
            self.mean[grid],
            {parameter: points[parameter]},
            contexts,
            between=between,
            unit="dB" if parameter.startswith("amplitude") else "cents",
            noise=NOISE,
            widths=self.widths,
            bootstrap=self.bootstrap,
        )
        return errors[parameter]

    def saturation(self, grid: str, *, within: str | None = None) -> float:
        """The share of pairs of a grid's sounds that are all but as far apart as the farthest."""
        return scores.saturation(self.mean[grid], within=None if within is None else self.points(grid)[within])

    def saturations(self) -> dict[str, float]:
        """By what is compared in RSA and near order, its `saturation`; without what has no direction."""
        sounds: dict[str, tuple[str, str | None]] = {"tones": ("tones", None), "two tones": ("amplitudes", None)}
        for synthesis in self.grids.syntheses:
            vowels = grid_name("vowels", synthesis)
            sounds |= {f"vowels, {synthesis}": (vowels, None), f"vowels of one f0, {synthesis}": (vowels, "f0")}
        by_name = {}
        for name, (grid, within) in sounds.items():
            with contextlib.suppress(UndefinedScoreError):
                by_name[name] = self.saturation(grid, within=within)
        return by_name

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
        curve = [self.abx(kind, multiple, synthesis) for multiple in listeners.NOTICEABLE[kind].multiples]
        value = float(np.mean([each.value for each in curve]))
        replicates = np.mean([each.replicates for each in curve], axis=0)
        return make_score(value, replicates, units=curve[0].units, bootstrap=self.bootstrap, bounds=(0.0, 1.0))

    def abx_vowels(self, synthesis: Synthesis = "sines") -> Score:
        """Whether the same vowel is nearer at another f0 than another vowel is; f0 from the sounds for its own ABX."""
        f0, contexts = self.grids.abx_f0.axes[0]["f0"], self.grids.abx_f0.shape[-1]
        chosen = [0]
        for place in range(1, len(f0)):
            if f0[place] >= NEXT_F0 * f0[chosen[-1]]:
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

    @functools.cached_property
    def learned_scale(self) -> LearnedScale:
        """The scale along which tones a small step apart lie, each the mean of its starting phases."""
        grid = self.grids.items()[learned_scale.SWEEP]
        features = self.mean[learned_scale.SWEEP].reshape(*grid.shape, -1)
        return scores.learned_scale(features, grid.axes[0]["frequency"], bootstrap=self.bootstrap)

    def small_steps(self) -> Score:
        """The share of steps of the learned scale that are small enough for it to say anything."""
        return mean_score(self.learned_scale.small.astype(float), bootstrap=self.bootstrap, bounds=(0.0, 1.0))

    @functools.cached_property
    def changes(self) -> np.ndarray:
        """Cents by which sounds are moved, rising."""
        return phased.changes(self.grids.size)

    def small_change(self, what: str, place: int, *, phases: Phases) -> Score:
        """The distance of sounds that differ by one of `changes`, as a share of that of unrelated ones.

        Args:
            what: is moved: "tones", or "f0 of voices" and its like.
            place: of the change.
            phases: at which sounds begin.
        """
        key = "small changes", what, phases
        if key not in self._found:
            self._found[key] = self._growth(what, phases)
        return self._found[key].shares[place]

    def _growth(self, what: str, phases: Phases) -> DistanceGrowth:
        name = "tone_changes" if what == "tones" else "voice_changes"
        count = len(self.changes)
        features = self.mean[name]
        features = features.reshape(
            -1, 1 + (1 if what == "tones" else len(phased.MOVED)) * count, PHASES, features.shape[-1]
        )
        if what != "tones":
            first = 1 + phased.MOVED.index(what.split()[0].lower()) * count
            features = features[:, [0, *range(first, first + count)]]
        if phases == "one starting phase":
            features = features[:, :, 0]
        return scores.distance_growth(features, self.changes, bootstrap=self.bootstrap)

    def steadiness(self, grid: str) -> Score:
        if self.frames.num_frames(round(duration(self.grids.frames, self.grids.size) * self.frames.sample_rate)) == 1:
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


def layers_of(heard: Heard, *, only_frames: bool = False) -> dict[str, Layer]:
    """By layer, or of the final frames only, what a front end made of all sounds that it heard."""
    grids, smoke = grids_for(heard.setting), heard.results.size == "smoke"
    layers = library.layers(heard.front_end.front_end)
    channels = layer_pooling.layer_channels(heard.front_end.front_end, num_samples=grids.num_samples)
    means: dict[str, Mapping[str, layer_pooling.LayerFeatures]] = {}
    nearness: Mapping[str, np.ndarray] = {}
    for name in heard.sweeps:
        if name == BURSTS:
            nearness = layer_pooling.split_nearness(heard.features(name), layers, num_samples=grids.num_samples)
        elif name in grids.items():
            means[name] = layer_pooling.split_means(heard.features(name), channels)
    return {
        name: Layer(
            frames,
            grids,
            {grid: by_layer[name].mean for grid, by_layer in means.items()},
            {grid: by_layer[name].steadiness for grid, by_layer in means.items()},
            nearness.get(name, np.zeros((0, 0, 0))),
            _bootstrap(name, smoke=smoke),
            _SMOKE_WIDTHS if smoke else WIDTHS,
        )
        for name, frames in layers.items()
        if name == FRAMES or not only_frames
    }


def _bootstrap(layer: str, *, smoke: bool) -> Bootstrap:
    most = Bootstrap().resamples if layer == FRAMES else INNER_RESAMPLES
    return Bootstrap(resamples=min(most, _SMOKE_RESAMPLES)) if smoke else Bootstrap(resamples=most)
