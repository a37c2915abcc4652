"""Which front ends an experiment compares: those that `--encoders` names."""

import dataclasses
import functools
import glob
import os
import pathlib
import re
from collections.abc import Callable, Sequence

from w2v_jax import checkpoint
from w2v_jax._src.quoting import printable
from w2v_jax.convolution import Precision
from w2v_jax.hub import obtaining
from w2v_jax.hub.ids import is_hub_id, parse
from w2v_jax.hub.listening import LOGGED, Listener

from . import paper
from .named import DEFAULT, SPECTROGRAMS, EncoderChoiceError, NamedFrontEnd, random_encoder, spectrogram, trained
from .names import BUNDLED, UNTRAINED
from .yours import yours

_RANDOM = re.compile(r"random-([0-9]+)")
_FACTORY = re.compile(r"(\w+(?:\.\w+)*):([A-Za-z_]\w*)")  # a numbered script is a module, too
_HIGHEST_SEED = 2**32 - 1  # JAX takes the rest of a larger one in silence
# Several encoders of one recipe, NAME=A+B or NAME=PATTERN; or a name for one, NAME=A.
_WITH_NAME = re.compile(r"([A-Za-z][\w.-]*)=(.*)")
_SEVERAL = re.compile(r"[+*?\[]")


def resolve(
    names: Sequence[str] | None,
    *,
    default: Sequence[str] = DEFAULT,
    precision: Precision = "float32",
    offline: bool = False,
    listener: Listener = LOGGED,
) -> list[NamedFrontEnd]:
    """The front ends that `--encoders` names, all of them checked before anything else is done.

    Args:
        names: bare names of files in `weights/`, paths, patterns of either (`*`, `?`, `[...]`); `untrained`,
            `random-SEED`; `log-mel`, `stft`; or `package.module:factory`; ids of models on the
            hub, `OWNER/NAME[@REVISION]`, and `paper`, those of the paper. `NAME=A` names one of these.
            `NAME=A+B+C`, or `NAME=PATTERN`, names a group: trainings of one recipe, which `claims` and `emergence` take
            as draws of one. None for `default`.
        default: names; the bundled encoder's is passed over where there is none and another is given, or else
            replaced by `untrained`.
        precision: of those that are `FeatureEncoder`s from a file or from random weights.
        offline: take of hub ids what was fetched before.
        listener: hears how downloads go.

    Returns:
        In the order given; those of a pattern in the order of the numbers in their names.

    Raises:
        EncoderChoiceError: no names, an empty one, a pattern of nothing, two that would share their result files, or a
            factory that does not make a front end.
        FileNotFoundError, checkpoint.CheckpointError: a file that is missing or cannot be used.
    """
    if names is None:
        names = _present(default)
    if not names:
        raise EncoderChoiceError(
            f"--encoders is empty; expected names of files in weights/, paths, {UNTRAINED!r}, 'log-mel' or "
            "package.module:factory, separated by commas"
        )
    if not all(name.strip() for name in names):
        raise EncoderChoiceError(f"--encoders={','.join(names)} has an empty name; expected names between the commas")
    given: dict[str, str] = {}
    groups: dict[str, str] = {}
    for name, label, group in (each for pattern in _spelled_out(names, listener) for each in _members(pattern)):
        if group is not None:
            groups[label] = printable(group)
        if label in given:
            raise EncoderChoiceError(
                f"--encoders names {label!r} twice (as {given[label]!r} and {name!r}); "
                "results are kept under that name: give each encoder once, or another name, as NAME=ENCODER"
            )
        given[label] = name
    if shared := sorted(set(groups.values()) & given.keys()):
        raise EncoderChoiceError(
            f"--encoders: {shared[0]!r} is the name of a group and of an encoder; expected two names"
        )
    find = functools.partial(obtaining.find, offline=offline, listener=listener)
    front_ends = [_named(label, name, precision, find) for label, name in given.items()]
    return [dataclasses.replace(each, group=groups.get(each.name)) if groups else each for each in front_ends]


def _present(default: Sequence[str]) -> list[str]:
    if BUNDLED in checkpoint.weight_names():
        return list(default)
    return [name for name in default if name != BUNDLED] or [UNTRAINED]


