"""How an experiment becomes a program, and the flags that all of them share."""

import collections
import importlib
import pathlib
from collections.abc import Callable, Sequence
from typing import Any, cast

import jax
from absl import flags

from w2v_jax.checkpoint import CheckpointError
from w2v_jax.convolution import check_precision
from w2v_jax.front_end import FrontEndError
from w2v_jax.hub.bar import Bar
from w2v_jax.projection import ProjectionUnavailableError
from w2v_jax.scores.requirements import RequirementError
from w2v_jax.vowels import VowelTableError

from .. import catalog, running
from ..experiment import Experiment
from ..front_ends import remarks, resolving
from ..front_ends.named import EncoderChoiceError, NamedFrontEnd
from ..options import common
from ..options.common import NAMES as NAMES
from ..store import buckets, file_names
from ..store.results import QUICK, THIN, Results, Size
from ..store.rows import Measurements
from ..store.sweeping import ALONE, NO_SPACE, ReplacementError, Share
from ..vowel_choice import PAPERS, VowelChoice
from . import distribution, program
from .distribution import DistributionError

flags.disclaim_key_flags()  # `launch` makes them the program's own, which --help tells of

_OPTIONS = common.__name__.rpartition(".")[0]


class FlagError(ValueError):
    """Flags that say two things. The message is one line."""


def launch(experiment: Experiment, *, afterwards: Callable[[Results], Sequence[str]] | None = None) -> None:
    """Runs an experiment as a program: flags in, one line for each thing that its user can put right.

    Args:
        experiment: its record.
        afterwards: what else is to be done at the end (by the first process); returns lines to print.
    """

    def main() -> None:
        front_ends, results = prepare(default=experiment.default, asks_vowels=experiment.asks_vowels)
        measured = running.run(experiment, front_ends, results, values(experiment))
        if results.share.is_first:
            said = [*came_out(results, measured), *(afterwards(results) if afterwards else ())]
            print("\n".join(ending(front_ends, results, said)))

    as_program(
        main, catalog.options_of(experiment.options, asks_vowels=experiment.asks_vowels), errors=experiment.errors
    )


def values(experiment: Experiment) -> dict[str, Any]:
    """The values of an experiment's own flags, by name."""
    modules = [importlib.import_module(f"{_OPTIONS}.{name}").__name__ for name in experiment.options]
    return {flag.name: flag.value for name in modules for flag in flags.FLAGS.flags_by_module_dict().get(name, ())}


def as_program(main: Callable[[], None], options: Sequence[str], *, errors: tuple[type[Exception], ...] = ()) -> None:
    """Runs a program that computes.

    Args:
        main: the program.
        options: the modules of `options` whose flags it takes.
        errors: exceptions of its own that its user can put right; their messages are one line.
    """
    for name in options:
        flags.adopt_module_key_flags(importlib.import_module(f"{_OPTIONS}.{name}"))
    program.launch(
        main,
        errors=(
            FlagError,
            VowelTableError,
            DistributionError,
            EncoderChoiceError,
            FrontEndError,
            CheckpointError,
            ReplacementError,
            ProjectionUnavailableError,
            RequirementError,
            FloatingPointError,
            OSError,
            *errors,
        ),
        describe=_one_line,
        kept=lambda: f"sweeps that were finished are kept in {common.OUTPUT_DIR.value}",
    )


def prepare(
    *,
    default: Sequence[str],
    asks_vowels: bool,
    adds: Callable[[Sequence[NamedFrontEnd]], Sequence[NamedFrontEnd]] | None = None,
) -> tuple[list[NamedFrontEnd], Results]:
    """The front ends and the folder that the flags name, checked; says what a user should know before it begins.

    Args:
        default: the encoders where `--encoders` is not given.
        asks_vowels: whether `--vowels` and its like are flags.
        adds: front ends that are wanted in addition to those that the user names.
    """
    share = _share()
    folder, wanted = output_dir(), size()
    which = _vowels() if asks_vowels else PAPERS
    with Bar() as bar:
        chosen = resolving.resolve(
            common.ENCODERS.value,
            default=default,
            precision=check_precision(common.PRECISION.value),
            offline=common.OFFLINE.value,
            listener=bar,
        )
    if adds is not None:
        chosen = [*chosen, *adds(chosen)]
    if both := file_names.shared([each.name for each in chosen]):
        raise EncoderChoiceError(
            f"--encoders: the results of {both[0]!r} and {both[1]!r} would have the same file names "
            f"({file_names.safe_name(both[1])!r}, and some systems do not tell A from a); rename one"
        )
    results = Results(
        folder,
        size=wanted,
        batch_size=common.BATCH_SIZE.value,
        recompute=common.RECOMPUTE.value,
        overwrite=common.OVERWRITE.value,
        share=share,
        vowels=which,
    )
    which.check(chosen)
    results.check()
    if share.is_first:
        print(devices())
        print("".join(f"{note}\n" for note in which.notes(quick=results.quick)), end="")
        print("".join(f"{doubt}\n" for doubt in remarks.doubts(chosen)), end="")
    return chosen, results


