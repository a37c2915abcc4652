"""Our own weight file: one self-describing `.safetensors`.

It holds the encoder's tensors and nothing else. The metadata has the config, the provenance of the weights, a digest
of these two (since version 2) and one of the tensors. Loading verifies both.

Tensor names and shapes, for layer i:

    conv_layers.i.kernel      (kernel_size, in_channels, out_channels)
    conv_layers.i.bias        (out_channels,)     with conv_bias
    conv_layers.i.norm.scale  (out_channels,)     conv_norm "layer" and "global": every i; "group": i = 0
    conv_layers.i.norm.bias   (out_channels,)     where there is a scale
    layer_norm.scale          (channels,)         with final_norm
    layer_norm.bias           (channels,)         with final_norm

A setting of the config that came later is written only where it differs from its default, which is what a file without
it means. So a new setting changes neither the files nor the results of encoders that do without it.
"""

import os

import numpy as np

from w2v_jax._src.errors import CheckpointError
from w2v_jax._src.named_tensors import (
    check_tensors,
    encoder_from_tensors,
    encoder_tensors,
    tensor_shapes,
    tensors_digest,
)
from w2v_jax._src.weight_file import (
    FORMAT,
    FORMAT_VERSION,
    Metadata,
    Provenance,
    config_text,
    read_metadata,
    read_tensors,
    verify_weights,
    write_tensors,
)
from w2v_jax._src.weights_folders import SUFFIX, find_weights, weight_names, weights_folders
from w2v_jax.convolution import Precision, check_precision
from w2v_jax.encoder import FeatureEncoder

__all__ = [
    "FORMAT",
    "FORMAT_VERSION",
    "SUFFIX",
    "CheckpointError",
    "Metadata",
    "Provenance",
    "check_tensors",
    "config_text",
    "encoder_from_tensors",
    "encoder_tensors",
    "find_weights",
    "load_encoder",
    "read_metadata",
    "save_encoder",
    "tensor_shapes",
    "tensors_digest",
    "verify_weights",
    "weight_names",
    "weights_folders",
    "write_tensors",
]


def save_encoder(
    encoder: FeatureEncoder,
    path: str | os.PathLike[str],
    *,
    provenance: Provenance | None = None,
    dtype: np.dtype | type = np.float32,
) -> None:
    """Writes `encoder` to `path`, whole or not at all.

    Args:
        encoder: the encoder.
        path: the file, by convention `weights/NAME.safetensors`.
        provenance: where the weights come from; by default says only that this function saved them.
        dtype: how they are stored, float32 or float16 (half the size; loads as float32).

    Raises:
        CheckpointError: a parameter is not finite, or not so in `dtype`; or the provenance is not lines of text, which
            `load_encoder` would refuse.
    """
    if np.dtype(dtype) not in (np.float32, np.float16):
        raise ValueError(f"dtype is {np.dtype(dtype)}; expected float32 or float16")
    with np.errstate(over="ignore"):
        tensors = {name: tensor.astype(dtype) for name, tensor in encoder_tensors(encoder).items()}
    write_tensors(path, encoder.config, tensors, provenance=provenance or Provenance(source="w2v_jax.save_encoder"))


def load_encoder(
    name_or_path: str | os.PathLike[str], *, precision: Precision = "float32", offline: bool = False
) -> FeatureEncoder:
    """Loads an encoder from our own weight file, verifying its digest.

    Args:
        name_or_path: a path; the bare name (with or without suffix) of a file in `weights/`: of the current folder
            first, then of the installed package, where `formant-base` is; or the id of a model on the Hugging Face
            hub, such as `facebook/wav2vec2-base` or `facebook/wav2vec2-base@REVISION`, of which the encoder is fetched
            and converted once, into a cache (extra `hub`; see docs/checkpoints.md).
        precision: of the encoder; see `FeatureEncoder`.
        offline: take of a hub id what was fetched before, and ask the hub for nothing.

    Returns:
        The encoder, with float32 parameters.

    Raises:
        FileNotFoundError: there is no such file; the message says which names there are.
        CheckpointError: it is not one of ours, or not what was saved; or the hub does not give it.
        ValueError: an unknown precision.

    Examples:
        >>> encoder = load_encoder("formant-base")
        >>> encoder(np.zeros(16_000, np.float32)).shape
        (49, 512)
    """
    from w2v_jax.hub import obtaining  # when it is used: converters and the hub take most of this module's import

    check_precision(precision)
    path = obtaining.find(name_or_path, offline=offline)
    metadata, tensors = read_tensors(path)
    return encoder_from_tensors(metadata.config, tensors, precision=precision, origin=str(path))
