"""What `fuzz.py` damages of recordings: sounds in several containers, and TextGrids as text and as binary."""

import pathlib
import struct
from collections.abc import Callable

import numpy as np
import soundfile
from w2v_jax.experiments.recordings import session

from w2v_jax import recordings, textgrids
from w2v_jax._src.opened_sound import RecordingError
from w2v_jax.front_end import Frames
from w2v_jax.textgrids import TextGridError

ERRORS = (RecordingError, TextGridError)
RATE = 16_000
SOUNDS = {
    "wav": dict(format="WAV", subtype="PCM_16"),
    "float": dict(format="WAV", subtype="FLOAT"),
    "adpcm": dict(format="WAV", subtype="IMA_ADPCM"),
    "rf64": dict(format="RF64", subtype="PCM_24"),
    "aiff": dict(format="AIFF", subtype="PCM_16"),
    "flac": dict(format="FLAC", subtype="PCM_16"),
    "vorbis": dict(format="OGG", subtype="VORBIS"),
    "mp3": dict(format="MP3", subtype="MPEG_LAYER_III"),
}
TEXTGRIDS = ("textgrid", "textgrid-short", "textgrid-utf16", "textgrid-chronological", "textgrid-binary")
FORMATS = (*SOUNDS, *TEXTGRIDS)
_FRAMES = [Frames(RATE, 400, 320)]
_MOST = 1_000_000  # samples that are read at once


def write(folder: pathlib.Path) -> dict[str, tuple[str, Callable[[pathlib.Path, pathlib.Path], object]]]:
    """A good file of each format, in a folder of its name: the file's name, and what reads it."""
    time = np.arange(RATE // 2) / RATE
    sound = np.stack([0.4 * np.sin(800 * time), 0.3 * np.sin(900 * time)], axis=1)
    for name, how in SOUNDS.items():
        (folder / name).mkdir()
        soundfile.write(folder / name / "a", sound, RATE, **how)
    for name in TEXTGRIDS:
        (folder / name).mkdir()
        (folder / name / "a").write_bytes(_textgrid(name))
    return {name: ("a", _hear if name in SOUNDS else _read) for name in FORMATS}


def _textgrid(name: str) -> bytes:
    intervals = [(0.0, 0.1, ""), (0.1, 0.25, "ɪ"), (0.25, 0.3, 'a""b'), (0.3, 0.5, "ã")]
    if name == "textgrid-binary":
        number = struct.Struct(">d").pack
        tier = b"\x0cIntervalTier\0\6vowels" + number(0) + number(0.5) + struct.pack(">i", len(intervals))
        for start, end, label in intervals:
            text = b"\xff\xff" + struct.pack(">H", len(label)) + label.encode("utf-16-be")
            tier += number(start) + number(end) + text
        points = b"\x08TextTier\0\1p" + number(0) + number(0.5) + struct.pack(">i", 1) + number(0.2) + b"\0\1x"
        return b"ooBinaryFile\x08TextGrid" + number(0) + number(0.5) + b"\1" + struct.pack(">i", 2) + tier + points
    if name == "textgrid-chronological":
        lines = ['"Praat chronological TextGrid text file"', "0 0.5   ! Time domain.", "1   ! Number of tiers."]
        lines += ['"IntervalTier" "vowels" 0 0.5', *(f'1 {start} {end}\n"{label}"' for start, end, label in intervals)]
        return "\n".join(lines).encode()
    head = ['File type = "ooTextFile"', 'Object class = "TextGrid"', ""]
    if name == "textgrid-short":
        lines = ["0", "0.5", "<exists>", "1", '"IntervalTier"', '"vowels"', "0", "0.5", str(len(intervals))]
        lines += [str(part) for start, end, label in intervals for part in (start, end, f'"{label}"')]
        return "\n".join(head + lines).encode()
    lines = ["xmin = 0", "xmax = 0.5", "tiers? <exists>", "size = 1", "item []:", "    item [1]:"]
    lines += ['class = "IntervalTier"', 'name = "vowels"', "xmin = 0", "xmax = 0.5", "intervals: size = 4"]
    for index, (start, end, label) in enumerate(intervals, 1):
        lines += [f"intervals [{index}]:", f"xmin = {start}", f"xmax = {end}", f'text = "{label}"']
    return "\n".join(head + lines).encode("utf-16" if name == "textgrid-utf16" else "utf-8")


def _hear(path: pathlib.Path, output: pathlib.Path) -> None:
    recording = session.usable(recordings.inspect(path), _FRAMES)
    total = recording.num_samples_at(RATE)
    for start in (0, max(0, total - _MOST // 2)):
        stop = min(total, start + _MOST // 2)
        samples = recordings.read(recording, sample_rate=RATE, start=start, stop=stop)
        assert samples.shape == (stop - start,)
        assert np.isfinite(samples).all()
    assert all(line.isprintable() for line in session.remarks_on(recording, 5_500))


def _read(path: pathlib.Path, output: pathlib.Path) -> None:
    grid = textgrids.read_textgrid(path)
    assert all(line.isprintable() for line in grid.assumed)
    for tier in grid.tiers:
        assert all(np.isfinite([each.start, each.end]).all() and each.start <= each.end for each in tier.intervals)
