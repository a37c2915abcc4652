"""Zip archives that PyTorch's reader refuses, or reads otherwise, are refused; `make parity` asks PyTorch itself."""

import io
import struct
import warnings
import zipfile

import numpy as np
import pytest
from checkpoints import tensors
from torch_format import Persistent, pickled, save_zip

from w2v_jax.checkpoint import CheckpointError
from w2v_jax.convert.torch_archive import open_zip

STATE = {"a": np.arange(4, dtype=np.float32), "b": np.ones(3, np.float32)}
OTHER = np.full(4, 9, np.float32).tobytes()


@pytest.fixture(scope="module")
def members(tmp_path_factory):
    path = tmp_path_factory.mktemp("archives") / "good.pt"
    save_zip(path, tensors(STATE))
    with zipfile.ZipFile(path) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def archive_of(members, *, comment=b""):
    output = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(output, "w") as archive:
        warnings.simplefilter("ignore")  # of two of one name
        for name, content in members:
            archive.writestr(name, content)
        archive.comment = comment
    return output.getvalue()


def with_version(content):
    return lambda members: archive_of((members | {"archive/version": content}).items())


def with_bytes(at, content, *, after=b"PK\1\2"):
    """Bytes after the first entry of the directory, or after another mark, replaced."""

    def made(members):
        data = archive_of(members.items())
        place = data.index(after) + at
        return data[:place] + content + data[place + len(content) :]

    return made


REFUSED = {
    "two of one name": lambda m: archive_of([*m.items(), ("archive/data/0", OTHER)]),
    "two of one name, the other first": lambda m: archive_of([("archive/data/0", OTHER), *m.items()]),
    "two of one name before NUL": lambda m: archive_of([*m.items(), ("archive/data/0\0x", OTHER)]),
    "another folder": lambda m: archive_of([*m.items(), ("other/x", b"")]),
    "another folder first": lambda m: archive_of([("other/x", b""), *m.items()]),
    "no folder": lambda m: archive_of([(name.removeprefix("archive/"), content) for name, content in m.items()]),
    "a file beside the folder": lambda m: archive_of([*m.items(), ("x", b"")]),
    "no version": lambda m: archive_of([(name, content) for name, content in m.items() if "version" not in name]),
    "version 0": with_version(b"0"),
    "version 11": with_version(b"11"),
    "version -3": with_version(b"-3"),
    "version x": with_version(b"x"),
    "no content of version": with_version(b""),
    "another version": lambda m: archive_of([*m.items(), ("archive/.data/version", b"99")]),
    "data before it": lambda m: b"PK\3\4" + bytes(60) + archive_of(m.items()),
    "a patch": with_bytes(8, struct.pack("<H", 32)),
    "strongly encrypted": with_bytes(8, struct.pack("<H", 64)),
    "masked": with_bytes(8, struct.pack("<H", 8192)),
    "no compressed size": with_bytes(20, bytes(4)),
    "on another disk": with_bytes(34, struct.pack("<H", 16)),
    "a folder with content": with_bytes(38, struct.pack("<I", 16)),
    "several disks": with_bytes(4, struct.pack("<H", 1), after=b"PK\5\6"),
    "fewer entries here": with_bytes(8, struct.pack("<H", 3), after=b"PK\5\6"),
    "byte order": lambda m: archive_of((m | {"archive/byteorder": b"middle"}).items()),
    "a long storage": lambda m: archive_of((m | {"archive/data/0": m["archive/data/0"] + bytes(4)}).items()),
    "no storage": lambda m: archive_of((m | {"archive/data.pkl": pickled({"x": Persistent(("odd", 1))})}).items()),
    "no tuple": lambda m: archive_of((m | {"archive/data.pkl": pickled({"x": Persistent("odd")})}).items()),
}
READ = {
    "as it was": lambda m: archive_of(m.items()),
    "another order": lambda m: archive_of(reversed(m.items())),
    "version 1": with_version(b"1\n"),
    "version 10": with_version(b" 10x"),
    "version in its new place": lambda m: archive_of(
        [("archive/.data/version" if "version" in name else name, content) for name, content in m.items()]
    ),
    "a comment": lambda m: archive_of(m.items(), comment=b"hello"),
    "more members": lambda m: archive_of([*m.items(), ("archive/.storage_alignment", b"64"), ("archive/x/", b"")]),
    "a name of other case": lambda m: archive_of([*m.items(), ("archive/DATA/0", OTHER)]),
}


@pytest.mark.parametrize("name", [*REFUSED, *READ])
def test_archives(tmp_path, members, name):
    (tmp_path / "a.pt").write_bytes((REFUSED | READ)[name](members))
    if name in REFUSED:
        with pytest.raises(CheckpointError) as caught:
            open_zip(tmp_path / "a.pt")
        assert str(caught.value).isprintable()
        return
    arrays = open_zip(tmp_path / "a.pt").arrays
    assert all(np.array_equal(arrays[key].read(key), values) for key, values in STATE.items())


@pytest.mark.parity
@pytest.mark.parametrize("name", [*REFUSED, *READ])
def test_pytorch_says_the_same(tmp_path, members, name):
    torch = pytest.importorskip("torch")
    (tmp_path / "a.pt").write_bytes((REFUSED | READ)[name](members))
    try:
        state = torch.load(tmp_path / "a.pt", weights_only=True, map_location="cpu")
    except Exception:
        assert name in REFUSED
        return
    same = all(np.array_equal(state[key].numpy(), values) for key, values in STATE.items())
    # Of two members of one name it takes one.
    assert same or name.startswith("two")
    assert name in READ or name.startswith("two")
