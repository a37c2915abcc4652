"""Fetching a checkpoint from the Hugging Face hub: only the files that hold the encoder."""

import dataclasses
import pathlib
import re

from w2v_jax.checkpoint import CheckpointError
from w2v_jax.convert import huggingface
from w2v_jax.quoting import listing, quote

_ID = re.compile(
    r"(?P<repository>[A-Za-z0-9][\w.-]*/[\w.-]+)(?P<folder>(?:/[A-Za-z0-9][\w.-]*)*)(?:@(?P<revision>[^\s@]+))?"
)
_FILE_SUFFIXES = (".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".json", ".th", ".pkl", ".zip")


@dataclasses.dataclass(frozen=True)
class Fetched:
    """A checkpoint from the hub, now on this machine.

    Attributes:
        path: the weight file, or the index of several; `config.json` and the shards are next to it.
        repository: the hub id, and the folder in it; without revision.
        revision: the commit that it was resolved to; None where the hub does not say.
    """

    path: pathlib.Path
    repository: str
    revision: str | None


def is_hub_id(source: str) -> bool:
    """Whether `source`, which is no local path, looks like `OWNER/NAME`, perhaps with `/SUBFOLDER` or `@REVISION`."""
    match = _ID.fullmatch(source)
    return match is not None and (match["revision"] is not None or not source.lower().endswith(_FILE_SUFFIXES))


def cached_as(path: pathlib.Path) -> tuple[str, str] | None:
    """Hub id and commit of a path inside huggingface_hub's cache, models--OWNER--NAME/snapshots/COMMIT; else None."""
    parts = path.absolute().parts
    for folder, snapshots, commit in zip(parts, parts[1:], parts[2:], strict=False):
        names = folder.split("--")
        if names[0] == "models" and len(names) == 3 and snapshots == "snapshots":
            return f"{names[1]}/{names[2]}", commit
    return None


def fetch(source: str) -> Fetched:
    """Downloads what the encoder needs of a hub repository, through huggingface_hub and its cache.

    Args:
        source: `OWNER/NAME` or `OWNER/NAME/SUBFOLDER`, perhaps with `@REVISION`: a branch, tag or commit.

    Raises:
        CheckpointError: `source` is no hub id, huggingface_hub is not installed, the hub refuses, or the repository
            has no checkpoint.
    """
    try:
        import huggingface_hub
    except ImportError as error:
        raise CheckpointError(
            f"{source}: no such file here, and huggingface_hub, which fetches from the hub, is not installed; "
            "install it with: pip install 'w2v_jax[hub]'"
        ) from error
    match = _ID.fullmatch(source)
    if match is None:
        raise CheckpointError(f"{source}: no hub id; expected OWNER/NAME, OWNER/NAME/SUBFOLDER or OWNER/NAME@REVISION")
    repository, wanted = match["repository"], match["revision"]
    folder = match["folder"].removeprefix("/") + "/" * bool(match["folder"])
    try:
        info = huggingface_hub.HfApi().model_info(repository, revision=wanted)
        # From here on by commit: files of one conversion all come from the same one.
        revision = info.sha
        everything = [entry.rfilename for entry in info.siblings or []]
        present = [name.removeprefix(folder) for name in everything if name.startswith(folder)]
        chosen = next((name for name in huggingface.WEIGHT_NAMES if name in present), None)
        if chosen is None:
            raise CheckpointError(
                f"{source}: the hub repository has {listing(present or everything) or 'no files'}; "
                f"expected one of {', '.join(huggingface.WEIGHT_NAMES)}: download the file you mean and convert that"
            )

        def download(name: str) -> pathlib.Path:
            return pathlib.Path(huggingface_hub.hf_hub_download(repository, folder + name, revision=revision))

        for name in (huggingface.CONFIG_NAME, *huggingface.PREPROCESSOR_NAMES):
            if name in present:
                download(name)
        path = download(chosen)
        if chosen.endswith(".index.json"):
            for shard in sorted(set(huggingface.read_index(path).values())):
                download(shard)
    except CheckpointError:
        raise
    except Exception as error:  # the library's errors have no common base class, and changed with its HTTP client
        lines = str(error).strip().splitlines() or [""]
        raise CheckpointError(
            f"{source}: no such file here, and not had from the hub ({type(error).__name__}: {quote(lines[0], 300)}); "
            "check the name, the network, and `hf auth login` for private models"
        ) from error
    return Fetched(path, repository + match["folder"], revision)
