"""Checkpoints of the transformers library: `config.json`, and the index of a sharded checkpoint.

Families, settings and their defaults are facts from transformers 5, `configuration_*.py` and `modeling_*.py`.
"""

import json
import pathlib

from w2v_jax.checkpoint import CheckpointError
from w2v_jax.convert.arrays import quote
from w2v_jax.convert.layouts import locate
from w2v_jax.convert.sniff import read_json
from w2v_jax.encoder import EncoderConfig

CONFIG_NAME = "config.json"
# As transformers prefers them.
WEIGHT_NAMES = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)

# Every family's defaults are these, except that data2vec-audio has no feat_extract_norm: its layers are always
# followed by a LayerNorm. (Released configs state all of them anyway.)
_DEFAULTS = {
    "conv_dim": [512] * 7,
    "conv_kernel": [10, 3, 3, 3, 3, 2, 2],
    "conv_stride": [5, 2, 2, 2, 2, 2, 2],
    "conv_bias": False,
    "layer_norm_eps": 1e-5,
    "feat_extract_norm": "group",
    "feat_extract_activation": "gelu",
    "feat_proj_layer_norm": True,
}
_FIXED = {"data2vec-audio": {"feat_extract_norm": "layer"}}
FAMILIES = (
    "wav2vec2",
    "hubert",
    "wavlm",
    "data2vec-audio",
    "unispeech",
    "unispeech-sat",
    "wav2vec2-conformer",
)


def read_config(path: pathlib.Path) -> tuple[str, EncoderConfig]:
    """The family and the encoder's architecture, from a `config.json`.

    Raises:
        CheckpointError: another family, or settings that this encoder cannot express.
    """
    content = read_json(path)
    family = content.get("model_type")
    if family not in FAMILIES:
        # A composite model (speech-encoder-decoder, say) nests the configs of its parts.
        parts = [v for v in content.values() if isinstance(v, dict) and v.get("model_type") in FAMILIES]
        if len(parts) != 1:
            raise CheckpointError(f"{path}: model_type is {_show(family)}; expected one of {', '.join(FAMILIES)}")
        (content,) = parts
        family = content["model_type"]
    settings = {name: content.get(name, default) for name, default in _DEFAULTS.items()} | _FIXED.get(family, {})
    if settings["feat_extract_activation"] != "gelu":
        raise CheckpointError(
            f"{path}: feat_extract_activation is {_show(settings['feat_extract_activation'])}; "
            'expected "gelu", the only activation that this encoder has'
        )
    if family == "hubert" and settings["feat_proj_layer_norm"] is not True:
        raise CheckpointError(
            f"{path}: feat_proj_layer_norm is {_show(settings['feat_proj_layer_norm'])}, so this model has no final "
            "LayerNorm; expected true, for features are taken after it"
        )
    try:
        config = EncoderConfig(
            channels=settings["conv_dim"],
            kernel_sizes=settings["conv_kernel"],
            strides=settings["conv_stride"],
            conv_norm=settings["feat_extract_norm"],
            conv_bias=settings["conv_bias"],
            layer_norm_eps=settings["layer_norm_eps"],
        )
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise CheckpointError(f"{path}: settings that are no encoder's ({quote(error)})") from error
    return family, config


def read_index(path: pathlib.Path) -> dict[str, str]:
    """The shards that hold the encoder, from a checkpoint's index.

    Returns:
        The name of each of the encoder's tensors, with the file (next to the index) that has it.

    Raises:
        CheckpointError: no index, no encoder in it, or a shard that is not a file next to it.
    """
    weight_map = read_json(path).get("weight_map")
    if not isinstance(weight_map, dict) or not all(isinstance(shard, str) for shard in weight_map.values()):
        raise CheckpointError(f"{path}: its weight_map is damaged; expected the shard's name for each tensor")
    located = locate(weight_map, origin=str(path))
    shards = {name: weight_map[name] for name in sorted(located.names)}
    for shard in shards.values():
        # An index must not lead out of its folder.
        if shard in ("", ".", "..") or not shard.isprintable() or "/" in shard or "\\" in shard:
            raise CheckpointError(
                f"{path}: its shard {quote(shard)!r} is not a file next to it; expected a plain file name"
            )
    return shards


def _show(value: object) -> str:
    scalar = value is None or isinstance(value, str | int | float)
    return json.dumps(value if not isinstance(value, str) else value[:60]) if scalar else f"a {type(value).__name__}"
