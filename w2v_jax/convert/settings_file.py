"""Settings of an encoder in a JSON file: next to a checkpoint, or named by `config`, in any tool's words."""

import dataclasses
import json
import pathlib
from collections.abc import Mapping
from typing import Any

from w2v_jax._src.errors import CheckpointError
from w2v_jax._src.quoting import quote
from w2v_jax.convert import fairseq, huggingface
from w2v_jax.convert.layouts import Layout
from w2v_jax.convert.places import Place
from w2v_jax.convert.settings import FIELDS, NORMALIZE, Statement, UnsettledError
from w2v_jax.convert.sniff import read_json
from w2v_jax.encoder import EncoderConfig

_OURS = (*FIELDS, NORMALIZE)


@dataclasses.dataclass(frozen=True)
class SettingsFile:
    """What a file says.

    Attributes:
        statement: its settings of an encoder; perhaps none.
        family: the family of transformers that it names.
        layout: the names of that family's tensors.
        unknown: why it is of no model that is known here, in words; None where it is of one.
    """

    statement: Statement
    family: str | None = None
    layout: Layout | None = None
    unknown: str | None = None


def read_settings(path: Place) -> SettingsFile:
    """What a file next to a checkpoint says: transformers' `config.json`, torchaudio's `model_config.json`.

    Raises:
        CheckpointError: no JSON object, or settings that this encoder cannot express.
        OSError: it cannot be read.
    """
    return _understood(read_json(path), path.name, origin=str(path))


def from_user(text: str) -> Statement:
    """What the argument `config` says: the name of a preset, or a JSON file with settings, some or all.

    The file has fields of `EncoderConfig`, or is a tool's own, such as the `config.json` of a model.

    Raises:
        UnsettledError: neither, or a file without a setting of an encoder.
    """
    place = f"config={text}"
    if text in EncoderConfig.presets():
        preset = EncoderConfig.preset(text)
        return Statement(place, {name: getattr(preset, name) for name in FIELDS})
    path = pathlib.Path(text)
    if not path.is_file():
        raise UnsettledError(
            f"{place}: no preset and no file; expected one of {', '.join(EncoderConfig.presets())}, or a JSON file "
            "with fields of EncoderConfig"
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise UnsettledError(f"{place}: not valid JSON ({quote(error)})") from error
    if not isinstance(content, dict) or not content:
        raise UnsettledError(f"{place}: no JSON object; expected fields of EncoderConfig: {', '.join(FIELDS)}")
    unknown = [name for name in content if name not in _OURS]
    if not unknown:
        return Statement(
            place, {name: tuple(value) if isinstance(value, list) else value for name, value in content.items()}
        )
    try:
        statement = _understood(content, place, origin=place).statement
    except CheckpointError as error:
        raise UnsettledError(str(error)) from error
    if not statement.settings or (len(unknown) < len(content) and not _of_a_tool(content)):
        raise UnsettledError(
            f"{place}: unknown {quote(unknown[0])!r}; expected some of {', '.join(_OURS)}, or a tool's own settings "
            "(config.json, model_config.json)"
        )
    return statement


def _of_a_tool(content: Mapping[str, Any]) -> bool:
    return huggingface.family_of(content) is not None or huggingface.states_encoder(content)


def _understood(content: Mapping[str, Any], place: str, *, origin: str) -> SettingsFile:
    if (known := huggingface.family_of(content)) is not None:
        name, settings = known
        said = huggingface.said_by(settings, name, place=origin)
        return SettingsFile(Statement(place, said), name, huggingface.FAMILIES[name].layout)
    named = content.get("model_type")
    unknown = f"model_type is {huggingface.show(named)}; expected one of {', '.join(huggingface.FAMILIES)}"
    if huggingface.states_encoder(content):
        said = huggingface.said_by(content, None, place=origin)
        family = "of no stated family" if named is None else None
        return SettingsFile(Statement(place, said), family, unknown=None if named is None else unknown)
    said = fairseq.said_in_file(content, place=origin)
    return SettingsFile(Statement(place, said), unknown=None if said else unknown)
