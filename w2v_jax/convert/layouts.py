"""Where each tool keeps the encoder's tensors, and how they become ours.

A tool's state dict has other modules too, and often a prefix. What is common to all is
`PREFIX feature_extractor.conv_layers.I.NAME`, and a final LayerNorm elsewhere. A convolution's weight
is (out_channels, in_channels, kernel_size) in PyTorch and (kernel_size, in_channels, out_channels) here.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Literal

import numpy as np

from w2v_jax.checkpoint import CheckpointError
from w2v_jax.convert.arrays import StoredArray, listing, quote
from w2v_jax.encoder import EncoderConfig

_STACK = "feature_extractor.conv_layers."
_MOST_LAYERS = 100
_STANDARD = EncoderConfig()


@dataclasses.dataclass(frozen=True)
class Layout:
    """Names of the modules in one tool's state dict.

    Attributes:
        name: the tool.
        conv: the convolution, below `feature_extractor.conv_layers.I.`.
        group_norm: the norm of layer 0 in the "group" variant, below the same prefix.
        layer_norm: the norm of every layer in the "layer" variant, below the same prefix.
        final_norm: the final LayerNorm, below the prefix.
    """

    name: str
    conv: str
    group_norm: str
    layer_norm: str
    final_norm: str


# Key names are facts of each tool's sources: transformers' modeling_wav2vec2.py, torchaudio's
# models/wav2vec2/components.py, fairseq's models/wav2vec/wav2vec2.py (whose layers are nn.Sequential).
TRANSFORMERS = Layout("transformers", "conv", "layer_norm", "layer_norm", "feature_projection.layer_norm")
TORCHAUDIO = Layout("torchaudio", "conv", "layer_norm", "layer_norm", "encoder.feature_projection.layer_norm")
FAIRSEQ = Layout("fairseq", "0", "2", "2.1", "layer_norm")


@dataclasses.dataclass(frozen=True)
class Located:
    """An encoder found among the names of a checkpoint.

    Attributes:
        layout: the tool whose names it has.
        prefix: what precedes them.
        names: the names of its tensors, all under `prefix + "feature_extractor."` or the final norm's.
    """

    layout: Layout
    prefix: str
    names: frozenset[str]


def locate(names: Iterable[str], *, origin: str) -> Located:
    """Finds the one encoder among the names of tensors.

    Args:
        names: as the checkpoint has them.
        origin: the file, for the messages.

    Raises:
        CheckpointError: there is none, or more than one.
    """
    names = list(names)
    found: dict[tuple[str, str], None] = {}
    for name in names:
        at = name.rfind(_STACK)
        if at < 0 or (at > 0 and name[at - 1] != "."):
            continue
        module = name[at + len(_STACK) :].partition(".")[2].rpartition(".")[0]
        if module in (TRANSFORMERS.conv, FAIRSEQ.conv):
            found[name[:at], module] = None
    if not found:
        raise CheckpointError(
            f"{origin}: no encoder among {len(names)} tensors ({listing(sorted(names)) or 'no names'}); "
            f"expected {_STACK}0.conv.weight (transformers, torchaudio) or {_STACK}0.0.weight (fairseq), any prefix"
        )
    if len(found) > 1:
        prefixes = " and ".join(sorted(f"'{quote(prefix)}' ({module})" for prefix, module in list(found)[:4]))
        raise CheckpointError(
            f"{origin}: {len(found)} encoders, with the prefixes {prefixes}; expected one: save the one you mean alone"
        )
    ((prefix, module),) = found
    everything = frozenset(names)
    layout = FAIRSEQ if module == FAIRSEQ.conv else TRANSFORMERS
    if layout is TRANSFORMERS and f"{prefix}{TORCHAUDIO.final_norm}.weight" in everything:
        layout = TORCHAUDIO
    final = {f"{prefix}{layout.final_norm}.{part}" for part in ("weight", "bias")}
    inside = f"{prefix}feature_extractor."
    return Located(layout, prefix, frozenset(n for n in everything if n in final or n.startswith(inside)))


def infer_config(located: Located, arrays: Mapping[str, StoredArray], *, origin: str, absent: str) -> EncoderConfig:
    """The config of a checkpoint that does not state it, as far as the tensors tell.

    They tell channels, kernel sizes, norm and bias, but not strides: those of wav2vec 2.0 are assumed when the kernel
    sizes are wav2vec 2.0's, for every published model with these has those; nothing else is guessed.
    Epsilon and activation are taken to be 1e-5 and the exact GELU, which all the tools fix or default to.

    Args:
        located: the encoder.
        arrays: all tensors.
        origin: the file, for the messages.
        absent: what would have stated the config, for the messages.

    Raises:
        CheckpointError: the tensors do not settle it.
    """
    stack = located.prefix + _STACK
    shapes: list[tuple[int, ...]] = []
    while (weight := arrays.get(f"{stack}{len(shapes)}.{located.layout.conv}.weight")) and len(shapes) < _MOST_LAYERS:
        if len(weight.shape) != 3 or min(weight.shape) < 1:
            raise CheckpointError(
                f"{origin}: {quote(stack)}{len(shapes)}.{located.layout.conv}.weight has shape {weight.shape}; "
                "expected (out_channels, in_channels, kernel_size)"
            )
        shapes.append(weight.shape)
    if not shapes:
        raise CheckpointError(
            f"{origin}: missing {quote(stack)}0.{located.layout.conv}.weight; expected layers from 0 on"
        )
    kernel_sizes = tuple(shape[2] for shape in shapes)
    if kernel_sizes != _STANDARD.kernel_sizes:
        raise CheckpointError(
            f"{origin}: kernel sizes {kernel_sizes}, and no {absent} to say the strides, which tensors do not tell; "
            f"expected {_STANDARD.kernel_sizes}, whose strides are known"
        )

    def has(index: int, module: str) -> bool:
        return f"{stack}{index}.{module}.weight" in located.names

    conv_norm: Literal["group", "layer"]
    if has(1, located.layout.layer_norm):
        conv_norm = "layer"
    elif has(0, located.layout.group_norm):
        conv_norm = "group"
    else:
        raise CheckpointError(
            f"{origin}: no norm after its convolutions; expected {quote(stack)}0.{located.layout.group_norm}.weight"
        )
    return EncoderConfig(
        channels=tuple(shape[0] for shape in shapes),
        kernel_sizes=kernel_sizes,
        strides=_STANDARD.strides,
        conv_norm=conv_norm,
        conv_bias=f"{stack}0.{located.layout.conv}.bias" in located.names,
    )


def read_encoder(
    located: Located, arrays: Mapping[str, StoredArray], config: EncoderConfig, *, origin: str, stated_by: str
) -> dict[str, np.ndarray]:
    """Reads the encoder's tensors, named and shaped as ours (see `checkpoint.tensor_shapes`), in float32.

    Args:
        located: the encoder.
        arrays: all tensors.
        config: the architecture that they should have.
        origin: the file, for the messages.
        stated_by: what stated the config, for the messages.

    Raises:
        CheckpointError: missing, extra, misshapen or non-finite tensors.
    """
    expected = dict(_expected(located, config))
    by_config = f"by {stated_by}: {summary(config)}"
    if missing := sorted(expected.keys() - located.names):
        raise CheckpointError(f"{origin}: missing {listing(missing)}; expected {by_config}")
    if extra := sorted(located.names - expected.keys()):
        raise CheckpointError(f"{origin}: unexpected {listing(extra)}; not expected {by_config}")
    for name, (_, shape) in expected.items():
        if arrays[name].shape != shape:
            raise CheckpointError(
                f"{origin}: {quote(name)} has shape {arrays[name].shape}; expected {shape} {by_config}"
            )
    tensors = {}
    for name, (ours, shape) in expected.items():
        with np.errstate(over="ignore"):
            tensor = arrays[name].read(name).astype(np.float32)
        if bad := tensor.size - np.count_nonzero(np.isfinite(tensor)):
            raise CheckpointError(
                f"{origin}: {quote(name)} has {bad} of {tensor.size} values not finite in float32; expected none"
            )
        tensors[ours] = np.ascontiguousarray(tensor.transpose(2, 1, 0)) if len(shape) == 3 else tensor
    return tensors


def summary(config: EncoderConfig) -> str:
    """`config` in a few words."""
    channels = str(config.channels[0]) if len(set(config.channels)) == 1 else str(config.channels)
    return (
        f"{len(config.channels)} layers of {channels} channels, kernel sizes {config.kernel_sizes}, "
        f"strides {config.strides}, {config.conv_norm} norm, {'with' if config.conv_bias else 'no'} conv bias"
    )


def _expected(located: Located, config: EncoderConfig) -> Iterable[tuple[str, tuple[str, tuple[int, ...]]]]:
    """Each tensor's name in the checkpoint, with our name and its shape there."""
    layout, prefix = located.layout, located.prefix
    in_channels = 1
    for index, (channels, kernel_size) in enumerate(zip(config.channels, config.kernel_sizes, strict=True)):
        theirs, ours = f"{prefix}{_STACK}{index}.", f"conv_layers.{index}."
        yield f"{theirs}{layout.conv}.weight", (ours + "kernel", (channels, in_channels, kernel_size))
        if config.conv_bias:
            yield f"{theirs}{layout.conv}.bias", (ours + "bias", (channels,))
        norm = None
        if config.conv_norm == "layer":
            norm = layout.layer_norm
        elif index == 0:
            norm = layout.group_norm
        if norm is not None:
            yield f"{theirs}{norm}.weight", (ours + "norm.scale", (channels,))
            yield f"{theirs}{norm}.bias", (ours + "norm.bias", (channels,))
        in_channels = channels
    yield f"{prefix}{layout.final_norm}.weight", ("layer_norm.scale", (in_channels,))
    yield f"{prefix}{layout.final_norm}.bias", ("layer_norm.bias", (in_channels,))
