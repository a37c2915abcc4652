"""Reading what `torch.save` wrote, without PyTorch: the zip archive, and the older format before it.

Facts of the formats are from torch/serialization.py.

    zip     NAME/data.pkl, a pickle whose persistent ids name storages; NAME/data/KEY, each storage, uncompressed;
            NAME/byteorder, "little" or "big" (absent: little)
            NAME/version, the format's; NAME is the folder of the first member, and nothing lies outside it
    legacy  pickles of a magic number, the version, facts of the system, the object, the list of storage keys; then
            each storage in that order: a little-endian int64 count of elements, and these, little-endian

Storages are found, not read: only the tensors that are asked for are. An archive that PyTorch's own reader refuses, or
one that two readers may read in two ways, is refused here.
"""

import bisect
import collections
import dataclasses
import io
import re
import struct
import zipfile

from w2v_jax._src.errors import CheckpointError
from w2v_jax._src.quoting import quote
from w2v_jax.convert.arrays import Run, StoredArray, Stretch
from w2v_jax.convert.pickled_tensors import Global, PickleError, TensorRef
from w2v_jax.convert.places import Distant, Place
from w2v_jax.convert.unpickle import MOST_BYTES, Inert, Unpickled, unpickle

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_SIZES = {
    **dict.fromkeys(("float64", "int64", "complex64"), 8),
    **dict.fromkeys(("float32", "int32", "qint32"), 4),
    **dict.fromkeys(("float16", "bfloat16", "int16"), 2),
    **dict.fromkeys(("int8", "uint8", "bool", "qint8", "quint8"), 1),
    "complex128": 16,
}
# How far down tensors are looked for ({"model": {"key": tensor}} is 2), and among how many values.
_MOST_DEPTH = 4
_MOST_VALUES = 200_000
_MOST_CHARACTERS = 20_000_000  # of all their names together
_LONGEST_KEY = 500
# Zip archives: checksum and sizes come after the data; a size that has its place elsewhere.
_HEADER_BYTES = 30  # before its name
_ENTRY_BYTES = 46  # of the directory, before its name
_SIZES_FOLLOW = 8
_IN_ZIP64 = 0xFFFFFFFF
_ENCRYPTED_OR_PATCHES = 1 | 32 | 64 | 8192
_IS_FOLDER = 16
_MOST_VERSION = 10  # of PyTorch's format
_MOST_END_BYTES = 22 + 2**16  # of an archive's last record, with its comment
_AGAIN = "download it again"


@dataclasses.dataclass(frozen=True)
class TorchArchive:
    """What an archive holds.

    Attributes:
        contents: the saved object, as plain data (see `unpickle`).
        arrays: every tensor in it, under the keys that lead to it, joined with dots.
    """

    contents: object
    arrays: dict[str, StoredArray]


