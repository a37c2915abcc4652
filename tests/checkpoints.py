"""Small checkpoints as other tools write them, for the tests of conversion. Needs no other tool."""

import json
import pathlib

import ml_dtypes
import numpy as np
import safetensors.numpy
from torch_format import Tensor

from w2v_jax.encoder import EncoderConfig

SMALL = EncoderConfig(channels=(4, 6, 5), kernel_sizes=(4, 3, 2), strides=(3, 2, 1))
# Without settings in the file, strides are known for these kernel sizes only.
STANDARD = EncoderConfig(channels=(4, 4, 4, 4, 4, 4, 5))
LAYERS = "[(4, 4, 3)] + [(6, 3, 2)] * 1 + [(5,2,1)]"

# module of the conv, of a group norm, of a layer norm, of the final norm
NAMES = {
    "transformers": ("conv", "layer_norm", "layer_norm", "feature_projection.layer_norm"),
    "torchaudio": ("conv", "layer_norm", "layer_norm", "encoder.feature_projection.layer_norm"),
    "fairseq": ("0", "2", "2.1", "layer_norm"),
}


def state_dict(config: EncoderConfig = SMALL, tool: str = "transformers", prefix: str = "") -> dict[str, np.ndarray]:
    """Random values that float16 and bfloat16 hold exactly; and a module that is not the encoder's."""
    rng = np.random.default_rng(0)
    conv, group_norm, layer_norm, final_norm = NAMES[tool]
    stack = f"{prefix}feature_extractor.conv_layers"
    shapes, in_channels = {}, 1
    for i, (channels, kernel) in enumerate(zip(config.channels, config.kernel_sizes, strict=True)):
        shapes[f"{stack}.{i}.{conv}.weight"] = (channels, in_channels, kernel)
        if config.conv_bias:
            shapes[f"{stack}.{i}.{conv}.bias"] = (channels,)
        if config.conv_norm == "layer" or i == 0:
            norm = layer_norm if config.conv_norm == "layer" else group_norm
            shapes |= {f"{stack}.{i}.{norm}.{part}": (channels,) for part in ("weight", "bias")}
        in_channels = channels
    shapes |= {f"{prefix}{final_norm}.{part}": (in_channels,) for part in ("weight", "bias")}
    shapes[f"{prefix}encoder.layer_norm.weight"] = (3,)
    return {name: rng.integers(-64, 64, shape).astype(np.float32) / 32 for name, shape in shapes.items()}


def expected(config: EncoderConfig, state: dict[str, np.ndarray], tool: str, prefix: str = "") -> dict[str, np.ndarray]:
    """What the converted file should hold."""
    conv, group_norm, layer_norm, final_norm = NAMES[tool]
    ours = {}
    for i in range(len(config.channels)):
        theirs = f"{prefix}feature_extractor.conv_layers.{i}."
        ours[f"conv_layers.{i}.kernel"] = np.moveaxis(state[f"{theirs}{conv}.weight"], (0, 1, 2), (2, 1, 0))
        if config.conv_bias:
            ours[f"conv_layers.{i}.bias"] = state[f"{theirs}{conv}.bias"]
        if config.conv_norm == "layer" or i == 0:
            norm = layer_norm if config.conv_norm == "layer" else group_norm
            ours[f"conv_layers.{i}.norm.scale"] = state[f"{theirs}{norm}.weight"]
            ours[f"conv_layers.{i}.norm.bias"] = state[f"{theirs}{norm}.bias"]
    return ours | {
        "layer_norm.scale": state[f"{prefix}{final_norm}.weight"],
        "layer_norm.bias": state[f"{prefix}{final_norm}.bias"],
    }


def config_json(config: EncoderConfig = SMALL, **changes) -> str:
    """A `config.json` of transformers. A change to None leaves a setting out."""
    settings = {
        "model_type": "wav2vec2",
        "conv_dim": config.channels,
        "conv_kernel": config.kernel_sizes,
        "conv_stride": config.strides,
        "feat_extract_norm": config.conv_norm,
        "conv_bias": config.conv_bias,
        "feat_extract_activation": "gelu",
        "layer_norm_eps": config.layer_norm_eps,
    } | changes
    return json.dumps({name: value for name, value in settings.items() if value is not None})


def tensors(state: dict[str, np.ndarray], dtype: str = "float32") -> dict[str, Tensor]:
    """`state` as tensors for `torch_format`."""
    return {name: Tensor(values, dtype) for name, values in state.items()}


def save_safetensors(path: pathlib.Path, state: dict[str, np.ndarray], dtype: str = "float32") -> None:
    """As transformers does."""
    cast = ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype
    path.write_bytes(safetensors.numpy.save({k: v.astype(cast) for k, v in state.items()}, metadata={"format": "pt"}))


def save_transformers(
    folder: pathlib.Path, config: EncoderConfig = SMALL, *, prefix: str = "wav2vec2.", **changes
) -> dict[str, np.ndarray]:
    """A directory with `config.json` and `model.safetensors`; returns the state dict."""
    folder.mkdir(parents=True, exist_ok=True)
    state = state_dict(config, "transformers", prefix)
    save_safetensors(folder / "model.safetensors", state)
    (folder / "config.json").write_text(config_json(config, **changes))
    return state
