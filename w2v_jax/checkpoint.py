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

import dataclasses
import difflib
import functools
import hashlib
import json
import os
import pathlib
import re
import types
from collections.abc import Iterable, Mapping

import jax
import jax.numpy as jnp
import numpy as np
import safetensors
import safetensors.numpy
from flax import nnx

from w2v_jax import _version
from w2v_jax._src import tensor_file
from w2v_jax._src.quoting import listing, printable, quote
from w2v_jax.convolution import Precision, check_precision
from w2v_jax.encoder import EncoderConfig, FeatureEncoder

FORMAT = "w2v_jax.encoder"
FORMAT_VERSION = "2"
# Version 1 had no digest of its config and provenance.
_READABLE_VERSIONS = ("1", "2")
# Settings of the config that no file of version 0.1.0 of the library has. Their defaults must stay as they are.
_LATER_SETTINGS = ("activation", "final_norm", "log_compression", "skip_connections", "residual_scale", "sample_rate")
# Parts of the provenance that older files do not have.
_LATER_PROVENANCE = ("normalize_input", "file")
SUFFIX = ".safetensors"
_LONGEST_TEXT = 4_000


class CheckpointError(ValueError):
    """A weight file that cannot be used. The message is one line: file, what was found, what was expected."""


@dataclasses.dataclass(frozen=True)
class Provenance:
    """Where weights come from.

    Attributes:
        source: what they were converted from (a hub id, or the name of a file), or how they were made.
        revision: version of the source, such as the commit of a hub repository; None where there is none.
        source_sha256: hexadecimal sha256 of the source file (of several: of their sha256s, in order of name).
        tool_version: version of w2v_jax that wrote the file.
        assumed: settings of the config that the source does not state, in words; None where it states all.
        normalize_input: whether the model was trained on waveforms of mean 0 and variance 1 each, as the source states
            it; None where it does not. Written only where it is stated.
        file: of the source, the file that was converted; None where that is not known.
    """

    source: str
    revision: str | None = None
    source_sha256: str | None = None
    tool_version: str = _version.__version__
    assumed: str | None = None
    normalize_input: bool | None = None
    file: str | None = None


@dataclasses.dataclass(frozen=True)
class Metadata:
    """What a weight file says of itself, apart from its tensors."""

    config: EncoderConfig
    provenance: Provenance
    digest: str

    @property
    def normalize_input(self) -> bool | None:
        """Whether the model was trained on normalised waveforms; None where its source did not say."""
        return self.provenance.normalize_input


@functools.lru_cache(maxsize=128)
def tensor_shapes(config: EncoderConfig) -> Mapping[str, tuple[int, ...]]:
    """Name and shape of every tensor that an encoder of this config has."""
    abstract = nnx.eval_shape(lambda: FeatureEncoder(config, rngs=nnx.Rngs(0)))
    return types.MappingProxyType({name: value.shape for name, value in _flat_parameters(abstract).items()})


def encoder_tensors(encoder: FeatureEncoder) -> dict[str, np.ndarray]:
    """The encoder's parameters by name, as NumPy arrays on the host."""
    return {name: np.asarray(value) for name, value in _flat_parameters(encoder).items()}


def encoder_from_tensors(
    config: EncoderConfig,
    tensors: Mapping[str, np.ndarray],
    *,
    precision: Precision = "float32",
    origin: str = "tensors",
) -> FeatureEncoder:
    """An encoder with the given parameters, cast to float32.

    Args:
        config: the architecture.
        tensors: exactly the names and shapes of `tensor_shapes(config)`, of any floating dtype, finite.
        precision: of the encoder; see `FeatureEncoder`.
        origin: name of the file they come from, for the error message.

    Raises:
        CheckpointError: missing, extra, misshapen, non-floating or non-finite tensors.
    """
    check_tensors(config, tensors, origin=origin)
    abstract = nnx.eval_shape(lambda: FeatureEncoder(config, precision=precision, rngs=nnx.Rngs(0)))
    graphdef, state = nnx.split(abstract)
    leaves = {
        path: variable.replace(jnp.asarray(tensors[_name(path)], dtype=jnp.float32))
        for path, variable in nnx.to_flat_state(state)
    }
    return nnx.merge(graphdef, nnx.from_flat_state(leaves))


