"""The numbers and texts in Praat's files, one after the other: in text files, as Praat reads them, and in binary."""

import math
import re
import struct
from collections.abc import Iterator

from w2v_jax._src.quoting import listing

BINARY = b"ooBinaryFile"
# A word: a text, in which a quotation mark is doubled; <exists>; a comment; or letters and digits.
_WORD = re.compile(r'"([^"]*+(?:""[^"]*+)*+)"(?=\s|\Z)|(<[^>\s]*+>)|(![^\n\r]*+)|(\S++)')
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+", re.ASCII)


class FormatError(ValueError):
    """What is wrong with a file, without its name."""


def decoded(data: bytes) -> tuple[str, tuple[str, ...]]:
    """The text of a file, and what is assumed of its encoding."""
    assumed: tuple[str, ...] = ()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif data[:2] in (b"F\0", b'"\0') or data[:2] in (b"\0F", b'\0"'):
        encoding = "utf-16-le" if data[1] == 0 else "utf-16-be"
        assumed = ("it is UTF-16 without a byte order mark, which Praat misreads; it is read as UTF-16",)
    else:
        encoding = "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8-sig":
            raise FormatError("it is UTF-16, and damaged") from None
        line, byte = data[: error.start].count(b"\n") + 1, data[error.start]
        if not data.decode("utf-8", "ignore").isascii():
            raise FormatError(f"line {line} has the byte 0x{byte:02x}, which is not UTF-8, as the rest is") from None
        text = data.decode("latin-1")
        if any("\x80" <= letter <= "\x9f" for letter in text):
            raise FormatError(
                f"line {line} has the byte 0x{byte:02x}: it is neither UTF-8 nor Latin-1, but perhaps Windows-1252 or "
                "Mac Roman; save it as UTF-8"
            ) from None
        assumed = (f"line {line} has the byte 0x{byte:02x}, so it is not UTF-8; it is read as Latin-1, as Praat does",)
    if nulls := text.count("\0"):
        raise FormatError(f"it has {nulls:,} null bytes: it is binary, damaged, or UTF-16 without a byte order mark")
    return text, assumed


class Words:
    """The numbers and texts of a file, one after the other; other words are passed over, as Praat does."""

    def __init__(self, text: str):
        self.text, self.words, self.at = text, _WORD.finditer(text), 0

    def _next(self, wanted: str) -> Iterator[re.Match[str]]:
        for word in self.words:
            self.at = word.start()
            if word[3] is None:
                yield word
        self.at = len(self.text)
        raise self.error(f"it ends where {wanted} is expected")

    def number(self, wanted: str) -> float:
        for word in self._next(wanted):
            if word[4] is None:
                raise self.error(f"{short(word[0])} stands where {wanted} is expected")
            if not _is_numeral(word[4]):
                continue
            if _DECIMAL_COMMA.fullmatch(word[4]):
                raise self.error(
                    f"{wanted} is {short(word[4])}, with a decimal comma; expected a decimal point, such as 0.35"
                )
            parts = word[4].removesuffix("%").split("/")
            if len(parts) <= 2 and all(map(_NUMBER.fullmatch, parts)):
                first, second = float(parts[0]), float(parts[1]) if len(parts) == 2 else 1.0
                value = first / second / (100 if word[4].endswith("%") else 1) if second else math.inf
                if math.isfinite(value):
                    return value
            raise self.error(f"{wanted} is {short(word[4])}; expected a number")
        raise AssertionError

    def count(self, wanted: str) -> int:
        value = self.number(wanted)
        if value < 0 or value % 1:
            raise self.error(f"{wanted} is {value:g}; expected a whole number")
        return int(value)

    def string(self, wanted: str) -> str:
        for word in self._next(wanted):
            if word[1] is not None:
                return word[1].replace('""', '"')
            if word[2] is not None or _is_numeral(word[4]):
                raise self.error(f"{short(word[0])} stands where {wanted} is expected")
            if word[4].startswith('"'):
                raise self.error("a quotation mark is not closed, or one within a text is not doubled")
        raise AssertionError

    def flag(self, wanted: str) -> str:
        for word in self._next(wanted):
            if word[2] is not None:
                return word[2]
            if word[1] is not None or _is_numeral(word[4]):
                raise self.error(f"{short(word[0])} stands where {wanted} is expected")
        raise AssertionError

    def rest(self) -> str | None:
        """The next number or text, if there is one more."""
        for word in self.words:
            if word[3] is None and (word[4] is None or _is_numeral(word[4]) or word[4].startswith('"')):
                self.at = word.start()
                return word[0]
        return None

    def error(self, what: str) -> FormatError:
        before = self.text[: self.at]
        line = before.count("\n") + before.count("\r") - before.count("\r\n") + 1
        return FormatError(f"line {line}: {what}")


def _is_numeral(word: str) -> bool:
    return "0" <= word[0] <= "9" or (len(word) > 1 and (word[0] in "+-" or (word[0] == "." and "0" <= word[1] <= "9")))


class Bytes:
    """The numbers and texts of a binary file, one after the other."""

    def __init__(self, data: bytes):
        self.data, self.at = data, len(BINARY)

    def take(self, code: str) -> float:
        size = struct.calcsize(f">{code}")
        (value,) = struct.unpack(f">{code}", self._bytes(size))
        return value

    def number(self, wanted: str) -> float:
        value = self.take("d")
        if not math.isfinite(value):
            raise FormatError(f"{wanted} is {value}; expected a number")
        return value

    def count(self, wanted: str, least_bytes: int) -> int:
        value = int(self.take("i"))
        if not 0 <= value * least_bytes <= len(self.data) - self.at:
            raise FormatError(f"{wanted} is {value:,}, more than the file has")
        return value

    def name(self) -> str:
        return self._bytes(int(self.take("B"))).decode("latin-1")

    def string(self, wanted: str) -> str:
        length = int(self.take("H"))
        if length != 0xFFFF:
            return self._bytes(length).decode("latin-1")
        length = int(self.take("H"))
        start = self.at
        for _ in range(length):  # it counts letters, of which some take two units
            unit = int(self.take("H"))
            if 0xD800 <= unit < 0xDC00:
                self.take("H")
        try:
            return self.data[start : self.at].decode("utf-16-be")
        except UnicodeDecodeError:
            raise FormatError(f"{wanted} is not UTF-16") from None

    def _bytes(self, count: int) -> bytes:
        chunk = self.data[self.at : self.at + count]
        if len(chunk) < count:
            raise FormatError("it is binary, and ends too early")
        self.at += count
        return chunk


def short(text: str) -> str:
    """What stands in a file, for a message."""
    return f"'{listing([text[:40]])}'"
