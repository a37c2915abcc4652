"""Where each tool keeps the encoder's tensors, and how they become ours: one table.

A tool's state dict has other modules too, and often a prefix. A convolution's weight is (out_channels, in_channels,
kernel_size) in PyTorch and (kernel_size, in_channels, out_channels) here. A new tool is a row of `LAYOUTS` and a test.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from w2v_jax._src.errors import CheckpointError
from w2v_jax._src.quoting import listing, quote
from w2v_jax.convert.arrays import Array, fetch_ahead
from w2v_jax.convert.settings import SETTLES, Statement, UnsettledError
from w2v_jax.encoder import ConvNorm, EncoderConfig

_MOST_LAYERS = 100
_PARTS = ("weight", "bias")


@dataclasses.dataclass(frozen=True)
class Layout:
    """Names of the modules in one tool's state dict, without their `.weight` and `.bias`.

    Attributes:
        name: the tool, or the model.
        stack: what all names of the convolutional stack begin with, below the prefix.
        conv: a convolution, below `stack`; `{i}` is the layer.
        norms: the norm after it, below `stack`, by kind.
        final_norm: the final LayerNorm, below the prefix; None where the model has none.
        fixed: settings that the tool's code fixes, so that no file needs to state them.
    """

    name: str
    stack: str
    conv: str
    norms: Mapping[ConvNorm, str]
    final_norm: str | None
    fixed: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def first(self) -> str:
        """The name by which a stack is found: its first convolution's weight."""
        return f"{self.stack}{self.conv.format(i=0)}.weight"


def _same(norm: str) -> dict[ConvNorm, str]:
    return {"group": norm, "layer": norm}


# Key names, and what is fixed, are facts of each tool's sources: transformers' modeling_*.py; torchaudio's
# models/wav2vec2/components.py; fairseq's models/wav2vec/wav2vec2.py and wav2vec.py (layers are nn.Sequential) and
# examples/data2vec/models/modalities/audio.py; fairseq2's models/wav2vec2; ESPnet's espnet2/asr/frontend/cnn.py (XEUS);
# bshall's hubert/model.py.
_CONV, _NORM = "conv_layers.{i}.conv", "conv_layers.{i}.layer_norm"
_FAIRSEQ: dict[ConvNorm, str] = {
    "group": "conv_layers.{i}.2",
    "layer": "conv_layers.{i}.2.1",
    "global": "conv_layers.{i}.2",
}
_TORCH = {"layer_norm_eps": 1e-5}  # PyTorch's default, which these tools leave
_GELU = {**_TORCH, "activation": "gelu"}

TRANSFORMERS = Layout("transformers", "feature_extractor.", _CONV, _same(_NORM), "feature_projection.layer_norm")
TORCHAUDIO = dataclasses.replace(
    TRANSFORMERS, name="torchaudio", final_norm="encoder.feature_projection.layer_norm", fixed=_GELU
)
SEW = dataclasses.replace(TRANSFORMERS, name="transformers, SEW", final_norm="layer_norm")
SPEECHT5 = dataclasses.replace(TRANSFORMERS, name="transformers, SpeechT5", stack="feature_encoder.")
OMNIASR = Layout(
    "transformers, omniASR",
    "subsampling.conv_layers.",
    "{i}.conv",
    {"layer": "{i}.layer_norm"},
    "subsampling.layer_norm",
)
FAIRSEQ = Layout("fairseq", "feature_extractor.", "conv_layers.{i}.0", _FAIRSEQ, "layer_norm", _TORCH)
DATA2VEC2 = dataclasses.replace(
    FAIRSEQ, name="fairseq, data2vec 2.0", stack="local_encoder.", final_norm="project_features.1", fixed=_GELU
)
FAIRSEQ2 = Layout(
    "fairseq2",
    "feature_extractor.",
    "layers.{i}.conv",
    {"group": "layers.{i}.group_norm", "layer": "layers.{i}.layer_norm"},
    "post_extract_layer_norm",
    _GELU,
)
ESPNET = Layout("ESPnet", "frontend.layers.", "{i}.conv", _same("{i}.layer_norm"), "frontend.final_norm", _GELU)
HUBERT_SOFT = Layout("hubert-soft", "feature_extractor.", "conv{i}", _same("norm{i}"), "feature_projection.norm", _GELU)
# A feature encoder saved alone.
BARE = dataclasses.replace(TRANSFORMERS, name="feature encoder alone", stack="", final_norm=None)
BARE_FAIRSEQ = dataclasses.replace(FAIRSEQ, name="fairseq feature encoder alone", stack="", final_norm=None)

LAYOUTS = (
    TRANSFORMERS,
    TORCHAUDIO,
    SEW,
    SPEECHT5,
    OMNIASR,
    FAIRSEQ,
    DATA2VEC2,
    FAIRSEQ2,
    ESPNET,
    HUBERT_SOFT,
    BARE,
    BARE_FAIRSEQ,
)


