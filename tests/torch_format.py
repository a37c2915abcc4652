"""Writes what `torch.save` writes, byte by byte and without PyTorch, for the tests of conversion.

`pickled` turns a tree of plain values and of the small classes here into a protocol 2 pickle. It checks nothing, so
that hostile pickles can be written too.
"""

import argparse
import dataclasses
import pathlib
import struct
import zipfile

import numpy as np

MAGIC = 0x1950A86A20F9469CFC6C
STORAGES = {
    "float64": "DoubleStorage",
    "float32": "FloatStorage",
    "float16": "HalfStorage",
    "bfloat16": "BFloat16Storage",
}


@dataclasses.dataclass
class Name:
    """A class or function, by name."""

    module: str
    name: str


@dataclasses.dataclass
class Call:
    """The result of calling `function` (REDUCE)."""

    function: object
    args: tuple = ()


@dataclasses.dataclass
class Instance:
    """An instance of `cls`, made without calling it, with a state (NEWOBJ, BUILD)."""

    cls: object
    state: object


@dataclasses.dataclass
class Persistent:
    """An object that lies outside of the pickle."""

    identity: tuple


@dataclasses.dataclass
class Tensor:
    """A tensor over a storage; `claims` replace what is true of (numel, offset, size, stride), `bits` are lazy ones."""

    values: np.ndarray
    dtype: str = "float32"
    claims: dict = dataclasses.field(default_factory=dict)
    bits: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Raw:
    """Opcodes as they are."""

    code: bytes


def pickled(value: object, storages: list[Tensor] | None = None, *, legacy: bool = False) -> bytes:
    """A whole pickle; the tensors met are appended to `storages`, their place being their key."""
    return b"\x80\x02" + _emit(value, [] if storages is None else storages, legacy) + b"."


def save_zip(path: pathlib.Path, value: object, *, byte_order: str | None = "little", compression=zipfile.ZIP_STORED):
    """As `torch.save` does."""
    storages: list[Tensor] = []
    data = pickled(value, storages)
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("archive/data.pkl", data)
        if byte_order:
            archive.writestr("archive/byteorder", byte_order)
        for key, tensor in enumerate(storages):
            archive.writestr(f"archive/data/{key}", _bytes(tensor, ">" if byte_order == "big" else "<"))
        archive.writestr("archive/version", "3\n")


def save_legacy(path: pathlib.Path, value: object):
    """As `torch.save(..., _use_new_zipfile_serialization=False)` does."""
    storages: list[Tensor] = []
    facts = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    data = pickled(MAGIC) + pickled(1001) + pickled(facts) + pickled(value, storages, legacy=True)
    keys = sorted(map(str, range(len(storages))))
    data += pickled(keys)
    for key in keys:
        tensor = storages[int(key)]
        data += struct.pack("<q", tensor.values.size) + _bytes(tensor, "<")
    path.write_bytes(data)


def _bytes(tensor: Tensor, order: str) -> bytes:
    if tensor.dtype == "bfloat16":
        upper = np.ascontiguousarray(tensor.values, np.float32).view(np.uint32) >> 16
        return upper.astype(f"{order}u2").tobytes()
    return tensor.values.astype(np.dtype(tensor.dtype).newbyteorder(order)).tobytes()


def _emit(value: object, storages: list[Tensor], legacy: bool) -> bytes:
    def emit(part: object) -> bytes:
        return _emit(part, storages, legacy)

    match value:
        case Raw():
            return value.code
        case None:
            return b"N"
        case bool():
            return b"\x88" if value else b"\x89"
        case int():
            data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
            return b"\x8a" + bytes([len(data)]) + data
        case float():
            return b"G" + struct.pack(">d", value)
        case str():
            return b"X" + struct.pack("<I", len(value.encode())) + value.encode()
        case tuple():
            return b"(" + b"".join(map(emit, value)) + b"t"
        case list():
            return b"](" + b"".join(map(emit, value)) + b"e"
        case dict():
            return b"}(" + b"".join(emit(part) for pair in value.items() for part in pair) + b"u"
        case Name():
            return f"c{value.module}\n{value.name}\n".encode()
        case Call():
            return emit(value.function) + emit(value.args) + b"R"
        case Instance():
            return emit(value.cls) + b")\x81" + emit(value.state) + b"b"
        case Persistent():
            return emit(value.identity) + b"Q"
        case argparse.Namespace():
            return emit(Instance(Name("argparse", "Namespace"), vars(value)))
        case Tensor():
            storages.append(value)
            values = value.values
            true = {"numel": values.size, "offset": 0, "size": values.shape}
            true["stride"] = tuple(step // values.itemsize for step in np.ascontiguousarray(values).strides)
            claims = true | value.claims
            kind = Name("torch", STORAGES[value.dtype])
            identity = ("storage", kind, str(len(storages) - 1), "cpu", claims["numel"], *([None] if legacy else []))
            hooks = Call(Name("collections", "OrderedDict"))
            args = (Persistent(identity), claims["offset"], claims["size"], claims["stride"], False, hooks)
            args += (value.bits,) if value.bits else ()
            return emit(Call(Name("torch._utils", "_rebuild_tensor_v2"), args))
    raise TypeError(f"cannot pickle {type(value)}")
