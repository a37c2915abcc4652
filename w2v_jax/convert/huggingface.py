"""Checkpoints of the transformers library: `config.json`, and the index of a sharded checkpoint.

Families, settings and their defaults are facts from transformers 5, `configuration_*.py` and `modeling_*.py`.
"""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from w2v_jax.checkpoint import CheckpointError
from w2v_jax.convert.layouts import OMNIASR, SEW, SPEECHT5, TRANSFORMERS, Layout, locate
from w2v_jax.convert.places import Place
from w2v_jax.convert.settings import Statement
from w2v_jax.convert.sniff import read_json
from w2v_jax.quoting import quote

CONFIG_NAME = "config.json"
# As transformers prefers them.
WEIGHT_NAMES = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
    "flax_model.msgpack",
)

PREPROCESSOR_NAME = "preprocessor_config.json"


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


def read_config(path: Place) -> tuple[str, Statement, Layout | None]:
    """The family, what a `config.json` states of the encoder, and the layout of its tensors.

    A config without `model_type` states what it has; the layout is None then.

    Raises:
        CheckpointError: another family, or settings that this encoder cannot express.
    """
    content = read_json(path)
    family = content.get("model_type")
    if family is None and any(name in content for name in _DEFAULTS):
        return "of no stated family", _statement(path, content, Family(), {}), None
    if not isinstance(family, str) or family not in FAMILIES:
        # A composite model (speech-encoder-decoder, say) nests the configs of its parts.
        parts = [
            each
            for each in content.values()
            if isinstance(each, dict) and isinstance(each.get("model_type"), str) and each["model_type"] in FAMILIES
        ]
        if len(parts) != 1:
            raise CheckpointError(f"{path}: model_type is {_show(family)}; expected one of {', '.join(FAMILIES)}")
        (content,) = parts
        family = content["model_type"]
    return family, _statement(path, content, FAMILIES[family], _DEFAULTS), FAMILIES[family].layout


def _statement(path: Place, content: Mapping[str, Any], family: Family, defaults: Mapping[str, object]) -> Statement:
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
                f"{path}: {family.activation} is {_show(activation)}; expected one of {', '.join(_ACTIVATIONS)}"
            )
        said["activation"] = _ACTIVATIONS[activation]
    if known:
        said["final_norm"] = content.get("feat_proj_layer_norm", True)
    for name in ("sampling_rate", "sample_rate"):
        if name in content:
            said["sample_rate"] = content[name]
            break
    return Statement(path.name, said)


def read_preprocessor(path: Place) -> Statement:
    """What a `preprocessor_config.json` states: the sample rate, if it has one. Raises `CheckpointError`."""
    content = read_json(path)
    return Statement(path.name, {"sample_rate": content["sampling_rate"]} if "sampling_rate" in content else {})


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


def _show(value: object) -> str:
    scalar = value is None or isinstance(value, str | int | float)
    return json.dumps(value if not isinstance(value, str) else value[:60]) if scalar else f"a {type(value).__name__}"
