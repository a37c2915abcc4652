"""The convolutional feature encoder of wav2vec-like models, up to and including its final LayerNorm.

The reference is the pair `feature_extractor` and `feature_projection.layer_norm` of the
`transformers` PyTorch models (paper section 3.1); for wav2vec 1.0, which has no final LayerNorm, the class
`ConvFeatureExtractionModel` of fairseq's models/wav2vec/wav2vec.py. Time comes before channels everywhere.
"""

import functools
import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import export

from w2v_jax._src.architecture import Activation, ConvNorm, EncoderConfig
from w2v_jax._src.conv_layer import ConvLayer, gelu
from w2v_jax._src.explicit_sharding import along_the_batch
from w2v_jax._src.long_waveforms import Pieces
from w2v_jax.convolution import Precision, check_precision
from w2v_jax.front_end import FRAMES, Frames, check_lengths
from w2v_jax.norm import Norm, Statistics, statistics_in_pieces

__all__ = ["CONV_NORM_EPS", "Activation", "ConvLayer", "ConvNorm", "EncoderConfig", "FeatureEncoder", "gelu"]

# A waveform of more than `_PIECES_AT_LEAST` pieces is cut: a piece has at least so many frames, and its largest
# activation about so many bytes. 64 MiB are ten seconds of sound in a wav2vec 2.0 encoder.
_PIECE_BYTES = 64 * 2**20
_LEAST_FRAMES = 64
_PIECES_AT_LEAST = 3

# Both reference implementations (transformers and fairseq) fix the epsilon of the norms inside the
# convolutional stack; only that of the final LayerNorm is a setting.
CONV_NORM_EPS = 1e-5


