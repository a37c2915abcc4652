"""Where an experiment's results are kept, and what is not computed a second time."""

import dataclasses
import functools
import hashlib
import importlib.metadata
import json
import os
import pathlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np
from matplotlib.figure import Figure

from w2v_jax import _version, checkpoint, files, tensor_file
from w2v_jax.convolution import Precision
from w2v_jax.engine import Pooling
from w2v_jax.grids import Grid
from w2v_jax.projection import UmapSettings

from . import figures, sweeping
from .front_ends import NamedEncoder, by_step
from .shards import SETTINGS, changed_settings, parsed_settings

Metrics = dict[str, Any]
Tensors = dict[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Workspace:
    """A folder of results, and how they are to be made.

    Attributes:
        output_dir: the folder; each experiment has a folder in it.
        quick: whether to thin the grids.
        precision: of the encoder's convolutions, as for `w2v_jax.sweep`.
        batch_size: sounds per compiled call; None lets the sweep choose.
        recompute: whether to compute again what the folder already has.
        share: which part of the work is this process's.
    """

    output_dir: pathlib.Path
    quick: bool = False
    precision: Precision = "float32"
    batch_size: int | None = None
    recompute: bool = False
    share: sweeping.Share = sweeping.ALONE
    _made: set[pathlib.Path] = dataclasses.field(default_factory=set, repr=False)  # by this run

    def check(self) -> None:
        """Raises `OSError` where the output folder cannot be written, before any work is done."""
        if self.output_dir.exists() and not self.output_dir.is_dir():
            raise NotADirectoryError(f"--output_dir={self.output_dir} is a file; expected a folder")
        self.output_dir.mkdir(parents=True, exist_ok=True)
        if not os.access(self.output_dir, os.W_OK):
            raise PermissionError(f"--output_dir={self.output_dir} cannot be written; choose another folder")

    def grid(self, full: Grid, thin: Grid) -> Grid:
        """The paper's grid, or the thin one with `--quick`."""
        return thin if self.quick else full

    def path(self, experiment: str, name: str) -> pathlib.Path:
        """A file of an experiment."""
        return self.output_dir / experiment / name

    def sweep(
        self,
        experiment: str,
        encoder: NamedEncoder,
        grid: Grid,
        synthesize: Callable[..., jax.Array],
        *,
        pooling: Pooling = "mean",
    ) -> np.ndarray:
        """Features of every point of `grid`, kept in `EXPERIMENT/SWEEP.ENCODER.safetensors`.

        A file made by the same encoder, grid, stimulus and versions is read instead; one that was begun is finished.

        Args:
            experiment: whose folder it is.
            encoder: the encoder.
            grid: the sweep's name and points.
            synthesize: the stimulus, as for `w2v_jax.sweep`.
            pooling: likewise.

        Returns:
            (n, channels), or (n, frames, channels) for pooling "none"; float32, in grid order, mapped from the file.
        """
        points = grid.points()
        sweep = sweeping.Sweep(
            path=self.path(experiment, f"{grid.name}.{encoder.name}.safetensors"),
            label=f"{encoder.name}: {grid.name}",
            encoder=encoder,
            synthesize=synthesize,
            points=points,
            settings={
                "encoder": encoder.digest,
                "grid": checkpoint.tensors_digest(points),
                "stimulus": _program_digest(synthesize, tuple(points)),
                "pooling": pooling,
                "precision": self.precision,
                "w2v_jax": _version.__version__,
                "jax": jax.__version__,
            },
            pooling=pooling,
            precision=self.precision,
            batch_size=self.batch_size,
        )
        kept = self._reusable(sweep.path, sweep.settings)
        if kept is None:
            if self.recompute and sweep.path not in self._made:
                sweep.remove_shards()
            sweeping.run(sweep, share=self.share, metadata={SETTINGS: json.dumps(sweep.settings)})
            self._made.add(sweep.path)
            kept = tensor_file.open_file(sweep.path)
        elif self.share.is_first:
            sweep.remove_shards()  # of a run that was killed when all was finished
        return kept.array("features")

    def positions(
        self,
        experiment: str,
        encoder: NamedEncoder,
        sweep: str,
        features: Sequence[np.ndarray],
        compute: Callable[[], Tensors],
        *,
        settings: UmapSettings,
    ) -> Tensors:
        """Positions on UMAP's map, kept in `EXPERIMENT/SWEEP.ENCODER.umap.safetensors`.

        Args:
            experiment: whose folder it is.
            encoder: the encoder.
            sweep: name of the sweep that they picture.
            features: everything that the positions depend on besides `settings`.
            compute: makes them; called where no file has them.
            settings: of UMAP.

        Returns:
            What `compute` returned, now or earlier.
        """
        name = f"{sweep}.{encoder.name}.umap.safetensors"
        key = {
            "features": checkpoint.tensors_digest({str(i): array for i, array in enumerate(features)}),
            "UMAP settings": json.dumps(dataclasses.asdict(settings)),
            "umap-learn": _installed_version("umap-learn"),
        }

        def timed() -> Tensors:
            print(f"{encoder.name}: {sweep}: UMAP ...", end=" ", flush=True)
            start = time.perf_counter()
            tensors = compute()
            print(f"{time.perf_counter() - start:.1f} s")
            return tensors

        return self._kept(self.path(experiment, name), key, timed)

    def save_figure(self, experiment: str, name: str, figure: Figure) -> None:
        """Writes `EXPERIMENT/NAME.png` and `.pdf` (the first process does)."""
        if not self.share.is_first:
            return
        for suffix in (".png", ".pdf"):
            with files.atomic_path(self.path(experiment, name + suffix)) as temporary:
                figures.save(figure, temporary)

    def save_metrics(
        self,
        experiment: str,
        per_encoder: Mapping[NamedEncoder, Metrics] | None = None,
        *,
        summary: Callable[[Metrics], Mapping[str, float]] | None = None,
        notes: Sequence[str] = (),
        **others: Any,
    ) -> Metrics:
        """Writes `EXPERIMENT/metrics.json`, strict JSON (the first process does), and returns what it says.

        Args:
            experiment: whose folder it is.
            per_encoder: what was measured of each encoder.
            summary: the few numbers of it that fit in a table, which has a row per encoder in the order of their
                training steps; those whose names have none come last, in the order given.
            notes: what a reader must know to read the numbers right.
            others: further entries, such as those about several encoders.

        Raises:
            ValueError: a number that is not finite: JSON has no such thing.
        """
        metrics = {
            "experiment": experiment,
            "quick": self.quick,
            "precision": self.precision,
            "w2v_jax": _version.__version__,
            "jax": jax.__version__,
            "notes": list(notes),
            "encoders": {
                encoder.name: {
                    "source": encoder.source,
                    "revision": encoder.revision,
                    "trained": not encoder.is_untrained,
                    **measured,
                }
                for encoder, measured in (per_encoder or {}).items()
            },
            "table": _table(per_encoder or {}, summary) if summary else [],
            **others,
        }
        text = json.dumps(metrics, indent=1, ensure_ascii=False, allow_nan=False, default=_plain)
        if self.share.is_first:
            with files.atomic_path(self.path(experiment, "metrics.json")) as temporary:
                temporary.write_text(text + "\n", encoding="utf-8")
        return json.loads(text)

    def _kept(self, path: pathlib.Path, settings: Mapping[str, str], compute: Callable[[], Tensors]) -> Tensors:
        """What `path` has, if it was made with the same settings and is whole; else what `compute` returns, kept."""
        kept = self._reusable(path, settings)
        if kept is None:
            if self.share.is_first:
                tensor_file.write_file(path, compute(), metadata={SETTINGS: json.dumps(settings)})
            else:
                sweeping.await_file(path, settings, label=str(path.relative_to(self.output_dir)))
            self._made.add(path)
            kept = tensor_file.open_file(path)
        return {name: kept.array(name) for name in kept.entries}

    def _reusable(self, path: pathlib.Path, settings: Mapping[str, str]) -> tensor_file.TensorFile | None:
        """The file, if it was made with the same settings, is whole and may be read again; says which."""
        label = path.relative_to(self.output_dir)
        if self.recompute and path not in self._made:
            reason = "--recompute" if path.exists() else None
        else:
            kept, reason = _read(path, settings)
            if kept is not None:
                print(f"{label}: unchanged, read from {path}")
                return kept
        if reason:
            print(f"{label}: computed again ({reason})")
        return None


def _read(path: pathlib.Path, settings: Mapping[str, str]) -> tuple[tensor_file.TensorFile | None, str | None]:
    """The file, or why it cannot be used (None where there is no such file)."""
    if not path.exists():
        return None, None
    try:
        kept = tensor_file.open_file(path)
        if changed := changed_settings(parsed_settings(kept), settings):
            return None, f"changed: {', '.join(changed)}"
        kept.check()
    except (tensor_file.TensorFileError, OSError) as error:
        return None, f"the file is damaged: {error}"
    return kept, None


def _table(
    per_encoder: Mapping[NamedEncoder, Metrics], summary: Callable[[Metrics], Mapping[str, float]]
) -> list[Metrics]:
    return [
        {"encoder": encoder.name, "step": encoder.step, **summary(per_encoder[encoder])}
        for encoder in by_step(per_encoder)
    ]


@functools.lru_cache(maxsize=64)
def _program_digest(synthesize: Callable[..., jax.Array], names: tuple[str, ...]) -> str:
    """Digest of the stimulus itself, as the program that JAX makes of it."""
    point = {name: jax.ShapeDtypeStruct((), np.float32) for name in names}
    program = jax.jit(lambda point: synthesize(**point)).lower(point).as_text()
    return hashlib.sha256(program.encode()).hexdigest()


def _installed_version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | jax.Array):
        return np.asarray(value).tolist()
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} has no place in metrics.json")
