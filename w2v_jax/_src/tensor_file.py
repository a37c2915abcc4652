"""Safetensors files larger than memory: written piece by piece, read by mapping.

The library writes only tensors that are all in memory, and a sweep's features need not be. Every file written here
has in its metadata a digest of its tensors, and a header that `safetensors_header` reads.
"""

import contextlib
import dataclasses
import hashlib
import json
import math
import os
import pathlib
from collections.abc import Iterable, Iterator, Mapping
from typing import BinaryIO

import numpy as np

from w2v_jax._src import files, safetensors_header
from w2v_jax._src.quoting import quote

DIGEST = "digest"  # the metadata's entry for it
_NO_DIGEST = "sha256:" + 64 * "0"
_PIECE_BYTES = 1 << 20

_DTYPES = {
    code: np.dtype(name)
    for code, name in {
        "BOOL": "bool", "U8": "u1", "I8": "i1", "U16": "<u2", "I16": "<i2", "F16": "<f2", "U32": "<u4", "I32": "<i4",
        "F32": "<f4", "U64": "<u8", "I64": "<i8", "F64": "<f8",
    }.items()
}  # fmt: skip
_CODES = {dtype: code for code, dtype in _DTYPES.items()}


class TensorFileError(ValueError):
    """A file that cannot be used. The message is one line and does not name the file."""