def check_tensors(config: EncoderConfig, tensors: Mapping[str, np.ndarray], *, origin: str) -> None:
    """Raises `CheckpointError` unless `tensors` are what an encoder of this config needs, float32-finite."""
    shown = quote(config, 400)
    if len(config.channels) > len(tensors):  # before an encoder of so many layers is thought of
        raise CheckpointError(f"{origin}: {len(tensors)} tensors; expected those of {len(config.channels)} layers")
    shapes = tensor_shapes(config)
    if missing := sorted(shapes.keys() - tensors.keys()):
        raise CheckpointError(f"{origin}: missing {listing(missing)}; expected {len(shapes)} tensors for {shown}")
    if extra := sorted(tensors.keys() - shapes.keys()):
        raise CheckpointError(f"{origin}: unexpected {listing(extra)}; expected {len(shapes)} tensors for {shown}")
    for name, shape in shapes.items():
        tensor = tensors[name]
        if tensor.shape != shape:
            actual = quote(tensor.shape, 60)
            raise CheckpointError(f"{origin}: {name} has shape {actual}; expected {quote(shape, 60)} for {shown}")
        if not jnp.issubdtype(tensor.dtype, jnp.floating):
            raise CheckpointError(f"{origin}: {name} is {tensor.dtype}; expected a floating-point dtype")
        with np.errstate(over="ignore"):
            finite = np.isfinite(tensor.astype(np.float32))
        if not finite.all():
            raise CheckpointError(
                f"{origin}: {name} has {np.size(finite) - np.count_nonzero(finite)} values that are not finite "
                "in float32; expected none"
            )


def tensors_digest(tensors: Mapping[str, np.ndarray]) -> str:
    """Digest of names, dtypes, shapes and bytes: `"sha256:"` and 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype.name} {tensor.shape}\n".encode())
        digest.update(np.ascontiguousarray(tensor).data)
    return f"sha256:{digest.hexdigest()}"


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


def write_tensors(
    path: str | os.PathLike[str],
    config: EncoderConfig,
    tensors: Mapping[str, np.ndarray],
    *,
    provenance: Provenance,
) -> None:
    """Writes tensors in our layout (see `tensor_shapes`) to `path`, after checking them as reading does."""
    check_tensors(config, tensors, origin=os.fspath(path))
    try:
        _check_provenance(provenance)
    except ValueError as error:
        raise CheckpointError(f"{quote(os.fspath(path), 400)}: not written: {error}") from error
    metadata = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "config": config_text(config),
        "provenance": json.dumps(_stated(provenance)),
    }
    metadata["metadata_digest"] = _metadata_digest(metadata)
    # Our own writer: it adds the digest, and the same encoder gives the same file to the last byte.
    tensor_file.write_file(path, tensors, metadata=metadata)


def config_text(config: EncoderConfig) -> str:
    """The config as weight files have it: JSON, without the later settings that have their default."""
    default = EncoderConfig()
    stated = dataclasses.asdict(config)
    for name in _LATER_SETTINGS:
        if stated[name] == getattr(default, name):
            del stated[name]
    return json.dumps(stated)


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
        >>> jax.jit(encoder)(jnp.zeros(16_000)).shape
        (49, 512)
    """
    from w2v_jax.hub import obtaining  # which stands on this module

    check_precision(precision)
    path = obtaining.find(name_or_path, offline=offline)
    metadata = read_metadata(path)
    try:
        tensors = safetensors.numpy.load_file(path)
    except (safetensors.SafetensorError, KeyError) as error:
        raise CheckpointError(f"{path}: cannot read its tensors ({quote(error)})") from error
    digest = tensors_digest(tensors)
    if digest != metadata.digest:
        raise _altered(path, metadata, digest)
    return encoder_from_tensors(metadata.config, tensors, precision=precision, origin=str(path))


