"""Names of files that every system takes, though encoders are named as their users like.

Windows has no `:` in a file's name, and no `<`, `>`, `"`, `|`, `?`, `*`; a `/` is a folder everywhere.
"""

import re
import unicodedata
from collections.abc import Iterable

_REFUSED = re.compile(r'[<>"|?*\\\x00-\x1f\x7f\ud800-\udfff]')
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\.|$)", re.IGNORECASE)


def safe_name(name: str) -> str:
    """`name` as a file may be called on every system; a name that may stays what it is.

    Examples:
        >>> safe_name("claims.crepe:make.png"), safe_name("facebook/wav2vec2-base"), safe_name("CON")
        ('claims.crepe-make.png', 'facebook--wav2vec2-base', 'CON_')
    """
    safe = _REFUSED.sub("_", name.replace("/", "--").replace(":", "-"))
    safe = re.sub(r"[. ]+$", lambda end: "_" * len(end[0]), safe)
    if reserved := _RESERVED.match(safe):
        safe = f"{safe[: reserved.end(1)]}_{safe[reserved.end(1) :]}"
    return safe


def shared(names: Iterable[str]) -> tuple[str, str] | None:
    """Two different names whose files would have one name, on a system that does not tell `A` from `a`; None if none.

    Examples:
        >>> shared(["a:b", "a-b"]), shared(["a", "b"])
        (('a:b', 'a-b'), None)
    """
    known: dict[str, str] = {}
    for name in names:
        other = known.setdefault(unicodedata.normalize("NFC", safe_name(name)).casefold(), name)
        if other != name:
            return other, name
    return None
