"""Which front ends an experiment compares: those that `--encoders` names."""

import dataclasses
import functools
import glob
import hashlib
import importlib
import json
import os
import pathlib
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, TypeVar

import flax
import jax
import numpy as np
from flax import nnx

from w2v_jax import checkpoint
from w2v_jax import front_end as library
from w2v_jax._src.quoting import first_line, printable, quote
from w2v_jax.convolution import Precision
from w2v_jax.encoder import EncoderConfig, FeatureEncoder
from w2v_jax.front_end import Frames, FrontEnd, FrontEndError
from w2v_jax.hub import obtaining
from w2v_jax.hub.ids import is_hub_id, parse
from w2v_jax.hub.listening import LOGGED, Listener
from w2v_jax.spectrograms import LogMagnitudeSpectrogram, LogMelSpectrogram, SpectrogramConfig

from . import paper
from .names import BUNDLED as BUNDLED
from .names import UNTRAINED as UNTRAINED

_Found = TypeVar("_Found")
Kind = Literal["trained", "random", "spectrogram", "yours"]

EXAMPLE = "facebook/wav2vec2-base"
SPECTROGRAMS = {"log-mel": LogMelSpectrogram, "stft": LogMagnitudeSpectrogram}
# What `--encoders` stands for when it is not given.
DEFAULT = (BUNDLED, UNTRAINED)

_PRETRAINED = "experiments.pretrain:"  # how sources begin that `source_of_pretraining` made

_RANDOM = re.compile(r"random-([0-9]+)")
_FACTORY = re.compile(r"(\w+(?:\.\w+)*):([A-Za-z_]\w*)")  # a numbered script is a module, too
_HIGHEST_SEED = 2**32 - 1  # JAX takes the rest of a larger one in silence
# Several encoders of one recipe, NAME=A+B or NAME=PATTERN; or a name for one, NAME=A.
_WITH_NAME = re.compile(r"([A-Za-z][\w.-]*)=(.*)")
_SEVERAL = re.compile(r"[+*?\[]")
_ALIKE = 0.999  # a cosine of features above which noise and a tone are told apart by little
_STEP_OF_TRAINING = re.compile(r", step ([0-9]+) of [0-9]+")
_STEP = re.compile(r"(?:step|checkpoint|ckpt)[-_=]?([0-9]+)", re.IGNORECASE)


class EncoderChoiceError(ValueError):
    """`--encoders` does not say which front ends to use. The message is one line."""


@dataclasses.dataclass(frozen=True, eq=False)
class NamedFrontEnd:
    """A front end under the name that its results carry. It is made when it is needed: there may be many.

    Two of one name, digest and precision are the same.

    Attributes:
        name: the name given; of a path, its stem.
        kind: `"trained"` weights, `"random"` weights, a `"spectrogram"`, or `"yours"`, from a factory.
        source: what its weights were converted from, or how it was made.
        digest: of everything that its features depend on.
        frames: how it frames a waveform.
        make: makes it, or reads it from its file.
        revision: version of the source, where there is one.
        config: the architecture of a `FeatureEncoder`, of which random weights can be made; else None.
        precision: of a `FeatureEncoder`; else None.
        assumed: what its checkpoint did not state of its architecture, in words; None where it stated all.
        normalize: whether it was trained on normalised waveforms (mean 0, variance 1 each), as its weight file says;
            of a control, whether that whose control it is was.
        group: the name of the group of trainings that it belongs to, where one was given.
        alike: the cosine of its features of noise and of a tone, where it is `"yours"` and they have one.
    """

    name: str
    kind: Kind
    source: str
    digest: str
    frames: Frames
    make: Callable[[], FrontEnd]
    revision: str | None = None
    config: EncoderConfig | None = None
    precision: Precision | None = None
    assumed: str | None = None
    normalize: bool = False
    group: str | None = None
    alike: float | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NamedFrontEnd) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    @property
    def _identity(self) -> tuple[str, str, str | None]:
        return self.name, self.digest, self.precision

    @property
    def front_end(self) -> FrontEnd:
        """The front end itself. Raises `CheckpointError` where its file is no longer what it was."""
        return _made(self.make)

    @property
    def step(self) -> int | None:
        """The training step that its name has, as in `step-000100`, `step_100` or `checkpoint-100`; else None.

        Of an encoder of our own training that has none in its name, it is the step that its file states.
        """
        found = _STEP.search(self.name)
        if found is None and self.kind == "trained" and self.source.startswith(_PRETRAINED):
            found = _STEP_OF_TRAINING.search(self.source)
        return int(found[1]) if found else None