def read_metadata(name_or_path: str | os.PathLike[str]) -> Metadata:
    """What a weight file says of itself, without reading its tensors. Raises as `load_encoder` does."""
    path = find_weights(name_or_path)
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            raw = file.metadata() or {}
    except (safetensors.SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path}: not a readable safetensors file ({quote(error)}); expected a file written by w2v_jax"
        ) from error
    if raw.get("format") != FORMAT:
        raise CheckpointError(
            f"{path}: a safetensors file, but not one of w2v_jax; convert it first: "
            f"python -m w2v_jax.convert --source={path} --output=weights/NAME{SUFFIX}"
        )
    version = raw.get("format_version")
    if version not in _READABLE_VERSIONS:
        raise CheckpointError(
            f"{path}: format version {quote(version, 20)}; this w2v_jax ({_version.__version__}) "
            f"reads versions {' and '.join(_READABLE_VERSIONS)}: upgrade it, or convert the weights again"
        )
    if version != "1" and raw.get("metadata_digest") != _metadata_digest(raw):
        raise CheckpointError(f"{path}: its config or provenance was altered (the digest differs); convert it again")
    try:
        settings = json.loads(raw["config"])
        known = {field.name for field in dataclasses.fields(EncoderConfig)}
        if isinstance(settings, dict) and (unknown := sorted(settings.keys() - known)):
            raise CheckpointError(
                f"{path}: its config has {listing(unknown)}, unknown to this w2v_jax ({_version.__version__}): "
                "upgrade it, or convert the weights again"
            )
        config = EncoderConfig(**settings)
        provenance = Provenance(**json.loads(raw["provenance"]))
        _check_provenance(provenance)
        digest = raw["digest"]
    except CheckpointError:
        raise
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: damaged metadata ({quote(error)}); convert the weights again") from error
    return Metadata(config=config, provenance=provenance, digest=digest)


def _check_provenance(provenance: Provenance) -> None:
    """Raises `ValueError` unless it has lines of text, which are printed as they stand, and a truth value."""
    for name, said in dataclasses.asdict(provenance).items():
        if name == "normalize_input":
            if not (said is None or isinstance(said, bool)):
                raise ValueError(f"its {name} is {quote(said, 60)}; expected True or False")
        elif not (said is None and name not in ("source", "tool_version")) and not (
            isinstance(said, str) and said == printable(said) and len(said) <= _LONGEST_TEXT
        ):
            raise ValueError(
                f"its provenance has {name} '{quote(said, 60)}'; expected a line of at most {_LONGEST_TEXT} characters"
            )


def verify_weights(name_or_path: str | os.PathLike[str]) -> Metadata:
    """The metadata of a weight file whose tensors are those that were saved; none of them is kept in memory.

    Raises as `load_encoder` does.
    """
    path = find_weights(name_or_path)
    metadata = read_metadata(path)
    try:
        digest = tensor_file.open_file(path).digest()
    except (tensor_file.TensorFileError, OSError) as error:
        raise CheckpointError(f"{path}: cannot read its tensors ({quote(error)})") from error
    if digest != metadata.digest:
        raise _altered(path, metadata, digest)
    return metadata


def weights_folders() -> list[pathlib.Path]:
    """Where bare names are looked for: `weights/` of the current folder, of the package, and of the repository."""
    package = pathlib.Path(__file__).resolve().parent
    folders = [pathlib.Path("weights"), package / "weights"]
    if (package.parent / "pyproject.toml").is_file():
        folders.append(package.parent / "weights")
    return list(dict.fromkeys(folders))


