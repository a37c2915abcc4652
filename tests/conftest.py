"""What several test files share."""

import os

import jax
import pytest
from processes import SweepProcess, save_tiny

# What one process compiles the others need not: pytest's workers, the programs that tests start, and the next run.
_COMPILED = "JAX_COMPILATION_CACHE_DIR"


def pytest_configure(config):
    for library in ("OMP", "OPENBLAS"):  # of the processes that the first one starts: threads that wait use a core, too
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    if _COMPILED not in os.environ:  # this process is the first; the others inherit its environment
        os.environ[_COMPILED] = str(config.cache.mkdir("compiled"))
        os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"


# Files that take longest go first: whole files are shared between processes, and the last one should be short.
_SLOWEST = (
    "experiments",
    "every_front_end",
    "pretrain",
    "padded_and_long",
    "recordings",
    "precision",
    "source_filter",
    "devices",
    "claims",
    "encoder",
    "resume",
    "emergence",
    "projection",
    "stimuli",
    "spectrograms",
    "engine",
    "own_vowels",
    "scores",
    "distributed",
    "memory",
    "many_encoders",
    "convert_hostile",
    "layer_pooling",
    "golden",
)


def pytest_collection_modifyitems(items):
    rank = {f"test_{name}": place for place, name in enumerate(_SLOWEST)}
    items.sort(key=lambda item: rank.get(item.path.stem, len(rank)))


# What they ask is what is computed, not how fast or how exactly: compiling is most of their time.
_HARDLY_OPTIMISED = (
    "claims",
    "contrastive",
    "encoder",
    "engine",
    "every_front_end",
    "jax_settings",
    "padded_and_long",
    "layer_pooling",
    "recordings",
    "scores",
    "similarity",
    "sound_files",
    "source_filter",
    "spectrograms",
)


@pytest.fixture(scope="module", autouse=True)
def hardly_optimised(request):
    is_one = request.path.stem.removeprefix("test_") in _HARDLY_OPTIMISED
    jax.config.update("jax_disable_most_optimizations", is_one)
    yield
    jax.config.update("jax_disable_most_optimizations", False)
    if is_one:
        jax.clear_caches()


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """The weight file of a tiny encoder."""
    return save_tiny(tmp_path_factory.mktemp("weights") / "tiny.safetensors")


@pytest.fixture(scope="session")
def undisturbed(weights, tmp_path_factory):
    """The file of a `SweepProcess` that nothing happened to, byte for byte."""
    process = SweepProcess(weights, tmp_path_factory.mktemp("undisturbed"))
    assert process.join() == 0, process.said
    return (process.output / "tones.safetensors").read_bytes()
