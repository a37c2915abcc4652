"""The flags that all probing experiments share, and how such an experiment becomes a program."""

import collections
import pathlib
import sys
from collections.abc import Callable, Sequence

import jax
from absl import flags

from w2v_jax.checkpoint import CheckpointError
from w2v_jax.convolution import PRECISIONS, check_precision
from w2v_jax.projection import ProjectionUnavailableError
from w2v_jax.scores.requirements import RequirementError
from w2v_jax.vowels import VowelTableError

from . import buckets, distribution, front_ends, programs
from .distribution import DistributionError
from .front_ends import NamedFrontEnd
from .metrics import Metrics
from .results import Results
from .sweeping import ALONE, NO_SPACE, ReplacementError, Share
from .vowel_choice import PAPERS, VowelChoice

_ENCODERS = flags.DEFINE_list(
    "encoders",
    None,
    "Front ends to compare, separated by commas: names of files in weights/, paths, patterns of either (quoted, such "
    "as 'runs/step-*.safetensors'); 'untrained' or 'random-SEED', random weights; 'log-mel' or 'stft', spectrograms; "
    "'package.module:factory', a function of yours that returns a front end. "
    f"By default {front_ends.BUNDLED!r}, and {front_ends.UNTRAINED!r} where the experiment brings no such controls.",
)
_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", "results", "Folder for features, metrics and figures; also in a bucket: gs://, s3://, az://."
)
_QUICK = flags.DEFINE_bool(
    "quick",
    False,
    "Thin the grids, for a first look; such results go to a folder of their own, quick/ in --output_dir.",
)
_PRECISION = flags.DEFINE_enum(
    "precision",
    "float32",
    list(PRECISIONS),
    "Of the products in an encoder's convolutions: float32; exact, with short sums; or cheaper ones.",
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", None, "Sounds per compiled call; by default chosen for the device.", lower_bound=1
)
_OVERWRITE = flags.DEFINE_bool(
    "overwrite", False, "Replace results in --output_dir that were made with other grids, encoders or settings."
)
_RECOMPUTE = flags.DEFINE_bool("recompute", False, "Compute everything again, whatever is in --output_dir.")
_DISTRIBUTED = flags.DEFINE_bool(
    "distributed",
    False,
    "Share the sweeps with other processes that run the same command, perhaps on other hosts, with the same "
    "--output_dir. The first one measures and draws. By default the cluster's environment says who is who.",
)
_NUM_PROCESSES = flags.DEFINE_integer(
    "num_processes", None, "With --distributed: how many processes there are.", lower_bound=1
)
_PROCESS_ID = flags.DEFINE_integer("process_id", None, "With --distributed: which one this is, from 0.", lower_bound=0)
_COORDINATOR_ADDRESS = flags.DEFINE_string(
    "coordinator_address",
    None,
    "With --distributed: HOST:PORT where the processes are to meet before they start. They need not, where "
    "--num_processes and --process_id are given.",
)
_PATIENCE = flags.DEFINE_float(
    "patience",
    120.0,
    "With --distributed: seconds without anything new from the others after which the first process computes what is "
    "missing itself.",
    lower_bound=0.0,
)
NAMES = tuple(
    flag.name
    for flag in (
        *(_ENCODERS, _OUTPUT_DIR, _QUICK, _PRECISION, _BATCH_SIZE, _OVERWRITE, _RECOMPUTE),
        *(_DISTRIBUTED, _NUM_PROCESSES, _PROCESS_ID, _COORDINATOR_ADDRESS, _PATIENCE),
    )
)
flags.disclaim_key_flags()  # `launch` makes them the program's own, which --help tells of


