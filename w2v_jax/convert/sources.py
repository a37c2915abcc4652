"""From a path to a checkpoint: which file is meant, and its tensors, not read yet."""

import dataclasses
import pathlib
from collections.abc import Iterable, Mapping

from w2v_jax._src.errors import CheckpointError
from w2v_jax._src.quoting import listing, quote
from w2v_jax.convert import huggingface, torch_archive
from w2v_jax.convert.arrays import Array, canonical
from w2v_jax.convert.msgpack_file import open_msgpack
from w2v_jax.convert.places import Distant, Place, fetch_whole
from w2v_jax.convert.safetensors_file import open_safetensors
from w2v_jax.convert.sniff import Kind, sniff

_MODEL_CONFIG = "model_config.json"  # torchaudio's arguments, as AVES is released with them
CHECKPOINT_SUFFIXES = (".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".th", ".msgpack")
_WEIGHTS = (Kind.SAFETENSORS, Kind.TORCH_ZIP, Kind.TORCH_LEGACY, Kind.MSGPACK, Kind.INDEX)


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """An opened checkpoint.

    Attributes:
        path: the file that was opened; of a sharded checkpoint, its index.
        kind: what it is.
        arrays: its tensors by their plain names (see `arrays.canonical`); of a sharded checkpoint, the encoder's alone.
        contents: what a PyTorch archive holds in addition to tensors; None for other kinds.
        files: the files that have the tensors, in order of name.
    """

    path: Place
    kind: Kind
    arrays: dict[str, Array]
    contents: object
    files: tuple[Place, ...]

    def beside(self, name: str) -> Place | None:
        """The file of this name next to the checkpoint, if there is one.

        A blob in the hub's cache (models--OWNER--NAME/blobs) lies next to others; the snapshots that link to it have
        the files that belong to it.
        """
        folders: list[Place] = [self.path.parent]
        if isinstance(self.path, pathlib.Path) and self.path.parent.name == "blobs":
            links = sorted(self.path.parent.parent.glob("snapshots/*/*"))
            folders = [link.parent for link in links if link.is_file() and link.samefile(self.path)]
        return next((folder / name for folder in folders if _is_there(folder / name)), None)

    def settings_files(self) -> list[Place]:
        """The files next to the checkpoint that may state its settings, in the order in which they are asked."""
        stem = self.path.name.removesuffix(self.path.suffix)
        names = (huggingface.CONFIG_NAME, f"{stem}.model_config.json", _MODEL_CONFIG, f"{stem}.json")
        paths = [self.beside(name) for name in dict.fromkeys(names) if name != self.path.name]
        return [path for path in paths if path is not None]


def _is_there(path: Place) -> bool:
    """Whether there is a file. One that cannot be looked at, or a link that leads nowhere, is not taken for none."""
    if not isinstance(path, pathlib.Path):
        return path.is_file()
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    if not path.is_file():
        raise CheckpointError(
            f"{path}: {'a link to a file that is not there' if path.is_symlink() else 'not a file'}; expected a file: "
            "download it again, or remove it"
        )
    return True


def open_checkpoint(path: Place, *, prefix: str | None = None) -> Checkpoint:
    """Opens a file, or the checkpoint in a directory.

    Args:
        path: of either.
        prefix: as for `layouts.locate`: of a sharded checkpoint, only the encoder's shards are opened.

    Raises:
        CheckpointError: nothing usable there.
        OSError: it cannot be read.
    """
    if path.is_dir():
        path = _choose(path)
    elif not path.is_file():
        raise CheckpointError(f"{path}: neither a file nor a directory; expected a checkpoint")
    kind = sniff(path)
    if kind is Kind.CONFIG:
        path = _choose(path.parent)
        kind = sniff(path)
    if kind is Kind.INDEX:
        return _open_shards(path, prefix)
    arrays, contents = _open_file(path, kind)
    return Checkpoint(path, kind, canonical(arrays, origin=str(path)), contents, (path,))


def _open_file(path: Place, kind: Kind) -> tuple[Mapping[str, Array], object]:
    if kind is Kind.SAFETENSORS:
        return open_safetensors(path), None
    if kind is Kind.MSGPACK:
        fetch_whole(path, "a Flax msgpack has no directory")
        return open_msgpack(path), None
    if kind is Kind.TORCH_LEGACY:
        fetch_whole(path, "PyTorch's older format has no directory")
    archive = (torch_archive.open_zip if kind is Kind.TORCH_ZIP else torch_archive.open_legacy)(path)
    return archive.arrays, archive.contents


def _open_shards(index: Place, prefix: str | None) -> Checkpoint:
    places = huggingface.read_index(index, prefix=prefix)
    arrays: dict[str, Array] = {}
    files = [index.parent / shard for shard in sorted(set(places.values()))]
    for file in files:
        if not file.is_file():
            raise CheckpointError(
                f"{file}: the shard is missing; {index.name} says that it holds a part of the encoder"
            )
        kind = sniff(file)
        if kind in (Kind.INDEX, Kind.CONFIG):
            raise CheckpointError(f"{file}: an {kind.value}; expected a shard with tensors, as {index.name} says")
        inside, _ = _open_file(file, kind)
        names = [name for name, shard in places.items() if shard == file.name]
        if absent := [name for name in names if name not in inside]:
            raise CheckpointError(f"{file}: missing {listing(absent)}, which {index.name} says are in it")
        arrays |= {name: inside[name] for name in names}
    return Checkpoint(index, Kind.INDEX, arrays, None, tuple(files))


def _by_name(places: Iterable[Place]) -> list[Place]:
    return sorted(places, key=lambda place: place.name)


def _only_checkpoint_inside(folder: Place) -> Place | None:
    """The one folder that a run (`checkpoint-N`) or the hub's cache (`snapshots/COMMIT`) has; None where there is none.

    Raises:
        CheckpointError: there are several.
    """
    runs = [path for path in _by_name(folder.glob("checkpoint-*")) if path.is_dir()]
    snapshots = [path for path in _by_name(folder.glob("snapshots/*")) if path.is_dir()]
    named = folder / "refs" / "main"
    if len(snapshots) > 1 and named.is_file():
        wanted = named.read_bytes().decode("utf-8", errors="replace").strip()
        snapshots = [path for path in snapshots if path.name == wanted] or snapshots
    for folders in (runs, snapshots):
        if len(folders) > 1:
            raise CheckpointError(
                f"{folder}: {len(folders)} checkpoints ({listing([path.name for path in folders])}); expected one: "
                "name the folder that you mean"
            )
        if folders:
            return folders[0]
    return None


def _choose(folder: Place) -> Place:
    """The checkpoint in a directory: the name transformers would take, else the only file that is one."""
    for name in huggingface.WEIGHT_NAMES:
        if _is_there(folder / name):
            return folder / name
    if (folder / ".metadata").is_file():
        raise CheckpointError(
            f"{folder}: a distributed checkpoint of PyTorch; expected one file: "
            "python -m torch.distributed.checkpoint.format_utils dcp_to_torch FOLDER FILE makes it"
        )
    if any((folder / name).exists() for name in ("_METADATA", "manifest.ocdbt")):
        raise CheckpointError(
            f"{folder}: an Orbax checkpoint of JAX; expected one file: restore it into the model that it is of, and "
            "save that with w2v_jax.save_encoder"
        )
    inside = _only_checkpoint_inside(folder)
    if inside is not None:
        return _choose(inside)
    candidates = []
    for path in _by_name(folder.iterdir()):
        # Hidden files are other programs': macOS's `._NAME`, and what a killed process left.
        if path.name.startswith(".") or not path.is_file():
            continue
        # Far away, only files are looked at that may be one, by their names.
        if isinstance(path, Distant) and path.suffix not in CHECKPOINT_SUFFIXES:
            continue
        try:
            kind = sniff(path)
        except CheckpointError:
            continue
        if kind in _WEIGHTS:
            candidates.append(path)
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        names = listing([path.name for path in candidates])
        raise CheckpointError(
            f"{folder}: {len(candidates)} checkpoints ({names}); expected one: name the file you mean"
        )
    present = [quote(path.name) for path in _by_name(folder.iterdir())]
    raise CheckpointError(
        f"{folder}: a directory without a checkpoint (it has {listing(present) or 'nothing'}); "
        f"expected one of {', '.join(huggingface.WEIGHT_NAMES)}"
    )
