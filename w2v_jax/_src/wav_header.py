"""WAV headers that do not say how long their sound is.

A program that writes into a pipe cannot go back and fill in the sizes; others count them wrong by a few bytes. The
sound is there all the same, from the header to the end of the file.
"""

import dataclasses
import struct
from typing import BinaryIO

_SMALL = 64  # bytes by which sizes are miscounted
# Sizes that programs write where they know none: the largest of a type, or a little less.
_PLACEHOLDERS = ((2**31 - 2**16, 2**31), (2**32 - 2**16, 2**32), (2**63 - 2**16, 2**64))
_MOST_CHUNKS = 1_000
_MOST_BEHIND = 65_536  # bytes at a file's end that are searched for chunks behind the sound
# What programs write behind the sound; LIST says what it lists.
_BEHIND = (b"LIST", b"id3 ", b"ID3 ", b"bext", b"iXML", b"cue ", b"smpl", b"fact", b"PEAK", b"_PMX", b"JUNK")
_UNSAID = 4_096  # bytes behind the sound, from which on it is said that no chunk has them
# Formats whose blocks are single samples of all channels: PCM, float, A-law, mu-law, and extensible.
_SAMPLEWISE = {1, 3, 6, 7, 0xFFFE}


class CutShortError(ValueError):
    """There is less sound than the header promises. The message says how much, without the file's name."""


@dataclasses.dataclass(frozen=True)
class Header:
    """What has to be known of a header to read its sound.

    Attributes:
        patches: bytes that a reader must find in place of those of the file, by offset.
        assumed: what the header does not say or says wrongly, and what is read; in words, without the file's name.
    """

    patches: tuple[tuple[int, bytes], ...] = ()
    assumed: tuple[str, ...] = ()


def examine(file: BinaryIO, size: int) -> Header | None:
    """Looks at the header of a WAV file (RIFF, RIFX, RF64 or BW64).

    Args:
        file: opened for reading.
        size: its bytes.

    Returns:
        What is to be read otherwise than it stands there; None where the file is no WAV, or its header is damaged.

    Raises:
        CutShortError: there is less sound than it promises.
    """
    start = _at(file, 0, 12)
    if start[:4] not in (b"RIFF", b"RIFX", b"RF64", b"BW64") or start[8:] != b"WAVE":
        return None
    order = ">" if start[:4] == b"RIFX" else "<"
    (whole,) = struct.unpack(f"{order}I", start[4:8])
    at, block, samplewise, long_sizes = 12, 0, False, 0
    for _ in range(_MOST_CHUNKS):
        head = _at(file, at, 8)
        if len(head) < 8:
            return None
        name, length = head[:4], struct.unpack(f"{order}I", head[4:])[0]
        if name == b"data":
            break
        if name == b"fmt ":
            layout = _at(file, at + 8, 14)
            if len(layout) < 14:
                return None
            tag, _, _, _, block = struct.unpack(f"{order}HHIIH", layout)
            samplewise = tag in _SAMPLEWISE
        if name == b"ds64" and start[:4] in (b"RF64", b"BW64"):
            long_sizes = at + 8
        at += 8 + length + length % 2
    else:
        return None
    there = size - at - 8
    field, code = at + 4, "I"
    if long_sizes and length == 2**32 - 1:
        field, code = long_sizes + 8, "Q"
        stated = _at(file, field, 8)
        if len(stated) < 8:
            return None
        (length,) = struct.unpack(f"{order}Q", stated)
    is_whole = abs(whole + 8 - size) <= 1
    taken, assumed = _taken(file, at + 8, length, there, order, is_whole=is_whole)
    if samplewise and block and taken % block:
        odd = taken % block
        passed = "is" if odd == 1 else "are"
        assumed += (f"the last {_bytes(odd)} of its sound, no whole sample, {passed} passed over",)
        taken -= odd
    # libsndfile knows RF64, but not its other name.
    as_known = ((0, b"RF64"),) if start[:4] == b"BW64" else ()
    if taken == length:
        return Header(as_known, assumed)
    if taken >= 2 ** (8 * struct.calcsize(code)):
        return Header(assumed=("it has more sound than its header can state, 4 GiB; not all of it is read",))
    patches = [*as_known, (field, struct.pack(f"{order}{code}", taken))]
    if code == "I":
        patches.append((4, struct.pack(f"{order}I", min(size - 8, 2**32 - 1))))
    return Header(tuple(patches), assumed)


def _taken(
    file: BinaryIO, start: int, stated: int, there: int, order: str, *, is_whole: bool
) -> tuple[int, tuple[str, ...]]:
    """How many bytes from `start` on are sound, and what is assumed of them."""
    excess = stated - there
    if excess > 0 and any(low <= stated <= high for low, high in _PLACEHOLDERS):
        there -= _behind(file, start, start + there, order)
        return there, (_to_the_end(f"0x{stated:X}", there),)
    if excess > 0:
        if excess > _SMALL and not is_whole:
            raise CutShortError(f"{_bytes(stated)} of it, of which {there:,} are there")
        return there, (
            f"its header promises {_bytes(excess)} of sound more than there are; those that are there are read",
        )
    if _are_chunks(file, start + stated + stated % 2, start + there, order):
        return stated, ()
    if not stated:
        there -= _behind(file, start, start + there, order)
        return there, (_to_the_end("0", there),)
    if -excess > _UNSAID:
        return stated, (
            f"{_bytes(-excess)} follow its sound of which its header says nothing; they are not read (if they are "
            "sound, the header is wrong)",
        )
    return stated, ()


def _to_the_end(stated: str, there: int) -> str:
    return (
        f"its header does not say how long its sound is (data size {stated}, as a pipe leaves it); all {_bytes(there)} "
        "behind it are read as sound"
    )


def _behind(file: BinaryIO, start: int, end: int, order: str) -> int:
    """Bytes of the chunks that follow a sound of unknown length, such as the name of the program that wrote it."""
    first = max(start, end - _MOST_BEHIND)
    tail = _at(file, first, end - first)
    places = (first + at for at in range(len(tail)) if tail[at : at + 4] in _BEHIND)
    return next((end - at for at in places if _are_chunks(file, at, end, order)), 0)


def _are_chunks(file: BinaryIO, at: int, end: int, order: str) -> bool:
    """Whether what lies between is nothing, or one well-formed chunk after the other."""
    for _ in range(_MOST_CHUNKS):
        if end - at <= 1:
            return True
        head = _at(file, at, 8)
        if len(head) < 8 or not all(32 <= each < 127 for each in head[:4]):
            return False
        length = struct.unpack(f"{order}I", head[4:])[0]
        at += 8 + length + length % 2
        if at > end + 1:
            return False
    return False


def _at(file: BinaryIO, offset: int, count: int) -> bytes:
    file.seek(offset)
    return file.read(count)


def _bytes(count: int) -> str:
    return f"{count:,} byte{'s' * (count != 1)}"
