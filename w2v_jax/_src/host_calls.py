"""What a front end on the host returns, held to what it promised."""

import dataclasses
import warnings
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from w2v_jax.front_end import FRAMES, Complete, Frames, FrontEnd, FrontEndError, FrontEndWarning


@dataclasses.dataclass
class KeptPrecision:
    """Tells once that a front end's frames have digits that a sweep does not keep."""

    name: str
    is_told: bool = False

    def tell(self, dtype: np.dtype) -> None:
        """A warning where `dtype` is wider than float32, the first time."""
        if dtype.itemsize <= 4 or self.is_told:
            return
        self.is_told = True
        message = f"{self.name} returns {dtype} frames; a sweep keeps float32: their further digits are lost"
        warnings.warn(message, FrontEndWarning, stacklevel=2)


@dataclasses.dataclass
class HostCalls:
    """What a front end on the host has returned so far: the channels of every layer stay what they were at first.

    `layers` is how each frames a waveform, where the front end says so.
    """

    name: str
    layers: Mapping[str, Frames]
    precision: KeptPrecision
    channels: dict[str, int] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, front_end: FrontEnd) -> "HostCalls":
        """The front end, before its first call."""
        complete = Complete(front_end)
        return cls(complete.name, complete.layers if complete.frames else {}, KeptPrecision(complete.name))

    def checked(self, layer: str, frames: object, waveforms: np.ndarray) -> np.ndarray:
        """What the front end returned, if it is frames of the waveforms, as many as it promised."""
        name = self.name if layer == FRAMES else f"{self.name}, layer {layer!r},"
        if not isinstance(frames, np.ndarray | jax.Array):
            raise FrontEndError(
                f"{name} returned a {type(frames).__name__}; expected a NumPy array (n, frames, channels)"
            )
        if frames.ndim != waveforms.ndim + 1 or frames.shape[:-2] != waveforms.shape[:-1]:
            raise FrontEndError(
                f"{name} returned shape {frames.shape} for {waveforms.shape}; expected "
                f"({', '.join(map(str, waveforms.shape[:-1]))}, frames, channels)"
            )
        if not frames.shape[-1]:
            raise FrontEndError(f"{name} returned frames without channels, shape {frames.shape}; expected at least one")
        if not jnp.issubdtype(frames.dtype, np.floating):
            raise FrontEndError(f"{name} returned {frames.dtype}; expected floating-point frames")
        framed, samples = self.layers.get(layer), waveforms.shape[-1]
        if framed is not None and frames.shape[-2] != framed.num_frames(samples):
            raise FrontEndError(
                f"{name} returned {frames.shape[-2]} frames for {samples} samples; expected "
                f"{framed.num_frames(samples)}, by {framed}"
            )
        channels = self.channels.setdefault(layer, frames.shape[-1])
        if frames.shape[-1] != channels:
            raise FrontEndError(f"{name} returned {frames.shape[-1]} channels; expected {channels}, as at first")
        self.precision.tell(frames.dtype)
        return np.asarray(frames, np.float32)
