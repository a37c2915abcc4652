"""Features as tables for R: a row per sound, or per frame, with its parameters."""

import gzip
import pathlib
from collections.abc import Sequence

import numpy as np

from w2v_jax._src import files
from w2v_jax._src.tensor_file import open_file

from ..store import spreadsheet
from ..store.file_names import safe_name
from .folder import Folder, read

SUFFIX = ".features.csv.gz"


def write_all(folder: pathlib.Path, names: Sequence[str] = ()) -> list[pathlib.Path]:
    """Writes `SWEEP.ENCODER.features.csv.gz` next to each sweep of the encoders, and returns their paths."""
    return [write(path) for path in sweeps(read(folder, names))]


def sweeps(folder: Folder) -> list[pathlib.Path]:
    """The files with features of the chosen encoders, also under the names that an earlier version gave them."""
    endings = tuple(
        f"{name}.safetensors" for each in folder.encoders for name in (safe_name(f".{each.name}"), f".{each.name}")
    )
    return [
        path
        for part in folder.parts
        for path in folder.files(part.name, ".safetensors")
        if path.name.endswith(endings) and "features" in open_file(path).entries
    ]


def write(path: pathlib.Path) -> pathlib.Path:
    """Writes a sweep as a table: its parameters, of frames their number (from 0), then `c0`, `c1`, ..."""
    sweep = open_file(path)
    features = sweep.array("features")
    parameters = {name: sweep.array(name) for name in sweep.entries if name != "features"}
    parameters = {name: values for name, values in parameters.items() if values.shape == features.shape[:1]}
    by_frame = features.ndim == 3
    target = path.with_name(path.name.removesuffix(".safetensors") + SUFFIX)
    with (
        files.atomic_path(target) as temporary,
        gzip.open(temporary, "wt", 6, encoding="utf-8", newline="") as text,
    ):
        table = spreadsheet.Writer(text)
        channels = [f"c{index}" for index in range(features.shape[-1])]
        table.write([*parameters, *(["frame"] if by_frame else []), *channels])
        for row, frames in enumerate(features):
            values = [f"{np.float32(each[row]):.9g}" for each in parameters.values()]
            for frame, channel in enumerate(frames.reshape(-1, features.shape[-1])):
                start = [*values, frame] if by_frame else values
                table.write([*start, *(f"{each:.9g}" for each in channel)])
    return target
