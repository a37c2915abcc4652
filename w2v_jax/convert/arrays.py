"""An array that still lies in a file: where its numbers are, and how to read just those."""

import dataclasses
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Protocol

import numpy as np

from w2v_jax._src.errors import CheckpointError
from w2v_jax._src.quoting import quote
from w2v_jax.convert.places import Distant, Place

# The floating dtypes that a checkpoint's encoder may have. NumPy has no bfloat16; it is the upper half of a float32.
_MOST_EXPANDED = 2**20  # elements
ITEM_SIZES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2}


class Array(Protocol):
    """An array whose numbers are read when they are asked for."""

    @property
    def shape(self) -> tuple[int, ...]:
        """As the file claims it."""
        ...

    def read(self, name: str) -> np.ndarray:
        """The numbers; `name` is what the file calls it, for the messages. Raises `CheckpointError`."""
        ...


@dataclasses.dataclass(frozen=True)
class WeightNormed:
    """A weight that PyTorch keeps as a direction and its magnitude (`torch.nn.utils.weight_norm`).

    Attributes:
        direction: the weight's own shape.
        magnitude: the same number of axes, 1 along those over which the direction's norm is taken.
    """

    direction: Array
    magnitude: Array

    @property
    def shape(self) -> tuple[int, ...]:
        return self.direction.shape

    def read(self, name: str) -> np.ndarray:
        direction = self.direction.read(name).astype(np.float64)
        magnitude = self.magnitude.read(name).astype(np.float64)
        if magnitude.ndim != direction.ndim:
            raise CheckpointError(f"{quote(name)}: its magnitude has {magnitude.ndim} axes; expected {direction.ndim}")
        over = tuple(axis for axis, length in enumerate(magnitude.shape) if length == 1)
        norm = np.sqrt(np.square(direction).sum(axis=over, keepdims=True))
        if magnitude.shape != norm.shape:
            raise CheckpointError(f"{quote(name)}: its magnitude has shape {magnitude.shape}; expected {norm.shape}")
        with np.errstate(invalid="ignore", divide="ignore"):  # values that are not finite are refused later
            return (magnitude * (direction / norm)).astype(np.float32)


@dataclasses.dataclass(frozen=True)
class ArrayInMemory:
    """An array that was read with its file."""

    values: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    def read(self, name: str) -> np.ndarray:
        if self.values.dtype.name not in ITEM_SIZES:
            raise CheckpointError(f"{quote(name)} is {self.values.dtype}; expected one of {', '.join(ITEM_SIZES)}")
        return self.values


# What other tools put into the middle of names, or call the two parts of a norm.
_WRAPPERS = ("_orig_mod", "_checkpoint_wrapped_module", "_fsdp_wrapped_module")
_PARTS = {"gamma": "weight", "beta": "bias"}
_WEIGHT_NORMS = (("weight_g", "weight_v"), ("parametrizations.weight.original0", "parametrizations.weight.original1"))


def canonical(arrays: Mapping[str, Array], *, origin: str) -> dict[str, Array]:
    """The arrays by their plain names: without wrappers, `gamma` and `beta`; weight norms folded.

    Raises:
        CheckpointError: two arrays have one plain name.
    """
    by_name: dict[str, Array] = {}
    for name, array in arrays.items():
        parts = [part for part in name.split(".") if part not in _WRAPPERS]
        plain = ".".join([*parts[:-1], _PARTS.get(parts[-1], parts[-1])]) if parts else name
        if plain in by_name:
            raise CheckpointError(f"{origin}: two tensors are called {quote(plain)}; expected one")
        by_name[plain] = array
    for magnitude, direction in _WEIGHT_NORMS:
        for name in [name for name in by_name if name.endswith(f".{magnitude}")]:
            module = name.removesuffix(magnitude)
            if f"{module}{direction}" in by_name and f"{module}weight" not in by_name:
                folded = WeightNormed(by_name.pop(f"{module}{direction}"), by_name.pop(name))
                by_name[f"{module}weight"] = folded
    return by_name


