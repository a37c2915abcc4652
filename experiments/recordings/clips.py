"""Short clips of the recorded tokens, which the page of results plays."""

import hashlib
from collections.abc import Iterable, Mapping

import numpy as np

from w2v_jax import recordings

from ..store.results import Results, Tensors
from .tokens import Tokens

SAMPLE_RATE = 16_000  # Hz
MOST = 200
MARGIN = 0.05  # seconds, on either side of a token
LONGEST = 0.6  # seconds, about a token's middle

FILE = "clips.safetensors"

Key = tuple[str, float, float]  # of a token: its file, and its start and end in seconds


def cut(results: Results, experiment: str, several: Iterable[Tokens]) -> Mapping[Key, int]:
    """Keeps clips of the tokens in `EXPERIMENT/clips.safetensors`; returns which of them is whose, by key.

    `samples` are all clips one after the other, int16; clip i begins at `first[i]` and ends before `first[i + 1]`. Of
    more than `MOST` tokens so many are chosen, evenly over all.
    """
    stretches: dict[Key, tuple[recordings.Recording, float, float]] = {}
    for tokens in several:
        for row, key in enumerate(keys_of(tokens)):
            stretches[key] = (tokens.layout.session.files[tokens.file[row]].recording, *key[1:])
    keys = list(stretches)
    if len(keys) > MOST:
        keys = [keys[index] for index in np.linspace(0, len(keys) - 1, MOST).round().astype(int)]

    def compute() -> Tensors:
        clips = [_clip(*stretches[key]) for key in keys]
        ends = np.cumsum([0, *(len(clip) for clip in clips)], dtype=np.int64)
        return {"samples": np.concatenate([np.zeros(0, np.int16), *clips]), "first": ends}

    digest = hashlib.sha256()
    for key in keys:
        digest.update(f"{key} {stretches[key][0].identity}\n".encode())
    results.kept(experiment, FILE, {"clips": digest.hexdigest(), "rate": str(SAMPLE_RATE)}, compute)
    return {key: index for index, key in enumerate(keys)}


def keys_of(tokens: Tokens) -> list[Key]:
    """A key for each token, in order."""
    names = [tokens.layout.session.files[index].name for index in tokens.file]
    return list(zip(names, tokens.start.tolist(), tokens.end.tolist(), strict=True))


def _clip(recording: recordings.Recording, start: float, end: float) -> np.ndarray:
    middle, half = (start + end) / 2, min((end - start) / 2 + MARGIN, LONGEST / 2)
    total = recording.num_samples_at(SAMPLE_RATE)
    first, stop = (int(np.clip(round(at * SAMPLE_RATE), 0, total)) for at in (middle - half, middle + half))
    samples = recordings.read(recording, sample_rate=SAMPLE_RATE, start=first, stop=stop)
    return np.round(np.clip(samples, -1, 1) * 32767).astype(np.int16)
