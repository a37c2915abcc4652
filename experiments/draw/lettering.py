"""Texts in figures: letters, whatever they are, and never syntax.

Labels, speakers and names of front ends come from users. To matplotlib two dollar signs are TeX, and a leading
underscore hides an entry of a legend; a control character makes an SVG that is no XML. All texts of a figure go
through `settle`, before the figure is measured or drawn; what goes into a legend, or has one line, through `name`.
"""

import collections
import contextlib
import functools
import sys
import textwrap
import warnings
from collections.abc import Iterator, Sequence

from matplotlib import font_manager
from matplotlib.figure import Figure, SubFigure
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text
from matplotlib.ticker import FixedFormatter, FuncFormatter, NullFormatter

from w2v_jax._src.quoting import printable

LONGEST = 60  # letters of a name next to an axis, in two lines
LONGEST_ON_MAP = 24
LONGEST_IN_LEGEND = 300

_BREAK = "\u2060"  # a joiner of words, which is not drawn: before an underscore
_FONT = "DejaVu Sans"
_MOST_FONTS = 400  # that are looked into for a letter


def name(text: str) -> str:
    """A user's text, as one line of a figure."""
    text = printable(text.removeprefix(_BREAK))
    return _BREAK + text if text.startswith("_") else text


def shortened(text: str, most: int) -> str:
    """`text` without its middle, where it is longer than `most` letters.

    Examples:
        >>> shortened("wav2vec2-large-xlsr-53-english", 16)
        'wav2vec2…english'
    """
    if len(text) <= most:
        return text
    end = (most - 1) // 2
    return f"{text[: most - 1 - end]}…{text[len(text) - end :]}"


def beside_axis(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Names as they stand next to an axis, told apart, in at most two lines; and a line for each that is shortened."""
    shown = told_apart(names, LONGEST)
    told = [f"{short}: {each}" for short, each in zip(shown, map(name, names), strict=True) if short != each]
    return ["\n".join(balanced(each, LONGEST // 2)) for each in shown], told


def told_apart(names: Sequence[str], most: int) -> list[str]:
    """Each name in one line of about `most` letters; those that are then the same are numbered."""
    shown: list[str] = []
    seen: collections.Counter[str] = collections.Counter()
    for each in map(name, names):
        short = shortened(each, most)
        seen[short] += 1
        shown.append(f"{short} ({seen[short]})" if seen[short] > 1 else short)
    return shown


def balanced(text: str, most: int) -> list[str]:
    """Lines of at most about `most` letters, as even as can be, broken after a space or hyphen where there are any."""
    if len(text) <= most + 4:
        return [text]
    lines = textwrap.wrap(text, most, break_long_words=True)
    even = -(-len(text) // len(lines)) + 3
    again = textwrap.wrap(text, even, break_long_words=True)
    return again if len(again) <= len(lines) else lines


def settle(figure: Figure | SubFigure) -> None:
    """Makes letters of all texts in `figure`: no TeX, no control characters, in fonts that have them."""
    texts = figure.findobj(Text)
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            formatter = axis.get_major_formatter()
            if isinstance(formatter, FixedFormatter):
                formatter.seq = [_clean(str(each)) for each in formatter.seq]
            elif not isinstance(formatter, FuncFormatter | NullFormatter):
                # Numbers, of which those of logarithmic axes are TeX of matplotlib's own.
                theirs = {id(label) for tick in axis.get_major_ticks() for label in (tick.label1, tick.label2)}
                theirs |= {id(label) for tick in axis.get_minor_ticks() for label in (tick.label1, tick.label2)}
                theirs.add(id(axis.get_offset_text()))
                texts = [each for each in texts if id(each) not in theirs]
                continue
            ticks = axis.get_major_ticks(len(axis.get_majorticklocs()))
            texts += [label for tick in ticks for label in (tick.label1, tick.label2)]
            _choose_fonts([label for tick in ticks for label in (tick.label1, tick.label2)], _seq(formatter))
    for text in texts:
        as_letters(text)


def as_letters(text: Text) -> None:
    """Makes letters of a text."""
    text.set_parse_math(False)
    if (clean := _clean(text.get_text())) != text.get_text():
        text.set_text(clean)
    _choose_fonts([text], clean)


def _seq(formatter: object) -> str:
    return "".join(formatter.seq) if isinstance(formatter, FixedFormatter) else ""


def _clean(text: str) -> str:
    return printable(text.replace(_BREAK, ""), keep="\n")


def _choose_fonts(texts: Sequence[Text], letters: str) -> None:
    if letters.isascii():
        return
    if fonts := fonts_with("".join(sorted(set(letters) - {"\n"}))):
        for text in texts:
            text.set_fontfamily([_FONT, *fonts])


@functools.lru_cache(maxsize=4096)
def fonts_with(letters: str) -> tuple[str, ...]:
    """Further installed fonts that have what matplotlib's own has not of `letters`; says once what none has."""
    missing = {each for each in letters if not _has(_own_font(), each)}
    families = []
    for family, path in _installed() if missing else ():
        if theirs := {each for each in missing if _has(path, each)}:
            families.append(family)
            missing -= theirs
        if not missing:
            break
    _say_missing(missing)
    return tuple(families)


_SAID: set[str] = set()


def _say_missing(letters: set[str]) -> None:
    if new := sorted(letters - _SAID):
        _SAID.update(new)
        codes = ", ".join(f"{each} (U+{ord(each):04X})" for each in new[:5])
        more = f" and {len(new) - 5} more" if len(new) > 5 else ""
        print(
            f"figures: no installed font has {codes}{more}: boxes stand for them; tables have them as they are. "
            "Install a font that has them, such as Noto's, and run the same command again.",
            file=sys.stderr,
        )


def _own_font() -> str:
    return font_manager.findfont(_FONT)


@functools.lru_cache(maxsize=64)
def _opened(path: str) -> frozenset[int]:
    try:
        return frozenset(FT2Font(path).get_charmap())
    except (OSError, RuntimeError):
        return frozenset()


def _has(path: str, letter: str) -> bool:
    return ord(letter) in _opened(path)


@functools.cache
def _installed() -> tuple[tuple[str, str], ...]:
    """Families and files of the upright fonts at hand, one file each."""
    known = font_manager.fontManager.ttflist
    upright = sorted(
        (each for each in known if each.style == "normal" and "Last Resort" not in each.name),
        key=lambda each: (abs(int(each.weight) - 400) if str(each.weight).isdigit() else 0, each.name, each.fname),
    )
    return tuple({each.name: (each.name, each.fname) for each in reversed(upright)}.values())[:_MOST_FONTS]


@contextlib.contextmanager
def without_remarks() -> Iterator[None]:
    """Leaves out matplotlib's own lines about letters that no font has, one for each in each drawing."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="(?s)Glyph .* missing from font")
        warnings.filterwarnings("ignore", message="(?s)Matplotlib currently does not support")
        yield