# One at a time in memory: an experiment asks for a front end once per sweep, then for the next one.
@functools.lru_cache(maxsize=1)
def _made(make: Callable[[], FrontEnd]) -> FrontEnd:
    return make()


def once_for(function: Callable[[Sequence[NamedFrontEnd]], _Found]) -> Callable[[Sequence[NamedFrontEnd]], _Found]:
    """The function, which remembers what it returned for the last few front ends: it reads weights, or makes some."""

    @functools.lru_cache(maxsize=4)
    def of(key: tuple[tuple[NamedFrontEnd, object, object], ...]) -> _Found:
        return function([front_end for front_end, *_ in key])

    @functools.wraps(function)
    def remembered(front_ends: Sequence[NamedFrontEnd]) -> _Found:
        return of(tuple((each, each.group, each.make) for each in front_ends))

    return remembered


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
    found = [_named(label, name, precision, find) for label, name in given.items()]
    return [dataclasses.replace(each, group=groups.get(each.name)) if groups else each for each in found]


def by_step(front_ends: Iterable[NamedFrontEnd]) -> list[NamedFrontEnd]:
    """The front ends in the order of their training steps; those whose names have none last, in the order given."""
    return sorted(front_ends, key=lambda each: (each.step is None, each.step or 0))


def remark(front_ends: Sequence[NamedFrontEnd]) -> str | None:
    """What a reader must know where no encoder has heard speech; None where one may have."""
    ours = [each.name for each in front_ends if each.kind == "trained" and each.source.startswith(_PRETRAINED)]
    random = [each.name for each in front_ends if each.kind == "random"]
    may_have_heard = len(ours) + len(random) + sum(each.kind == "spectrogram" for each in front_ends) < len(front_ends)
    if may_have_heard or not (ours or random):
        return None
    if ours:
        more = f" and {len(ours) - 2} more" if len(ours) > 2 else ""
        said = (
            f"NOTE: {', '.join(ours[:2])}{more} learned from synthesised sound and never heard speech "
            f"(weights/README.md). The results\nshow what such training makes of the architecture; they say nothing "
            "about what wav2vec 2.0 has learned. For its weights:\n"
        )
    else:
        said = (
            f"NOTE: {', '.join(random)} is UNTRAINED: its weights are random. The results are a control: they show\n"
            "what the architecture does by itself, and say nothing about what wav2vec 2.0 has learned. For that:\n"
        )
    return said + (
        f"    the same command with --encoders={EXAMPLE} (or --encoders={EXAMPLE},{UNTRAINED} to compare),\n"
        "which fetches 17 MB from the Hugging Face hub, once."
    )


def assumptions(front_ends: Sequence[NamedFrontEnd]) -> list[str]:
    """A line for each encoder whose checkpoint did not state its whole architecture, or asks for other input."""
    lines = [
        f"NOTE: {each.name}: its checkpoint does not state {each.assumed}, which was assumed; "
        "convert it again with --config to settle it."
        for each in front_ends
        if each.assumed
    ]
    return lines + [
        f"NOTE: {each.name}: its checkpoint asks for normalised input (mean 0, variance 1). Synthesised sounds are "
        "given as they are, as in the paper."
        for each in front_ends
        if each.normalize and each.kind == "trained"
    ]


def doubts(front_ends: Sequence[NamedFrontEnd]) -> list[str]:
    """A line for each front end of the user's whose features hardly depend on the sound."""
    return [
        f"NOTE: {each.name}: its features of noise and of a tone point the same way (cosine {each.alike:.5f}), so that "
        "its cosines say little. Usually that means an offset that all sounds share, such as that of energies in dB, a "
        "front end that expects louder sounds, or one that does not use its input."
        for each in front_ends
        if each.alike is not None and each.alike > _ALIKE
    ]


