"""What several test files share."""

import os

import jax
import pytest
import smoke_run
from processes import SweepProcess, save_tiny

# What one process compiles the others need not: pytest's workers, the programs that tests start, and the next run.
_COMPILED = "JAX_COMPILATION_CACHE_DIR"
# Compiling takes half the processor's time with XLA's older code generator for CPUs, in one part per program. What asks
# for digits is compiled as in use: see `reference.jit_as_in_use`.
_COMPILED_QUICKLY = (
    "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1 --xla_backend_optimization_level=1"
)


def pytest_configure(config):
    for library in ("OMP", "OPENBLAS"):  # of the processes that the first one starts: threads that wait use a core, too
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    if "not parity" in config.option.markexpr and _COMPILED_QUICKLY not in os.environ.get("XLA_FLAGS", ""):
        os.environ["XLA_FLAGS"] = f"{_COMPILED_QUICKLY} {os.environ.get('XLA_FLAGS', '')}"
    if _COMPILED not in os.environ:  # this process is the first; the others inherit its environment
        os.environ[_COMPILED] = str(config.cache.mkdir("compiled"))
        os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"


# Files of which every test is deselected, unless its mark is asked for: importing PyTorch takes as long as many tests.
_OF_MARK = {"parity": ("convert_parity", "parity", "transformers_layer"), "known": ("known",)}


def pytest_ignore_collect(collection_path, config):
    name = collection_path.stem.removeprefix("test_")
    marks = (mark for mark, names in _OF_MARK.items() if name in names)
    return True if any(f"not {mark}" in config.option.markexpr for mark in marks) else None


# Files that take longest go first, those that make what others read before those that read it: whole files are shared
# between processes, and the last one should be short.
_SLOWEST = (
    "experiments",
    "claims",
    "devices",
    "padded_and_long",
    "pretrain",
    "recordings",
    "encoder",
    "source_filter",
    "precision",
    "stimuli",
    "engine",
    "spectrograms",
    "resume",
    "own_vowels",
    "every_front_end",
    "projection",
    "lettering",
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
    "checkpoint",
    "claims",
    "contrastive",
    "emergence",
    "encoder",
    "engine",
    "every_front_end",
    "experiments",
    "jax_settings",
    "padded_and_long",
    "layer_order",
    "layer_pooling",
    "lettering",
    "many_encoders",
    "own_vowels",
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


@pytest.fixture(scope="session")
def smoke(tmp_path_factory):
    """The results of `reproduce --size=smoke` for tiny front ends of every kind, which no test changes."""
    return smoke_run.SmokeRun(smoke_run.shared(tmp_path_factory, "smoke", smoke_run.make))


@pytest.fixture(scope="session")
def smoke_claims(tmp_path_factory):
    """The results of claims and of emergence for `smoke_run.STEPS`, which no test changes."""
    return smoke_run.SmokeRun(smoke_run.shared(tmp_path_factory, "smoke-claims", smoke_run.make_claims)).results
