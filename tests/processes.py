"""Sweeps in processes of their own, which can be killed. They start in a fraction of a second: forked from one that has
imported everything and computed nothing."""

import contextlib
import dataclasses
import functools
import multiprocessing
import os
import pathlib
import resource
import runpy
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from absl import flags as absl_flags
from flax import nnx

from experiments import records
from experiments.experiment import Experiment
from experiments.front_ends import resolving
from experiments.launch import flags
from experiments.store import sweeping
from experiments.store.rows import Row
from w2v_jax import stimuli
from w2v_jax.checkpoint import Provenance, save_encoder
from w2v_jax.encoder import EncoderConfig, FeatureEncoder

# Two layers with the frame geometry of wav2vec 2.0: receptive field 400, hop 320.
TINY = EncoderConfig(channels=(8, 64), kernel_sizes=(16, 25), strides=(16, 20))
NUM_ROWS = 3_000
ROWS_PER_SHARD = 32 * 4
NUM_SHARDS = -(-NUM_ROWS // ROWS_PER_SHARD)

ROOT = pathlib.Path(__file__).parent.parent
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["processes", "experiments.f0"])


def save_tiny(path: pathlib.Path, *, seed: int = 1) -> str:
    save_encoder(FeatureEncoder(TINY, rngs=nnx.Rngs(seed)), path, provenance=Provenance(source="a test"))
    return str(path)


def two_tones(low, high, *, sample_rate=16_000):
    return stimuli.sine_mixture([low, high], [0.6, 0.4], duration=0.1, sample_rate=sample_rate)


class SweepProcess:
    """A process that sweeps 3,000 sounds into `OUTPUT/tones.safetensors`.

    Args:
        weights: the encoder.
        output: the folder.
        options: as for `_sweep`.
    """

    def __init__(self, weights: str, output: pathlib.Path, **options: Any):
        self.output = output
        self.log = output.parent / f"{output.name}.{time.monotonic_ns()}.log"
        self._process = _CONTEXT.Process(target=_sweep, args=(weights, output, self.log), kwargs=options)
        self._process.start()

    def shards(self) -> list[pathlib.Path]:
        return sorted((self.output / "tones.shards").glob("rows-*"))

    def wait_for_shards(self, number: int) -> None:
        wait_until(lambda: len(self.shards()) >= number or self._process.exitcode is not None)

    def kill(self) -> None:
        self._process.kill()
        self.join()

    def join(self) -> int | None:
        self._process.join(60)
        return self._process.exitcode

    @property
    def said(self) -> str:
        return self.log.read_text()


def wait_until(condition: Callable[[], bool], *, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.002)


def run_in_process(function: Callable[..., object], *arguments: Any) -> multiprocessing.Process:
    """A process that calls `function` and ends."""
    process = _CONTEXT.Process(target=function, args=arguments)
    process.start()
    return process


def as_record(work: Callable[..., object]) -> Experiment:
    """An experiment that does nothing but this work, as a function of the front ends and of the results."""
    measure = functools.partial(_work_of, work)
    return Experiment("tones", "Work", "Is it done?", measure=measure, headline=_nothing, prepare=measure)


def _nothing(measured: object) -> str:
    return ""


def _work_of(work: Callable[..., object], several: Any) -> list[Row]:
    if isinstance(several, list):  # to be prepared: once for all
        work([each.front_end for each in several], several[0].results)
    return []


def program(
    run: str | Callable[..., object] | Experiment, log: pathlib.Path, *arguments: str
) -> multiprocessing.Process:
    """An experiment as a program, all that it prints in `log`."""
    process = _CONTEXT.Process(target=_program, args=(run, log, *arguments))
    process.start()
    return process


@dataclasses.dataclass(frozen=True)
class Done:
    """What a module that ran as a program has returned and printed."""

    returncode: int | None
    stdout: str
    stderr: str