def _spelled_out(names: Sequence[str], listener: Listener) -> list[str]:
    """The names, with the paper's models in place of `paper`, unless a weight file here has that name."""
    if paper.NAME not in names:
        return list(names)
    if paper.NAME in checkpoint.weight_names() or pathlib.Path(paper.NAME).is_file():
        listener.remark(f"{paper.NAME}: the weight file here is taken, not the models of the paper")
        return list(names)
    return [each for name in names for each in (paper.MODELS if name == paper.NAME else [name])]


def _members(pattern: str) -> list[tuple[str, str, str | None]]:
    """What an entry of `--encoders` stands for: encoders, the name of each, and the group that they make, if any."""
    match = None if _is_there(pattern) else _WITH_NAME.fullmatch(pattern)
    if match is None:
        return [(name, _label(name), None) for name in _matching(pattern)]
    given, said = match.groups()
    if not said.strip():
        raise EncoderChoiceError(f"--encoders={pattern}: nothing is named {given!r}; expected {given}=ENCODER")
    if not _SEVERAL.search(said) or _is_there(said):
        if (given == UNTRAINED or given in SPECTROGRAMS or _RANDOM.fullmatch(given)) and given != said:
            raise EncoderChoiceError(f"--encoders={pattern}: {given!r} is the name of a control; expected another name")
        return [(said, given, None)]
    members = [name for part in said.split("+") for name in _matching(part)]
    if len(members) < 2:
        raise EncoderChoiceError(f"--encoders={pattern}: the group has {len(members)} member; expected at least 2")
    return [(name, _label(name), given) for name in members]


def _is_there(name: str) -> bool:
    """Whether a name that has characters of ours is that of a file all the same."""
    places = (name, *(str(folder / f"{name}{checkpoint.SUFFIX}") for folder in checkpoint.weights_folders()))
    return any(os.path.exists(place) for place in places)  # noqa: PTH110 (pathlib's raises where no name is so long)


def _matching(pattern: str) -> list[str]:
    """The weight files that a pattern stands for, or the name itself where it is none."""
    if not glob.has_magic(pattern) or pathlib.Path(pattern).exists():
        return [pattern]
    places = [pattern]
    if len(pathlib.Path(pattern).parts) == 1:
        places += [str(folder / pattern) for folder in checkpoint.weights_folders()]
    for place in places:
        for each in (place, place + checkpoint.SUFFIX):
            matches = glob.glob(each, recursive=True)  # noqa: PTH207 (pathlib's takes no absolute patterns)
            if matches := [name for name in matches if name.endswith(checkpoint.SUFFIX)]:
                return sorted(matches, key=_by_numbers)
    if is_hub_id(re.sub(r"[*?\[\]!]", "x", pattern)):
        raise EncoderChoiceError(
            f"--encoders={pattern}: no {checkpoint.SUFFIX} file here matches it, and the hub has no patterns; expected "
            "the ids of its models, separated by commas"
        )
    raise EncoderChoiceError(
        f"--encoders: no {checkpoint.SUFFIX} file matches {pattern!r} (looked for {', '.join(places)}); "
        "expected weight files made by w2v-jax convert"
    )


def _by_numbers(name: str) -> list[tuple[int, str]]:
    """A key that sorts step-9 before step-10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"([0-9]+)", name)]


def _label(name: str) -> str:
    """The name that a front end's results carry, in one line: it is printed, drawn, and part of the names of files."""
    if is_hub_id(name) and not pathlib.Path(name).is_file():
        return parse(name).safe_name
    label = name if _FACTORY.fullmatch(name) else pathlib.Path(name).name.removesuffix(checkpoint.SUFFIX)
    return printable(label)


def _named(label: str, name: str, precision: Precision, find: Callable[[str], pathlib.Path]) -> NamedFrontEnd:
    if name == UNTRAINED:
        return random_encoder(label, 0, precision=precision)
    if match := _RANDOM.fullmatch(name):
        if len(match[1].lstrip("0")) > len(str(_HIGHEST_SEED)) or int(match[1]) > _HIGHEST_SEED:
            raise EncoderChoiceError(f"--encoders={name}: the seed is too large; expected 0 to {_HIGHEST_SEED:,}")
        return random_encoder(label, int(match[1]), precision=precision)
    if name in SPECTROGRAMS:
        return spectrogram(label, as_named=name)
    if (match := _FACTORY.fullmatch(name)) and not pathlib.Path(name).exists():
        return yours(label, name, *match.groups())
    return trained(label, find(name), precision)
