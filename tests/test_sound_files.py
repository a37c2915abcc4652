"""Sound files as pipes, recorders and Macs leave them: what is read of them, and what is told."""

import os
import struct
import unicodedata

import numpy as np
import pytest
import soundfile
from absl import flags as absl_flags
from flax import nnx

from experiments.front_ends import resolving
from experiments.options import recordings as options
from experiments.recordings import frames_and_measures, normalisation, session
from w2v_jax import EncoderConfig, FeatureEncoder, recordings
from w2v_jax.checkpoint import Provenance, save_encoder
from w2v_jax.front_end import Frames
from w2v_jax.recordings import RecordingError

RATE = 16_000
FRAMES = Frames(RATE, 400, 320)
SOUND = 0.5 * np.sin(2 * np.pi * 128 * np.arange(2_000) / RATE)
DATA = np.round(SOUND * 32_767).astype("<i2").tobytes()
MAC = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        ".ljust(4_096, b"\0")


def wav(data=DATA, *, size=None, whole=None, before=b"", after=b"", channels=1, tag=1, bits=16, form=b"RIFF"):
    width = channels * bits // 8
    layout = struct.pack("<HHIIHH", tag, channels, RATE, RATE * width, width, bits)
    body = b"WAVEfmt " + struct.pack("<I", 16) + layout + before
    body += b"data" + struct.pack("<I", len(data) if size is None else size) + data + after
    return form + struct.pack("<I", len(body) if whole is None else whole) + body