def module_done(
    name: str,
    *arguments: str,
    cwd: pathlib.Path = ROOT,
    environment: Mapping[str, str] = os.environ,
    forgetting: str | None = None,
) -> Done:
    """`python -m NAME ARGUMENTS`, in a process that need not import JAX first.

    Args:
        name, arguments: of the module and for it.
        cwd, environment: in which it runs.
        forgetting: a package that the process imports as if it never had, with its flags.
    """
    with tempfile.TemporaryDirectory() as folder:
        said = [pathlib.Path(folder, each) for each in ("stdout", "stderr")]
        process = _CONTEXT.Process(target=_module, args=(name, arguments, cwd, dict(environment), *said, forgetting))
        process.start()
        process.join()
        return Done(process.exitcode, *(each.read_text(encoding="utf-8") for each in said))


def _module(
    name: str,
    arguments: Sequence[str],
    cwd: pathlib.Path,
    environment: Mapping[str, str],
    stdout: pathlib.Path,
    stderr: pathlib.Path,
    forgotten: str | None,
) -> None:
    for number, path in ((1, stdout), (2, stderr)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    os.environ.update(environment)
    os.chdir(cwd)
    sys.path.insert(0, str(cwd))
    sys.argv = [name, *arguments]
    if forgotten is not None:
        _forget(forgotten)
    runpy.run_module(name, run_name="__main__", alter_sys=True)


def _forget(package: str) -> None:
    defined = absl_flags.FLAGS.flags_by_module_dict()
    for name in {*sys.modules, *defined}:
        if f"{name}.".startswith(f"{package}."):
            sys.modules.pop(name, None)
            for flag in list(defined.get(name, ())):  # each leaves the list
                delattr(absl_flags.FLAGS, flag.name)


def _program(run: str | Callable[..., object] | Experiment, log: pathlib.Path, *arguments: str) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["program.py", *arguments]
    with log.open("w") as file, contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
        try:
            if isinstance(run, str):
                run = records.experiment(run)
            flags.launch(run if isinstance(run, Experiment) else as_record(run))
        except SystemExit as end:  # what the interpreter does with one
            if isinstance(end.code, str):
                print(end.code, file=sys.stderr)
            raise


def _sweep(
    weights: str,
    output: pathlib.Path,
    log: pathlib.Path,
    *,
    share: sweeping.Share = sweeping.ALONE,
    kill_at: tuple[str, int] | None = None,
    most_file_bytes: int | None = None,
    settings: dict[str, str] | None = None,
    overwrite: bool = False,
) -> None:
    """The process's work.

    Args:
        weights, output, log: as above.
        share: this process's part.
        kill_at: a function and a number: the process kills itself instead of that call (from 0) of it.
        most_file_bytes: its limit on the size of files.
        settings: of the sweep, where not the right ones.
        overwrite: whether shards of other settings may be replaced.
    """
    if most_file_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_file_bytes, most_file_bytes))
    if kill_at is not None:
        _arm(*kill_at)
    output.mkdir(parents=True, exist_ok=True)
    (tiny,) = resolving.resolve([weights])
    sweep = sweeping.Sweep(
        path=output / "tones.safetensors",
        label="tones",
        front_end=tiny,
        synthesize=two_tones,
        points={
            "low": np.linspace(100, 400, NUM_ROWS, dtype=np.float32),
            "high": np.linspace(1_000, 3_000, NUM_ROWS, dtype=np.float32),
        },
        settings={"encoder": tiny.digest} if settings is None else settings,
        batch_size=4,
    )
    # Line by line, for those who are killed.
    with log.open("w", buffering=1) as file, contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
        try:
            sweeping.run(sweep, share=share, overwrite=overwrite)
        except (OSError, sweeping.ReplacementError) as error:
            print(error)
            sys.exit(1)


def _arm(name: str, number: int) -> None:
    """Makes the `number`th call (from 0) of a function the end of this process."""
    owner = {"os": os, "pathlib.Path": pathlib.Path, "shutil": shutil}[name.rpartition(".")[0]]
    attribute = name.rpartition(".")[2]
    original, calls = getattr(owner, attribute), []

    def deadly(*arguments, **keywords):
        if len(calls) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        calls.append(1)
        return original(*arguments, **keywords)

    setattr(owner, attribute, deadly)
