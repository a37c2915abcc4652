"""What a front end heard in an experiment: features of its sweeps, and their maps, kept in the folder of results."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from w2v_jax import projection
from w2v_jax.engine import Pooling
from w2v_jax.front_end import Frames
from w2v_jax.grids import Grid
from w2v_jax.projection import UmapSettings

from .front_ends.named import NamedFrontEnd
from .store import maps
from .store.results import Results
from .vowel_choice import VowelChoice

Stimulus = Callable[..., jax.Array]
Points = Mapping[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Setting:
    """What a front end is asked at: which the sounds may depend on.

    Attributes:
        results: the folder; its `size` says how thin grids are, its `vowels` which vowels.
        front_end: who hears.
        options: the values of the experiment's own flags, by name.
        among: all that hear in this run, those whom the user named first.
        named: those whom the user named.
    """

    results: Results
    front_end: NamedFrontEnd
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    among: tuple[NamedFrontEnd, ...] = ()
    named: tuple[NamedFrontEnd, ...] = ()

    @property
    def quick(self) -> bool:
        """Whether grids are thin."""
        return self.results.quick


@dataclasses.dataclass(frozen=True)
class Sweep:
    """Sounds, and what is kept of them in `FOLDER/NAME.ENCODER.safetensors`.

    Attributes:
        name: of the file; it says what the sounds are.
        grid: their parameters; or a function of the setting that returns them. It may have another name.
        stimulus: `stimulus(**point, sample_rate=...)` returns a waveform, or several.
        pooling: what is kept of the frames, as for `w2v_jax.sweep`.
        folder: the experiment with whose results it is kept, where that is another one that hears the same.
        of_controls: whether the controls that the experiment adds hear it, too.
    """

    name: str
    grid: Grid | Callable[[Setting], Grid]
    stimulus: Stimulus
    pooling: Pooling = "mean"
    folder: str = ""
    of_controls: bool = False

    def grid_for(self, setting: Setting) -> Grid:
        """The points for one front end, under the sweep's name."""
        grid = self.grid if isinstance(self.grid, Grid) else self.grid(setting)
        return grid if grid.name == self.name else Grid(self.name, grid.axes)


@dataclasses.dataclass(frozen=True, eq=False)
class Heard:
    """What a front end heard.

    Attributes:
        experiment: the name of that in which, and so of its folder.
        setting: who hears, and what was asked for.
        sweeps: those that it hears, by name.
        is_control: whether the experiment has added it.
        memory: what an experiment's functions have computed of it and want again (`remembered`).
    """

    experiment: str
    setting: Setting
    sweeps: Mapping[str, Sweep]
    is_control: bool = False
    memory: dict[str, Any] = dataclasses.field(default_factory=dict, repr=False)

    @property
    def front_end(self) -> NamedFrontEnd:
        """Who hears."""
        return self.setting.front_end

    @property
    def name(self) -> str:
        """The front end's."""
        return self.front_end.name

    @property
    def frames(self) -> Frames:
        """How it frames a waveform."""
        return self.front_end.frames

    @property
    def results(self) -> Results:
        """Where results are kept."""
        return self.setting.results

    @property
    def vowels(self) -> VowelChoice:
        """Which vowels are asked about."""
        return self.results.vowels

    @property
    def quick(self) -> bool:
        """Whether grids are thin."""
        return self.results.quick

    @property
    def options(self) -> Mapping[str, Any]:
        """The values of the experiment's own flags."""
        return self.setting.options

    @functools.cached_property
    def _grids(self) -> Mapping[str, Grid]:
        return {name: each.grid_for(self.setting) for name, each in self.sweeps.items()}

    def grid(self, sweep: str) -> Grid:
        """The points of a sweep."""
        return self._grids[sweep]

    def features(self, sweep: str) -> np.ndarray:
        """Features of every point of a sweep, mapped from their file; computed where they are not there."""

        def read() -> np.ndarray:
            each, folder = self.sweeps[sweep], self._folder(sweep)
            return self.results.sweep(folder, self.front_end, self.grid(sweep), each.stimulus, pooling=each.pooling)

        features: np.ndarray = self.remembered(f"features of {sweep}", read)
        return features

    def umap(
        self, sweep: str, features: np.ndarray | None = None, *, settings: UmapSettings = projection.LOCAL
    ) -> np.ndarray:
        """Positions on UMAP's map of a sweep, (n, 2), or of other features under its name, kept as `maps.umap` does."""
        folder = self._folder(sweep)
        if features is not None:
            return maps.umap(self.results, folder, self.front_end, sweep, features, settings=settings)

        def project() -> np.ndarray:
            return maps.umap(self.results, folder, self.front_end, sweep, self.features(sweep), settings=settings)

        positions: np.ndarray = self.remembered(f"map of {sweep}, {settings}", project)
        return positions

    def umap_onto(
        self, sweep: str, features: np.ndarray, others: np.ndarray, *, settings: UmapSettings = projection.LOCAL
    ) -> tuple[np.ndarray, np.ndarray]:
        """A map of `features`, (n, d), and `others`, (..., d), placed on it, kept under a sweep's name."""
        folder = self._folder(sweep)
        return maps.umap_onto(self.results, folder, self.front_end, sweep, features, others, settings=settings)

    def _folder(self, sweep: str) -> str:
        each = self.sweeps.get(sweep)
        return each.folder if each and each.folder else self.experiment

    def remembered(self, name: str, compute: Any) -> Any:
        """What `compute()` returned when it was first asked for under this name."""
        if name not in self.memory:
            self.memory[name] = compute()
        return self.memory[name]
