"""One's own recordings, next to synthesised vowels: `w2v-jax recordings --audio='session/*.wav'`."""

from ..launch import flags
from .experiment import EXPERIMENT

if __name__ == "__main__":
    flags.launch(EXPERIMENT)
