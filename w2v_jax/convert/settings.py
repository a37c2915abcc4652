"""What a checkpoint states of its encoder, what its tensors tell, and what nobody says.

Tensors tell channels, kernel sizes, norm and bias. They do not tell strides, epsilon or the sample rate. Those are
taken from every place where a tool puts them; where two places differ, neither is taken. What no place states is
assumed only where one value is all but certain, and the assumption is told.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from w2v_jax._src.errors import CheckpointError
from w2v_jax._src.quoting import quote
from w2v_jax.encoder import EncoderConfig

# What is assumed of a stack that was published with one choice of strides only, by its kernel sizes and whether its
# norms are wav2vec 1.0's: the settings of the first preset that has them.
_PUBLISHED: dict[tuple[tuple[int, ...], bool], EncoderConfig] = {}
for _preset in map(EncoderConfig.preset, EncoderConfig.presets()):
    _PUBLISHED.setdefault((_preset.kernel_sizes, _preset.conv_norm == "global"), _preset)
FIELDS = tuple(field.name for field in dataclasses.fields(EncoderConfig))
_IN_WORDS = {"layer_norm_eps": "epsilon of the final norm", "sample_rate": "sample rate (Hz)"}
NORMALIZE = "normalize_input"  # stated like a setting, and kept with the provenance: features do not depend on it
SETTLES = "config=PRESET or config=FILE.json settles it"


class UnsettledError(CheckpointError):
    """What no place says, or two say differently: the argument `config` or `prefix`, which the message names."""


@dataclasses.dataclass(frozen=True)
class Statement:
    """Settings of an encoder, and the place that states them.

    Attributes:
        place: where, in words.
        settings: fields of `EncoderConfig`, some or all, and `NORMALIZE`, perhaps.
    """

    place: str
    settings: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Settled:
    """A config, and what it rests on.

    Attributes:
        config: the architecture.
        stated_by: the places that state it, in words.
        assumed: what no place states, in words; None where everything is stated.
        normalize_input: whether the model was trained on normalised input; None where no place says.
    """

    config: EncoderConfig
    stated_by: str
    assumed: str | None
    normalize_input: bool | None = None


def settle(
    chosen: Statement | None, stated: Iterable[Statement], told: Statement, *, origin: str, absent: str
) -> Settled:
    """The config on which all places agree.

    Args:
        chosen: what the user says; it is taken before what any place states.
        stated: by the places in the checkpoint.
        told: what the tensors tell.
        origin: the file, for the messages.
        absent: what could have stated the rest, for the messages.

    Raises:
        CheckpointError: two places differ, settings are no encoder's, or nobody says the strides of an unknown stack.
    """
    values_by_name = {name: (value, chosen.place) for name, value in chosen.settings.items()} if chosen else {}
    for statement in stated:
        for name, value in statement.settings.items():
            if chosen is not None and name in chosen.settings:
                continue
            before, place = values_by_name.setdefault(name, (value, statement.place))
            if before != value:
                raise UnsettledError(
                    f"{origin}: {place} says {_words(name)} {_short(before)}, and {statement.place} says "
                    f"{_short(value)}; expected the same in both: {SETTLES}"
                )
    normalize, place = values_by_name.pop(NORMALIZE, (None, ""))
    if not (normalize is None or isinstance(normalize, bool)):
        raise CheckpointError(f"{origin}: {place} says {NORMALIZE} {_short(normalize)}; expected true or false")
    places = list(dict.fromkeys(place for _, place in values_by_name.values()))
    settings = {**told.settings, **{name: value for name, (value, _) in values_by_name.items()}}
    kernel_sizes, is_global = settings["kernel_sizes"], settings["conv_norm"] == "global"
    # Not by hash: a file may say anything.
    alike = (each for (sizes, kind), each in _PUBLISHED.items() if (sizes, kind) == (kernel_sizes, is_global))
    published = next(alike, None)
    if "strides" not in settings and published is None:
        raise UnsettledError(
            f"{origin}: kernel sizes {_short(kernel_sizes)}, and no {absent} to say the strides, which tensors do not "
            f"tell; expected {EncoderConfig().kernel_sizes} or another published stack, whose strides are known: "
            f"{SETTLES}"
        )
    standard = published or EncoderConfig()
    unsaid = {name: getattr(standard, name) for name in FIELDS if name not in settings}
    settings |= unsaid
    if not settings["final_norm"]:
        unsaid.pop("layer_norm_eps", None)
    if not settings["skip_connections"]:
        unsaid.pop("residual_scale", None)
    assumed = ", ".join(f"{_words(name)} {_short(value)}" for name, value in unsaid.items())
    try:
        config = EncoderConfig(**settings)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise CheckpointError(f"{origin}: settings that no encoder can have ({quote(error)})") from error
    return Settled(config, " and ".join(places) or told.place, assumed or None, normalize)


def _words(name: str) -> str:
    return _IN_WORDS.get(name, name.replace("_", " "))


def _short(value: object) -> str:
    return quote(value, 100)
