"""Reading a safetensors file: its header, and then only the tensors that are asked for.

The format (https://github.com/huggingface/safetensors): 8 bytes, the little-endian length of a JSON header; the
header, NAME to dtype, shape and data_offsets; the data, to the end of the file. It is read here rather than by the
library because the encoder is a small part of a large file, may be bfloat16, which NumPy lacks, and because
whatever is wrong with the file should be said in one line of ours.
"""

import json
import math
from typing import Any

from w2v_jax.checkpoint import FORMAT, CheckpointError
from w2v_jax.convert.arrays import ITEM_SIZES, Run, StoredArray, contiguous_strides
from w2v_jax.convert.places import Place
from w2v_jax.quoting import quote

_DTYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}
_AGAIN = "the file is damaged: download it again"


def open_safetensors(path: Place) -> dict[str, StoredArray]:
    """The tensors of a safetensors file, none of them read yet.

    Raises:
        CheckpointError: truncated or damaged, or already one of ours.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        header_size = int.from_bytes(file.read(8), "little")
        if header_size > size - 8:
            raise CheckpointError(
                f"{path}: {size} bytes, but its safetensors header alone has {header_size}; "
                "the file is truncated: download it again"
            )
        raw = file.read(header_size)
    try:
        header = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: its safetensors header is not valid JSON ({quote(error)}); {_AGAIN}") from error
    if not isinstance(header, dict):
        raise CheckpointError(f"{path}: its safetensors header is no JSON object; {_AGAIN}")
    metadata = header.pop("__metadata__", None)
    if isinstance(metadata, dict) and metadata.get("format") == FORMAT:
        raise CheckpointError(
            f"{path}: already converted (a weight file of w2v_jax); expected a checkpoint of another tool: "
            "load it with w2v_jax.load_encoder, or copy it"
        )
    arrays, end = {}, 0
    for name, entry in header.items():
        arrays[name], last = _entry(path, name, entry, 8 + header_size)
        end = max(end, last)
    if 8 + header_size + end != size:
        raise CheckpointError(
            f"{path}: {size} bytes; its safetensors header describes {8 + header_size + end}; "
            "the file is truncated or damaged: download it again"
        )
    # Of tensors that share their numbers one is stored; the metadata names the others, and it.
    for twin, stored in metadata.items() if isinstance(metadata, dict) else ():
        if isinstance(stored, str) and stored in arrays and twin not in arrays:
            arrays[twin] = arrays[stored]
    return arrays


def _entry(path: Place, name: str, entry: object, data_start: int) -> tuple[StoredArray, int]:
    fields: dict[str, Any] = entry if isinstance(entry, dict) else {}
    try:
        code, shape, (first, last) = fields["dtype"], tuple(fields["shape"]), fields["data_offsets"]
        good = all(type(n) is int and 0 <= n < 2**48 for n in (*shape, first, last)) and first <= last
        good = good and isinstance(code, str) and len(shape) <= 32
        if good and code in _DTYPES:
            good = math.prod(shape) * ITEM_SIZES[_DTYPES[code]] == last - first
    except (KeyError, TypeError, ValueError):
        good = False
    if not good:
        raise CheckpointError(f"{path}: its safetensors header describes {quote(name)} wrongly; {_AGAIN}")
    array = StoredArray(
        path=path,
        run=Run(data_start + first, last - first),
        dtype=_DTYPES.get(code, code),
        shape=shape,
        strides=contiguous_strides(shape),
    )
    return array, last
