"""Where encoders that came from the hub are kept: one folder of the user's, whatever the current folder is.

    HOME/encoders-FORMAT/OWNER--NAME/COMMIT.safetensors    our weight file; never replaced
    HOME/encoders-FORMAT/OWNER--NAME/refs/REVISION         the commit that a revision was when it was last asked for
    HOME/downloads/OWNER--NAME@COMMIT/...                  parts of files that have come, until they are converted
    HOME/locks/OWNER--NAME@COMMIT.lock                     held by the one process that fetches and converts

HOME is `W2V_JAX_HOME`, else `w2v_jax` in the platform's cache folder. FORMAT is the version of our weight files: what
an older version left out of them is read from the hub again.
"""

import contextlib
import dataclasses
import os
import pathlib
import sys
import urllib.parse
from collections.abc import Iterator

from w2v_jax._src import files
from w2v_jax._src.errors import CheckpointError
from w2v_jax._src.weight_file import FORMAT_VERSION
from w2v_jax._src.weights_folders import SUFFIX
from w2v_jax.hub.ids import MAIN, HubId
from w2v_jax.hub.listening import Listener

VARIABLE = "W2V_JAX_HOME"
_MOST_CHARACTERS = 200
_POLL_SECONDS = 0.1


@dataclasses.dataclass(frozen=True)
class CachedEncoder:
    """A converted encoder in the cache.

    Attributes:
        path: its weight file.
        revisions: the branches and tags that were this commit when they were last asked for.
    """

    path: pathlib.Path
    revisions: tuple[str, ...]


def home() -> pathlib.Path:
    """The folder that everything is in; it need not exist."""
    if named := os.environ.get(VARIABLE, "").strip():
        return pathlib.Path(named).expanduser().absolute()
    xdg = pathlib.Path(os.environ.get("XDG_CACHE_HOME", ""))
    if xdg.is_absolute():  # a relative one is to be passed over, says its specification
        return xdg / "w2v_jax"
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return (pathlib.Path(local) if local else pathlib.Path.home() / "AppData" / "Local") / "w2v_jax" / "Cache"
    if sys.platform == "darwin":
        return pathlib.Path.home() / "Library" / "Caches" / "w2v_jax"
    return pathlib.Path.home() / ".cache" / "w2v_jax"


def weight_file(hub_id: HubId, commit: str) -> pathlib.Path:
    """Where the encoder of this commit is, or is to be."""
    return _folder(hub_id) / f"{commit}{SUFFIX}"


def downloads(hub_id: HubId, commit: str) -> pathlib.Path:
    """Where parts of its files wait until they are converted."""
    return home() / "downloads" / f"{hub_id.safe_model}@{commit}"


def last_commit(hub_id: HubId) -> str | None:
    """The commit that the revision was when the hub was last asked; None where it never was."""
    if hub_id.commit:
        return hub_id.commit
    try:
        commit = _ref(hub_id).read_text(encoding="utf-8").strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return commit if is_plain(commit) else None


def remember(hub_id: HubId, commit: str) -> None:
    """Keeps the commit that the revision is now."""
    if hub_id.commit is None and last_commit(hub_id) != commit:
        with files.atomic_path(_ref(hub_id)) as temporary:
            temporary.write_text(f"{commit}\n", encoding="utf-8")


def is_plain(commit: str) -> bool:
    """Whether it can be the name of a file: letters and digits, as commits have."""
    return commit.isascii() and commit.isalnum() and len(commit) <= _MOST_CHARACTERS


def encoders() -> list[CachedEncoder]:
    """What has been converted, in order of name."""
    cached_encoders = []
    for folder in sorted(_encoders().glob("*")):
        commits: dict[str, list[str]] = {}
        for ref in sorted(folder.glob("refs/*")):
            with contextlib.suppress(OSError, UnicodeDecodeError):
                commits.setdefault(ref.read_text(encoding="utf-8").strip(), []).append(urllib.parse.unquote(ref.name))
        cached_encoders += [
            CachedEncoder(path, tuple(commits.get(path.stem, ())))
            for path in sorted(folder.glob(f"*{SUFFIX}"))
            if not path.name.startswith(".")
        ]
    return cached_encoders


@contextlib.contextmanager
def only_process(hub_id: HubId, commit: str, listener: Listener) -> Iterator[None]:
    """Waits until no other process, or thread, fetches or converts this commit. The lock dies with its process.

    Raises:
        CheckpointError: the folder cannot be written.
    """
    import filelock  # of the extra `hub`, as huggingface_hub is

    path = home() / "locks" / f"{hub_id.safe_model}@{commit}.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(path, thread_local=False)
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            listener.remark(f"{hub_id}: another process fetches it; waiting for that")
            lock.acquire(poll_interval=_POLL_SECONDS)
    except OSError as error:
        raise CheckpointError(
            f"{home()}: cannot be written ({error.strerror or error}), and keeps what comes from the hub; expected a "
            f"folder of yours: set {VARIABLE}"
        ) from error
    try:
        yield
    finally:
        lock.release()


def _encoders() -> pathlib.Path:
    return home() / f"encoders-{FORMAT_VERSION}"


def _folder(hub_id: HubId) -> pathlib.Path:
    return _encoders() / hub_id.safe_model


def _ref(hub_id: HubId) -> pathlib.Path:
    return _folder(hub_id) / "refs" / urllib.parse.quote(hub_id.revision or MAIN, safe="")
