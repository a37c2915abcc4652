"""Smoke runs of the experiments with tiny front ends: made once a session, and read by every end-to-end test."""

import contextlib
import dataclasses
import functools
import pathlib
import shutil
from collections.abc import Callable, Iterator

import filelock
import jax
import pytest
from flax import nnx
from matplotlib.figure import Figure as Drawing

from experiments import records, reproduce, running
from experiments.draw import figures
from experiments.front_ends import resolving
from experiments.front_ends.named import NamedFrontEnd
from experiments.store.results import Results
from w2v_jax.checkpoint import Provenance, save_encoder
from w2v_jax.encoder import EncoderConfig, FeatureEncoder

# Two layers with the frame geometry of wav2vec 2.0: receptive field 400, hop 320.
# No tone of the grids repeats every 5 samples: of such a one the group norm would leave nothing.
TINY = EncoderConfig(channels=(8, 12), kernel_sizes=(10, 79), strides=(5, 64))
# Two tiny encoders whose files say that they are two of the paper's models; a spectrogram; a callable of a user's.
SOURCES = {"first": "facebook/wav2vec2-base", "second": "facebook/wav2vec2-large@abc"}
OTHERS = ("log-mel", "bands:make")
# For claims, and for emergence: an encoder of a layer at some steps, and the seeds of its weights.
ONE_LAYER = EncoderConfig(channels=(12,), kernel_sizes=(400,), strides=(320,), conv_norm="layer")
STEPS = {"step-000000": 7, "step-000020": 20, "step-000100": 100}
_BATCH = 8  # sounds per call: one program for grids of any length


def shared(tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[pathlib.Path], object]) -> pathlib.Path:
    """A folder that one of pytest's workers makes and all read."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if own.name.startswith("popen-") else own) / name
    with filelock.FileLock(f"{folder}.lock"):
        if not folder.exists():
            unfinished = folder.with_suffix(".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)  # of one that failed
            unfinished.mkdir()
            make(unfinished)
            unfinished.rename(folder)
    return folder


def make_claims(folder: pathlib.Path) -> None:
    """Of claims about the first step, and of emergence, which hears less of the same."""
    for name, seed in STEPS.items():
        save_tiny(folder / f"{name}.safetensors", seed=seed, source="tiny", config=ONE_LAYER)
    steps = resolving.resolve([str(folder / "step-*.safetensors")])
    results = Results(folder, size="smoke", batch_size=_BATCH)
    with hardly_optimised(), each_kind_saved_once():
        running.run(records.experiment("claims"), steps[:1], results)
        running.run(records.experiment("emergence"), steps, results)


def save_tiny(path: pathlib.Path, *, seed: int, source: str, config: EncoderConfig = TINY) -> None:
    """A weight file that says where it is from."""
    save_encoder(FeatureEncoder(config, rngs=nnx.Rngs(seed)), path, provenance=Provenance(source=source))


@dataclasses.dataclass(frozen=True)
class SmokeRun:
    """What `make` left in a folder."""

    folder: pathlib.Path

    @functools.cached_property
    def front_ends(self) -> list[NamedFrontEnd]:
        """Two tiny encoders, a spectrogram, and a callable."""
        return resolving.resolve([*(str(self.folder / f"{name}.safetensors") for name in SOURCES), *OTHERS])

    @property
    def results(self) -> Results:
        """Of all experiments of the paper; to be read."""
        return Results(self.folder, size="smoke")


def make(folder: pathlib.Path) -> None:
    """The weights, and the results of `reproduce --size=smoke`."""
    for seed, (name, source) in enumerate(SOURCES.items(), start=1):
        save_tiny(folder / f"{name}.safetensors", seed=seed, source=source)
    results = Results(folder, size="smoke", batch_size=_BATCH)
    with hardly_optimised(), each_kind_saved_once():
        reproduce.run(records.in_paper(), SmokeRun(folder).front_ends, results)


@contextlib.contextmanager
def hardly_optimised() -> Iterator[None]:
    """Within, programs compile sooner and run longer: of tiny front ends compiling is most of the work."""
    before = jax.config.values["jax_disable_most_optimizations"]
    jax.config.update("jax_disable_most_optimizations", True)
    try:
        yield
    finally:
        jax.config.update("jax_disable_most_optimizations", before)
        jax.clear_caches()


@contextlib.contextmanager
def each_kind_saved_once() -> Iterator[None]:
    """Within, a figure of a kind that was saved before is a copy of that one's file."""
    saved: dict[tuple[object, ...], bytes] = {}
    save = figures.save

    def save_or_copy(figure: Drawing, path: pathlib.Path, **options: int) -> None:
        # A temporary file: .STEM.ENCODER.LETTERS.png, or .STEM.LETTERS.png of all, whose panels are those of each.
        _, stem, *_, suffix = path.name.split(".")
        kind = stem, suffix
        if kind in saved:
            path.write_bytes(saved[kind])
        else:
            save(figure, path, **options)
            saved[kind] = path.read_bytes()

    with saved_as(save_or_copy):
        yield


@contextlib.contextmanager
def saved_as(save: Callable[..., object]) -> Iterator[None]:
    """Within, figures are saved in another way."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "save", save)
        yield