def open_zip(path: Place) -> TorchArchive:
    """Opens a zip archive of `torch.save`. Raises `CheckpointError` when it is something else, or damaged."""
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            infos = archive.infolist()
            # Where a member ends is where the next one begins, or the directory.
            begins = sorted({info.header_offset for info in infos} | {archive.start_dir})
            file.seek(archive.start_dir)
            whole = _is_whole_directory(file.read(), len(infos))
    except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error, OverflowError, EOFError) as error:
        raise CheckpointError(f"{path}: a truncated or damaged zip archive ({quote(error)}); {_AGAIN}") from error
    if not whole:
        raise CheckpointError(f"{path}: the directory of its zip archive is damaged: {_AGAIN}")
    members = {info.filename: info for info in infos}
    pickles = [name for name in members if name == "data.pkl" or (name.endswith("/data.pkl") and name.count("/") == 1)]
    if len(pickles) != 1:
        raise CheckpointError(f"{path}: a zip archive with {len(pickles)} data.pkl; expected one written by torch.save")
    root = pickles[0].removesuffix("data.pkl")
    if root + "constants.pkl" in members:
        raise CheckpointError(
            f"{path}: a TorchScript archive; expected a state dict: in PyTorch, "
            "torch.save(torch.jit.load(FILE).state_dict(), NEW_FILE)"
        )
    _check_directory(path, infos, root)

    def member(name: str) -> _Member:
        return _member(path, members, begins, name)

    def read_small(name: str, most: int) -> bytes:
        entry = member(name)
        if entry.nbytes > most:
            raise CheckpointError(f"{path}: its {quote(name)} has {entry.nbytes} bytes; expected at most {most}")
        with path.open("rb") as file:
            file.seek(entry.start())
            return file.read(entry.nbytes)

    # In an archive that is far away, only members that are read are compared with the directory.
    for name in () if isinstance(path, Distant) else members:
        member(name).start()
    version = root + (".data/version" if root + ".data/version" in members else "version")
    number = re.match(rb"\s*\+?([0-9]{1,9})", read_small(version, 64))
    if number is None or not 1 <= int(number[1]) <= _MOST_VERSION:
        raise CheckpointError(f"{path}: its {quote(version)} is none of PyTorch's, 1 to {_MOST_VERSION}; save it again")
    order = read_small(root + "byteorder", 16) if root + "byteorder" in members else b"little"
    if order not in (b"little", b"big"):
        raise CheckpointError(f"{path}: its byteorder is {quote(order)}; expected little or big")
    data = read_small(pickles[0], MOST_BYTES)
    try:
        contents = unpickle(io.BytesIO(data), remaining=len(data), with_views=False).value
    except PickleError as error:
        raise CheckpointError(f"{path}: {error}; {_AGAIN}") from error
    tensors = _tensors(path, contents)
    runs: dict[str, Stretch] = {
        tensor.storage.key: member(f"{root}data/{tensor.storage.key}") for tensor in tensors.values()
    }
    return TorchArchive(contents, _arrays(path, tensors, runs, big_endian=order == b"big"))


def open_legacy(path: Place) -> TorchArchive:
    """Opens a file of `torch.save` before PyTorch 1.6 (or told so). Raises `CheckpointError` as `open_zip` does."""
    size = path.stat().st_size
    with path.open("rb") as file:

        def load() -> Unpickled:
            return unpickle(file, remaining=size - file.tell(), with_views=True)

        try:
            magic = load().value
            if type(magic) is not int or magic != _MAGIC:
                raise CheckpointError(f"{path}: a pickle, but not of torch.save; expected a checkpoint")
            version = load().value
            if type(version) is not int or version != _PROTOCOL:
                raise CheckpointError(f"{path}: not version {_PROTOCOL} of PyTorch's legacy format; save it again")
            load()  # facts of the system that wrote it: storages are little-endian whatever it was
            saved = load()
            keys = load().value
        except PickleError as error:
            raise CheckpointError(f"{path}: {error}; {_AGAIN}") from error
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
            raise CheckpointError(f"{path}: its list of storages is damaged; {_AGAIN}")
        tensors = _tensors(path, saved.value)
        runs: dict[str, Stretch] = {}
        position = file.tell()
        for key in keys:
            storage = saved.storages.get(key)
            if storage is None or storage.dtype not in _SIZES:
                raise CheckpointError(f"{path}: cannot tell the size of its storage {quote(key)}; save it again")
            file.seek(position)
            count = int.from_bytes(file.read(8), "little")
            nbytes = count * _SIZES[storage.dtype]
            if position + 8 + nbytes > size:
                raise CheckpointError(
                    f"{path}: {size} bytes, but its storages reach byte {position + 8 + nbytes}; truncated: {_AGAIN}"
                )
            runs[key] = Run(position + 8, nbytes)
            position += 8 + nbytes
    return TorchArchive(saved.value, _arrays(path, tensors, runs, big_endian=False))


def _is_whole_directory(rest: bytes, count: int) -> bool:
    """Whether entries are as long as they say; zipfile takes what there is of one that says more.

    Args:
        rest: from the directory to the end of the archive.
        count: of entries.
    """
    position = 0
    for _ in range(count):
        if rest[position : position + 4] != b"PK\x01\x02":
            return False
        position += _ENTRY_BYTES + sum(struct.unpack_from("<3H", rest, position + 28))
    return rest[position : position + 4] in (b"PK\x05\x06", b"PK\x06\x06")


