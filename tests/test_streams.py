"""Standard streams of a narrow encoding, on a full disk, with nobody at the other end."""

import errno
import io

import pytest

from w2v_jax._src import streams


class Broken(io.RawIOBase):
    def __init__(self, error):
        self.error = error

    def writable(self):
        return True

    def write(self, data):
        raise OSError(self.error, "it is full")

    def fileno(self):
        return 1


class Memory(Broken):
    def __init__(self):
        self.written = b""

    def write(self, data):
        self.written += bytes(data)
        return len(data)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_what_an_encoding_has_not_is_escaped(encoding):
    memory = Memory()
    stream, _ = streams.kept(io.TextIOWrapper(io.BufferedWriter(memory), encoding=encoding), 1)
    print("R² of ɑ", file=stream, flush=True)
    assert memory.written == "R² of ɑ\n".encode(encoding, "backslashreplace")


@pytest.mark.parametrize(("error", "is_told"), [(errno.ENOSPC, True), (errno.EIO, True), (errno.EPIPE, False)])
def test_what_cannot_be_written_stops_nothing(error, is_told):
    stream, beneath = streams.kept(io.TextIOWrapper(io.BufferedWriter(Broken(error)), encoding="utf-8"), 1)
    for _ in range(3):
        print("x" * 10_000, file=stream, flush=True)
    said = streams.complaint(beneath.lost)
    assert (said is not None) == is_told
    assert not is_told or said.startswith("error: standard output cannot be written (it is full)")