def weight_names() -> list[str]:
    """The bare names that `find_weights` knows, in alphabetical order."""
    paths = (path for folder in weights_folders() for path in folder.glob(f"*{SUFFIX}"))
    return sorted({path.stem for path in paths if not path.name.startswith(".")})  # those are other programs'


def find_weights(name_or_path: str | os.PathLike[str]) -> pathlib.Path:
    """The file that a name or path stands for; see `load_encoder`. Raises `FileNotFoundError`."""
    path = pathlib.Path(name_or_path)
    if path.is_file():
        return path
    if len(path.parts) == 1 and path.name:
        file_name = path.name if path.suffix == SUFFIX else path.name + SUFFIX
        for folder in weights_folders():
            if (folder / file_name).is_file():
                return folder / file_name
    raise FileNotFoundError(_no_weights(os.fspath(name_or_path), path))


# Controls that experiments know by name, and what they are in Python.
_NOT_FILES = {
    "untrained": "FeatureEncoder(EncoderConfig(), rngs=nnx.Rngs(0))",
    "log-mel": "w2v_jax.spectrograms.LogMelSpectrogram()",
    "stft": "w2v_jax.spectrograms.LogMagnitudeSpectrogram()",
}
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")


def _no_weights(name: str, path: pathlib.Path) -> str:
    """Why there are none, and what to do: one line."""
    convert = f"python -m w2v_jax.convert --source={name or 'SOURCE'} --output=weights/{path.name or 'NAME'}{SUFFIX}"
    if name in _NOT_FILES:
        return f"{name!r} is a control, which has no weight file; in Python it is {_NOT_FILES[name]}"
    if path.is_dir():
        inside = sorted(each.name for each in path.glob(f"*{SUFFIX}"))
        return (
            f"{name!r} is a folder; expected one weight file"
            + (f": it has {listing(inside)}" if inside else "")
            + f". If it is a checkpoint of another tool, convert it: {convert}"
        )
    known = weight_names()
    listed = f"weights here: {listing(known, 8)}" if known else "there are no weights here"
    if _HUB_ID.fullmatch(name) and path.suffix != SUFFIX:
        return f"no weights {name!r}; it looks like the id of a model on the Hugging Face hub: convert it: {convert}"
    if len(path.parts) > 1:
        return f"no weights {name!r}: there is no such file ({listed})"
    stem = path.name.removesuffix(SUFFIX)
    if close := difflib.get_close_matches(stem, [*known, *_NOT_FILES], n=1):
        return f"no weights {name!r}; did you mean {close[0]!r}? ({listed})"
    return (
        f"no weights {name!r} ({listed}); to make some: "
        f"python -m w2v_jax.convert --source=SOURCE --output=weights/{stem or 'NAME'}{SUFFIX}"
    )


def _stated(provenance: Provenance) -> dict[str, object]:
    """As weight files have it: what came later only where it is known, so that other files stay what they were."""
    said = dataclasses.asdict(provenance)
    return {name: value for name, value in said.items() if value is not None or name not in _LATER_PROVENANCE}


def _altered(path: pathlib.Path, metadata: Metadata, digest: str) -> CheckpointError:
    return CheckpointError(
        f"{path}: its tensors have digest {digest}, but its metadata says {quote(metadata.digest)}; "
        "the file was altered: convert it again"
    )


def _metadata_digest(metadata: Mapping[str, str]) -> str:
    """Digest of what a file says of itself: `"sha256:"` and 64 hexadecimal digits."""
    said = json.dumps([metadata.get(name) for name in ("format", "format_version", "config", "provenance")])
    return f"sha256:{hashlib.sha256(said.encode()).hexdigest()}"


def _flat_parameters(encoder: FeatureEncoder) -> dict[str, jax.Array]:
    return {_name(path): variable.get_value() for path, variable in nnx.to_flat_state(nnx.state(encoder, nnx.Param))}


def _name(path: Iterable[object]) -> str:
    return ".".join(map(str, path))
