"""Where a sound of your own lies among vowels, to the ears of a front end.

    python examples/2_your_own_sound_on_the_vowel_map.py my_vowel.wav

Without a file, it makes a vowel first, writes it as made_vowel.wav and takes that. The sound should be one steady
vowel. The map is made of synthesised vowels of the same fundamental frequency: a buzz through four resonances.
"""

import argparse
import math
import pathlib
import wave

import jax
import jax.numpy as jnp
import matplotlib
import numpy as np
from matplotlib import pyplot
from scipy import signal

import w2v_jax
from w2v_jax import grids, similarity, source_filter

matplotlib.use("Agg")  # draws into files, without a screen

DURATION = 0.5  # seconds of the sound that are looked at, and of each vowel of the map
MADE = (120.0, 600.0, 1170.0)  # f0, F1 and F2 of the vowel that is made where no file is given: the paper's [ʌ]

PAPER = {"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.7}  # under a symbol


def synthesised(f0: jax.Array, f1: jax.Array, f2: jax.Array, *, sample_rate: int) -> jax.Array:
    """A vowel: harmonics that fall by 12 dB an octave, through resonances at F1, F2 and two more above them."""
    num_samples = int(DURATION * sample_rate)
    voice = source_filter.harmonics(jnp.full(num_samples, f0), sample_rate=sample_rate)
    formants = jnp.stack([f1, f2, jnp.maximum(2700.0, f2 + 400.0), jnp.maximum(3500.0, f2 + 1000.0)])
    bandwidths = jnp.array([60.0, 90.0, 150.0, 200.0])
    tract = source_filter.resonances(formants, bandwidths, sample_rate=sample_rate)
    tract = tract * source_filter.tilted(jnp.array(-12.0), corner=200.0, sample_rate=sample_rate)
    num_frames = source_filter.num_filter_frames(num_samples, sample_rate)
    sound = source_filter.filtered(voice, jnp.tile(tract, (num_frames, 1)), sample_rate=sample_rate)
    return 0.5 * sound / jnp.max(jnp.abs(sound))


def write_wav(path: pathlib.Path, sound: np.ndarray, sample_rate: int) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(np.round(sound * 32767).astype("<i2").tobytes())


def read_wav(path: pathlib.Path) -> tuple[np.ndarray, int]:
    """Samples between -1 and 1, the mean of all channels, and the sample rate."""
    with wave.open(str(path), "rb") as file:
        if file.getsampwidth() != 2:
            raise SystemExit(f"error: {path} has {8 * file.getsampwidth()} bits a sample; expected 16")
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())
        return samples.mean(axis=1) / 32768, file.getframerate()


