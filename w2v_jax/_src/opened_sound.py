"""Sound files opened by soundfile (libsndfile): whatever their header lacks, and with errors of one line."""

import functools
import io
import os
import pathlib
import stat
import types
import unicodedata
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from w2v_jax._src import extras, wav_header
from w2v_jax._src.quoting import printable

_APPLE_DOUBLE = b"\x00\x05\x16\x07"
_LFS = b"version https://git-lfs"


class RecordingError(ValueError):
    """A sound file that cannot be used. The message is one line and names it."""


class RecordingsUnavailableError(ImportError):
    """A package that reads or measures recordings is not installed."""


def composed(text: str) -> str:
    """`text` in Unicode's composed form (NFC): a Mac writes "ö" as "o" and two dots, a PC as one letter."""
    return unicodedata.normalize("NFC", text)


def shown(path: str | os.PathLike[str]) -> str:
    """A path as messages show it: composed, in one line, bytes that are no UTF-8 as `\\xfc`."""
    return printable(composed(os.fsencode(path).decode("utf-8", "backslashreplace")))


def unusable(path: pathlib.Path) -> str | None:
    """Why a path cannot be read as a file, in words; None where it can."""
    try:
        return None if stat.S_ISREG(path.stat().st_mode) else "it is not a regular file"
    except (FileNotFoundError, NotADirectoryError):
        return "it is a link to a file that is not there" if path.is_symlink() else "there is no such file"
    except OSError as error:
        return f"it cannot be read ({error.strerror or error})"


def is_note_of_macos(path: pathlib.Path) -> bool:
    """Whether it is one of the files `._NAME` that macOS puts next to others on foreign disks, which are not sounds."""
    if not path.name.startswith("._") or unusable(path):
        return False
    try:
        with path.open("rb") as file:
            return file.read(4) == _APPLE_DOUBLE
    except OSError:
        return False


def cut_short(path: pathlib.Path, how: str = "") -> RecordingError:
    return RecordingError(
        f"{shown(path)}: its header promises more sound than there is{how}; it is damaged or was cut short: "
        "copy it again"
    )


class View(io.RawIOBase):
    """A file, some bytes of it replaced. libsndfile calls it back and knows no exceptions: what fails is kept."""

    def __init__(self, file: BinaryIO, size: int, patches: tuple[tuple[int, bytes], ...]):
        self.file, self.size, self.patches, self.position = file, size, patches, 0
        self.failed: OSError | None = None

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.position = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.position, io.SEEK_END: self.size}[whence])
        return self.position

    def tell(self) -> int:
        return self.position

    def readinto(self, buffer) -> int:  # type: ignore[no-untyped-def]  # whatever has a buffer
        try:
            self.file.seek(min(self.position, self.size))
            content = bytearray(self.file.read(len(buffer)))
        except OSError as error:
            self.failed = error
            return 0
        for offset, replacement in self.patches:
            for place, value in enumerate(replacement, offset - self.position):
                if 0 <= place < len(content):
                    content[place] = value
        buffer[: len(content)] = bytes(content)
        self.position += len(content)
        return len(content)


class File:
    """A file that soundfile has opened, read from its beginning to its end."""

    def __init__(self, sound, view: View, *, is_cut_short: bool, promised: int | None, assumed: tuple[str, ...]):  # type: ignore[no-untyped-def]  # soundfile has no types
        self.sound, self.view, self.is_cut_short = sound, view, is_cut_short
        self.promised, self.assumed = promised, assumed
        self.samplerate: int = sound.samplerate
        self.channels: int = sound.channels

    def read(self, count: int) -> np.ndarray:
        return self.sound.read(count, dtype="float32", always_2d=True)

    def go_to(self, start: int, most: int) -> Iterator[int]:
        """Goes to a sample; where the format has no seeking, says what to read in order to get there."""
        if self.sound.can_seek:
            self.sound.seek(start)
            return
        for at in range(0, start, most):
            yield min(most, start - at)


