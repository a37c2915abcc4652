"""The encoder against the `transformers` PyTorch model, live (`make parity`)."""

import dataclasses

import jax
import numpy as np
import pytest
import reference

torch_reference = pytest.importorskip("torch_reference", reason="needs PyTorch and transformers")
pytestmark = pytest.mark.parity

SMALL = dict(channels=(24, 40, 100), kernel_sizes=(7, 4, 2), strides=(3, 2, 2))


@pytest.mark.parametrize("variant", reference.CONFIGS)
@pytest.mark.parametrize("precision", reference.MOST_TIMES_PYTORCH)
def test_error_is_within_its_bound_of_pytorchs(variant, precision):
    config = reference.CONFIGS[variant]
    torch_encoder = torch_reference.TorchEncoder(config, reference.weights(config, seed=1))
    names, waveforms = zip(*reference.waveforms().items(), strict=True)
    waveforms = np.stack(waveforms)
    exact = torch_encoder(waveforms.astype(np.float64))
    theirs = torch_encoder(waveforms)
    ours = jax.jit(lambda encoder, x: encoder(x))(reference.encoder(variant, precision), waveforms)
    print(f"\n{variant + ' norm, ' + precision:20s}     PyTorch        ours   ratio   (relative error against float64)")
    worst = 0.0
    for i, name in enumerate(names):
        error_theirs = reference.relative_error(theirs[i], exact[i])
        error_ours = reference.relative_error(ours[i], exact[i])
        print(f"  {name:18s} {error_theirs:11.2e} {error_ours:11.2e} {error_ours / error_theirs:7.2f}")
        worst = max(worst, error_ours / error_theirs)
    assert worst <= reference.MOST_TIMES_PYTORCH[precision]


@pytest.mark.parametrize("variant", reference.CONFIGS)
def test_activations_of_every_layer_match(variant):
    config = reference.CONFIGS[variant]
    torch_encoder = torch_reference.TorchEncoder(config, reference.weights(config, seed=1))
    waveform = reference.waveforms()["vowel"][None]
    exact = torch_encoder.activations(waveform.astype(np.float64))
    for ours, theirs in zip(reference.encoder(variant, "exact").activations(waveform), exact, strict=True):
        assert reference.relative_error(ours, theirs) < 1e-6


@pytest.mark.parametrize("variant", ["group", "layer"])
@pytest.mark.parametrize("conv_bias", [False, True])
def test_other_architectures_match(variant, conv_bias):
    config = reference.EncoderConfig(**SMALL, conv_norm=variant, conv_bias=conv_bias, layer_norm_eps=1e-3)
    tensors = reference.weights(config, seed=3)
    torch_encoder = torch_reference.TorchEncoder(config, tensors)
    waveforms = np.stack(list(reference.waveforms().values()))[:, :3_001]
    ours = reference.encoder_from_tensors(config, tensors, precision="exact")(waveforms)
    assert reference.relative_error(ours, torch_encoder(waveforms.astype(np.float64))) < 1e-6


@pytest.mark.parametrize(
    ("preset", "changes"),
    [
        ("wav2vec", {}),
        ("vq-wav2vec", {}),
        ("wav2vec", dict(skip_connections=True)),
        ("vq-wav2vec", dict(skip_connections=True, residual_scale=0.9, log_compression=False)),
    ],
)
@pytest.mark.parametrize("precision", reference.MOST_TIMES_PYTORCH)
def test_wav2vec_1_is_within_the_same_bounds(preset, changes, precision):
    config = dataclasses.replace(reference.EncoderConfig.preset(preset), **changes)
    tensors = reference.weights(config, seed=4)
    waveforms = np.stack(list(reference.waveforms().values()))[:, :8_000]
    exact = torch_reference.plain_features(config, tensors, waveforms.astype(np.float64))
    theirs = torch_reference.plain_features(config, tensors, waveforms)
    ours = jax.jit(lambda encoder, x: encoder(x))(
        reference.encoder_from_tensors(config, tensors, precision=precision), waveforms
    )
    assert ours.shape == exact.shape == (len(waveforms), config.frames.num_frames(8_000), 512)
    errors = [[reference.relative_error(each[i], exact[i]) for i in range(len(exact))] for each in (ours, theirs)]
    ratios = np.divide(*errors)
    print(f"\n{preset} {changes}, {precision}: error {np.max(errors[0]):.1e}, at most {ratios.max():.2f} of PyTorch's")
    assert ratios.max() <= reference.MOST_TIMES_PYTORCH[precision]
