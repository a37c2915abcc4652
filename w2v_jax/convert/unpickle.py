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

from w2v_jax.convert.pickled_tensors import Global, PickleError, StorageRef, persistent, rebuilt, whole_numbers

# A checkpoint's pickle describes tensors and settings: some ten thousand opcodes, well under a megabyte.
# These bounds keep a hostile one from filling memory.
MOST_BYTES = 256 * 2**20
MOST_STEPS = 2_000_000


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
            value = persistent(self.pop(), with_views=self.with_views)
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
            if (origin.module, origin.name) == ("torch", "Size") and len(args) == 1 and whole_numbers(args[0]):
                return tuple(args[0])
            if origin.module == "torch._utils":
                tensor = rebuilt(origin.name, args)
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
