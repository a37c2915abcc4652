"""The `transformers` PyTorch encoder with given weights; only what needs PyTorch may import this."""

import copy
from collections.abc import Mapping

import numpy as np
import torch
from torch.nn import functional
from transformers import Wav2Vec2Config, Wav2Vec2Model

from w2v_jax.encoder import EncoderConfig


class TorchEncoder:
    """Waveform to frames by PyTorch, in float32 and in float64, with our tensors."""

    def __init__(self, config: EncoderConfig, tensors: Mapping[str, np.ndarray]):
        model = Wav2Vec2Model(
            Wav2Vec2Config(
                conv_dim=config.channels,
                conv_kernel=config.kernel_sizes,
                conv_stride=config.strides,
                num_feat_extract_layers=len(config.channels),
                conv_bias=config.conv_bias,
                feat_extract_norm=config.conv_norm,
                layer_norm_eps=config.layer_norm_eps,
                # Nothing above the encoder is used.
                hidden_size=16,
                num_hidden_layers=1,
                num_attention_heads=1,
                intermediate_size=16,
                num_conv_pos_embedding_groups=1,
            )
        ).eval()
        with torch.no_grad():
            for i, layer in enumerate(model.feature_extractor.conv_layers):
                _set(layer.conv.weight, tensors[f"conv_layers.{i}.kernel"].transpose(2, 1, 0))
                if config.conv_bias:
                    _set(layer.conv.bias, tensors[f"conv_layers.{i}.bias"])
                if hasattr(layer, "layer_norm"):
                    _set(layer.layer_norm.weight, tensors[f"conv_layers.{i}.norm.scale"])
                    _set(layer.layer_norm.bias, tensors[f"conv_layers.{i}.norm.bias"])
            _set(model.feature_projection.layer_norm.weight, tensors["layer_norm.scale"])
            _set(model.feature_projection.layer_norm.bias, tensors["layer_norm.bias"])
        self._models = {np.dtype(np.float32): model, np.dtype(np.float64): copy.deepcopy(model).double()}

    def __call__(self, waveforms: np.ndarray) -> np.ndarray:
        """(batch, samples), float32 or float64, to (batch, frames, channels), computed in that precision."""
        model = self._models[waveforms.dtype]
        with torch.inference_mode():
            hidden = model.feature_extractor(torch.tensor(waveforms))
            return model.feature_projection.layer_norm(hidden.transpose(1, 2)).numpy()

    def activations(self, waveforms: np.ndarray) -> list[np.ndarray]:
        """Output of each layer, (batch, frames_i, channels_i)."""
        hidden = torch.tensor(waveforms)[:, None]
        outputs = []
        with torch.inference_mode():
            for layer in self._models[waveforms.dtype].feature_extractor.conv_layers:
                hidden = layer(hidden)
                outputs.append(hidden.transpose(1, 2).numpy())
        return outputs


def _set(parameter: torch.nn.Parameter, value: np.ndarray) -> None:
    assert parameter.shape == value.shape
    parameter.copy_(torch.tensor(np.ascontiguousarray(value)))


def plain_features(config: EncoderConfig, tensors: Mapping[str, np.ndarray], waveforms: np.ndarray) -> np.ndarray:
    """Features by PyTorch's functions, in the waveforms' precision: what wav2vec 1.0 computes, which no library has."""
    given = {name: torch.tensor(np.ascontiguousarray(each.astype(waveforms.dtype))) for name, each in tensors.items()}
    activate = {"gelu": functional.gelu, "relu": functional.relu}[config.activation]
    x = torch.tensor(waveforms)[:, None]
    for i, stride in enumerate(config.strides):
        kernel = given[f"conv_layers.{i}.kernel"].permute(2, 1, 0)
        out = functional.conv1d(x, kernel, stride=stride)
        scale, bias = given[f"conv_layers.{i}.norm.scale"], given[f"conv_layers.{i}.norm.bias"]
        out = activate(functional.group_norm(out, 1, scale, bias, 1e-5))
        if config.skip_connections and out.shape[1] == x.shape[1]:
            thinned = x[..., :: x.shape[2] // out.shape[2]][..., : out.shape[2]]
            out = (out + thinned) * config.residual_scale
        x = out
    if config.log_compression:
        x = (x.abs() + 1).log()
    return x.transpose(1, 2).numpy()