def _check_directory(path: Place, infos: list[zipfile.ZipInfo], root: str) -> None:
    """Raises `CheckpointError` where PyTorch's reader would, or where it could take another member than ours."""
    names = collections.Counter(info.filename for info in infos)
    if twice := [name for name, count in names.items() if count > 1]:
        raise CheckpointError(f"{path}: {names[twice[0]]} members of its archive are called {quote(twice[0])}; damaged")
    for info in infos:
        name = info.orig_filename
        try:  # names that are not said to be UTF-8 are so to PyTorch
            plain = name == info.filename and bool(name.encode("utf-8" if info.flag_bits & 0x800 else "cp437").decode())
        except UnicodeError:
            plain = False
        if not plain:
            raise CheckpointError(f"{path}: a member of its archive is called {quote(name)}; damaged: {_AGAIN}")
        if not root or not name.startswith(root):
            raise CheckpointError(
                f"{path}: its {quote(name)} is not in the folder of its data.pkl, {quote(root) or 'which has none'}; "
                "expected an archive of torch.save as it was written"
            )
        if info.volume > 1 or (info.external_attr & _IS_FOLDER and not info.is_dir()):
            raise CheckpointError(f"{path}: its {quote(name)} is said to be a folder, or elsewhere; damaged: {_AGAIN}")
    if min(info.header_offset for info in infos) != 0:
        raise CheckpointError(f"{path}: its zip archive does not start with a member, as torch.save's do; damaged")
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _MOST_END_BYTES))
        tail = file.read(_MOST_END_BYTES)
    # zipfile, which has found the same record, does not look at these.
    end = tail[tail.rfind(b"PK\x05\x06") :][4:12]
    disk, first_disk, here, everywhere = struct.unpack("<4H", end.ljust(8, b"\0"))
    if (disk, first_disk) not in ((0, 0), (1, 1), (0xFFFF, 0xFFFF)) or here != everywhere:
        raise CheckpointError(f"{path}: its zip archive says that it has several parts; damaged: {_AGAIN}")


@dataclasses.dataclass(frozen=True)
class _Member:
    """A member that is stored as it is: a `Stretch`. Its own header, before it, says where it starts.

    Attributes:
        path: the archive.
        info: what the directory says of it.
        end: the byte before which it, and what follows its data, ends.
    """

    path: Place
    info: zipfile.ZipInfo
    end: int

    @property
    def nbytes(self) -> int:
        return self.info.file_size

    def spans(self, first: int, last: int) -> list[tuple[int, int]]:
        begin = self.info.header_offset
        if 2 * (last - first) >= self.nbytes:
            return [(begin, self.end)]
        # A part of it: between the header and the data there may be filling, of unknown size.
        earliest = begin + _HEADER_BYTES + len(self.info.filename.encode())
        return [(begin, earliest), (earliest + first, max(earliest, self.end - self.nbytes) + last)]

    def start(self) -> int:
        # The data's checksum is not verified: torch.save can be told not to compute it. Directory and member must
        # agree.
        path, info, name = self.path, self.info, self.info.filename
        size = path.stat().st_size
        outside = CheckpointError(f"{path}: its {quote(name)} lies outside the file; truncated or damaged: {_AGAIN}")
        if not 0 <= info.header_offset < size:  # a damaged directory can lead to before the file, or far beyond it
            raise outside
        with path.open("rb") as file:
            file.seek(info.header_offset)
            header = file.read(_HEADER_BYTES)
            if len(header) < _HEADER_BYTES or not header.startswith(b"PK\x03\x04"):
                raise outside
            flags, crc, packed, unpacked, name_length, extra_length = struct.unpack("<6xH6xIIIHH", header)
            stored_name = file.read(name_length)
            start = info.header_offset + _HEADER_BYTES + name_length + extra_length
            if not 0 <= info.file_size <= size - start or stored_name != name.encode():
                raise outside
            if flags & _SIZES_FOLLOW:
                file.seek(start + info.file_size)
                follows = file.read(8)
                agree = follows == b"PK\x07\x08" + struct.pack("<I", info.CRC)
            else:
                agree = crc == info.CRC and {packed, unpacked} <= {info.file_size, _IN_ZIP64}
        if not agree or info.compress_size != info.file_size:
            raise CheckpointError(f"{path}: the archive says two things of its {quote(name)}; damaged: {_AGAIN}")
        return start