class Stretch(Protocol):
    """Consecutive bytes of a file. Where they start may have to be read in the file."""

    @property
    def nbytes(self) -> int:
        """How many there are."""
        ...

    def start(self) -> int:
        """The first one. Raises `CheckpointError` where the file is damaged."""
        ...

    def spans(self, first: int, last: int) -> list[tuple[int, int]]:
        """The parts of the file that are looked at to read those from `first` to before `last`, or a little more."""
        ...


@dataclasses.dataclass(frozen=True)
class Run:
    """A `Stretch` that is known to start at the byte `first_byte`."""

    first_byte: int
    nbytes: int

    def start(self) -> int:
        return self.first_byte

    def spans(self, first: int, last: int) -> list[tuple[int, int]]:
        return [(self.first_byte + first, self.first_byte + last)]


@dataclasses.dataclass(frozen=True)
class StoredArray:
    """A strided view of a run of numbers in a file. Making one reads nothing and checks nothing; `read` does both.

    Attributes:
        path: the file.
        run: where they lie in the file.
        skipped: bytes at the beginning of the run that are not meant.
        nbytes: how many are meant from there on; None for all.
        dtype: name such as `"float32"`; what is not in `ITEM_SIZES` cannot be read.
        shape: shape of the array, as the file claims it.
        strides: stride of each axis, in elements.
        offset: elements between the start of the run and the first element of the array.
        big_endian: byte order.
        negated: whether the numbers are to be negated (PyTorch's negative bit).
    """

    path: Place
    run: Stretch
    dtype: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    skipped: int = 0
    nbytes: int | None = None
    offset: int = 0
    big_endian: bool = False
    negated: bool = False

    def spans(self) -> list[tuple[int, int]]:
        """The parts of its file that `read` looks at; none where it cannot be read."""
        extent, item_size = self._extent(), ITEM_SIZES.get(self.dtype)
        if extent is None or item_size is None:
            return []
        first = self.skipped + self.offset * item_size
        return self.run.spans(first, first + extent * item_size)

    def _available(self) -> int:
        """Bytes of the run that are meant."""
        rest = self.run.nbytes - self.skipped
        return rest if self.nbytes is None else min(self.nbytes, rest)

    @property
    def is_within(self) -> bool:
        """Whether the claimed shape, strides and offset lie within the run."""
        claimed = (self.offset + self._reach()) * ITEM_SIZES.get(self.dtype, 1)
        return min((*self.shape, *self.strides, self.offset)) >= 0 and claimed <= self._available()

    def _reach(self) -> int:
        """From the first element to the last one, in elements, as is claimed."""
        if not math.prod(self.shape):
            return 0
        return 1 + sum((n - 1) * step for n, step in zip(self.shape, self.strides, strict=True))

    def _extent(self) -> int | None:
        """From the first element to the last one, in elements; None where that is beyond what there is."""
        extent = self._reach()
        # An expanded view (stride 0) lets a small file claim more than it holds: up to a bound.
        return extent if self.is_within and math.prod(self.shape) <= max(extent, _MOST_EXPANDED) else None

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
        extent = self._extent()
        if extent is None:
            raise CheckpointError(
                f"{self.path}: {name} claims shape {quote(self.shape, 60)}, strides {quote(self.strides, 60)}, "
                f"offset {self.offset}, "
                f"but its storage has {self._available() // item_size} elements; the file is damaged: download it again"
            )
        with self.path.open("rb") as file:
            file.seek(self.run.start() + self.skipped + self.offset * item_size)
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
        array = np.ascontiguousarray(np.lib.stride_tricks.as_strided(flat, self.shape, strides, writeable=False))
        return -array if self.negated else array


def contiguous_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Row-major strides of `shape`, in elements."""
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


def fetch_ahead(arrays: Iterable[Array]) -> None:
    """Fetches what `read` of these arrays will look at, of those whose files are far away: neighbours together.

    Raises:
        CheckpointError: it does not come.
    """
    spans: dict[Place, list[tuple[int, int]]] = defaultdict(list)
    waiting = list(arrays)
    while waiting:
        array = waiting.pop()
        if isinstance(array, WeightNormed):
            waiting += [array.direction, array.magnitude]
        elif isinstance(array, StoredArray) and isinstance(array.path, Distant):
            spans[array.path] += array.spans()
    for place, parts in spans.items():
        if isinstance(place, Distant):
            place.prefetch(parts)
