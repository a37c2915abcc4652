"""A front end of your own, next to the encoder and the spectrogram that come with w2v_jax.

Run it as it stands:

    python examples/1_your_own_front_end.py

Then take it into a whole experiment, from this folder:

    w2v-jax f0 --quick --encoders=1_your_own_front_end:make,formant-base
"""

from collections.abc import Callable

import jax
import numpy as np

import w2v_jax
from w2v_jax import grids, scores, spectrograms, stimuli
from w2v_jax.front_end import Frames, FrontEnd


# 1. A front end says how it cuts a waveform into frames, and maps (n, samples) to (n, frames, channels). This one is a
# model of hearing older than any network: pitch as the lag at which a sound repeats itself (Licklider 1951).
class Autocorrelogram:
    """Autocorrelation in windows of 32 ms, for lags of up to 12.5 ms."""

    frames = Frames(sample_rate=8_000, receptive_field=256, hop=80)
    lags = 100

    def __call__(self, waveforms: np.ndarray) -> np.ndarray:
        windows = np.lib.stride_tricks.sliding_window_view(waveforms, self.frames.receptive_field, axis=-1)
        windows = windows[:, :: self.frames.hop] * np.hanning(self.frames.receptive_field)
        power = np.abs(np.fft.rfft(windows, 2 * self.frames.receptive_field)) ** 2
        return np.fft.irfft(power)[..., : self.lags].astype(np.float32)


def make() -> FrontEnd:
    """What `--encoders=1_your_own_front_end:make` calls."""
    return Autocorrelogram()


# 2. Sounds whose every parameter is known, made at the rate that the front end hears: the vowels of the paper, which
# are three sines, on a thin grid.
def vowels_at(sample_rate: int) -> Callable[..., jax.Array]:
    def vowel(f0: jax.Array, f1: jax.Array, f2: jax.Array) -> jax.Array:
        return stimuli.sine_mixture([f0, f1, f2], [0.5, 0.35, 0.15], duration=0.25, sample_rate=sample_rate)

    return vowel


def main() -> None:
    grid = grids.VOWEL_SPACE_BY_F0.thinned(f0=5, f1=5, f2=5)
    parameters = grid.points()
    front_ends: dict[str, FrontEnd] = {
        "autocorrelogram": make(),
        "formant-base": w2v_jax.load_encoder("formant-base"),
        "log-mel": spectrograms.LogMelSpectrogram(),
    }

    # 3. One number per front end and parameter, with its interval.
    print("Of any three vowels that differ in one parameter alone, are the outer two the farthest apart?")
    print(f"Share of such triples among {len(grid)} vowels (1 is best, 1/3 is chance), and its 95% interval:\n")
    print(" " * 16 + "".join(f"{parameter:20}" for parameter in parameters).rstrip())
    said = []
    for name, front_end in front_ends.items():
        # The sounds never leave the device; features come back averaged over time, (vowels, channels).
        features = w2v_jax.sweep(front_end, vowels_at(front_end.frames.sample_rate), parameters)
        in_order = [scores.monotonicity(features, parameters, axis) for axis in parameters]
        print(f"{name:16}" + "".join(f"{f'{score:.2f}':20}" for score in in_order).rstrip())
        kept = [parameter for parameter, score in zip(parameters, in_order, strict=True) if score.value >= 0.9]
        said.append(f"{name} keeps the order of {' and '.join(kept) or 'none of them'} (0.9 or more).")

    # An autocorrelation of 12.5 ms makes F1 of 235 and 389 Hz as different as F1 of 235 and 850 Hz.
    print("\n" + "\n".join(said))
    print("Below 1/3, the outer two are mostly nearer to each other than to the one between them: the front end tells")
    print("such vowels apart, but not by how much they differ.")

    print("\nThe whole experiment, from the folder of this file:")
    print("    w2v-jax f0 --quick --encoders=1_your_own_front_end:make,formant-base")


if __name__ == "__main__":
    main()