def size() -> Size:
    """What `--size` says, or `--quick`. Raises `FlagError` where they say different things."""
    if not common.QUICK.value:
        return cast(Size, common.SIZE.value or "usual")
    if common.SIZE.value not in (None, QUICK):
        raise FlagError(f"--quick and --size={common.SIZE.value}; expected one of them")
    return QUICK


def _vowels() -> VowelChoice:
    from ..vowels import flags as vowel_flags  # the flags of programs that ask about vowels

    return vowel_flags.chosen()


def devices() -> str:
    """On what this process computes, in a sentence."""
    kinds = collections.Counter(device.device_kind for device in jax.local_devices())
    if set(kinds) == {"cpu"}:
        return "Runs on the CPU."
    return f"Runs on {' and '.join(f'{count} x {kind}' for kind, count in kinds.items())}."


def output_dir() -> pathlib.Path:
    """What `--output_dir` says. Raises `NotADirectoryError` where it is empty, or a bucket that cannot be had."""
    if not common.OUTPUT_DIR.value.strip():
        raise NotADirectoryError("--output_dir is empty; expected a folder, such as results")
    return (
        buckets.path_of(common.OUTPUT_DIR.value)
        if buckets.is_url(common.OUTPUT_DIR.value)
        else pathlib.Path(common.OUTPUT_DIR.value)
    )


def ending(front_ends: Sequence[NamedFrontEnd], results: Results, said: Sequence[str]) -> list[str]:
    """The last lines of a program: what was read back, what came out, as `said`, and what a reader must know."""
    lines = []
    if count := len(results.read_back):
        are = "were" if count > 1 else "was"
        lines.append(f"({count} file{'s' * (count > 1)} in {results.folder} {are} read back, not computed again)")
    lines += said
    if remark := remarks.remark(front_ends):
        lines += ["", remark]
    if told := remarks.assumptions(front_ends):
        lines += ["", *told]
    return lines


def came_out(results: Results, measured: Measurements) -> list[str]:
    """The headline, which figures are where, and what the experiment says at its end."""
    lines = ["", measured.headline] if measured.headline else []
    if lines and results.size in THIN:
        lines.append(THIN[results.size])
    if results.drawn:
        folders = dict.fromkeys(path.parent for path in results.drawn)
        lines += ["", "Figures (.png, .pdf and .svg) and metrics.json:"]
        lines += [
            f"    {folder}: " + ", ".join(path.stem for path in results.drawn if path.parent == folder)
            for folder in folders
        ]
    return [*lines, *(["", *measured.said] if measured.said else [])]


def _share() -> Share:
    named = [
        flag for flag in (common.NUM_PROCESSES, common.PROCESS_ID, common.COORDINATOR_ADDRESS) if flag.value is not None
    ]
    if not common.DISTRIBUTED.value:
        if named:
            raise DistributionError(f"--{named[0].name} without --distributed; expected both or none")
        return ALONE
    if common.RECOMPUTE.value:
        raise DistributionError(
            "--recompute with --distributed; processes that start one by one would undo each other's work: "
            f"remove --output_dir={common.OUTPUT_DIR.value} instead, or choose another"
        )
    return distribution.share(
        coordinator_address=common.COORDINATOR_ADDRESS.value,
        num_processes=common.NUM_PROCESSES.value,
        process_id=common.PROCESS_ID.value,
        patience=common.PATIENCE.value,
    )


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno in NO_SPACE:  # while writing a figure or the metrics
        return (
            f"--output_dir={common.OUTPUT_DIR.value}: {error.strerror}; the sweeps that were finished are kept: "
            "free some space and run the same command again to go on"
        )
    return str(error)