@dataclasses.dataclass(frozen=True)
class Located:
    """An encoder found among the names of a checkpoint.

    Attributes:
        layout: the tool whose names it has; without a final norm where the checkpoint has none.
        prefix: what precedes them.
        names: the names of its tensors: all of the stack, and the final norm's.
    """

    layout: Layout
    prefix: str
    names: frozenset[str]

    def conv(self, index: int) -> str:
        """The name of a convolution's module."""
        return self.prefix + self.layout.stack + self.layout.conv.format(i=index)

    def norm(self, kind: ConvNorm, index: int) -> str | None:
        """The name of the norm's module after it; None where the tool has no norm of this kind."""
        name = self.layout.norms.get(kind)
        return None if name is None else self.prefix + self.layout.stack + name.format(i=index)

    @property
    def final_norm(self) -> str | None:
        """The name of the final norm's module."""
        return None if self.layout.final_norm is None else self.prefix + self.layout.final_norm


def locate(names: Iterable[str], *, origin: str, prefix: str | None = None, layout: Layout | None = None) -> Located:
    """Finds the one encoder among the names of tensors.

    Args:
        names: as the checkpoint has them.
        origin: the file, for the messages.
        prefix: what the user says precedes them; None where the user says nothing.
        layout: the one that the checkpoint's settings name, which is taken if the names fit it; None where they name
            none.

    Raises:
        CheckpointError: there is none, or more than one.
    """
    everything = frozenset(names)
    by_prefix: dict[str, list[Layout]] = {}
    for each in LAYOUTS:
        if not each.stack and by_prefix:
            break
        first = each.first()
        for name in everything:
            before = name.removesuffix(first)
            if before != name and (not before or before.endswith(".")):
                by_prefix.setdefault(before, []).append(each)
    if prefix is not None:
        wanted = prefix if not prefix or prefix.endswith(".") else f"{prefix}."
        kept = {before: layouts for before, layouts in by_prefix.items() if before == wanted}
        if by_prefix and not kept:
            known = " and ".join(f"'{quote(each)}'" for each in sorted(by_prefix)[:8])
            raise UnsettledError(f"{origin}: no encoder with prefix={quote(prefix)}; it has {known}")
        by_prefix = kept
    if not by_prefix and any(".lora_A." in name for name in everything):
        raise CheckpointError(
            f"{origin}: an adapter, which holds changes to another model and no encoder; expected that model "
            "(adapter_config.json names it), or both merged"
        )
    if not by_prefix:
        examples = f"{TRANSFORMERS.first()} (transformers) or {FAIRSEQ.first()} (fairseq)"
        raise CheckpointError(
            f"{origin}: no encoder among {len(everything)} tensors ({listing(sorted(everything)) or 'no names'}); "
            f"expected names such as {examples}, with any prefix"
        )
    if len(by_prefix) > 1 or len({each.first() for each in next(iter(by_prefix.values()))}) > 1:
        prefixes = " and ".join(f"'{quote(each)}' ({by_prefix[each][0].name})" for each in sorted(by_prefix)[:8])
        raise UnsettledError(
            f"{origin}: {sum(len({each.first() for each in layouts}) for layouts in by_prefix.values())} encoders, "
            f"with the prefixes {prefixes}; expected one: prefix=PREFIX chooses it"
        )
    ((before, layouts),) = by_prefix.items()
    modules = {name.rpartition(".")[0] for name in everything}
    with_norm = [each for each in layouts if each.final_norm and before + each.final_norm in modules]
    chosen = layout if layout in layouts else (with_norm or layouts)[0]
    # wav2vec 1.0 has no final norm, whatever else is called so.
    if chosen not in with_norm or f"{before}{chosen.stack}{chosen.norms.get('global', '').format(i=1)}" in modules:
        chosen = dataclasses.replace(chosen, final_norm=None)
    inside = before + (chosen.stack or chosen.conv.partition("{")[0])
    final = set() if chosen.final_norm is None else {f"{before}{chosen.final_norm}.{part}" for part in _PARTS}
    return Located(chosen, before, frozenset(each for each in everything if each.startswith(inside) or each in final))