class FeatureEncoder(nnx.Module):
    """Raw waveform to normalised frames: a front end with layers (`w2v_jax.front_end`).

    The waveform is taken as it is, not normalised (paper section 3.1).

    Args:
        config: the architecture.
        precision: of the products in the convolutions; see `w2v_jax.convolution.convolve`. Norms and activation are
            computed in float32 in all of them, and features and activations come out in the parameters' dtype; between
            the layers `"float16"` and `"bfloat16"` keep values of their own type. Static, as in Flax's own layers:
            `encoder.set_attributes(precision="exact")` sets another.
        rngs: source of the random initial parameters (stream `params`).

    Raises:
        ValueError: an unknown precision.

    Examples:
        >>> encoder = FeatureEncoder(EncoderConfig(channels=(4,) * 7), rngs=nnx.Rngs(0))
        >>> jax.jit(encoder)(jnp.zeros((2, 16_000))).shape
        (2, 49, 4)
        >>> {name: frames.hop for name, frames in encoder.layers.items()}["conv 0"]
        5
    """

    def __init__(self, config: EncoderConfig, *, precision: Precision = "float32", rngs: nnx.Rngs):
        check_precision(precision)
        self.config = config
        self.precision = precision
        layers = []
        in_channels = 1
        for index, (channels, kernel_size, stride) in enumerate(
            zip(config.channels, config.kernel_sizes, config.strides, strict=True)
        ):
            norm = None
            if config.conv_norm == "layer":
                norm = Norm(channels, axis=-1, eps=CONV_NORM_EPS)
            elif config.conv_norm == "global":
                norm = Norm(channels, axis=(-2, -1), eps=CONV_NORM_EPS)
            elif index == 0:
                norm = Norm(channels, axis=-2, eps=CONV_NORM_EPS)
            layers.append(
                ConvLayer(
                    in_channels,
                    channels,
                    kernel_size=kernel_size,
                    stride=stride,
                    use_bias=config.conv_bias,
                    norm=norm,
                    activation=config.activation,
                    residual_scale=config.residual_scale
                    if config.skip_connections and channels == in_channels
                    else None,
                    precision=precision,
                    rngs=rngs,
                )
            )
            in_channels = channels
        self.conv_layers = nnx.List(layers)
        self.layer_norm = Norm(in_channels, axis=-1, eps=config.layer_norm_eps) if config.final_norm else None

    @property
    def frames(self) -> Frames:
        """How the features frame the waveform."""
        return self.config.frames

    @property
    def layers(self) -> dict[str, Frames]:
        """The layers by name: "conv 0", "conv 1", ... after norm and activation, and "frames", the features.

        Without a final norm and log compression the features are those of the last convolution, which has no other
        name then.
        """
        layers = {f"conv {index}": frames for index, frames in enumerate(self.config.layer_frames)}
        if not (self.config.final_norm or self.config.log_compression):
            layers.popitem()
        return {**layers, FRAMES: self.frames}

    @property
    def filters(self) -> jax.Array:
        """Impulse responses of the first convolution's filters, (channels, taps)."""
        return self.conv_layers[0].kernel[...][:, 0, :].T

    def __call__(self, waveform: jax.Array, *, lengths: jax.Array | np.ndarray | None = None) -> jax.Array:
        """Features of `waveform`, after the final LayerNorm if the encoder has one.

        A long waveform is encoded in overlapping pieces, so that memory stays flat; features are the same within
        rounding. Norms over time then take their statistics from the whole waveform first.

        Args:
            waveform: (..., samples), of the parameters' dtype (float32 unless cast), any leading shape.
            lengths: (...) int, of padded waveforms: how many samples each one has. Every waveform gets the features
                that it would have alone, and frames past its end are 0 (all of them, where it is shorter than the
                receptive field). What stands in the padding does not matter.

        Returns:
            (..., frames, channels), with `frames.num_frames(samples)` frames, of the parameters' dtype.

        Raises:
            TypeError: `waveform` is not an array, or not of the parameters' dtype; `lengths` are not integers.
            ValueError: it has no time axis or is shorter than the receptive field; `lengths` are not its own.

        Examples:
            >>> encoder = FeatureEncoder(EncoderConfig(channels=(4,) * 7), rngs=nnx.Rngs(0))
            >>> padded = jnp.zeros((2, 16_000))
            >>> features = encoder(padded, lengths=np.array([16_000, 8_000]))
            >>> [encoder.frames.num_frames(length) for length in (16_000, 8_000)]
            [49, 24]
        """
        self._check(waveform)
        return along_the_batch(FeatureEncoder._encoded, self, waveform, _checked(lengths, waveform))

    def activations(
        self, waveform: jax.Array, *, lengths: jax.Array | np.ndarray | None = None
    ) -> tuple[jax.Array, ...]:
        """Output of every convolutional layer, after its norm and activation (and skip connection).

        Args:
            waveform, lengths: as for calling the encoder. A long waveform is not cut here.

        Returns:
            One array (..., frames_i, channels_i) per layer i, of the parameters' dtype.
        """
        self._check(waveform)
        return along_the_batch(FeatureEncoder._activations, self, waveform, _checked(lengths, waveform))

    def outputs(self, waveform: jax.Array, *, lengths: jax.Array | np.ndarray | None = None) -> dict[str, jax.Array]:
        """The activations, and the features after them, by the names of `layers`.

        Args:
            waveform, lengths: as for calling the encoder. A long waveform is not cut here.

        Returns:
            One array (..., frames_i, channels_i) per layer.
        """
        self._check(waveform)
        return along_the_batch(FeatureEncoder._outputs, self, waveform, _checked(lengths, waveform))

    def _encoded(self, waveform: jax.Array, lengths: jax.Array | None) -> jax.Array:
        flat, flat_lengths = self._flat(waveform, lengths)
        frames_per_piece = self._frames_per_piece(*flat.shape)
        if frames_per_piece is None:
            features = self._features(self._hidden(flat, flat_lengths)[-1])
        else:
            features = self._features_in_pieces(flat, flat_lengths, frames_per_piece)
        return self._shaped(features, waveform, flat_lengths, self.frames)

    def _activations(self, waveform: jax.Array, lengths: jax.Array | None) -> tuple[jax.Array, ...]:
        flat, flat_lengths = self._flat(waveform, lengths)
        return tuple(
            self._shaped(each, waveform, flat_lengths, frames)
            for each, frames in zip(self._hidden(flat, flat_lengths), self.config.layer_frames, strict=True)
        )

    def _outputs(self, waveform: jax.Array, lengths: jax.Array | None) -> dict[str, jax.Array]:
        flat, flat_lengths = self._flat(waveform, lengths)
        hidden = self._hidden(flat, flat_lengths)
        outputs = {f"conv {index}": each for index, each in enumerate(hidden)} | {FRAMES: self._features(hidden[-1])}
        return {
            name: self._shaped(outputs[name], waveform, flat_lengths, frames) for name, frames in self.layers.items()
        }

    def _flat(self, waveform: jax.Array, lengths: jax.Array | None) -> tuple[jax.Array, jax.Array | None]:
        """(batch, samples), zero past each waveform's end, and the lengths (batch,)."""
        flat = jnp.reshape(waveform, (math.prod(waveform.shape[:-1]), waveform.shape[-1]))
        if lengths is None:
            return flat, None
        lengths = lengths.reshape(-1)
        return jnp.where(jnp.arange(flat.shape[-1], dtype=jnp.int32)[None] < lengths[:, None], flat, 0), lengths

    def _shaped(self, output: jax.Array, waveform: jax.Array, lengths: jax.Array | None, frames: Frames) -> jax.Array:
        """Frames of all waveforms, zero past each one's end, in the waveforms' shape and the parameters' dtype."""
        if lengths is not None:
            output = jnp.where(frames.valid(lengths, output.shape[-2])[..., None], output, 0)
        dtype = self.conv_layers[0].kernel[...].dtype
        return output.reshape(*waveform.shape[:-1], *output.shape[1:]).astype(dtype)

    def _hidden(self, waveform: jax.Array, lengths: jax.Array | None) -> list[jax.Array]:
        """Every layer's output, (batch, frames_i, channels_i), of (batch, samples)."""
        x = waveform[..., None]
        outputs = []
        for layer, frames, thinning in zip(
            self.conv_layers, self.config.layer_frames, self._thinnings(lengths), strict=True
        ):
            valid = None
            if lengths is not None and layer.norm is not None and layer.norm.is_over_time:
                # As `num_frames` has it, in the steps that a symbolic size takes through the layers.
                num_frames = (x.shape[-2] - len(layer.kernel[...])) // layer.stride + 1
                valid = frames.valid(lengths, num_frames)[..., None]
            x = layer(x, valid=valid, thinning=thinning)
            outputs.append(x)
        return outputs

    def _thinnings(self, lengths: jax.Array | None) -> list[jax.Array | None]:
        """For every layer, how its skip connection thins each waveform: by numbers of its own frames."""
        if lengths is None or not self.config.skip_connections:
            return [None] * len(self.conv_layers)
        counts = [lengths]
        for kernel_size, stride in zip(self.config.kernel_sizes, self.config.strides, strict=True):
            counts.append(jnp.maximum((counts[-1] - kernel_size) // stride + 1, 0))
        return [before // jnp.maximum(after, 1) for before, after in itertools.pairwise(counts)]

    def _features(self, x: jax.Array) -> jax.Array:
        """What comes after the last convolution's layer; same shape."""
        x = x.astype(self.conv_layers[0].kernel[...].dtype)
        if self.config.log_compression:
            x = jnp.log1p(jnp.abs(x))
        return x if self.layer_norm is None else self.layer_norm(x)

    def _frames_per_piece(self, batch: int, samples: int) -> int | None:
        """How many frames of each waveform to compute at once, if not all.

        Where `jax.export` leaves a size open, all.
        """
        if any(map(export.is_symbolic_dim, (batch, samples))):
            return None
        largest = max(
            channels * self.frames.hop // frames.hop
            for channels, frames in zip(self.config.channels, self.config.layer_frames, strict=True)
        )
        at_once = max(_LEAST_FRAMES, _PIECE_BYTES // (4 * largest))
        if self.frames.num_frames(samples) <= _PIECES_AT_LEAST * at_once:
            return None
        return max(_LEAST_FRAMES, at_once // max(1, batch))

    def _features_in_pieces(self, waveform: jax.Array, lengths: jax.Array | None, frames_per_piece: int) -> jax.Array:
        """`_features` of the last layer: first the statistics of each norm over time, then the frames."""
        batch, samples = waveform.shape
        # A waveform of so many frames has one in `stride`; frames of a shorter one all lie in the first piece.
        thinnings = [
            layer.stride if thinning is None else thinning
            for layer, thinning in zip(self.conv_layers, self._thinnings(lengths), strict=True)
        ]
        lengths = jnp.full(batch, samples, jnp.int32) if lengths is None else lengths
        known: list[Statistics | None] = []

        def until(depth: int, part: jax.Array) -> jax.Array:
            x = part[..., None]
            for index in range(depth):
                x = self.conv_layers[index](x, statistics=known[index], thinning=thinnings[index])
            return x

        for index, (layer, frames) in enumerate(zip(self.conv_layers, self.config.layer_frames, strict=True)):
            if layer.norm is None or not layer.norm.is_over_time:
                known.append(None)
                continue
            pieces = Pieces(waveform, frames, frames_per_piece * self.frames.hop // frames.hop)
            before = functools.partial(lambda index, part: self.conv_layers[index].convolved(until(index, part)), index)
            known.append(statistics_in_pieces(layer.norm, pieces, before, frames.counts(lengths)))
        return Pieces(waveform, self.frames, frames_per_piece).map(
            lambda part, _: self._features(until(len(self.conv_layers), part))
        )

    def _check(self, waveform: jax.Array) -> None:
        expected = self.conv_layers[0].kernel[...].dtype
        if not isinstance(waveform, jax.Array | np.ndarray):
            raise TypeError(f"waveform is a {type(waveform).__name__}; expected a {expected} array (..., samples)")
        if waveform.dtype != expected:
            raise TypeError(
                f"waveform is {waveform.dtype}; this encoder's parameters are {expected}: "
                f"pass waveform.astype('{expected}')"
                + ("" if jnp.issubdtype(waveform.dtype, jnp.floating) else ", scaled to the range -1 to 1")
            )
        if waveform.ndim == 0:
            raise ValueError("waveform is a scalar; expected an array (..., samples)")
        if waveform.shape[-1] < self.frames.receptive_field:
            raise ValueError(
                f"waveform has {waveform.shape[-1]} samples (shape {waveform.shape}); this encoder's receptive field "
                f"is {self.frames.receptive_field}: pass a longer waveform, time on the last axis"
            )


def _checked(lengths: jax.Array | np.ndarray | None, waveform: jax.Array) -> jax.Array | None:
    return None if lengths is None else check_lengths(lengths, waveform)