class UnknownTypeError(TensorFileError):
    """A whole file with tensors of a type that NumPy lacks, such as BF16."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """Where a tensor lies in its file."""

    dtype: np.dtype
    shape: tuple[int, ...]
    start: int  # in bytes, from the start of the file

    @property
    def num_bytes(self) -> int:
        """Length of its data."""
        return math.prod(self.shape) * self.dtype.itemsize

    def title(self, name: str) -> bytes:
        """What a digest takes in before the data, as `named_tensors.tensors_digest` does."""
        return f"{name} {self.dtype.name} {self.shape}\n".encode()


@dataclasses.dataclass(frozen=True)
class TensorFile:
    """A safetensors file of which only the header has been read.

    Attributes:
        path: the file.
        metadata: its strings.
        entries: its tensors, by name.
        copy: of one in a bucket, what was fetched.
    """

    path: pathlib.Path
    metadata: Mapping[str, str]
    entries: Mapping[str, Entry]
    copy: BinaryIO | None = None

    def array(self, name: str) -> np.ndarray:
        """A tensor, mapped from the file: read-only, and in memory only where it is looked at."""
        entry = self.entries[name]
        if not entry.num_bytes:
            return np.empty(entry.shape, entry.dtype)
        mapped = np.memmap(self.copy or self.path, entry.dtype, mode="r", offset=entry.start, shape=entry.shape)
        return mapped.view(np.ndarray)

    def digest(self) -> str:
        """The digest of what the file has now, in the form of `named_tensors.tensors_digest`."""
        digest = hashlib.sha256()
        # By reading, not by mapping: mapped pages would count as this process's memory.
        with contextlib.nullcontext(self.copy) if self.copy else self.path.open("rb") as file:
            for name in sorted(self.entries):
                entry = self.entries[name]
                digest.update(entry.title(name))
                file.seek(entry.start)
                for start in range(0, entry.num_bytes, _PIECE_BYTES):
                    digest.update(file.read(min(_PIECE_BYTES, entry.num_bytes - start)))
        return f"sha256:{digest.hexdigest()}"

    def check(self) -> None:
        """Raises `TensorFileError` unless the tensors are those that were saved."""
        if self.digest() != self.metadata.get(DIGEST):
            raise TensorFileError("its tensors are not those that were saved")


@dataclasses.dataclass(frozen=True)
class Stream:
    """A tensor that is made as it is written.

    Attributes:
        shape: of the whole.
        pieces: its rows in order, each piece (rows, *shape[1:]).
        dtype: of every piece.
    """

    shape: tuple[int, ...]
    pieces: Iterable[np.ndarray]
    dtype: np.dtype = dataclasses.field(default_factory=lambda: np.dtype(np.float32))


def open_file(path: str | os.PathLike[str]) -> TensorFile:
    """Reads the header of a safetensors file; one in a bucket (`files`) is fetched as a whole, once.

    Raises:
        OSError: it cannot be read.
        TensorFileError: it is truncated or damaged. `UnknownTypeError`, a kind of it: it is whole, and of no use.
    """
    path = files.path_of(path)
    if files.is_in_bucket(path):
        copy = files.fetched(path)
        try:
            return dataclasses.replace(_opened(path, copy), copy=copy)
        except BaseException:
            copy.close()
            raise
    with path.open("rb") as file:
        return _opened(path, file)


def _opened(path: pathlib.Path, file: BinaryIO) -> TensorFile:
    file.seek(0)
    try:
        header = safetensors_header.read_header(file, os.fstat(file.fileno()).st_size)
    except safetensors_header.HeaderError as error:
        raise TensorFileError(str(error)) from error
    if unknown := [name for name, tensor in header.tensors.items() if tensor.dtype not in _DTYPES]:
        raise UnknownTypeError(f"its {quote(unknown[0])} is {header.tensors[unknown[0]].dtype}, which NumPy lacks")
    entries = {
        name: Entry(_DTYPES[tensor.dtype], tensor.shape, tensor.start) for name, tensor in header.tensors.items()
    }
    return TensorFile(path, header.metadata, entries)


def write_file(
    path: str | os.PathLike[str],
    tensors: Mapping[str, np.ndarray | Stream],
    *,
    metadata: Mapping[str, str],
    temporary_dir: str | os.PathLike[str] | None = None,
) -> None:
    """Writes a safetensors file, whole or not at all.

    Args:
        path: the file.
        tensors: by name; a `Stream` is never in memory as a whole.
        metadata: strings to keep with them; their digest is added.
        temporary_dir: as for `files.atomic_path`.

    Raises:
        OSError: it cannot be written.
        ValueError: the pieces of a stream do not make up its shape, or names, strings or shapes are such that the file
            could not be read.
    """
    streams = {name: _stream(tensors[name]) for name in sorted(tensors)}
    digest = hashlib.sha256()
    with _naming(path), files.atomic_path(path, temporary_dir=temporary_dir) as temporary, temporary.open("wb") as file:
        header, entries = _header(streams, metadata, digest=_NO_DIGEST)
        file.write(header)
        for name, stream in streams.items():
            digest.update(entries[name].title(name))
            written = 0
            for piece in stream.pieces:
                data = np.ascontiguousarray(piece, entries[name].dtype).reshape(-1).view(np.uint8).data
                digest.update(data)
                written += file.write(data)
            if written != entries[name].num_bytes:
                raise ValueError(f"{name}: pieces of {written} bytes in all; expected {entries[name].num_bytes}")
        # The digest is known only now; every one is equally long.
        file.seek(0)
        file.write(_header(streams, metadata, digest=f"sha256:{digest.hexdigest()}")[0])


@contextlib.contextmanager
def _naming(path: str | os.PathLike[str]) -> Iterator[None]:
    """Gives an `OSError` of the block the file's name: that of a failed write (a full disk) has none."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = os.fspath(path)
        raise


def _stream(tensor: np.ndarray | Stream) -> Stream:
    return tensor if isinstance(tensor, Stream) else Stream(tensor.shape, [tensor], tensor.dtype)


def _header(
    streams: Mapping[str, Stream], metadata: Mapping[str, str], *, digest: str
) -> tuple[bytes, dict[str, Entry]]:
    described: dict[str, object] = {"__metadata__": {**metadata, DIGEST: digest}}
    offsets, end = {}, 0
    for name, stream in streams.items():
        dtype = stream.dtype.newbyteorder("<")
        if dtype not in _CODES:
            raise ValueError(f"{name} is {dtype}; expected one of {', '.join(each.name for each in _CODES)}")
        offsets[name] = Entry(dtype, tuple(map(int, stream.shape)), end)
        first, end = end, end + offsets[name].num_bytes
        described[name] = {"dtype": _CODES[dtype], "shape": offsets[name].shape, "data_offsets": [first, end]}
    text = json.dumps(described).encode()
    text += b" " * (-len(text) % 8)
    try:
        safetensors_header.parse_header(text, end)
    except safetensors_header.HeaderError as error:
        raise ValueError(f"a file that could not be read: {error}") from error
    return len(text).to_bytes(8, "little") + text, offsets