def source_of_pretraining(what: str) -> str:
    """The source that weights of our own training carry, so that `remark` knows them."""
    return f"{_PRETRAINED} {what}"


def random_encoder(
    name: str,
    seed: int,
    *,
    config: EncoderConfig | None = None,
    precision: Precision = "float32",
    normalize: bool = False,
) -> NamedFrontEnd:
    """An encoder with random weights, by default of wav2vec 2.0's architecture and for sound as it is."""
    config = config or EncoderConfig()
    return NamedFrontEnd(
        name=name,
        kind="random",
        source=f"untrained: random weights, seed {seed}",
        digest=f"random weights, seed {seed}, flax {flax.__version__} {_plain(config)}",
        frames=config.frames,
        make=lambda: FeatureEncoder(config, precision=precision, rngs=nnx.Rngs(seed)),
        config=config,
        precision=precision,
        normalize=normalize,
    )


def spectrogram(name: str, *, as_named: str, frames: Frames | None = None) -> NamedFrontEnd:
    """A spectrogram, by default with the frames of wav2vec 2.0.

    Args:
        name: the name that its results carry.
        as_named: one of `SPECTROGRAMS`.
        frames: how it is to frame a waveform.
    """
    config = SpectrogramConfig() if frames is None else SpectrogramConfig.framed_as(frames)
    return NamedFrontEnd(
        name=name,
        kind="spectrogram",
        source="spectrogram: nothing learned",
        digest=f"{as_named} {_plain(config)}",
        frames=config.frames,
        make=lambda: SPECTROGRAMS[as_named](config),
    )


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
    found = None if _is_there(pattern) else _WITH_NAME.fullmatch(pattern)
    if found is None:
        return [(name, _label(name), None) for name in _matching(pattern)]
    given, said = found.groups()
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
            found = glob.glob(each, recursive=True)  # noqa: PTH207 (pathlib's takes no absolute patterns)
            if found := [name for name in found if name.endswith(checkpoint.SUFFIX)]:
                return sorted(found, key=_by_numbers)
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
    if found := _RANDOM.fullmatch(name):
        if len(found[1].lstrip("0")) > len(str(_HIGHEST_SEED)) or int(found[1]) > _HIGHEST_SEED:
            raise EncoderChoiceError(f"--encoders={name}: the seed is too large; expected 0 to {_HIGHEST_SEED:,}")
        return random_encoder(label, int(found[1]), precision=precision)
    if name in SPECTROGRAMS:
        return spectrogram(label, as_named=name)
    if (found := _FACTORY.fullmatch(name)) and not pathlib.Path(name).exists():
        return _yours(label, name, *found.groups())
    return _trained(label, find(name), precision)


def _trained(label: str, path: pathlib.Path, precision: Precision) -> NamedFrontEnd:
    metadata = checkpoint.verify_weights(path)

    def load() -> FeatureEncoder:
        encoder = checkpoint.load_encoder(path, precision=precision)
        if checkpoint.read_metadata(path) != metadata:
            raise checkpoint.CheckpointError(f"{path}: it was replaced while it was in use; run the same command again")
        return encoder

    return NamedFrontEnd(
        name=label,
        kind="trained",
        source=metadata.provenance.source,
        digest=f"{metadata.digest} {_plain(metadata.config)}",
        frames=metadata.config.frames,
        make=load,
        revision=metadata.provenance.revision,
        config=metadata.config,
        precision=precision,
        assumed=metadata.provenance.assumed,
        normalize=bool(metadata.normalize_input),
    )


