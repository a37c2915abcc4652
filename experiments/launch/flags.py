"""The flags that all probing experiments share, and how such an experiment becomes a program."""

import collections
import pathlib
import types
from collections.abc import Callable, Sequence

import jax
from absl import flags

from w2v_jax.checkpoint import CheckpointError
from w2v_jax.convolution import check_precision
from w2v_jax.front_end import FrontEndError
from w2v_jax.hub.bar import Bar
from w2v_jax.projection import ProjectionUnavailableError
from w2v_jax.scores.requirements import RequirementError
from w2v_jax.vowels import VowelTableError

from ..front_ends import named as front_ends
from ..front_ends.named import NamedFrontEnd
from ..options import common
from ..options.common import NAMES as NAMES
from ..store import buckets, file_names
from ..store.metrics import Metrics
from ..store.results import Results
from ..store.sweeping import ALONE, NO_SPACE, ReplacementError, Share
from ..vowels.choice import PAPERS, VowelChoice
from . import distribution, program
from .distribution import DistributionError

flags.disclaim_key_flags()  # `launch` makes them the program's own, which --help tells of


def launch(
    run: Callable[[Sequence[NamedFrontEnd], Results], Metrics | None],
    *,
    default: Sequence[str] = front_ends.DEFAULT,
    vowels: Callable[[], VowelChoice] | None = None,
    errors: tuple[type[Exception], ...] = (),
    says: Callable[[Results, Metrics], list[str]] | None = None,
    adds: Callable[[Sequence[NamedFrontEnd]], Sequence[NamedFrontEnd]] | None = None,
    own: Sequence[types.ModuleType] = (),
) -> None:
    """Runs an experiment as a program: flags in, one line for each thing that its user can put right.

    Args:
        run: the experiment.
        default: the encoders that it compares where `--encoders` is not given.
        vowels: `vowel_flags.chosen`, where it asks about vowels.
        errors: further ones that its user can put right; their messages are one line.
        says: what came out and where it is, in lines; by default the experiment's conclusion and its figures.
        adds: front ends that the experiment wants besides those that the user names.
        own: modules of `options` whose flags the experiment takes besides.
    """

    def main() -> None:
        share = _share()
        output_dir()
        which = PAPERS if vowels is None else vowels()
        with Bar() as bar:
            chosen = front_ends.resolve(
                common.ENCODERS.value,
                default=default,
                precision=check_precision(common.PRECISION.value),
                offline=common.OFFLINE.value,
                listener=bar,
            )
        if adds is not None:
            chosen = [*chosen, *adds(chosen)]
        if both := file_names.shared([each.name for each in chosen]):
            raise front_ends.EncoderChoiceError(
                f"--encoders: the results of {both[0]!r} and {both[1]!r} would have the same file names "
                f"({file_names.safe_name(both[1])!r}, and some systems do not tell A from a); rename one"
            )
        results = Results(
            output_dir(),
            quick=common.QUICK.value,
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
            print("".join(f"{doubt}\n" for doubt in front_ends.doubts(chosen)), end="")
        metrics = run(chosen, results)
        if share.is_first:
            said = came_out(results, metrics or {}) if says is None else says(results, metrics or {})
            if lines := ending(chosen, results, said):
                print("\n".join(lines))

    flags.adopt_module_key_flags(common)
    if vowels is not None:
        from ..options import vowels as vowel_options

        flags.adopt_module_key_flags(vowel_options)
    for module in own:
        flags.adopt_module_key_flags(module)
    program.launch(
        main,
        errors=(
            VowelTableError,
            DistributionError,
            front_ends.EncoderChoiceError,
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


def ending(chosen: Sequence[NamedFrontEnd], results: Results, said: Sequence[str]) -> list[str]:
    """The last lines of an experiment: what came out, as `said`, and what a reader must know."""
    lines = []
    if count := len(results.read_back):
        lines.append(f"({count} file{'s' * (count > 1)} in {results.folder} read back, not computed again)")
    lines += said
    if remark := front_ends.remark(chosen):
        lines += ["", remark]
    if told := front_ends.assumptions(chosen):
        lines += ["", *told]
    return lines


def came_out(results: Results, metrics: Metrics) -> list[str]:
    """The conclusion, and which figures are where."""
    lines = []
    if conclusion := metrics.get("conclusion", ""):
        lines += ["", conclusion]
    if results.drawn:
        folders = dict.fromkeys(path.parent for path in results.drawn)
        lines += ["", "Figures (.png, .pdf and .svg) and metrics.json:"]
        lines += [
            f"    {folder}: " + ", ".join(path.stem for path in results.drawn if path.parent == folder)
            for folder in folders
        ]
    return lines


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
