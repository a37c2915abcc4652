"""What an encoder makes of voices upside down (every sample times -1): `python -m benchmarks.polarity`.

Prints, of the 507 vowels of `claims` as voices in both polarities, how far off f0, F1 and F2 are read in contexts that
were not heard, and how well distances follow the parameters. Takes a minute for each encoder.
"""

import argparse
import functools

import jax
import numpy as np

import w2v_jax
from experiments.claims.layers import MOST_COMPARED, NOISE
from experiments.claims.sounds import grids_of, voice
from experiments.front_ends import resolving
from w2v_jax import scores
from w2v_jax._src.arguments import Scalar
from w2v_jax.scores import Bootstrap

ENCODERS = "formant-base,formant-base-1,formant-base-2,random-1,random-2,random-3,log-mel"
FEW = Bootstrap(resamples=20)  # values are asked for, not intervals


def voice_times(sign: float, f0: Scalar, f1: Scalar, f2: Scalar, *, sample_rate: int) -> jax.Array:
    """A voice of either polarity."""
    return sign * voice(f0, f1, f2, sample_rate=sample_rate)


def measured(features: np.ndarray, points: dict[str, np.ndarray]) -> dict[str, float]:
    """Errors in cents, and RSA by span: of all parameters, of f0 alone, and of F1 and F2 among vowels of one f0."""
    by_name = {}
    for name in points:
        contexts = {other: values for other, values in points.items() if other != name}
        read = scores.read_off(features, {name: points[name]}, contexts, noise=NOISE, bootstrap=FEW)
        by_name[f"{name} read off, cents"] = read[name].value
    rsa = functools.partial(scores.rsa, features, max_points=MOST_COMPARED, bootstrap=FEW)
    by_name["RSA with f0, F1, F2"] = rsa(points).value
    by_name["RSA with f0 alone"] = rsa({"f0": points["f0"]}).value
    by_name["RSA with F1, F2 at one f0"] = rsa({"f1": points["f1"], "f2": points["f2"]}, within=points["f0"]).value
    return by_name


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--encoders", default=ENCODERS, help="names, separated by commas")
    for each in resolving.resolve(parser.parse_args().encoders.split(",")):
        points = grids_of(each.frames).vowels.points()
        for sign, said in ((1.0, "as recordings have it"), (-1.0, "upside down")):
            sound = functools.partial(voice_times, sign, sample_rate=each.frames.sample_rate)
            features = np.asarray(w2v_jax.sweep(each.front_end, sound, points), np.float64)
            numbers = "; ".join(f"{name} {value:.3g}" for name, value in measured(features, dict(points)).items())
            print(f"{each.name}, {said}: {numbers}", flush=True)


if __name__ == "__main__":
    main()