def _yours(label: str, name: str, module: str, factory: str) -> NamedFrontEnd:
    """What a factory of the user's, called `name` as a whole, makes, if it is a front end."""
    make = _imported(name, module, factory)

    def made() -> FrontEnd:
        try:
            return make()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # whatever the user's code may raise: it may even exit
            raise EncoderChoiceError(
                f"--encoders={name}: the factory raised {type(error).__name__}: {first_line(error)}{_where(error)}"
            ) from error

    front_end = made()
    if not callable(front_end):
        raise EncoderChoiceError(
            f"--encoders={name}: the factory returned a {type(front_end).__name__}; expected a front end, which maps "
            "(n, samples) to (n, frames, channels) and has `frames`"
        )
    try:
        frames = getattr(front_end, "frames", None)
    except KeyboardInterrupt:
        raise
    except BaseException as raised:  # a property is the user's code, too
        raise EncoderChoiceError(
            f"--encoders={name}: its `frames` cannot be read ({type(raised).__name__}: {first_line(raised)}"
            f"{_where(raised)})"
        ) from raised
    if not isinstance(frames, Frames):
        raise EncoderChoiceError(
            f"--encoders={name}: its `frames` is {quote(frames)}; expected how it frames a waveform, such as "
            "w2v_jax.Frames(sample_rate=16_000, receptive_field=400, hop=320)"
        )
    if not frames.num_frames(frames.sample_rate):
        raise EncoderChoiceError(
            f"--encoders={name}: its frames see {frames.receptive_field:,} samples, more than the "
            f"{frames.sample_rate:,} of the sounds, which last a second; expected at least one frame of that"
        )
    try:
        digest, heard = _digest_of_yours(front_end)
    except KeyboardInterrupt:
        raise
    except BaseException as raised:
        error = raised.__cause__ if isinstance(raised, FrontEndError) and raised.__cause__ else raised
        raise EncoderChoiceError(
            f"--encoders={name}: it cannot be called with one second of sound "
            f"({type(error).__name__}: {first_line(error)}{_where(error)})"
        ) from raised
    encoder = front_end if isinstance(front_end, FeatureEncoder) else None
    return NamedFrontEnd(
        name=label,
        kind="yours",
        source=f"made by {name}",
        digest=digest,
        frames=frames,
        make=made,
        config=None if encoder is None else encoder.config,
        precision=None if encoder is None else encoder.precision,
        alike=_cosine(heard),
    )


def randomised(like: NamedFrontEnd, seeds: Sequence[int]) -> tuple[NamedFrontEnd, ...]:
    """A front end of the user's with random weights, for each seed; none where it has no `untrained`.

    Raises:
        EncoderChoiceError: its `untrained` raises, returns something else than it is itself, or the same for two seeds.
    """
    if not callable(getattr(like.front_end, "untrained", None)):
        return ()
    several = tuple(_randomised(like, seed) for seed in seeds)
    if len({like.digest, *(each.digest for each in several)}) <= len(several):
        raise EncoderChoiceError(
            f"{like.name}: its untrained(seed) is the same for several seeds, or as it is itself; expected random "
            "weights that depend on the seed, and, where it has one, an `identity` that does"
        )
    return several


def _randomised(like: NamedFrontEnd, seed: int) -> NamedFrontEnd:
    called = f"{like.name}: its untrained({seed})"

    def made() -> FrontEnd:
        try:
            return library.untrained(like.front_end, seed)  # type: ignore[return-value]
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # the user's code
            raise EncoderChoiceError(
                f"{called} raised {type(error).__name__}: {first_line(error)}{_where(error)}"
            ) from error

    front_end = made()
    frames = getattr(front_end, "frames", None)
    if not callable(front_end) or frames != like.frames:
        raise EncoderChoiceError(
            f"{called} is a {type(front_end).__name__} with the frames {quote(frames)}; expected a front end with "
            f"{quote(like.frames)}"
        )
    try:
        digest, _ = _digest_of_yours(front_end)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise EncoderChoiceError(
            f"{called} cannot be called with one second of sound ({type(error).__name__}: {first_line(error)}"
            f"{_where(error)})"
        ) from error
    return NamedFrontEnd(
        name=f"{like.name}.random-{seed}",
        kind="random",
        source=f"untrained: random weights, seed {seed}, {like.source}",
        digest=digest,
        frames=like.frames,
        make=made,
    )


def _imported(name: str, module: str, factory: str) -> Callable[[], Any]:
    sys.path.insert(0, "")  # the current folder, as for `python -m`
    try:
        make = getattr(importlib.import_module(module), factory)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever the user's code may raise: it may even exit
        raise EncoderChoiceError(
            f"--encoders={name}: cannot import it ({type(error).__name__}: {first_line(error)}{_where(error)})"
        ) from error
    finally:
        if "" in sys.path:  # the module may have changed it
            sys.path.remove("")
    if not callable(make):
        raise EncoderChoiceError(f"--encoders={name}: {factory} is a {type(make).__name__}; expected a function")
    return make


