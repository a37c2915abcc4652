"""The header of a safetensors file, by the rules of the safetensors library: what it refuses is refused here.

The format (https://github.com/huggingface/safetensors): 8 bytes, the little-endian length of a JSON header; the
header, NAME to dtype, shape and data_offsets; the data. Tensors lie one after the other from the start of the data to
the end of the file: no byte belongs to none, or to two. Our own reader is there for what the library does not do: to
map, to fetch a part of a file, to say in one line what is wrong.

The library takes the later of two equal keys, and entries without field names; here both are refused.
"""

import dataclasses
import itertools
import json
import math
import operator
from collections.abc import Mapping
from typing import IO, NoReturn

from w2v_jax._src.quoting import quote

MOST_BYTES = 100_000_000  # the format's own limit
_MOST_AXES = 32  # of NumPy's arrays, before version 2
_MOST_NUMBER = 2**48
_MOST_DEPTH = 127
_FIELDS = ("dtype", "shape", "data_offsets")
_METADATA = "__metadata__"
# Size of an element, in bits.
_BITS = {
    "F4": 4,
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E5M2FNUZ", "F8_E4M3FNUZ"), 8),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 16),
    **dict.fromkeys(("U32", "I32", "F32"), 32),
    **dict.fromkeys(("U64", "I64", "F64", "C64"), 64),
}


class HeaderError(ValueError):
    """A header that cannot be used. The message is one line and does not name the file."""


@dataclasses.dataclass(frozen=True)
class StoredTensor:
    """What a header says of a tensor.

    Attributes:
        dtype: the format's name of it, such as `"F32"`.
        shape: as stored, row-major.
        start: its first byte, from the start of the file.
        nbytes: length of its data.
    """

    dtype: str
    shape: tuple[int, ...]
    start: int
    nbytes: int


@dataclasses.dataclass(frozen=True)
class Header:
    """A header that was read.

    Attributes:
        metadata: its strings.
        tensors: what it describes, by name.
    """

    metadata: Mapping[str, str]
    tensors: Mapping[str, StoredTensor]


def read_header(file: IO[bytes], size: int) -> Header:
    """Reads the header at the start of a file, and nothing else of it.

    Args:
        file: at its first byte.
        size: of the whole file, in bytes.

    Raises:
        HeaderError: truncated, damaged, or not as the format has it.
        OSError: it cannot be read.
    """
    length = int.from_bytes(file.read(8), "little")
    if length > min(size - 8, MOST_BYTES):
        raise HeaderError(f"{size} bytes, but its safetensors header alone has {length}; truncated or damaged")
    raw = file.read(length)
    if len(raw) != length:
        raise HeaderError(f"its safetensors header ends after {len(raw)} of {length} bytes; truncated")
    return parse_header(raw, size - 8 - length)


def parse_header(raw: bytes, data_size: int) -> Header:
    """What a header says, if it describes `data_size` bytes of data. Raises `HeaderError`."""
    try:
        content = json.loads(
            raw.decode(),
            object_pairs_hook=_unique,
            parse_int=_number,
            parse_float=_finite,
            parse_constant=_no_number,
        )
        _check_text(content, 1)
    except (ValueError, RecursionError) as error:
        raise HeaderError(f"its safetensors header is not valid JSON ({quote(error)}); damaged") from error
    if not isinstance(content, dict):
        raise HeaderError("its safetensors header is not a JSON object; damaged")
    metadata = content.pop(_METADATA, None)
    metadata = {} if metadata is None else metadata
    if not isinstance(metadata, dict) or not all(isinstance(said, str) for said in metadata.values()):
        raise HeaderError("the metadata in its safetensors header are not strings by name; damaged")
    data_start = 8 + len(raw)
    tensors = {name: _tensor(name, fields, data_start) for name, fields in content.items()}
    end = data_start
    for name, tensor in sorted(tensors.items(), key=lambda each: (each[1].start, each[1].nbytes)):
        if tensor.start != end:
            fault = "overlaps the one before it" if tensor.start < end else f"leaves {tensor.start - end} bytes out"
            raise HeaderError(
                f"in its safetensors header, {quote(name)} {fault}; expected one tensor after the other; damaged"
            )
        end += tensor.nbytes
    if end != data_start + data_size:
        raise HeaderError(
            f"{data_start + data_size} bytes; its safetensors header describes {end}; truncated or damaged"
        )
    return Header(metadata, tensors)


def _tensor(name: str, fields: object, data_start: int) -> StoredTensor:
    good = isinstance(fields, dict) and all(isinstance(fields.get(each), str | list) for each in _FIELDS)
    if isinstance(fields, dict) and good:
        dtype, shape, offsets = (fields[each] for each in _FIELDS)
        good = isinstance(dtype, str) and isinstance(shape, list) and isinstance(offsets, list) and len(offsets) == 2
        good = good and dtype in _BITS and len(shape) <= _MOST_AXES
        good = good and all(type(n) is int and 0 <= n < _MOST_NUMBER for n in (*shape, *offsets))
        if good:
            first, last = offsets
            # The library multiplies from the left, in 64 bits: a later axis of length 0 does not help.
            counts = itertools.accumulate((*shape, _BITS[dtype]), operator.mul, initial=1)
            possible = all(count < 2**64 for count in counts)
            if possible and first <= last and math.prod(shape) * _BITS[dtype] == 8 * (last - first):
                return StoredTensor(dtype, tuple(shape), data_start + first, last - first)
    raise HeaderError(f"its safetensors header describes {quote(name)} wrongly; damaged")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a name is there twice")
    return fields


def _number(text: str) -> int | float:
    # As the library counts: -0 and what 64 bits do not hold are no whole numbers.
    return int(text) if len(text) < 20 and text != "-0" else _finite(text)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def _check_text(value: object, depth: int) -> None:
    """Raises `ValueError` where text cannot be UTF-8 (half of a surrogate pair), or values lie too deep."""
    if isinstance(value, str):
        value.encode()
    elif isinstance(value, dict | list):
        if depth > _MOST_DEPTH:
            raise ValueError("its values lie too deep")
        for inner in (*value.keys(), *value.values()) if isinstance(value, dict) else value:
            _check_text(inner, depth + 1)
