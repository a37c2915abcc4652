"""A small session of recordings to try `w2v-jax recordings` with: vowels and their TextGrids.

    python examples/3_make_a_session.py my_session
    w2v-jax recordings --audio=my_session --textgrid_tier=vowels

Nothing is downloaded. Four voices, of men's and women's pitch and length of the vocal tract, say the paper's vowels, a
buzz through resonances each, with a glide of pitch and a breath of noise. Where espeak-ng is installed it says some
vowels, too.
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import wave

import jax
import jax.numpy as jnp
import numpy as np

from w2v_jax import grids, source_filter

SAMPLE_RATE = 16_000
SPOKEN, PAUSE = 0.25, 0.1  # seconds of a vowel, and between two
VOICES = {
    "anna": (215.0, 1.12),
    "bea": (185.0, 1.06),
    "carl": (125.0, 0.97),
    "dan": (100.0, 0.92),
}  # f0, factor of F1, F2
SYMBOLS = ["i", "e", "ɛ", "a", "ɑ", "ɔ", "o", "u", "y", "ø"]
ESPEAK = {"i": "i:", "e": "e:", "a": "a:", "o": "o:", "u": "u:"}  # its phonemes, of German


@jax.jit
def vowel(f0: jax.Array, f1: jax.Array, f2: jax.Array, key: jax.Array) -> jax.Array:
    """A vowel of `SPOKEN` seconds, whose f0 falls by a tenth and whose level rises and falls."""
    num_samples = round(SPOKEN * SAMPLE_RATE)
    time = jnp.linspace(0, 1, num_samples)
    # In recordings the glottis closes with a negative peak, mostly; an encoder may tell the two polarities apart.
    voice = -source_filter.harmonics(f0 * (1.05 - 0.1 * time))
    voice = voice + 0.5 * jax.random.normal(key, (num_samples,))
    formants = source_filter.with_higher_formants(f1, f2, count=7)
    tract = source_filter.resonances(formants, source_filter.formant_bandwidths(formants))
    tract = tract * source_filter.tilted(jnp.array(-10.0), corner=200.0, sample_rate=SAMPLE_RATE)
    frames = source_filter.num_filter_frames(num_samples, SAMPLE_RATE)
    sound = source_filter.filtered(voice, jnp.tile(tract, (frames, 1))) * jnp.sin(0.01 + 3.12 * time) ** 0.5
    return sound / jnp.max(jnp.abs(sound))


def spoken(
    f0: float, factor: float, symbols: list[str], seed: int
) -> tuple[np.ndarray, list[tuple[float, float, str]]]:
    """One recording: vowels with pauses between them, and the intervals of its tier (start, end, label)."""
    random = np.random.default_rng(seed)
    of_symbol = {each.symbol: each for each in grids.VOWELS}
    sound, intervals = [np.zeros(round(PAUSE * SAMPLE_RATE))], []
    for number, symbol in enumerate(symbols):
        # No vowel is said twice alike: f0 and formants differ by a few percent.
        around = np.array([f0, factor * of_symbol[symbol].f1, factor * of_symbol[symbol].f2]) * random.normal(
            1, 0.03, 3
        )
        said = np.asarray(vowel(*around.astype(np.float32), jax.random.key(1000 * seed + number)))
        start = sum(map(len, sound)) / SAMPLE_RATE
        intervals.append((start, start + SPOKEN, symbol))
        sound += [random.uniform(0.2, 0.6) * said, np.zeros(round(PAUSE * SAMPLE_RATE))]
    together = np.concatenate(sound)
    return together + 1e-4 * random.standard_normal(len(together)), intervals


def write_wav(path: pathlib.Path, sound: np.ndarray) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        file.writeframes(np.round(32_767 * sound).astype("<i2").tobytes())


def write_textgrid(path: pathlib.Path, intervals: list[tuple[float, float, str]], end: float) -> None:
    """A tier "vowels" in Praat's short text format: all time lies in intervals, that of pauses without a label."""
    filled, last = [], 0.0
    for start, stop, label in intervals:
        filled += [(last, start, "")] if start > last else []
        filled.append((start, stop, label))
        last = stop
    filled += [(last, end, "")] if end > last else []
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", 0, end, "<exists>", 1]
    lines += ['"IntervalTier"', '"vowels"', 0, end, len(filled)]
    for start, stop, label in filled:
        lines += [start, stop, f'"{label}"']
    path.write_text("\n".join(map(str, lines)) + "\n", encoding="utf-8")


def say_with_espeak(folder: pathlib.Path) -> int:
    """A recording for each vowel of espeak-ng's German voice, if it is installed; returns how many."""
    program = shutil.which("espeak-ng")
    for symbol, phoneme in ESPEAK.items() if program else ():
        path = folder / f"espeak_{symbol}.wav"
        subprocess.run([program, "-v", "de", "-w", str(path), f"[[{phoneme}{phoneme}]]"], check=True)
        with wave.open(str(path), "rb") as file:
            rate = file.getframerate()
            sound = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)
        loud = np.flatnonzero(np.abs(sound) > 0.1 * np.abs(sound).max())
        start, stop, end = (float(each) / rate for each in (loud[0], loud[-1], len(sound)))
        write_textgrid(path.with_suffix(".TextGrid"), [(start, stop, symbol)], end)
    return len(ESPEAK) if program else 0


def main() -> None:
    parser = argparse.ArgumentParser(description=re.sub(r"\n\n.*", "", __doc__, flags=re.DOTALL))
    parser.add_argument("folder", nargs="?", type=pathlib.Path, default=pathlib.Path("session"))
    parser.add_argument("--takes", type=int, default=2, help="recordings of each voice")
    parser.add_argument("--vowels", default=" ".join(SYMBOLS), help="symbols of the paper's vowels")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for number, (name, (f0, factor)) in enumerate(VOICES.items()):
        for take in range(1, options.takes + 1):
            sound, intervals = spoken(f0, factor, options.vowels.split(), seed=10 * number + take)
            path = options.folder / f"{name}_{take}.wav"
            write_wav(path, sound)
            write_textgrid(path.with_suffix(".TextGrid"), intervals, len(sound) / SAMPLE_RATE)
    further = say_with_espeak(options.folder)
    print(f"{options.folder}: {options.takes * len(VOICES) + further} recordings with TextGrids.")


if __name__ == "__main__":
    main()