def _digest_of_yours(front_end: FrontEnd) -> tuple[str, np.ndarray]:
    """A digest of a front end that no file describes, and its frames of noise and of a tone, (2, frames, channels).

    Of one that is compiled: its arrays, and the program that JAX makes of it. Of one that computes on the host: what it
    makes of a second of noise and one of a tone; or its `identity`, if it has one, a text that changes when its
    features do (the last bits of features may differ from run to run).

    Raises:
        ValueError: it does not return what its `frames` and `layers` say.
    """
    rate = front_end.frames.sample_rate
    noise = 0.1 * np.random.default_rng(0).standard_normal(rate)
    sounds = np.stack([noise, 0.1 * np.sin(2 * np.pi * 200 * np.arange(rate) / rate)]).astype(np.float32)
    digest = hashlib.sha256()
    if library.is_compiled(front_end):
        static, state = library.split(front_end)

        # By name: the digest must not depend on the order of the layers, which results keep beside it.
        def outputs(state: nnx.State, sounds: jax.Array) -> dict[str, jax.Array]:
            return library.outputs(static.merge(state), sounds)

        _check_shapes(front_end, jax.eval_shape(outputs, state, sounds), sounds)
        program = jax.jit(outputs).lower(state, sounds)
        digest.update(program.as_text().encode())
        _take_in(digest, {jax.tree_util.keystr(path): leaf for path, leaf in jax.tree.leaves_with_path(state)})
        made = program.compile()(state, sounds)
        return f"module sha256:{digest.hexdigest()}", np.asarray(made[library.FRAMES], np.float32)
    returned = library.outputs(front_end, sounds)
    for layer, frames in returned.items():
        if not isinstance(frames, np.ndarray | jax.Array):
            raise ValueError(
                f"its {layer!r} is a {type(frames).__name__}; expected a NumPy array (n, frames, channels)"
            )
    found = {layer: np.asarray(frames) for layer, frames in returned.items()}
    _check_shapes(front_end, found, sounds)
    _take_in(digest, found)
    identity = getattr(front_end, "identity", None)
    said = f"identity {identity}" if isinstance(identity, str) else f"on the host sha256:{digest.hexdigest()}"
    return said, np.asarray(found[library.FRAMES], np.float32)


def _cosine(heard: np.ndarray) -> float | None:
    """Of the two sounds' features, averaged over time; None where it is undefined."""
    first, second = heard.astype(np.float64).mean(axis=1)
    norm = np.linalg.norm(first) * np.linalg.norm(second)
    return float(first @ second / norm) if np.isfinite(norm) and norm > 0 else None


def _check_shapes(front_end: FrontEnd, found: Mapping[str, Any], sounds: np.ndarray) -> None:
    count, samples = sounds.shape
    for layer, frames in library.layers(front_end).items():
        shape, expected = tuple(found[layer].shape), (count, frames.num_frames(samples))
        if len(shape) != 3 or shape[:2] != expected or not shape[2]:
            raise ValueError(
                f"its {layer!r} has shape {shape} for {count} sounds of {samples} samples; expected "
                f"({expected[0]}, {expected[1]}, channels), at least one channel, by {frames}"
            )
        if not jax.numpy.issubdtype(found[layer].dtype, np.floating):
            raise ValueError(f"its {layer!r} is {found[layer].dtype}; expected floating-point frames")


def _take_in(digest: "hashlib._Hash", arrays: Mapping[str, Any]) -> None:
    for name, value in arrays.items():
        array = np.asarray(value)
        digest.update(f"{name} {array.dtype} {array.shape}\n".encode())
        # As bytes: bfloat16 has no buffer of its own kind.
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)


def _where(error: BaseException) -> str:
    """The last place in the user's own code, if the error comes from there."""
    trace = error.__traceback__
    place = ""
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if pathlib.Path(file) != pathlib.Path(__file__) and "importlib" not in file:
            place = f", {pathlib.Path(file).name} line {trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _plain(config: EncoderConfig | SpectrogramConfig) -> str:
    if isinstance(config, EncoderConfig):
        return checkpoint.config_text(config)
    return json.dumps(dataclasses.asdict(config))
