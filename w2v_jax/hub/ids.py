"""What a name means on the hub: `OWNER/NAME`, `OWNER/NAME/FOLDER`, either with `@REVISION`."""

import dataclasses
import pathlib
import re
import urllib.parse

from w2v_jax._src.errors import CheckpointError
from w2v_jax._src.quoting import quote

_ID = re.compile(
    r"(?P<repository>[A-Za-z0-9][A-Za-z0-9_.-]*/[A-Za-z0-9_.-]+)(?P<path>(?:/[A-Za-z0-9][A-Za-z0-9_.-]*)*)"
    r"(?:@(?P<revision>[^\s@]+))?"
)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_FILE_SUFFIXES = (".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".json", ".th", ".pkl", ".zip")
EXPECTED = "OWNER/NAME, OWNER/NAME/FOLDER or OWNER/NAME@REVISION"
MAIN = "main"


@dataclasses.dataclass(frozen=True)
class HubId:
    """A model on the hub.

    Attributes:
        repository: `OWNER/NAME`.
        path: the folder, or the file, in it; empty where it is the whole.
        revision: a branch, tag or commit; None where none was named.
    """

    repository: str
    path: str = ""
    revision: str | None = None

    def __str__(self) -> str:
        return self.model + (f"@{self.revision}" if self.revision else "")

    @property
    def model(self) -> str:
        """The id without its revision."""
        return self.repository + (f"/{self.path}" if self.path else "")

    @property
    def safe_name(self) -> str:
        """A file name for it on every system: `OWNER--NAME`, with `@REVISION` where one was named."""
        # Percent signs for what Windows forbids in a name.
        return self.safe_model + (f"@{_safe(self.revision)}" if self.revision else "")

    @property
    def safe_model(self) -> str:
        """`safe_name` without the revision."""
        return _safe(self.model)

    @property
    def commit(self) -> str | None:
        """The commit, where that is what was named."""
        return self.revision if self.revision and _COMMIT.fullmatch(self.revision) else None


def is_hub_id(text: str) -> bool:
    """Whether `text`, which is no local path, looks like an id.

    Examples:
        >>> is_hub_id("facebook/wav2vec2-base"), is_hub_id("wav2vec2-base"), is_hub_id("runs/a.safetensors")
        (True, False, False)
    """
    match = _ID.fullmatch(text)
    if match is None or (match["revision"] is None and text.lower().endswith(_FILE_SUFFIXES)):
        return False
    # The hub itself refuses such names, which keeps `safe_name` one to one.
    return not any(mark in match["repository"] for mark in ("--", "..")) and ".." not in match["path"]


def parse(text: str) -> HubId:
    """The id in `text`. Raises `CheckpointError` where there is none."""
    match = _ID.fullmatch(text) if is_hub_id(text) else None
    if match is None:
        raise CheckpointError(f"{quote(text)}: not a hub id; expected {EXPECTED}")
    return HubId(match["repository"], match["path"].removeprefix("/"), match["revision"])


def cached_as(path: pathlib.Path) -> tuple[str, str] | None:
    """Model and commit of a path in huggingface_hub's cache, models--OWNER--NAME/snapshots/COMMIT; else None."""
    parts = path.absolute().parts
    for folder, snapshots, commit in zip(parts, parts[1:], parts[2:], strict=False):
        names = folder.split("--")
        if names[0] == "models" and len(names) == 3 and snapshots == "snapshots":
            return f"{names[1]}/{names[2]}", commit
    return None


def _safe(text: str) -> str:
    return urllib.parse.quote(text.replace("/", "--"), safe="-_.@ ")