LIST = b"LIST" + struct.pack("<I", 4) + b"INFO"
N = len(DATA)
PIPED = {
    "ffmpeg": (wav(size=2**32 - 1, whole=2**32 - 1, before=LIST), "(data size 0xFFFFFFFF, as a pipe leaves it)"),
    "sox": (wav(size=0x7FFFF000, whole=0x7FFFF024), "(data size 0x7FFFF000, as"),
    "arecord": (wav(size=2**31, whole=2**31 + 36), "(data size 0x80000000, as"),
    "gstreamer": (wav(size=0, whole=0), "(data size 0, as a pipe leaves it); all 4,000 bytes"),
    "miscounted": (wav(size=N + 16, whole=N + 36), "promises 16 bytes of sound more than there are"),
    "miscounted whole": (wav(size=N + 36), "promises 36 bytes of sound more"),
    "odd byte": (wav(DATA + b"\1"), "the last 1 byte of its sound, no whole sample"),
    "too little": (wav(DATA[:1_000] + b"\1" * 9_000, size=1_000), "9,000 bytes follow its sound of which its header"),
    "chunks behind": (wav(after=LIST), None),
    "tag behind": (wav() + b"ID3\3".ljust(20, b"\0"), None),
    "riff size 0": (wav(whole=0), None),
    "chunks behind a pipe": (wav(size=2**32 - 1, whole=2**32 - 1, after=LIST), "all 4,000 bytes behind it"),
    "chunks behind no size": (wav(size=0, whole=0, after=LIST + LIST), "all 4,000 bytes behind it"),
    "BW64": (b"BW64\xff\xff\xff\xffWAVEds64" + struct.pack("<IQQQI", 28, N + 72, N, N // 2, 0) + wav()[12:], None),
}


@pytest.mark.parametrize("name", PIPED)
def test_the_sound_is_there_whatever_the_header_says(tmp_path, name):
    data, told = PIPED[name]
    (tmp_path / "a.wav").write_bytes(data)
    recording = recordings.inspect(tmp_path / "a.wav")
    expected = SOUND[:500] if name == "too little" else SOUND
    np.testing.assert_allclose(recordings.read(recording, sample_rate=RATE), expected, atol=2 / 32_767)
    np.testing.assert_array_equal(
        recordings.read(recording, sample_rate=RATE, start=7, stop=99),
        recordings.read(recording, sample_rate=RATE)[7:99],
    )
    assert len(recording.assumed) == (told is not None)
    assert told is None or told in recording.assumed[0]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (wav()[: 44 + N // 2], r"promises more sound than there is \(4,000 bytes of it, of which 2,000 are there\)"),
        (wav(b""), "it has no samples"),
        (wav(b"", after=LIST), "it has no samples"),
        (wav().replace(struct.pack("<I", RATE), struct.pack("<I", 3)), "its sample rate is 3 Hz; expected at least"),
        (MAC, "it has what macOS notes of another file"),
        (b"version https://git-lfs.github.com/spec/v1\n", "run git lfs pull"),
    ],
)
def test_what_has_no_sound_is_told_so(tmp_path, data, said):
    (tmp_path / "a.wav").write_bytes(data)
    with pytest.raises(RecordingError, match=said):
        recordings.inspect(tmp_path / "a.wav")


def test_a_flac_from_a_pipe(tmp_path):
    path = tmp_path / "a.flac"
    soundfile.write(path, SOUND, RATE)
    data = bytearray(path.read_bytes())
    data[21:26] = (int.from_bytes(data[21:26]) & ~(2**36 - 1)).to_bytes(5)  # the number of samples
    whole = recordings.read(recordings.inspect(path), sample_rate=RATE)
    path.write_bytes(data)
    recording = recordings.inspect(path)
    assert "does not say how long its sound is" in recording.assumed[0]
    np.testing.assert_array_equal(recordings.read(recording, sample_rate=RATE, start=500, stop=900), whole[500:900])


def written(path, *channels):
    soundfile.write(path, np.stack(channels, axis=1), RATE, subtype="FLOAT")
    return path


def test_channels(tmp_path):
    other = 0.5 * np.sin(2 * np.pi * 344 * np.arange(len(SOUND)) / RATE)
    path = written(tmp_path / "a.wav", SOUND, other, 0 * SOUND)
    heard = {1: SOUND, "left": SOUND, 2: other, "right": other, "mean": (SOUND + other) / 2}
    several = {channel: recordings.inspect(path, channel=channel) for channel in heard}
    for channel, sound in heard.items():
        np.testing.assert_allclose(recordings.read(several[channel], sample_rate=RATE), sound, atol=1e-6)
        assert several[channel].peak == pytest.approx(np.abs(sound).max())
    assert len({each.identity for each in several.values()}) == 3
    told = session.remarks_on(several["mean"], 5_500)
    assert "channel 3 of 3 is silent and not part of the mean" in told[0]
    assert "two of its 2 channels differ (correlation 0.0" in told[1]
    assert session.remarks_on(several["left"], 5_500) == []
    with pytest.raises(RecordingError, match="it has 3 channels; expected channel 4 among them"):
        recordings.inspect(path, channel=4)
    for text, channel in {"left": "left", "mean": "mean", "2": 2}.items():
        assert session.channel_of(text) == channel
    for text in ("0", "-1", "middle", "1.5", "", "99999"):
        with pytest.raises(session.SessionError, match="expected left, right, mean, or the number"):
            session.channel_of(text)


def test_channels_that_cancel(tmp_path):
    nearly = recordings.inspect(written(tmp_path / "a.wav", SOUND, -0.5 * SOUND))
    assert "each other's inverse (correlation -1.00): averaging leaves 6.25%" in session.remarks_on(nearly, 5_500)[0]
    quieter = recordings.inspect(written(tmp_path / "b.wav", SOUND, 0.1 * SOUND))
    assert session.remarks_on(quieter, 5_500) == []
    wholly = recordings.inspect(written(tmp_path / "c.wav", SOUND, -SOUND))
    with pytest.raises(RecordingError, match="2 channels cancel each other"):
        session.usable(wholly, [FRAMES])


@pytest.mark.parametrize(
    ("sound", "said"),
    [
        (SOUND * 32_767, "where 1 is full scale: it has 16-bit numbers, stored as floats"),
        (SOUND * 2**23, "it has 24-bit numbers"),
        (SOUND * 3, "its peak is 1.5 where 1 is full scale"),
        (SOUND * 0.5 + 0.3, "its mean is 0.3, not 0"),
        (np.clip(SOUND * 4, -1, 1), "of its samples lie at full scale in a row"),
    ],
)
def test_what_the_numbers_are_is_told(tmp_path, sound, said):
    (told,) = session.remarks_on(recordings.inspect(written(tmp_path / "a.wav", sound)), 5_500)
    assert said in told


def test_a_constant_is_silent(tmp_path):
    recording = recordings.inspect(written(tmp_path / "a.wav", np.full(2_000, 0.1)))
    with pytest.raises(RecordingError, match=r"it is silent \(a constant 0.1\)"):
        session.usable(recording, [FRAMES])


def test_channels_that_cancel_are_told_so_whatever_their_offset(tmp_path):
    soundfile.write(tmp_path / "a.wav", 0.1 + 0.5 * np.stack([SOUND, -SOUND], axis=1), RATE, subtype="FLOAT")
    with pytest.raises(RecordingError, match="its 2 channels cancel each other"):
        session.usable(recordings.inspect(tmp_path / "a.wav"), [FRAMES])
    soundfile.write(tmp_path / "one.wav", SOUND[5:6], RATE)
    with pytest.raises(RecordingError, match=r"it lasts 0.0001 s; expected at least"):
        session.usable(recordings.inspect(tmp_path / "one.wav"), [FRAMES])


def test_links_are_followed_once_and_those_to_nothing_are_told(tmp_path):
    (tmp_path / "session").mkdir()
    (tmp_path / "away").mkdir()
    soundfile.write(tmp_path / "away" / "a.wav", SOUND, RATE)
    (tmp_path / "session" / "anna").symlink_to(tmp_path / "away")
    (tmp_path / "session" / "again").symlink_to(tmp_path / "session")
    (tmp_path / "session" / "not_fetched.wav").symlink_to("nowhere")
    for pattern in ("session", "session/**", "session/*/*.wav", "session/**/*.wav"):
        gathered = session.gather([f"{tmp_path}/{pattern}"], [FRAMES])
        assert [file.recording.path.name for file in gathered.files] == ["a.wav"]
        told = f"{tmp_path}/session/not_fetched.wav: it is a link to a file that is not there; expected a sound file"
        assert told in gathered.left_out or pattern == "session/*/*.wav"


def test_names_as_long_as_they_may_be(tmp_path):
    soundfile.write(tmp_path / f"{'x' * 251}.wav", SOUND, RATE)
    with pytest.raises(session.SessionError, match="there is no TextGrid next to it"):
        session.gather([str(tmp_path)], [FRAMES], tier="vowels")
    for pattern in ("y" * 300 + ".wav", "y" * 300 + "/*.wav", "._" + "y" * 300):
        with pytest.raises(session.SessionError, match=r"no file matches|File name too long"):
            session.gather([f"{tmp_path}/{pattern}"], [FRAMES])


def test_names_as_macs_pcs_and_old_archives_write_them(tmp_path):
    composed, taken_apart = (unicodedata.normalize(form, "zoë") for form in ("NFC", "NFD"))
    for number, name in enumerate([f"{composed}_1", f"{taken_apart}_2"]):
        soundfile.write(tmp_path / f"{name}.wav", SOUND * (1 - number / 10), RATE)
    soundfile.write(tmp_path / f"{composed}_3.mp3", SOUND * 0.7, RATE)
    (tmp_path / f"._{composed}_3.mp3").write_bytes(MAC)
    (tmp_path / f"._{composed}_1.wav").write_bytes(MAC)
    os.link(tmp_path / f"{composed}_1.wav", os.fsencode(tmp_path) + b"/m\xfcller.wav")
    os.mkfifo(tmp_path / "fifo.wav")
    gathered = session.gather([str(tmp_path)], [FRAMES], speaker_by="prefix")
    assert gathered.speakers == (composed,)
    assert [os.path.basename(file.name) for file in gathered.files] == [  # noqa: PTH119
        *(f"{composed}_1.wav", f"{composed}_2.wav", f"{composed}_3.mp3")
    ]
    assert gathered.left_out == (
        f"{tmp_path}/fifo.wav: it is not a regular file; expected a sound file",
        f"{tmp_path}/m\\xfcller.wav: its name is not UTF-8; rename it",
    )
    for pattern in ("zo?_[12].wav", f"{composed}_*.wav", f"{taken_apart}_*.wav"):
        assert len(session.expand([f"{tmp_path}/{pattern}"])) == 2
        assert len(session.expand([f"{tmp_path.parent}/**/{pattern}"])) == 2
    for name in (composed, taken_apart):
        assert len(session.expand([f"{tmp_path}/{name}_2.wav"])) == 1
        assert session.gather([f"{tmp_path}/{name}_2.wav"], [FRAMES]).files[0].name.endswith(f"{composed}_2.wav")


def test_recordings_are_normalised_as_models_were_trained(tmp_path):
    sound = np.random.default_rng(0).normal(0.1, 0.02, 9_000)
    path = written(tmp_path / "a.wav", sound)
    recording = recordings.inspect(path)
    mean, deviation = recordings.mean_and_deviation(recording, sample_rate=8_000, seconds=0.1)
    whole = recordings.read(recording, sample_rate=8_000).astype(np.float64)
    np.testing.assert_allclose([mean, deviation], [whole.mean(), np.sqrt(whole.var() + 1e-7)], rtol=1e-6)

    (log_mel,) = resolving.resolve(["log-mel"])
    layout = frames_and_measures.Layout(session.Session((session.File(recording, "a"),), (), (), None), FRAMES)
    encoding = frames_and_measures.Encoding(
        tmp_path / "x", "x", layout, {}, "frames", front_end=log_mel, normalize=True
    )
    (frames,) = encoding.compute(list(encoding.shards), progress=lambda count: None)
    exact = recordings.read(recording, sample_rate=RATE)
    exact = (exact - exact.mean()) / np.sqrt(exact.var() + 1e-7)
    np.testing.assert_allclose(frames, recordings.encode(log_mel.front_end, [exact])[0], atol=1e-4)

    encoder = FeatureEncoder(EncoderConfig(channels=(8,) * 7), rngs=nnx.Rngs(0))
    stated = Provenance(source="a file that asks for it", normalize_input=True)
    save_encoder(encoder, tmp_path / "asks.safetensors", provenance=stated)
    (asks,) = resolving.resolve([str(tmp_path / "asks.safetensors")])
    for how, expected in {"auto": [False, True], "yes": [True, True], "no": [False, False]}.items():
        assert list(normalisation.chosen([log_mel, asks], how).values()) == expected
    (note,) = normalisation.notes([log_mel, asks], {log_mel: False, asks: False})
    assert "asks: trained on sound of mean 0 and variance 1; recordings are not scaled so" in note


def test_flags_have_the_choices_of_what_they_set():
    for flag, choices in ((options.NORMALIZE, normalisation.CHOICES), (options.SPEAKERS_BY, session.SPEAKER_BY)):
        assert tuple(absl_flags.FLAGS[flag.name].parser.enum_values) == choices
    assert session.channel_of(options.CHANNEL.default) == "mean"
