"""An array that still lies in a file: where its numbers are, and how to read just those."""

import dataclasses
import json
import math
import pathlib

import numpy as np

from w2v_jax.checkpoint import CheckpointError

# The floating dtypes that a checkpoint's encoder may have. NumPy has no bfloat16; it is the upper half of a float32.
ITEM_SIZES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2}


def quote(text: object, most: int = 160) -> str:
    """Text that came from a file, made safe to print in a message: ASCII, one line, not too long."""
    text = json.dumps(str(text)[: most + 1])[1:-1]
    return text if len(text) <= most else text[:most] + "..."


def listing(names: list[str], most: int = 3) -> str:
    """The first few of `names`, quoted, and how many more there are."""
    return ", ".join(map(quote, names[:most])) + (f" and {len(names) - most} more" if len(names) > most else "")


@dataclasses.dataclass(frozen=True)
class StoredArray:
    """A strided view of a run of numbers in a file. Making one reads nothing and checks nothing; `read` does both.

    Attributes:
        path: the file.
        start: byte in the file where the run begins.
        nbytes: length of the run.
        dtype: name such as `"float32"`; what is not in `ITEM_SIZES` cannot be read.
        shape: shape of the array, as the file claims it.
        strides: stride of each axis, in elements.
        offset: elements between the start of the run and the first element of the array.
        big_endian: byte order.
    """

    path: pathlib.Path
    start: int
    nbytes: int
    dtype: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int = 0
    big_endian: bool = False

    def read(self, name: str) -> np.ndarray:
        """The array, C-contiguous, in its own dtype (bfloat16 as float32). Allocates no more than the file holds.

        Args:
            name: what the file calls it, for the messages.

        Raises:
            CheckpointError: not a floating dtype, or the claimed shape, strides and offset leave the run.
        """
        name = quote(name)
        if self.dtype not in ITEM_SIZES:
            raise CheckpointError(
                f"{self.path}: {name} is {quote(self.dtype)}; expected one of {', '.join(ITEM_SIZES)}"
            )
        item_size = ITEM_SIZES[self.dtype]
        numbers = (*self.shape, *self.strides, self.offset)
        elements = math.prod(self.shape)
        # An expanded view (stride 0) would let a small file claim any amount of memory; weights are never stored so.
        extent = 1 + sum((n - 1) * step for n, step in zip(self.shape, self.strides, strict=True)) if elements else 0
        if min(numbers) < 0 or elements > extent or (self.offset + extent) * item_size > self.nbytes:
            raise CheckpointError(
                f"{self.path}: {name} claims shape {self.shape}, strides {self.strides}, offset {self.offset}, "
                f"but its storage has {self.nbytes // item_size} elements; the file is damaged: download it again"
            )
        with self.path.open("rb") as file:
            file.seek(self.start + self.offset * item_size)
            data = file.read(extent * item_size)
        if len(data) != extent * item_size:
            raise CheckpointError(f"{self.path}: ends within {name}; the file is truncated: download it again")
        order = ">" if self.big_endian else "<"
        if self.dtype == "bfloat16":
            upper = np.frombuffer(data, f"{order}u2").astype(np.uint32)
            flat = (upper << np.uint32(16)).view(np.float32)
        else:
            flat = np.frombuffer(data, f"{order}f{item_size}")
            flat = flat.astype(flat.dtype.newbyteorder("="))
        # Safe: `extent`, checked above, is exactly what these strides reach.
        strides = tuple(step * flat.itemsize for step in self.strides)
        return np.ascontiguousarray(np.lib.stride_tricks.as_strided(flat, self.shape, strides, writeable=False))


def contiguous_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Row-major strides of `shape`, in elements."""
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))
