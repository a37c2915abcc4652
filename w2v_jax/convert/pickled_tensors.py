"""PyTorch's tensors in a pickle: what its persistent ids and the calls of its functions stand for, as plain data."""

import dataclasses

_MOST_AXES = 32


class PickleError(ValueError):
    """A pickle that is damaged, or larger than a checkpoint's can be."""


@dataclasses.dataclass(frozen=True)
class Global:
    """A name that the pickle would import. Never looked up."""

    module: str
    name: str


@dataclasses.dataclass(frozen=True)
class StorageRef:
    """A storage that lies elsewhere in the archive.

    Attributes:
        key: its name in the archive.
        dtype: name of the dtype; of a storage without type, `"uint8"`; None where unknown.
        numel: its number of elements.
        view_offset: first element of the view that is meant (old files only).
        view_numel: length of that view.
    """

    key: str
    dtype: str | None
    numel: int
    view_offset: int
    view_numel: int


@dataclasses.dataclass(frozen=True)
class TensorRef:
    """A strided view of a storage, as the pickle claims it; not yet checked against the storage."""

    storage: StorageRef
    dtype: str | None
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    negated: bool = False


def whole_numbers(values: object) -> bool:
    """Whether these are such integers as a shape has: few of them, and none that overflows."""
    return (
        isinstance(values, tuple | list)
        and len(values) <= _MOST_AXES
        and all(type(value) is int and abs(value) < 2**62 for value in values)
    )


# How many arguments these functions of PyTorch take; it refuses a file with more or fewer.
_ARGUMENTS = {
    "_rebuild_parameter": (3, 3),
    "_rebuild_parameter_with_state": (4, 4),
    "_rebuild_tensor": (4, 4),
    "_rebuild_tensor_v2": (6, 7),
    "_rebuild_tensor_v3": (7, 8),
}


def rebuilt(name: str, args: tuple) -> object:
    """What PyTorch's functions of these names rebuild (facts from torch/_utils.py); None when the call is not so."""
    if name not in _ARGUMENTS:
        return None
    fewest, most = _ARGUMENTS[name]
    if not fewest <= len(args) <= most:
        raise PickleError(f"its pickle is damaged ({len(args)} arguments of {name}; expected {fewest} to {most})")
    if name in ("_rebuild_parameter", "_rebuild_parameter_with_state"):
        return args[0] if isinstance(args[0], TensorRef) else None
    storage, offset, shape, strides = args[:4]
    if not (isinstance(storage, StorageRef) and whole_numbers([offset])):
        return None
    if not (whole_numbers(shape) and whole_numbers(strides) and len(shape) == len(strides)):
        return None
    dtype, bits = storage.dtype, args[6] if len(args) > 6 else None
    if name == "_rebuild_tensor_v3":
        given, bits = bits, args[7] if len(args) > 7 else None
        dtype = given.name if isinstance(given, Global) and given.module == "torch" else None
    # What PyTorch has yet to do with the numbers: a negation, or (of complex ones) a conjugation.
    waiting = {key for key, value in bits.items() if value is not False} if isinstance(bits, dict) else set()
    if waiting - {"neg"}:
        return None
    return TensorRef(storage, dtype, offset, tuple(shape), tuple(strides), negated=bool(waiting))


_STORAGES = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
    "UntypedStorage": "uint8",
    "QInt8Storage": "qint8",
    "QUInt8Storage": "quint8",
    "QInt32Storage": "qint32",
}


def persistent(identity: object, *, with_views: bool) -> object:
    """A storage, from PyTorch's persistent id: ("storage", type, key, location, numel[, view])."""
    if with_views and isinstance(identity, tuple) and len(identity) > 1 and identity[0] == "module":
        return identity[1]  # a class, with its source code
    if not isinstance(identity, tuple) or len(identity) != 5 + with_views or identity[0] != "storage":
        raise PickleError("its pickle is damaged (it refers to something else than a storage)")
    kind, key, _, numel = identity[1:5]
    if not (isinstance(key, str) and whole_numbers([numel]) and numel >= 0):
        raise PickleError("its pickle is damaged (a storage without a key or a size)")
    known = isinstance(kind, Global) and kind.module.split(".")[0] == "torch"
    dtype = _STORAGES.get(kind.name) if known else None
    view_offset, view_numel = 0, numel
    view = identity[5] if with_views else None
    if view is not None:
        if not (isinstance(view, tuple) and len(view) == 3 and whole_numbers(view[1:]) and min(view[1:]) >= 0):
            raise PickleError("its pickle is damaged (a malformed view of a storage)")
        view_offset, view_numel = view[1:]
    return StorageRef(key, dtype, numel, view_offset, view_numel)
