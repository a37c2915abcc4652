"""Architectures of published families, as fields of `EncoderConfig`: data alone, which imports nothing."""

from typing import Any

# Facts of the projects' own settings: transformers' configuration_*.py; of wav2vec 1.0 and vq-wav2vec, the training
# commands in fairseq's examples/wav2vec/README.md, which ask for skip connections in the aggregator alone. That of
# vq-wav2vec does not speak of log compression: it is the default of today's Wav2VecConfig, and was none in 2020.
_WAV2VEC: dict[str, Any] = dict(conv_norm="global", final_norm=False, log_compression=True)
PRESETS: dict[str, dict[str, Any]] = {
    "wav2vec2": {},
    "xls-r": dict(conv_norm="layer", conv_bias=True),
    "wavlm-large": dict(conv_norm="layer"),
    "data2vec-audio": dict(conv_norm="layer"),
    "mert": dict(sample_rate=24_000),
    "sew": dict(
        channels=(64, *(128,) * 4, *(256,) * 4, *(512,) * 4),
        kernel_sizes=(10, 3, 1, 3, 1, 3, 1, 3, 1, 2, 1, 2, 1),
        strides=(5, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1),
    ),
    "wav2vec": dict(
        channels=(512,) * 7,
        kernel_sizes=(10, 8, 4, 4, 4, 1, 1),
        strides=(5, 4, 2, 2, 2, 1, 1),
        activation="relu",
        **_WAV2VEC,
    ),
    "vq-wav2vec": dict(
        channels=(512,) * 8,
        kernel_sizes=(10, 8, 4, 4, 4, 1, 1, 1),
        strides=(5, 4, 2, 2, 2, 1, 1, 1),
        **_WAV2VEC,
    ),
}
