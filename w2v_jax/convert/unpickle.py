"""Reading a pickle without running it.

Python's own unpickler imports what the pickle names and calls it; even with `find_class` overridden it still
calls, sets attributes and consults the process-wide extension registry. Here nothing of it is used: the opcodes,
as `pickletools` lists them, are interpreted over plain data. A name is a `Global`, two strings that are never
looked up; a call makes an `Inert` record of what would have been called; the few calls that a checkpoint needs
(tensors, ordered dicts) are recognised by name and build plain data. No way leads from a pickle to a call.
"""

import dataclasses
import pickletools
from typing import IO, Any

# A checkpoint's pickle describes tensors and settings: some ten thousand opcodes, well under a megabyte.
# These bounds keep a hostile one from filling memory.
MOST_BYTES = 256 * 2**20
MOST_STEPS = 2_000_000
_MOST_AXES = 32


class PickleError(ValueError):
    """A pickle that is damaged, or larger than a checkpoint's can be."""


@dataclasses.dataclass(frozen=True)
class Global:
    """A name that the pickle would import. Never looked up."""

    module: str
    name: str


class Inert:
    """Stands in for an object of a class that we do not know: it records, and does nothing.

    Attributes:
        origin: what would have been called or instantiated to make it, or None.
        args: the arguments of that call.
        state: what its `__setstate__` or `__dict__` would have received.
        items: what would have been set as its items (of a dict subclass, say).
    """

    __slots__ = ("args", "items", "origin", "state")

    def __init__(self, origin: object = None, args: tuple = ()):
        self.origin = origin
        self.args = args
        self.state: object = None
        self.items: dict = {}


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


@dataclasses.dataclass(frozen=True)
class Unpickled:
    """What a pickle describes.

    Attributes:
        value: its object, as plain data, `Inert`s and `TensorRef`s. Dictionaries, also ordered ones, are `dict`s.
        storages: every storage that it names, by key.
    """

    value: object
    storages: dict[str, StorageRef]


def unpickle(file: IO[bytes], *, remaining: int, with_views: bool) -> Unpickled:
    """What the next pickle in `file` describes. Leaves the file where the pickle ends.

    Args:
        file: a seekable file, at the pickle's first byte.
        remaining: bytes to its end.
        with_views: whether the id of a storage has its view as a sixth part, as in the format before zip archives.

    Raises:
        PickleError: damaged, or too large.
    """
    window = _Window(file, min(remaining, MOST_BYTES))
    machine = _Machine(with_views=with_views)
    try:
        # It asks a file only for what `_Window` has.
        for opcode, arg, _ in pickletools.genops(window):  # type: ignore[arg-type]
            if opcode.name == "STOP":
                return Unpickled(machine.pop(), machine.storages)
            machine.step(opcode.name, arg)
    except PickleError:
        raise
    except _DAMAGE as error:
        raise PickleError("its pickle is cut short or damaged") from error
    raise PickleError("its pickle has no end")


_DAMAGE = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    OverflowError,
    MemoryError,
    RecursionError,
)


class _Window:
    """The next `size` bytes of a file; an absurd length in the pickle then allocates nothing."""

    def __init__(self, file: IO[bytes], size: int):
        self._file = file
        self._left = size

    def read(self, size: int) -> bytes:
        data = self._file.read(max(0, min(size, self._left)))
        self._left -= len(data)
        return data

    def readline(self) -> bytes:
        data = self._file.readline(self._left)
        self._left -= len(data)
        return data

    def tell(self) -> int:
        return 0  # genops reports positions, which nothing here uses


