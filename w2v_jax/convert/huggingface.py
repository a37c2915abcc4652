"""Checkpoints of the transformers library: `config.json`, and the index of a sharded checkpoint.

Families, settings and their defaults are facts from transformers 5, `configuration_*.py` and `modeling_*.py`.
"""

import dataclasses
import json
import re
from collections.abc import Mapping
from typing import Any

from w2v_jax._src.errors import CheckpointError
from w2v_jax._src.quoting import quote
from w2v_jax.convert.layouts import OMNIASR, SEW, SPEECHT5, TRANSFORMERS, Layout, locate
from w2v_jax.convert.places import Place
from w2v_jax.convert.settings import NORMALIZE, Statement
from w2v_jax.convert.sniff import read_json

CONFIG_NAME = "config.json"
# As transformers prefers them.
WEIGHT_NAMES = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
    "flax_model.msgpack",
)

# What transformers calls the settings of a model's input: before its version 5, and since.
PREPROCESSOR_NAMES = ("preprocessor_config.json", "processor_config.json")


@dataclasses.dataclass(frozen=True)
class Family:
    """What transformers makes of the configs of one model type.

    Attributes:
        layout: the names of its tensors.
        defaults: what a config that leaves a setting out means, where it is not wav2vec2's.
        epsilon: the setting with the final norm's epsilon.
        activation: the setting with the activation.
    """

    layout: Layout = TRANSFORMERS
    defaults: Mapping[str, object] = dataclasses.field(default_factory=dict)
    epsilon: str = "layer_norm_eps"
    activation: str = "feat_extract_activation"


_DEFAULTS: dict[str, object] = {
    "conv_dim": [512] * 7,
    "conv_kernel": [10, 3, 3, 3, 3, 2, 2],
    "conv_stride": [5, 2, 2, 2, 2, 2, 2],
}
_SEW_DEFAULTS: dict[str, object] = {
    "conv_dim": [64, *[128] * 4, *[256] * 4, *[512] * 4],
    "conv_kernel": [10, 3, 1, 3, 1, 3, 1, 3, 1, 2, 1, 2, 1],
    "conv_stride": [5, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1],
}
# By model_type. Norm and bias are not among the defaults, for the tensors tell them.
FAMILIES = {
    "wav2vec2": Family(),
    "hubert": Family(),
    "wavlm": Family(),
    "data2vec-audio": Family(),
    "unispeech": Family(),
    "unispeech-sat": Family(),
    "wav2vec2-conformer": Family(),
    "mert_model": Family(),
    "sew": Family(SEW, _SEW_DEFAULTS),
    "sew-d": Family(SEW, _SEW_DEFAULTS, epsilon="feature_layer_norm_eps"),
    "speecht5": Family(SPEECHT5),
    "omniasr_audio": Family(OMNIASR, activation="hidden_act"),
}
_OF_THE_INPUT = {"sample_rate": "sampling_rate", NORMALIZE: "do_normalize"}
_LONGEST_NAME = 255  # of a file, in bytes
# transformers' names of the activations (activations.py), and ours.
_ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_python": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "relu": "relu",
    "silu": "silu",
    "swish": "silu",
}


def states_encoder(content: Mapping[Any, object]) -> bool:
    """Whether settings have those of an encoder under the names that transformers gives them."""
    return any(name in content for name in _DEFAULTS)


def family_of(content: Mapping[Any, Any]) -> tuple[str, Mapping[Any, Any]] | None:
    """The family of known models that settings are of, and its own settings, which a composite model nests.

    Returns:
        None where they are of none, or of several.
    """
    family = content.get("model_type")
    if isinstance(family, str) and family in FAMILIES:
        return family, content
    parts = [
        each
        for each in content.values()
        if isinstance(each, dict) and isinstance(each.get("model_type"), str) and each["model_type"] in FAMILIES
    ]
    return (parts[0]["model_type"], parts[0]) if len(parts) == 1 else None


def family_of_class(name: str) -> str | None:
    """The family whose config is a class of this name, such as `HubertConfig`; None where there is none."""
    plain = name.removesuffix("Config").lower()
    return next((family for family in FAMILIES if re.sub("[-_]", "", family.removesuffix("_model")) == plain), None)


