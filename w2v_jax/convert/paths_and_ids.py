"""From what someone names, a path or an id of the hub, to a weight file of ours."""

import dataclasses
import os
import pathlib

from w2v_jax._src.errors import CheckpointError
from w2v_jax._src.weights_folders import SUFFIX
from w2v_jax.convert.conversion import Conversion, convert_place
from w2v_jax.hub import obtaining
from w2v_jax.hub.ids import is_hub_id, parse
from w2v_jax.hub.listening import LOGGED, Listener


def convert_checkpoint(
    source: str | os.PathLike[str],
    destination: str | os.PathLike[str],
    *,
    config: str | None = None,
    prefix: str | None = None,
    offline: bool = False,
    listener: Listener = LOGGED,
) -> Conversion:
    """Converts another tool's checkpoint to a weight file that `w2v_jax.load_encoder` reads.

    Nothing in the source is executed, whatever it holds, and PyTorch is not needed.

    Args:
        source: a file or directory of transformers, fairseq, torchaudio or another tool that docs/checkpoints.md
            lists, recognised by its contents; or a hub id such as `facebook/wav2vec2-base` or
            `facebook/wav2vec2-base@REVISION` (extra `hub`). An existing path is taken before a hub id.
        destination: the file to write, ending in `.safetensors`; replaced if it exists.
        config: a preset's name (`EncoderConfig.presets()`), or a JSON file with fields of `EncoderConfig` or a tool's
            own settings: taken before what the source states. The tensors must fit it.
        prefix: what precedes the names of the encoder that is meant, where the source has several.
        offline: of a hub id, take what huggingface_hub's cache has, and ask nothing.
        listener: hears how a download goes; by default remarks go to the logger `w2v_jax.hub`.

    Returns:
        What was converted.

    Raises:
        CheckpointError: the source is no such checkpoint, or the destination no such file name; one line that says
            what was found and expected. Nothing is written then.
        OSError: the source cannot be read (FileNotFoundError: there is none) or the destination not written.
    """
    name, destination = os.fspath(source), pathlib.Path(destination)
    if name.startswith("~"):  # not every shell expands it after "="
        name = os.fspath(pathlib.Path(name).expanduser())
    if not name:
        raise CheckpointError("the source is empty; expected a file, a directory or a hub id")
    path = pathlib.Path(name)
    _check_destination(destination)
    if path.exists():
        if is_hub_id(name):
            listener.remark(f"{name}: the {'folder' if path.is_dir() else 'file'} here is taken, not the hub's")
        # The name alone: where it lies on this machine is nobody else's business.
        label = path.resolve().name if path.name in ("", "..") else path.name
        return convert_place(path, destination, label=label, config=config, prefix=prefix)
    if not isinstance(source, str) or not is_hub_id(name):  # a path object is no name
        raise FileNotFoundError(f"{name}: no such file or directory; expected a checkpoint or a hub id (OWNER/NAME)")
    model = obtaining.find_model(parse(name), offline=offline, listener=listener)
    with model.opened(listener) as place:
        done = convert_place(
            place, destination, label=model.hub_id.model, revision=model.commit, config=config, prefix=prefix
        )
    return dataclasses.replace(done, received=model.received)


def _check_destination(path: pathlib.Path) -> None:
    """Finds before the work, perhaps a download, what would be found after it."""
    if path.is_dir():
        raise CheckpointError(f"{path}: a directory; expected a file to write, such as {path / f'NAME{SUFFIX}'}")
    if path.suffix != SUFFIX:
        raise CheckpointError(f"{path}: the output is a {SUFFIX} file; expected a name that ends so: {path}{SUFFIX}")
    for parent in path.parents:
        if parent.is_dir():
            if not os.access(parent, os.W_OK | os.X_OK):
                raise PermissionError(f"{path}: cannot write to {parent}; expected a folder that you may write to")
            return
        if parent.exists():
            raise CheckpointError(f"{path}: {parent} is a file; expected a folder to write to")