def launch(
    run: Callable[[Sequence[NamedFrontEnd], Results], Metrics | None],
    *,
    default: Sequence[str] = front_ends.DEFAULT,
    vowels: Callable[[], VowelChoice] | None = None,
    errors: tuple[type[Exception], ...] = (),
    says: Callable[[Results, Metrics], list[str]] | None = None,
    adds: Callable[[Sequence[NamedFrontEnd]], Sequence[NamedFrontEnd]] | None = None,
    own: Sequence[str] = (),
) -> None:
    """Runs an experiment as a program: flags in, one line for each thing that its user can put right.

    Args:
        run: the experiment.
        default: the encoders that it compares where `--encoders` is not given.
        vowels: `vowel_flags.chosen`, where it asks about vowels.
        errors: further ones that its user can put right; their messages are one line.
        says: what came out and where it is, in lines; by default the experiment's conclusion and its figures.
        adds: front ends that the experiment wants besides those that the user names.
        own: modules of further flags that the experiment takes.
    """

    def main() -> None:
        share = _share()
        output_dir()
        which = PAPERS if vowels is None else vowels()
        chosen = front_ends.resolve(_ENCODERS.value, default=default, precision=check_precision(_PRECISION.value))
        if adds is not None:
            chosen = [*chosen, *adds(chosen)]
        results = Results(
            output_dir(),
            quick=_QUICK.value,
            batch_size=_BATCH_SIZE.value,
            recompute=_RECOMPUTE.value,
            overwrite=_OVERWRITE.value,
            share=share,
            vowels=which,
        )
        which.check(chosen)
        results.check()
        if share.is_first:
            print(devices())
            print("".join(f"{note}\n" for note in which.notes(quick=results.quick)), end="")
        metrics = run(chosen, results)
        if share.is_first:
            said = came_out(results, metrics or {}) if says is None else says(results, metrics or {})
            if lines := ending(chosen, results, said):
                print("\n".join(lines))

    flags.adopt_module_key_flags(sys.modules[__name__])
    if vowels is not None:
        flags.adopt_module_key_flags(sys.modules[vowels.__module__])
    for module in own:
        flags.adopt_module_key_flags(sys.modules[module])
    programs.launch(
        main,
        errors=(
            VowelTableError,
            DistributionError,
            front_ends.EncoderChoiceError,
            CheckpointError,
            ReplacementError,
            ProjectionUnavailableError,
            RequirementError,
            FloatingPointError,
            OSError,
            *errors,
        ),
        describe=_one_line,
        kept=lambda: f"sweeps that were finished are kept in {_OUTPUT_DIR.value}",
    )


def devices() -> str:
    """On what this process computes, in a sentence."""
    kinds = collections.Counter(device.device_kind for device in jax.local_devices())
    if set(kinds) == {"cpu"}:
        return "Runs on the CPU."
    return f"Runs on {' and '.join(f'{count} x {kind}' for kind, count in kinds.items())}."


def output_dir() -> pathlib.Path:
    """What `--output_dir` says. Raises `NotADirectoryError` where it is empty, or a bucket that cannot be had."""
    if not _OUTPUT_DIR.value.strip():
        raise NotADirectoryError("--output_dir is empty; expected a folder, such as results")
    return buckets.path_of(_OUTPUT_DIR.value) if buckets.is_url(_OUTPUT_DIR.value) else pathlib.Path(_OUTPUT_DIR.value)


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
    named = [flag for flag in (_NUM_PROCESSES, _PROCESS_ID, _COORDINATOR_ADDRESS) if flag.value is not None]
    if not _DISTRIBUTED.value:
        if named:
            raise DistributionError(f"--{named[0].name} without --distributed; expected both or none")
        return ALONE
    if _RECOMPUTE.value:
        raise DistributionError(
            "--recompute with --distributed; processes that start one by one would undo each other's work: "
            f"remove --output_dir={_OUTPUT_DIR.value} instead, or choose another"
        )
    return distribution.share(
        coordinator_address=_COORDINATOR_ADDRESS.value,
        num_processes=_NUM_PROCESSES.value,
        process_id=_PROCESS_ID.value,
        patience=_PATIENCE.value,
    )


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno in NO_SPACE:  # while writing a figure or the metrics
        return (
            f"--output_dir={_OUTPUT_DIR.value}: {error.strerror}; the sweeps that were finished are kept: "
            "free some space and run the same command again to go on"
        )
    return str(error)