def said_by(content: Mapping[Any, Any], family: str | None, *, place: str) -> dict[str, Any]:
    """Fields of `EncoderConfig` that the settings of a model of transformers state.

    Args:
        content: the settings.
        family: their family; where it is None, they state only what they have.
        place: where they are, for the messages.

    Raises:
        CheckpointError: settings that this encoder cannot express.
    """
    if family is None:
        return _said(place, content, Family(), {})
    return _said(place, content, FAMILIES[family], _DEFAULTS)


def _said(place: str, content: Mapping[Any, Any], family: Family, defaults: Mapping[str, object]) -> dict[str, Any]:
    settings = {**defaults, **family.defaults, **content}
    said: dict[str, Any] = {}
    for ours, theirs in (("channels", "conv_dim"), ("kernel_sizes", "conv_kernel"), ("strides", "conv_stride")):
        if theirs in settings:
            value = settings[theirs]
            said[ours] = tuple(value) if isinstance(value, list) else value
    # data2vec-audio and omniASR have a LayerNorm after every layer, whatever their config says.
    layer_always = family.layout is OMNIASR or content.get("model_type") == "data2vec-audio"
    if layer_always:
        said["conv_norm"] = "layer"
    elif content.get("feat_extract_norm") is not None:
        said["conv_norm"] = content["feat_extract_norm"]
    if content.get("conv_bias") is not None:
        said["conv_bias"] = content["conv_bias"]
    known = bool(defaults)  # of a family whose code is known
    if known or family.epsilon in content:
        said["layer_norm_eps"] = content.get(family.epsilon, 1e-5)
    if known or family.activation in content:
        activation = content.get(family.activation, "gelu")
        if not isinstance(activation, str) or activation not in _ACTIVATIONS:
            raise CheckpointError(
                f"{place}: {family.activation} is {show(activation)}; expected one of {', '.join(_ACTIVATIONS)}"
            )
        said["activation"] = _ACTIVATIONS[activation]
    if known:
        said["final_norm"] = content.get("feat_proj_layer_norm", True)
    for name in ("sampling_rate", "sample_rate"):
        if name in content:
            said["sample_rate"] = content[name]
            break
    return said


def read_preprocessor(path: Place) -> Statement:
    """What a file of `PREPROCESSOR_NAMES` states of the sample rate and of normalisation. Raises `CheckpointError`."""
    content = read_json(path)
    inner = content.get("feature_extractor")
    content = inner if isinstance(inner, dict) else content
    said = {ours: content[theirs] for ours, theirs in _OF_THE_INPUT.items() if content.get(theirs) is not None}
    return Statement(path.name, said)


def read_index(path: Place, *, prefix: str | None = None) -> dict[str, str]:
    """The shards that hold the encoder, from a checkpoint's index.

    Args:
        path: the index.
        prefix: as for `layouts.locate`.

    Returns:
        The name of each of the encoder's tensors, with the file (next to the index) that has it.

    Raises:
        CheckpointError: no index, no encoder in it, or a shard that is not a file next to it.
    """
    weight_map = read_json(path).get("weight_map")
    if not isinstance(weight_map, dict) or not all(isinstance(shard, str) for shard in weight_map.values()):
        raise CheckpointError(f"{path}: its weight_map is damaged; expected the shard's name for each tensor")
    located = locate(weight_map, origin=str(path), prefix=prefix)
    shards = {name: weight_map[name] for name in sorted(located.names)}
    for shard in shards.values():
        # An index must not lead out of its folder.
        plain = shard.isprintable() and len(shard.encode()) <= _LONGEST_NAME
        if shard in ("", ".", "..") or not plain or "/" in shard or "\\" in shard:
            raise CheckpointError(
                f"{path}: its shard {quote(shard)!r} is not a file next to it; expected a plain file name"
            )
    return shards


def show(value: object) -> str:
    """A value of a JSON file, for a message."""
    scalar = value is None or isinstance(value, str | int | float)
    return json.dumps(value if not isinstance(value, str) else value[:60]) if scalar else f"a {type(value).__name__}"
