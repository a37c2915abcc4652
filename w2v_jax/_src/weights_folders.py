"""Where weight files lie, and what their names are there."""

import difflib
import os
import pathlib
import re

from w2v_jax._src.quoting import listing

SUFFIX = ".safetensors"


def weights_folders() -> list[pathlib.Path]:
    """Where bare names are looked for: `weights/` of the current folder, of the package, and of the repository."""
    package = pathlib.Path(__file__).resolve().parent.parent
    folders = [pathlib.Path("weights"), package / "weights"]
    if (package.parent / "pyproject.toml").is_file():
        folders.append(package.parent / "weights")
    return list(dict.fromkeys(folders))


def weight_names() -> list[str]:
    """The bare names that `find_weights` knows, in alphabetical order."""
    paths = (path for folder in weights_folders() for path in folder.glob(f"*{SUFFIX}"))
    return sorted({path.stem for path in paths if not path.name.startswith(".")})  # those are other programs'


def find_weights(name_or_path: str | os.PathLike[str]) -> pathlib.Path:
    """The file that a name or path stands for; see `load_encoder`. Raises `FileNotFoundError`."""
    path = pathlib.Path(name_or_path)
    if path.is_file():
        return path
    if len(path.parts) == 1 and path.name:
        file_name = path.name if path.suffix == SUFFIX else path.name + SUFFIX
        for folder in weights_folders():
            if (folder / file_name).is_file():
                return folder / file_name
    raise FileNotFoundError(_no_weights(os.fspath(name_or_path), path))


# Controls that experiments know by name, and what they are in Python.
_NOT_FILES = {
    "untrained": "FeatureEncoder(EncoderConfig(), rngs=nnx.Rngs(0))",
    "log-mel": "w2v_jax.spectrograms.LogMelSpectrogram()",
    "stft": "w2v_jax.spectrograms.LogMagnitudeSpectrogram()",
}
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")


def _no_weights(name: str, path: pathlib.Path) -> str:
    """Why there are none, and what to do: one line."""
    convert = f"python -m w2v_jax.convert --source={name or 'SOURCE'} --output=weights/{path.name or 'NAME'}{SUFFIX}"
    if name in _NOT_FILES:
        return f"{name!r} is a control, which has no weight file; in Python it is {_NOT_FILES[name]}"
    if path.is_dir():
        inside = sorted(each.name for each in path.glob(f"*{SUFFIX}"))
        return (
            f"{name!r} is a folder; expected one weight file"
            + (f": it has {listing(inside)}" if inside else "")
            + f". If it is a checkpoint of another tool, convert it: {convert}"
        )
    known = weight_names()
    listed = f"weights here: {listing(known, 8)}" if known else "there are no weights here"
    if _HUB_ID.fullmatch(name) and path.suffix != SUFFIX:
        return f"no weights {name!r}; it looks like the id of a model on the Hugging Face hub: convert it: {convert}"
    if len(path.parts) > 1:
        return f"no weights {name!r}: there is no such file ({listed})"
    stem = path.name.removesuffix(SUFFIX)
    if close := difflib.get_close_matches(stem, [*known, *_NOT_FILES], n=1):
        return f"no weights {name!r}; did you mean {close[0]!r}? ({listed})"
    return (
        f"no weights {name!r} ({listed}); to make some: "
        f"python -m w2v_jax.convert --source=SOURCE --output=weights/{stem or 'NAME'}{SUFFIX}"
    )