def middle_of(path: pathlib.Path, sample_rate: int) -> np.ndarray:
    """The middle of a recording, `DURATION` long, at the rate that the encoder hears."""
    sound, rate = read_wav(path)
    if rate != sample_rate:
        print(f"{path} has {rate:,} samples a second: resampled to {sample_rate:,}, which the encoder hears.")
        shared = math.gcd(rate, sample_rate)
        sound = signal.resample_poly(sound, sample_rate // shared, rate // shared)
    num_samples = int(DURATION * sample_rate)
    if len(sound) < num_samples:
        raise SystemExit(f"error: {path} lasts {len(sound) / sample_rate:.2f} s; expected at least {DURATION} s")
    start = (len(sound) - num_samples) // 2
    return sound[start : start + num_samples]


def fundamental_frequency(sound: np.ndarray, sample_rate: int) -> float:
    """f0 in Hz, 60 to 400: the lag at which the sound is most like itself."""
    power = np.abs(np.fft.rfft(sound - sound.mean(), 2 * len(sound))) ** 2
    likeness = np.fft.irfft(power)[: len(sound)] / np.arange(len(sound), 0, -1)
    lags = np.arange(sample_rate // 400, sample_rate // 60 + 1)
    peaks = lags[likeness[lags] > 0.9 * likeness[lags].max()]  # twice the period is a peak as high: take the first
    first = peaks[: np.append(np.flatnonzero(np.diff(peaks) > 1), len(peaks) - 1)[0] + 1]
    lag = first[np.argmax(likeness[first])]
    below, here, above = likeness[lag - 1 : lag + 2]
    return sample_rate / (lag + 0.5 * (below - above) / (below - 2 * here + above))  # the parabola's top


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wav", nargs="?", type=pathlib.Path, help="a steady vowel, 16 bits a sample")
    parser.add_argument("--encoder", default="formant-base", help="a name in weights/, or a path")
    parser.add_argument("--output_dir", type=pathlib.Path, default=pathlib.Path("results/your_own_sound"))
    options = parser.parse_args()
    options.output_dir.mkdir(parents=True, exist_ok=True)
    encoder = w2v_jax.load_encoder(options.encoder)
    sample_rate = encoder.frames.sample_rate

    # 1. The sound, at the rate that the encoder hears.
    if options.wav is None:
        options.wav = options.output_dir / "made_vowel.wav"
        made = jax.jit(synthesised, static_argnames="sample_rate")(*MADE, sample_rate=sample_rate)
        write_wav(options.wav, np.asarray(made), sample_rate)
        print("No file was given: made a vowel with f0, F1 and F2 of {:g}, {:g} and {:g} Hz.".format(*MADE))
    sound = middle_of(options.wav, sample_rate)
    f0 = fundamental_frequency(sound, sample_rate)
    print(f"{options.wav}: f0 is {f0:.1f} Hz.")

    # 2. The map: every second F1 and F2 of the paper's grid, as far as F2 is well above F1, with the f0 of the sound.
    axes = (grids.VOWEL_SPACE.axis(name)[::2] for name in ("f1", "f2"))
    f1, f2 = (axis.ravel() for axis in np.meshgrid(*axes))
    apart = f2 - f1 > 200
    points = {"f0": np.full(apart.sum(), f0), "f1": f1[apart], "f2": f2[apart]}

    def vowel(f0: jax.Array, f1: jax.Array, f2: jax.Array) -> jax.Array:
        return synthesised(f0, f1, f2, sample_rate=sample_rate)

    vowels = w2v_jax.sweep(encoder, vowel, points)  # (vowels, channels), averaged over time
    (own,) = w2v_jax.sweep(encoder, lambda sound: sound, {"sound": sound[None]})  # a sweep over one recording

    # 3. Which vowels are the nearest?
    nearness = np.asarray(similarity.cosine_similarity(own[None], vowels))[0]
    print(f"The nearest of the {len(vowels)} vowels of the map:")
    nearest = np.argsort(-nearness)[:10]
    for index in nearest[:3]:
        f1, f2, cosine = points["f1"][index], points["f2"][index], nearness[index]
        print(f"    F1 {f1:4.0f} Hz, F2 {f2:4.0f} Hz, f0 {f0:.0f} Hz (cosine {cosine:.4f})")

    # One nearest vowel says little where many are almost as near.
    for name in ("f1", "f2"):
        values = points[name][nearest]
        print(f"{name.upper()} of the ten nearest is {values.min():.0f} to {values.max():.0f} Hz.")

    figure = draw(points, vowels, own, nearness)
    path = options.output_dir / "vowel_map.png"
    figure.savefig(path, dpi=150)
    print(f"Figure: {path}")


def draw(points: dict[str, np.ndarray], vowels: np.ndarray, own: np.ndarray, nearness: np.ndarray) -> pyplot.Figure:
    """Left, the vowel chart and how near each vowel is; right, what the encoder makes of it, in two dimensions."""
    figure, (chart, plane) = pyplot.subplots(1, 2, figsize=(11, 4.8), layout="constrained")
    nearest = np.argmax(nearness)

    dots = chart.scatter(points["f2"], points["f1"], c=1 - nearness, norm="log", cmap="viridis_r", s=150, marker="s")
    figure.colorbar(dots, ax=chart, label="cosine distance from your sound")
    for each in grids.VOWELS:
        chart.annotate(each.symbol, (each.f2, each.f1), ha="center", va="center", size=14, bbox=PAPER)
    around = {"marker": "s", "s": 260, "facecolor": "none", "edgecolor": "red", "linewidth": 2.5}
    chart.scatter(points["f2"][nearest], points["f1"][nearest], **around, label="nearest vowel")
    chart.set(xlabel="F2 (Hz)", ylabel="F1 (Hz)", title="The vowel chart")
    chart.margins(0.08)  # room for the symbols
    chart.invert_xaxis()  # as phoneticians draw it
    chart.invert_yaxis()
    chart.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), frameon=False)

    # The plane in which the vowels differ most (principal components of directions: loudness does not count); your
    # sound is laid onto it.
    centre = unit(vowels).mean(axis=0)
    _, _, axes = np.linalg.svd(unit(vowels) - centre, full_matrices=False)
    positions = (unit(vowels) - centre) @ axes[:2].T
    dots = plane.scatter(*positions.T, c=points["f1"], s=5 + 70 * (points["f2"] / points["f2"].max()) ** 2)
    figure.colorbar(dots, ax=plane, label="F1 (Hz)")
    plane.plot(*((unit(own) - centre) @ axes[:2].T), "r*", markersize=18, label="your sound")
    plane.set(xlabel="1st principal component", ylabel="2nd principal component", title="What the encoder makes of it")
    plane.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), frameon=False, title="larger dots: higher F2")
    return figure


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


if __name__ == "__main__":
    main()