def told_by_tensors(located: Located, arrays: Mapping[str, Array], *, origin: str) -> Statement:
    """What the tensors tell: channels, kernel sizes, norms and bias, and strides not.

    Raises:
        CheckpointError: convolutions of other shapes, or without a norm after them.
    """
    shapes: list[tuple[int, ...]] = []
    while (weight := arrays.get(f"{located.conv(len(shapes))}.weight")) and len(shapes) < _MOST_LAYERS:
        if len(weight.shape) != 3 or min(weight.shape) < 1:
            raise CheckpointError(
                f"{origin}: {quote(located.conv(len(shapes)))}.weight has shape {quote(weight.shape, 60)}; "
                "expected (out_channels, in_channels, kernel_size)"
            )
        shapes.append(weight.shape)
    if shapes and shapes[0][1] != 1 and min(shapes[0][1:]) > 1:
        others = sorted(each for each in located.names if not each.startswith(located.conv(0).rpartition("0")[0]))
        raise CheckpointError(
            f"{origin}: its first convolution takes {shapes[0][1]} channels, so that something comes before it"
            + (f" ({listing(others)})" if others else "")
            + "; expected an encoder whose first convolution takes the waveform"
        )
    if not shapes:
        raise CheckpointError(f"{origin}: missing {quote(located.conv(0))}.weight; expected layers from 0 on")

    def has(kind: ConvNorm, index: int) -> bool:
        return f"{located.norm(kind, index)}.weight" in located.names

    if has("layer", 1) and has("layer", 0):
        conv_norm: ConvNorm = "layer"
    elif has("global", 1):
        conv_norm = "global"
    elif has("group", 0):
        conv_norm = "group"
    elif has("layer", 0):
        conv_norm = "layer"
    else:
        raise CheckpointError(
            f"{origin}: no norm after its convolutions; expected "
            f"{' or '.join(sorted({f'{quote(located.norm(kind, 0))}.weight' for kind in located.layout.norms}))}"
        )
    settings: dict[str, Any] = dict(located.layout.fixed)
    if conv_norm != "global":  # only wav2vec 1.0 has these
        settings |= dict(log_compression=False, skip_connections=False)
        if located.layout.name.startswith(FAIRSEQ.name):
            settings["activation"] = "gelu"
    return Statement(
        "the tensors' shapes",
        dict(
            settings,
            channels=tuple(shape[0] for shape in shapes),
            kernel_sizes=tuple(shape[2] for shape in shapes),
            conv_norm=conv_norm,
            conv_bias=f"{located.conv(0)}.bias" in located.names,
            final_norm=located.final_norm is not None,
        ),
    )


def read_encoder(
    located: Located, arrays: Mapping[str, Array], config: EncoderConfig, *, origin: str, stated_by: str
) -> dict[str, np.ndarray]:
    """Reads the encoder's tensors, named and shaped as ours (see `named_tensors.tensor_shapes`), in float32.

    Args:
        located: the encoder.
        arrays: all tensors.
        config: the architecture that they should have.
        origin: the file, for the messages.
        stated_by: what stated the config, for the messages.

    Raises:
        CheckpointError: missing, extra, misshapen or non-finite tensors.
    """
    by_config = f"by {stated_by}: {summary(config)}"
    if config.final_norm and located.final_norm is None:
        raise UnsettledError(f"{origin}: no final LayerNorm among its tensors; expected one {by_config}; {SETTLES}")
    expected = dict(_expected(located, config))
    if missing := sorted(expected.keys() - arrays.keys()):
        raise CheckpointError(f"{origin}: missing {listing(missing)}; expected {by_config}")
    if extra := sorted(located.names - expected.keys()):
        raise CheckpointError(f"{origin}: unexpected {listing(extra)}; not expected {by_config}")
    for name, (_, shape) in expected.items():
        if arrays[name].shape != shape:
            raise CheckpointError(
                f"{origin}: {quote(name)} has shape {quote(arrays[name].shape, 60)}; expected {shape} {by_config}"
            )
    fetch_ahead(arrays[name] for name in expected)
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

    def listed(values: tuple[int, ...]) -> str:
        return quote(values, 100)

    channels = str(config.channels[0]) if len(set(config.channels)) == 1 else listed(config.channels)
    further = [
        f"{config.activation} activation" if config.activation != "gelu" else "",
        "" if config.final_norm else "no final norm (the features are the last layer's)",
        "log compression" if config.log_compression else "",
        "skip connections" if config.skip_connections else "",
        f"{config.sample_rate} Hz" if config.sample_rate != EncoderConfig().sample_rate else "",
    ]
    return (
        f"{len(config.channels)} layers of {channels} channels, kernel sizes {listed(config.kernel_sizes)}, "
        f"strides {listed(config.strides)}, {config.conv_norm} norm, {'with' if config.conv_bias else 'no'} conv bias"
    ) + "".join(f", {each}" for each in further if each)


def _expected(located: Located, config: EncoderConfig) -> Iterable[tuple[str, tuple[str, tuple[int, ...]]]]:
    """Each tensor's name in the checkpoint, with our name and its shape there."""
    in_channels = 1
    for index, (channels, kernel_size) in enumerate(zip(config.channels, config.kernel_sizes, strict=True)):
        ours = f"conv_layers.{index}."
        yield f"{located.conv(index)}.weight", (ours + "kernel", (channels, in_channels, kernel_size))
        if config.conv_bias:
            yield f"{located.conv(index)}.bias", (ours + "bias", (channels,))
        if config.conv_norm != "group" or index == 0:
            norm = located.norm(config.conv_norm, index)
            yield f"{norm}.weight", (ours + "norm.scale", (channels,))
            yield f"{norm}.bias", (ours + "norm.bias", (channels,))
        in_channels = channels
    if config.final_norm:
        yield f"{located.final_norm}.weight", ("layer_norm.scale", (in_channels,))
        yield f"{located.final_norm}.bias", ("layer_norm.bias", (in_channels,))