def _member(path: Place, members: dict[str, zipfile.ZipInfo], begins: list[int], name: str) -> _Member:
    info = members.get(name)
    if info is None:
        raise CheckpointError(f"{path}: its {quote(name)} is missing; the archive is damaged: {_AGAIN}")
    # PyTorch stores members as they are. Refusing others means that nothing here can inflate.
    if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & _ENCRYPTED_OR_PATCHES:
        raise CheckpointError(
            f"{path}: its {quote(name)} is compressed or encrypted; expected it stored, as torch.save does"
        )
    after = bisect.bisect_right(begins, info.header_offset)
    return _Member(path, info, begins[after] if after < len(begins) else info.header_offset + info.file_size)


def _walk(contents: object) -> list[tuple[str, object]]:
    """Every value under a path of text keys, with that path; bounded, for a hostile pickle may share and loop."""
    values: list[tuple[str, object]] = []
    level = [("", contents)]
    characters = 0
    for _ in range(_MOST_DEPTH):
        below = []
        for path, node in level:
            for key, value in node.items() if isinstance(node, dict) else ():
                if isinstance(key, str) and len(key) <= _LONGEST_KEY:
                    below.append((f"{path}.{key}" if path else key, value))
                    characters += len(below[-1][0])
                if len(values) + len(below) > _MOST_VALUES or characters > _MOST_CHARACTERS:
                    raise PickleError(
                        f"it holds more than {_MOST_VALUES} values, or their names more than {_MOST_CHARACTERS} "
                        "characters"
                    )
        values += below
        level = below
    return values


def _tensors(path: Place, contents: object) -> dict[str, TensorRef]:
    if not isinstance(contents, dict):
        raise CheckpointError(
            f"{path}: holds {_describe(contents)}; expected a dict with tensors: "
            "in PyTorch, torch.save(model.state_dict(), FILE)"
        )
    tensors: dict[str, TensorRef] = {}
    try:
        values = _walk(contents)
    except PickleError as error:
        raise CheckpointError(f"{path}: {error}; expected a checkpoint") from error
    for name, value in values:
        if isinstance(value, TensorRef):
            if name in tensors:
                raise CheckpointError(f"{path}: two tensors are called {quote(name)}; expected one")
            tensors[name] = value
    return tensors


def _describe(contents: object) -> str:
    origin = contents.origin if isinstance(contents, Inert) else None
    if isinstance(origin, Global):
        return f"a pickled {quote(origin.module)}.{quote(origin.name)}"
    return "one tensor" if isinstance(contents, TensorRef) else f"a pickled {type(contents).__name__}"


def _arrays(
    path: Place, tensors: dict[str, TensorRef], runs: dict[str, Stretch], *, big_endian: bool
) -> dict[str, StoredArray]:
    arrays = {}
    for name, tensor in tensors.items():
        storage, run = tensor.storage, runs.get(tensor.storage.key)
        item_size = None if storage.dtype is None else _SIZES.get(storage.dtype)
        if run is None or (item_size and run.nbytes != storage.numel * item_size):
            raise CheckpointError(
                f"{path}: the storage of {quote(name)} has {run.nbytes if run else 'no'} bytes; expected "
                f"{quote(storage.numel, 40)} elements of {quote(storage.dtype, 40)}; damaged: {_AGAIN}"
            )
        arrays[name] = StoredArray(
            path=path,
            run=run,
            skipped=storage.view_offset * (item_size or 1),
            nbytes=storage.view_numel * (item_size or 1),
            dtype=tensor.dtype or "of an unknown dtype",
            shape=tensor.shape,
            strides=tensor.strides,
            offset=tensor.offset,
            big_endian=big_endian,
            negated=tensor.negated,
        )
        if not arrays[name].is_within:  # wanted or not: PyTorch loads all or nothing
            raise CheckpointError(
                f"{path}: {quote(name)} claims shape {quote(tensor.shape, 60)}, strides {quote(tensor.strides, 60)}, "
                f"offset {quote(tensor.offset, 40)}, which leave its storage; damaged: {_AGAIN}"
            )
    return arrays