class opened:
    """A file opened by soundfile, whose errors name it in one line."""

    def __init__(self, path: pathlib.Path, *, num_samples: int | None = None):
        self.path, self.num_samples = path, num_samples
        self.library = package("soundfile")

    def __enter__(self) -> File:
        try:
            self.handle = self.path.open("rb")
        except OSError as error:
            raise RecordingError(f"{shown(self.path)}: it cannot be read ({error.strerror or error})") from error
        try:
            return self._made(self.handle, self.path.stat().st_size)
        except OSError as error:
            self.handle.close()
            raise RecordingError(f"{shown(self.path)}: it cannot be read ({error.strerror or error})") from error
        except BaseException:
            self.handle.close()
            raise

    def _made(self, handle: BinaryIO, size: int) -> File:
        try:
            header = wav_header.examine(handle, size)
        except wav_header.CutShortError as error:
            raise cut_short(self.path, f" ({error})") from error
        patches, assumed = ((), ()) if header is None else (header.patches, header.assumed)
        handle.seek(0)
        flac = handle.read(26)
        is_endless_flac = flac[:4] == b"fLaC" and len(flac) == 26 and not int.from_bytes(flac[21:26]) & (1 << 36) - 1
        if is_endless_flac:
            assumed = ("its header does not say how long its sound is, as a pipe leaves it; it is read to its end",)
            if self.num_samples is not None:
                patches = ((21, (int.from_bytes(flac[21:26]) | self.num_samples).to_bytes(5)),)
        self.view = View(handle, size, patches)
        try:
            # By an open file: given a path, libsndfile looks for `._name` next to it, and trips over a Mac's notes.
            sound = _sequential()(self.view)
        except (self.library.SoundFileError, TypeError, OSError) as error:
            sound = self._by_name(self._told(error, handle)) if not patches else None
            if sound is None:
                raise self._told(error, handle) from error
        endless = is_endless_flac or sound.frames >= 2**62
        # libsndfile's word for an AIFF or W64 that lacks some of its data.
        short = header is None and "should be" in sound.extra_info
        promised = None if endless else sound.frames
        return File(sound, self.view, is_cut_short=short, promised=promised, assumed=assumed)

    def _by_name(self, told: RecordingError):  # type: ignore[no-untyped-def]  # soundfile has no types
        """Opened by its name, where only that says what it is, as for an MP3 that begins with zeros."""
        if self.path.suffix.lower() != ".mp3" or "it cannot be read (" not in str(told):
            return None
        try:
            return _sequential()(str(self.path))
        except (self.library.SoundFileError, TypeError, OSError):
            return None

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> None:
        self.handle.close()
        if self.view.failed is not None:
            raise RecordingError(f"{shown(self.path)}: it cannot be read ({self.view.failed})") from self.view.failed
        if isinstance(error, self.library.SoundFileError):
            raise self._told(error, None) from error

    def _told(self, error: Exception, handle: BinaryIO | None) -> RecordingError:
        start = b""
        if handle is not None:
            handle.seek(0)
            start = handle.read(64)
        if start.startswith(_APPLE_DOUBLE):
            return RecordingError(f"{shown(self.path)}: it has what macOS notes of another file; expected sound")
        if start.startswith(_LFS):
            return RecordingError(f"{shown(self.path)}: it is a pointer of Git LFS; expected sound: run git lfs pull")
        # "Error opening <...>: Format not recognised."
        said = str(error).rpartition(": ")[2].strip().rstrip(".").splitlines() or [type(error).__name__]
        return RecordingError(
            f"{shown(self.path)}: it cannot be read ({printable(said[0])}); expected WAV, FLAC, OGG or MP3"
        )


@functools.cache
def _sequential() -> type:
    """soundfile's class, without its seek after every read, which some formats do not have."""
    library = package("soundfile")

    class Sequential(library.SoundFile):  # type: ignore[name-defined]
        def seekable(self) -> bool:
            return False

        @property
        def can_seek(self) -> bool:
            return bool(super().seekable())

    return Sequential


def package(name: str) -> types.ModuleType:
    """An optional package. Raises `RecordingsUnavailableError` where it is not installed."""
    what = f"recordings need the package {name}"
    return extras.package(name, what=what, extra="recordings", error=RecordingsUnavailableError)
