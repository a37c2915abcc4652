"""Which files `--audio` names, and the TextGrid next to each. Names are compared in Unicode's composed form (NFC)."""

import errno
import fnmatch
import functools
import glob
import itertools
import os
import pathlib
import stat
from collections.abc import Callable, Iterator, Sequence

from w2v_jax._src.opened_sound import composed, is_note_of_macos, shown
from w2v_jax._src.quoting import printable
from w2v_jax.textgrids import TextGridError

# What is taken of a folder that is named as a whole.
SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")
_TEXTGRID = ".textgrid"

Listing = Callable[[pathlib.Path], Sequence[pathlib.Path]]


class SessionError(ValueError):
    """No recording can be used, or the flags that name them make no sense. The message is one line."""


def expand(patterns: Sequence[str]) -> list[pathlib.Path]:
    """The files that the patterns stand for, each once, without what macOS notes of others (`._NAME`).

    Raises:
        SessionError: a pattern stands for none.
    """
    paths: dict[pathlib.Path, None] = {}
    for pattern in patterns:
        some = [path for path in _expanded(pattern) if not is_note_of_macos(path)]
        if not some:
            raise SessionError(
                f"--audio={printable(pattern)}: no file matches; expected sound files, such as "
                "--audio='session/*.wav' (in quotes)"
            )
        paths |= dict.fromkeys(some)
    if not paths:
        raise SessionError("--audio is not given; expected sound files, such as --audio='session/*.wav' (in quotes)")
    return list(paths)


def _expanded(pattern: str) -> list[pathlib.Path]:
    path = pathlib.Path(pattern)
    if not (mode := _mode(path)):
        named = list(_matching(pattern, plain=True))
        if len(named) == 1:
            (path,) = named
            mode = _mode(path)
    if stat.S_ISDIR(mode):
        paths = (pathlib.Path(folder, name) for folder, names in _walked(path) for name in names)
        return sorted((each for each in paths if each.suffix.lower() in SUFFIXES), key=_in_order)
    if mode or not glob.has_magic(pattern):
        return [path]
    # A link to nothing stays: what cannot be read is told, and is not absent.
    return sorted((each for each in _matching(pattern, plain=False) if not each.is_dir()), key=_in_order)


def _mode(path: pathlib.Path) -> int:
    """What a path is, as in `stat`; 0 where there is nothing. Raises `SessionError` where that cannot be known."""
    try:
        return path.stat().st_mode
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG):
            raise SessionError(f"--audio: {shown(path)}: it cannot be read ({error.strerror})") from error
        return 0


def _in_order(path: pathlib.Path) -> tuple[list[str], pathlib.Path]:
    return [composed(part) for part in path.parts], path


def _matching(pattern: str, *, plain: bool) -> Iterator[pathlib.Path]:
    """The paths of a pattern, whichever way their letters are composed on the disk.

    Args:
        pattern: `*`, `?` and `[...]` stand for parts of a name, `**` for folders of any depth, as in `glob`.
        plain: they stand for themselves.
    """
    parts = pathlib.Path(pattern).parts
    starts = [pathlib.Path()]
    if pathlib.Path(pattern).anchor:
        starts, parts = [pathlib.Path(parts[0])], parts[1:]
    for part in parts:
        starts = list(dict.fromkeys(itertools.chain.from_iterable(_within(start, part, plain) for start in starts)))
    if not plain and parts and parts[-1] == "**":  # files, too
        starts = list(dict.fromkeys(itertools.chain.from_iterable(map(entries, starts))))
    return iter(starts)


def _within(folder: pathlib.Path, part: str, plain: bool) -> list[pathlib.Path]:
    if part == "..":
        return [folder / part]
    if part == "**" and not plain:
        return [pathlib.Path(each) for each, _ in _walked(folder) if not _is_hidden(folder, each)]
    wanted = composed(part)

    def is_wanted(name: str) -> bool:
        if plain or not glob.has_magic(part):
            return composed(name) == wanted
        return fnmatch.fnmatchcase(composed(name), wanted) and (part.startswith(".") or not name.startswith("."))

    return [each for each in entries(folder) if is_wanted(each.name)]


def _walked(folder: pathlib.Path) -> Iterator[tuple[str, list[str]]]:
    """A folder and all below it, with the names of what is in each but folders; each once, though links lead there."""
    seen = set()
    for each, folders, names in os.walk(folder, onerror=_cannot_list, followlinks=True):
        if (real := os.path.realpath(each)) in seen:
            folders.clear()
            continue
        seen.add(real)
        yield each, names


def _is_hidden(folder: pathlib.Path, inner: str) -> bool:
    return any(part.startswith(".") for part in pathlib.Path(inner).relative_to(folder).parts)


def entries(folder: pathlib.Path) -> Sequence[pathlib.Path]:
    """What a folder has; nothing where it is none. Raises `SessionError` where it cannot be listed."""
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as error:
        _cannot_list(error)
        raise


def _cannot_list(error: OSError) -> None:
    """What cannot be read is not absent."""
    raise SessionError(f"--audio: {shown(error.filename)}: it cannot be listed ({error.strerror})") from error


def textgrid_of(path: pathlib.Path, listing: Listing = entries) -> pathlib.Path:
    """The TextGrid next to a sound. Raises `TextGridError` where there is none, or several.

    Args:
        path: of the sound.
        listing: lists a folder.
    """
    for suffix in (".TextGrid", ".textgrid", ".Textgrid"):
        if stat.S_ISREG(_mode(candidate := path.with_suffix(suffix))):
            return candidate
    stem = composed(path.stem)
    several = [
        each
        for each in listing(path.parent)
        if each.suffix.lower() == _TEXTGRID and composed(each.stem) == stem and each.is_file()
    ]
    if not several:
        raise TextGridError(
            f"{shown(path)}: there is no TextGrid next to it; expected {shown(path.with_suffix('.TextGrid').name)}"
        )
    if len(several) > 1:
        raise TextGridError(f"{shown(path)}: there are {len(several)} TextGrids of its name; expected one")
    return several[0]


def cached_listing() -> Listing:
    """A listing that looks into each folder once."""
    return functools.cache(entries)


def is_text(path: pathlib.Path) -> bool:
    """Whether a path is UTF-8: names in old archives may be bytes that no text stands for."""
    try:
        os.fsencode(path).decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