_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_CONTAINERS = {"EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_TUPLE": tuple, "EMPTY_SET": Inert}
_LITERALS = frozenset(
    (
        *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
        *("STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
        *("UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
    )
)
_MARK = object()


class _Machine:
    """The stack machine of the pickle format (documented in `pickletools`)."""

    def __init__(self, *, with_views: bool) -> None:
        self.with_views = with_views
        self.stack: list[object] = []
        self.memo: dict[int, object] = {}
        self.storages: dict[str, StorageRef] = {}
        self.steps = 0

    def spend(self, steps: int) -> None:
        self.steps += steps
        if self.steps > MOST_STEPS:
            raise PickleError(f"its pickle has more than {MOST_STEPS} steps, which no checkpoint needs")

    def pop(self) -> object:
        value = self.stack.pop()
        if value is _MARK:
            raise PickleError("its pickle is damaged (a mark where a value should be)")
        return value

    def pop_to_mark(self) -> list[object]:
        values = []
        while (value := self.stack.pop()) is not _MARK:
            values.append(value)
        return values[::-1]

    def step(self, name: str, arg: Any) -> None:
        """Takes one opcode; the type of its argument, as `pickletools` reads it, goes by its name."""
        self.spend(1)
        push = self.stack.append
        if name in _LITERALS:
            push(arg)
        elif name in _CONSTANTS:
            push(_CONSTANTS[name])
        elif name in _CONTAINERS:
            push(_CONTAINERS[name]())
        elif name in ("PROTO", "FRAME"):
            pass
        elif name == "MARK":
            push(_MARK)
        elif name in ("PUT", "BINPUT", "LONG_BINPUT"):
            self.memo[int(arg)] = self.top()
        elif name == "MEMOIZE":
            self.memo[len(self.memo)] = self.top()
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            push(self.memo[int(arg)])
        elif name == "POP":
            self.stack.pop()
        elif name == "POP_MARK":
            self.pop_to_mark()
        elif name == "DUP":
            push(self.top())
        elif name == "TUPLE":
            push(tuple(self.pop_to_mark()))
        elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
            values = [self.pop() for _ in range(int(name[-1]))]
            push(tuple(values[::-1]))
        elif name == "LIST":
            push(self.pop_to_mark())
        elif name == "DICT":
            values = self.pop_to_mark()
            push({})
            self.set_items(values)
        elif name == "FROZENSET":
            push(Inert(None, (self.pop_to_mark(),)))
        elif name == "APPEND":
            self.extend([self.pop()])
        elif name in ("APPENDS", "ADDITEMS"):
            self.extend(self.pop_to_mark())
        elif name == "SETITEM":
            value, key = self.pop(), self.pop()
            self.set_items([key, value])
        elif name == "SETITEMS":
            self.set_items(self.pop_to_mark())
        elif name == "GLOBAL":
            push(_global(*arg.split(" ", 1)))
        elif name == "STACK_GLOBAL":
            attribute, module = self.pop(), self.pop()
            push(_global(module, attribute))
        elif name in ("EXT1", "EXT2", "EXT4"):
            push(Inert())  # the registry of extensions is the process's, not the file's: not consulted
        elif name == "INST":
            values = self.pop_to_mark()
            push(self.call(_global(*arg.split(" ", 1)), tuple(values)))
        elif name == "OBJ":
            origin, *values = self.pop_to_mark()
            push(self.call(origin, tuple(values)))
        elif name in ("REDUCE", "NEWOBJ"):
            args, origin = self.pop(), self.pop()
            push(self.call(origin, args))
        elif name == "NEWOBJ_EX":
            _, args, origin = self.pop(), self.pop(), self.pop()
            push(self.call(origin, args))
        elif name == "BUILD":
            state, target = self.pop(), self.top()
            if isinstance(target, Inert):
                target.state = state
        elif name == "BINPERSID":
            value = _persistent(self.pop(), with_views=self.with_views)
            if isinstance(value, StorageRef):
                self.storages.setdefault(value.key, value)
            push(value)
        else:
            raise PickleError(f"its pickle uses {name}, which PyTorch does not write")

    def top(self) -> object:
        value = self.stack[-1]
        if value is _MARK:
            raise PickleError("its pickle is damaged (a mark where a value should be)")
        return value

    def extend(self, values: list[object]) -> None:
        target = self.top()
        if isinstance(target, list):
            target.extend(values)
        elif not isinstance(target, Inert):
            raise PickleError(f"its pickle is damaged (appends to a {type(target).__name__})")

    def set_items(self, values: list[object]) -> None:
        target = self.top()
        if isinstance(target, Inert):
            target = target.items
        if not isinstance(target, dict) or len(values) % 2:
            raise PickleError(f"its pickle is damaged (sets items of a {type(target).__name__})")
        for key, value in zip(values[::2], values[1::2], strict=True):
            target[_key(key)] = value

    def call(self, origin: object, args: object) -> object:
        """What the pickle would call: plain data for the few names a checkpoint needs, else a record of it."""
        if not isinstance(args, tuple):
            return Inert(origin)
        if isinstance(origin, Global):
            if (origin.module, origin.name) == ("collections", "OrderedDict"):
                return self.ordered_dict(args)
            if (origin.module, origin.name) == ("collections", "defaultdict"):
                return {}
            if (origin.module, origin.name) == ("torch", "Size") and len(args) == 1 and _whole_numbers(args[0]):
                return tuple(args[0])
            if origin.module == "torch._utils":
                tensor = _tensor(origin.name, args)
                if tensor is not None:
                    return tensor
            if origin.name == "_rebuild_from_type_v2" and len(args) == 4 and isinstance(args[0], Global):
                return self.call(args[0], args[2])
        return Inert(origin, args)

    def ordered_dict(self, args: tuple) -> dict:
        pairs = args[0] if args else []
        if not isinstance(pairs, list | tuple):
            raise PickleError("its pickle is damaged (an ordered dict made of something else than pairs)")
        self.spend(len(pairs))
        return {_key(key): value for key, value in pairs}


def _global(module: object, name: object) -> Global:
    if not isinstance(module, str) or not isinstance(name, str):
        raise PickleError("its pickle is damaged (a name that is not text)")
    return Global(module, name)


def _key(key: object) -> object:
    # Hashing a tuple nested a million deep would overflow the C stack; such keys are of no use here, so are kept
    # only as something unique.
    return key if key is None or isinstance(key, str | int | float | bytes) else Inert(None, (key,))


def _whole_numbers(values: object) -> bool:
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


def _tensor(name: str, args: tuple) -> object:
    """What PyTorch's functions of these names rebuild (facts from torch/_utils.py); None when the call is not so."""
    if name not in _ARGUMENTS:
        return None
    fewest, most = _ARGUMENTS[name]
    if not fewest <= len(args) <= most:
        raise PickleError(f"its pickle is damaged ({len(args)} arguments of {name}; expected {fewest} to {most})")
    if name in ("_rebuild_parameter", "_rebuild_parameter_with_state"):
        return args[0] if isinstance(args[0], TensorRef) else None
    storage, offset, shape, strides = args[:4]
    if not (isinstance(storage, StorageRef) and _whole_numbers([offset])):
        return None
    if not (_whole_numbers(shape) and _whole_numbers(strides) and len(shape) == len(strides)):
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


def _persistent(identity: object, *, with_views: bool) -> object:
    """A storage, from PyTorch's persistent id: ("storage", type, key, location, numel[, view])."""
    if with_views and isinstance(identity, tuple) and len(identity) > 1 and identity[0] == "module":
        return identity[1]  # a class, with its source code
    if not isinstance(identity, tuple) or len(identity) != 5 + with_views or identity[0] != "storage":
        raise PickleError("its pickle is damaged (it refers to something else than a storage)")
    kind, key, _, numel = identity[1:5]
    if not (isinstance(key, str) and _whole_numbers([numel]) and numel >= 0):
        raise PickleError("its pickle is damaged (a storage without a key or a size)")
    known = isinstance(kind, Global) and kind.module.split(".")[0] == "torch"
    dtype = _STORAGES.get(kind.name) if known else None
    view_offset, view_numel = 0, numel
    view = identity[5] if with_views else None
    if view is not None:
        if not (isinstance(view, tuple) and len(view) == 3 and _whole_numbers(view[1:]) and min(view[1:]) >= 0):
            raise PickleError("its pickle is damaged (a malformed view of a storage)")
        view_offset, view_numel = view[1:]
    return StorageRef(key, dtype, numel, view_offset, view_numel)
