"""Sound files in, as they are in the world; their frames, Praat's measures, and what is asked of both."""

import csv
import dataclasses
import os
import pathlib
import re
import runpy
import shutil
import subprocess
import sys

import jax
import matplotlib.image
import numpy as np
import pytest
import soundfile
from absl import flags as absl_flags
from flax import nnx
from pages import ROOT, UMAP, names_of, text_of
from safetensors.numpy import load_file

from experiments import running
from experiments.draw import figures, room_for_text
from experiments.front_ends import resolving
from experiments.hearing import Setting
from experiments.options import recordings as options
from experiments.options import synthesis as synthesis_option
from experiments.page import folder as page_folder
from experiments.page import recorded_map
from experiments.page.folder import columns
from experiments.recordings import (
    choice,
    clips,
    frames_and_measures,
    measuring,
    nearness,
    reading,
    sentences,
    session,
    synthesis,
    tokens,
)
from experiments.recordings.__main__ import EXPERIMENT
from experiments.recordings.maps import TOKENS
from experiments.store import made_with, measurements_file, rows
from experiments.store.results import Results
from experiments.vowels import space
from w2v_jax import EncoderConfig, FeatureEncoder, praat, recordings
from w2v_jax.front_end import Frames
from w2v_jax.scores import Bootstrap, Score
from w2v_jax.spectrograms import LogMelSpectrogram

make_a_session = runpy.run_path(str(ROOT / "examples/3_make_a_session.py"))

FRAMES = Frames(16_000, 400, 320)


def tone(frequency, seconds, rate):
    return 0.5 * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)


def textgrid(path, intervals, end):
    make_a_session["write_textgrid"](path, intervals, end)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_a_tone_of_any_format_is_resampled(tmp_path, suffix):
    path = tmp_path / f"tone.{suffix}"
    left = tone(440, 1.5, 44_100)
    soundfile.write(path, np.stack([left, 0.5 * left], axis=1), 44_100)
    recording = recordings.inspect(path)
    assert (recording.sample_rate, recording.channels) == (44_100, 2)
    sound = recordings.read(recording, sample_rate=16_000)
    assert len(sound) == recording.num_samples_at(16_000)
    # Away from the ends, where filters ring and lossy formats fade in.
    np.testing.assert_allclose(sound[2_000:20_000], 0.75 * tone(440, 1.5, 16_000)[2_000:20_000], atol=0.02)
    piece = recordings.read(recording, sample_rate=16_000, start=9_001, stop=12_345)
    np.testing.assert_allclose(piece, sound[9_001:12_345], atol=1e-6)


@pytest.mark.parametrize("padding", [0, 200, 700])
def test_segments_give_every_frame_once_and_as_in_the_whole(padding):
    """Of a front end without statistics over time, the frames of segments are the frames of the whole."""
    frames = Frames(16_000, 400, 320, padding)
    sound = np.random.default_rng(0).standard_normal(30_123).astype(np.float32)
    front_end = LogMelSpectrogram(type(LogMelSpectrogram().config)(frames))
    (whole,) = recordings.encode(front_end, [sound])
    several = recordings.segments(len(sound), frames, seconds=0.5)
    assert max(each.num_frames for each in several) <= 25
    pieces = recordings.encode(front_end, [sound[each.start : each.stop] for each in several])
    joined = np.concatenate([f[e.skipped :][: e.num_frames] for e, f in zip(several, pieces, strict=True)])
    np.testing.assert_allclose(joined, whole, atol=1e-4)


def test_waveforms_are_encoded_as_if_alone():
    encoder = FeatureEncoder(
        EncoderConfig(channels=(8,) * 3, kernel_sizes=(10, 8, 4), strides=(5, 4, 2)), rngs=nnx.Rngs(0)
    )
    encode = jax.jit(lambda waveforms: encoder(waveforms))
    generator = np.random.default_rng(0)
    sounds = [generator.standard_normal(length).astype(np.float32) for length in (4_100, 4_000, 4_100)]
    together = recordings.encode(encoder, sounds, batch_size=2)

    class OnTheHost:  # takes no lengths: equal ones only
        frames = encoder.frames

        def __call__(self, waveforms):
            return np.asarray(encode(waveforms))

    for sound, padded, alone in zip(sounds, together, recordings.encode(OnTheHost(), sounds), strict=True):
        assert padded.shape == (encoder.frames.num_frames(len(sound)), 8)
        np.testing.assert_allclose(padded, alone, atol=1e-5)
    with pytest.raises(ValueError, match="104 samples, fewer than a frame"):
        recordings.encode(encoder, [sounds[0][:104]])


def test_praat_finds_what_was_made():
    vowel = make_a_session["vowel"]
    sound = np.asarray(vowel(125.0, 500.0, 1_500.0, jax.random.key(0)))
    measured = praat.measure(sound, 16_000, [0.1, 0.125, 0.15], praat.PraatSettings(formant_ceiling=5_000))
    middle = {name: float(np.median(values)) for name, values in measured.items()}
    assert abs(middle["f0"] - 125) < 3
    assert abs(middle["f1"] - 500) < 50
    assert abs(middle["f2"] - 1_500) < 75
    assert middle["voicing"] == 1
    silent = praat.measure(np.zeros(16_000), 16_000, [0.5])
    assert np.isnan(silent["f0"]).all()
    assert silent["voicing"] == 0
    assert np.isnan(praat.measure(np.zeros(100), 16_000, [0.0])["intensity"]).all()  # shorter than its window
    telephone = praat.PraatSettings().within(8_000)
    assert (telephone.formant_ceiling, telephone.num_formants) == (4_000, 3.5)


def test_praats_times_are_those_of_samples():
    times = np.arange(8_001) / 16_000
    rising = 0.1 * np.exp(5 * times) * np.sin(2 * np.pi * 200 * times)
    asked = np.array([0.1, 0.2, 0.3])
    forwards = praat.measure(rising, 16_000, asked)["intensity"]
    backwards = praat.measure(rising[::-1], 16_000, times[-1] - asked)["intensity"]
    # It rises by 43 dB in a second: half a sample either way would be 0.003 dB.
    np.testing.assert_allclose(backwards, forwards, atol=1e-4)


def test_a_long_recording_is_measured_in_parts_as_in_one(tmp_path, monkeypatch):
    sound, _ = make_a_session["spoken"](120.0, 1.0, list("aiu"), seed=1)
    soundfile.write(tmp_path / "long.wav", sound, 16_000)
    gathered = session.gather([str(tmp_path)], [FRAMES])
    layout = frames_and_measures.Layout(gathered, FRAMES)
    whole = frames_and_measures.measure(Results(tmp_path / "whole"), "recordings", layout, praat.PraatSettings())
    monkeypatch.setattr(frames_and_measures.Measuring, "seconds", 0.4)
    monkeypatch.setattr(frames_and_measures, "_PRAAT_MARGIN", 0.2)
    parts = frames_and_measures.measure(Results(tmp_path / "parts"), "recordings", layout, praat.PraatSettings())
    voiced = (whole["voicing"] == 1) & (parts["voicing"] == 1)
    assert voiced.mean() > 0.5
    for name in ("f0", "f1", "f2", "intensity"):
        difference = np.abs(parts[name] / whole[name] - 1)[voiced]
        assert np.median(difference) < 0.002, name


BAD = {
    "silence.wav": ("it is silent", np.zeros(16_000), 16_000),
    "short.wav": ("it lasts 0.0200 s; expected at least 0.0250 s, one frame", tone(100, 320 / 16_000, 16_000), 16_000),
    "opposite.wav": ("2 channels cancel each other", np.outer(tone(100, 1, 16_000), [1, -1]), 16_000),
    "no_tier.wav": ("it has no tier named 'vowels'; its tiers are 'words'", tone(100, 1, 16_000), 16_000),
    "no_textgrid.wav": ("there is no TextGrid next to it; expected no_textgrid.TextGrid", tone(101, 1, 16_000), 16_000),
    "broken_textgrid.wav": (
        "it cannot be read as a TextGrid (line 9: a quotation mark is not closed",
        tone(102, 1, 16_000),
        16_000,
    ),
}


@pytest.fixture
def bad(tmp_path):
    """A session in which everything is wrong, but for what is told of and used."""
    folder = tmp_path / "bad"
    folder.mkdir()
    for name, (_, sound, rate) in BAD.items():
        soundfile.write(folder / name, sound, rate)
    (folder / "empty.wav").touch()
    (folder / "text.mp3").write_text("no sound")
    good = tone(150, 1, 44_100)
    for name, sound, rate in (
        ("telephone.wav", tone(150, 1, 8_000), 8_000),
        ("stereo.wav", np.outer(good, [1, 0.5]), 44_100),
        ("clipped.wav", np.clip(8 * good, -1, 1), 44_100),
        ("longer_textgrid.wav", tone(160, 1, 16_000), 16_000),
    ):
        soundfile.write(folder / name, sound, rate)
        textgrid(folder / f"{pathlib.Path(name).stem}.TextGrid", [(0.2, 0.5, "a")], 1.0)
    textgrid(folder / "longer_textgrid.TextGrid", [(0.2, 0.5, "a"), (0.9, 1.5, "i")], 2.0)
    textgrid(folder / "no_tier.TextGrid", [(0.2, 0.5, "a")], 1.0)
    text = (folder / "no_tier.TextGrid").read_text().replace("vowels", "words")
    (folder / "no_tier.TextGrid").write_text(text)
    (folder / "broken_textgrid.TextGrid").write_text(text[:90])
    half = (folder / "stereo.wav").read_bytes()
    (folder / "cut_short.wav").write_bytes(half[: len(half) // 2])
    return folder


def test_bad_files_are_told_in_a_line_each_and_the_rest_goes_on(bad):
    gathered = session.gather([str(bad)], [FRAMES], tier="vowels")
    assert {pathlib.Path(file.name).name for file in gathered.files} == {
        *("telephone.wav", "stereo.wav", "clipped.wav", "longer_textgrid.wav")
    }
    said = {name: words for name, (words, *_) in BAD.items()} | {
        "empty.wav": "the file is empty",
        "text.mp3": "it cannot be read (",
        "cut_short.wav": "its header promises more sound than there is",
        "longer_textgrid.TextGrid": "it ends at 2.00 s, its sound at 1.00 s; 1 of 2 tokens ends past the sound",
    }
    for name, words in said.items():
        stem = pathlib.Path(name).stem
        (line,) = [line for line in gathered.left_out if f"/{stem}." in line]
        assert words in line
        assert "\n" not in line
    assert len(gathered.left_out) == len(said)
    remarks = "\n".join(gathered.remarks)
    assert "Files resampled to 16,000 Hz: 1 of 8,000 Hz and 2 of 44,100 Hz." in remarks
    assert "Files of several channels, which are averaged: 1." in remarks
    assert "clipped.wav: " in remarks
    assert "at full scale in a row" in remarks
    assert "telephone.wav: at 8,000 Hz it has nothing above 4,000 Hz" in remarks


@pytest.mark.parametrize(
    ("audio", "message"),
    [
        ((), "--audio is not given"),
        (("nowhere/*.wav",), "--audio=nowhere/..wav: no file matches"),
        (("nowhere.wav",), "the file cannot be used because of this: .*nowhere.wav: there is no such file"),
    ],
)
def test_nothing_to_use_is_an_error(audio, message):
    with pytest.raises(session.SessionError, match=message) as raised:
        session.gather(audio, [FRAMES])
    assert "\n" not in str(raised.value)


def test_speakers(tmp_path):
    path = tmp_path / "anna" / "s1_a.wav"
    by_rule = {by: session.speaker_of(path, by) for by in session.SPEAKER_BY}
    assert by_rule == {"file": str(path), "folder": str(path.parent), "prefix": "s1"}


def test_no_fold_has_frames_of_a_speaker_of_another():
    speaker = np.random.default_rng(0).integers(0, 50, 400)
    folds = reading.folds_of(speaker)
    assert len(np.unique(folds)) == reading.MOST_FOLDS
    assert all(len(np.unique(folds[speaker == each])) == 1 for each in np.unique(speaker))


def test_what_frames_know_of_other_voices_is_read_off_in_cents_and_dB():
    rng = np.random.default_rng(1)
    measures = {name: rng.uniform(low, high, 180) for name, low, high in (("f0", 90, 250), ("f1", 300, 900))}
    measures |= {"f2": rng.uniform(900, 2_400, 180), "intensity": rng.uniform(50, 75, 180)}
    known = np.stack([np.log(measures["f0"]) * 3, np.log(measures["f1"]) * 3, measures["intensity"] / 10], axis=1)
    speaker = np.repeat(np.arange(6), 30)
    voiced = reading.Voiced(known, measures, np.arange(180), speaker, Bootstrap(resamples=40))
    errors = reading.errors(voiced)
    assert errors["f0"].value < 100
    assert errors["intensity"].value < 1.5
    assert errors["f2"].value > 200
    assert errors["f0"].units == 6  # voices
    assert "expected at least 3" in reading.errors(dataclasses.replace(voiced, speaker=speaker % 2))["f0"]


def test_among_tokens_of_equal_f0_who_knows_f0_alone_is_at_chance():
    f0 = np.geomspace(90, 250, 200)

    def of_f0(values):
        return np.exp(-np.square((1200 * np.log2(values / 50)[:, None] - np.arange(0, 3_600, 50)) / 60) / 2)

    by_way = nearness.nearness(of_f0(f0), of_f0(f0), np.arange(200) % 4)
    assert by_way[nearness.ALL, nearness.AS_THEY_ARE].value > 0.99
    equal = nearness.rounded(f0)
    assert np.abs(1200 * np.log2(equal / f0)).max() <= nearness.EQUAL_F0 / 2 + 1e-9
    assert nearness.nearness_at(of_f0(f0), of_f0(equal), equal).value == pytest.approx(0.5)
    formants = np.random.default_rng(0).standard_normal((200, 30))
    assert nearness.nearness_at(formants, formants, equal).value == 1


def test_nearness_is_1_for_twins_and_chance_for_strangers():
    vectors, others = np.random.default_rng(0).standard_normal((2, 200, 30))
    speaker = np.arange(200) % 4
    twins = nearness.nearness(vectors, vectors, speaker)
    assert all(isinstance(cell, Score) and cell.value == 1 for cell in twins.values())
    assert (nearness.ranks(vectors, vectors) == 1).all()
    assert np.isnan(nearness.ranks(0 * vectors, vectors)).all()
    strangers = nearness.nearness(vectors, others, speaker)
    assert all(cell.low < nearness.CHANCE < cell.high for cell in strangers.values())


def test_a_file_of_several_speakers(tmp_path):
    """Whose a frame is, its token says; where two speak at once it is nobody's."""
    sound = np.random.default_rng(0).normal(0, 0.1, 16_000)
    soundfile.write(tmp_path / "a.wav", sound, 16_000)
    soundfile.write(tmp_path / "b.wav", 0.5 * sound, 16_000)
    text = 'File type = "ooTextFile"\nObject class = "TextGrid"\n\n0 1 <exists> 2\n'
    for name, start in (("s1", 0.0), ("s2", 0.4)):
        text += f'"IntervalTier" "{name} - phones" 0 1 1 {start} {start + 0.5} "a"\n'
    (tmp_path / "a.TextGrid").write_text(text)
    (tmp_path / "b.TextGrid").write_text(text.replace("s2", "s3"))
    gathered = session.gather([str(tmp_path)], [FRAMES], tier="* - phones")
    assert gathered.speakers == ("s1", "s2", "s3")
    assert [file.speaker for file in gathered.files] == ["s1 & s2", "s1 & s3"]
    assert len(gathered.assumed) == 2  # they overlap
    layout = frames_and_measures.Layout(gathered, FRAMES)
    measures = {name: np.ones(layout.num_frames) for name in praat.MEASURES}
    labelled = tokens.labelled(layout, measures)
    assert labelled.speaker.tolist() == ["s1", "s2", "s1", "s3"]
    both = dataclasses.replace(labelled, first=np.array([0, 15, 49, 69]), stop=np.array([20, 45, 69, 98]))
    speaker = reading.speakers_of(layout, both)
    assert speaker[[0, 14, 15, 19, 20, 44, 49, 69]].tolist() == [0, 0, -1, -1, 1, 1, 0, 2]
    assert not set(reading.rows_to_read(layout, measures, both)) & set(range(15, 20))


def test_a_copy_is_used_where_the_first_could_not_be(tmp_path):
    for name in ("a", "b", "c"):
        soundfile.write(tmp_path / f"{name}.wav", tone(100, 1, 16_000), 16_000)
    for name in ("b", "c"):
        textgrid(tmp_path / f"{name}.TextGrid", [(0.2, 0.5, "a")], 1.0)
    gathered = session.gather([str(tmp_path)], [FRAMES], tier="vowels", labels=["a", "x"])
    assert [pathlib.Path(file.name).name for file in gathered.files] == ["b.wav"]
    assert [line.partition(": ")[2][:12] for line in gathered.left_out] == ["there is no ", "it is a copy"]
    assert "No token has the label 'x', of --labels." in gathered.remarks


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three voices, two vowels each."""
    made = tmp_path_factory.mktemp("session")
    for index, (f0, factor) in enumerate([(110.0, 1.0), (150.0, 1.1), (210.0, 1.15)]):
        sound, intervals = make_a_session["spoken"](f0, factor, list("aiu"), seed=index)
        make_a_session["write_wav"](made / f"s{index}_1.wav", sound)
        textgrid(made / f"s{index}_1.TextGrid", intervals, len(sound) / 16_000)
    return made


def ask(audio, output, encoders="log-mel", tier="vowels", *, results=None, **flags):
    """A smoke run, and its results."""
    results = results or Results(output, size="smoke")
    flags = {"audio": [str(audio)], "textgrid_tier": tier, **flags}
    return results, running.run(EXPERIMENT, resolving.resolve(encoders.split(",")), results, flags)


@pytest.fixture(scope="module")
def ran(folder, tmp_path_factory):
    """The session, heard by two; figures are laid out, and not written, which other tests do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "save", lambda figure, path, **how: path.suffix == ".png" and room_for_text.fit(figure))
        flags = {"speaker_by": "prefix", "synthesis": "sines"}  # voices take longer to compile
        return ask(folder, tmp_path_factory.mktemp("ran"), "log-mel,bands:make", **flags)


def rows_of(path):
    return list(csv.DictReader(path.open(encoding="utf-8")))


def test_frames_are_those_of_each_file(ran, folder):
    written = ran[0].folder / "recordings"
    tensors = load_file(written / "recordings.log-mel.safetensors")
    assert tensors["frames"].shape == (tensors["offsets"][-1], 80)
    files = rows_of(written / "recordings.log-mel.csv")
    assert [int(row["first_frame"]) for row in files] == tensors["offsets"][:-1].tolist()
    second = recordings.read(recordings.inspect(folder / "s1_1.wav"), sample_rate=16_000)
    alone = np.asarray(LogMelSpectrogram()(second))
    np.testing.assert_allclose(tensors["frames"][tensors["offsets"][1] : tensors["offsets"][2]], alone, atol=1e-4)


def test_the_table_of_tokens(ran):
    table = rows_of(ran[0].folder / "recordings/tokens.bands-make.csv")
    assert [row["label"] for row in table] == list("aiu") * 3
    assert [row["speaker"] for row in table] == ["s0"] * 3 + ["s1"] * 3 + ["s2"] * 3
    assert all(abs(float(row["f0"]) / f0 - 1) < 0.15 for row, f0 in zip(table[::3], (110, 150, 210), strict=True))
    assert all(len(row["neighbours"].split()) == 10 for row in table)
    assert {row["own_among"] for row in table} == {"9"}


def test_rows_and_what_is_said_of_them(ran):
    results, measured = ran
    for name in ("log-mel", "bands:make"):
        assert (measured.value(measuring.TOKENS, encoder=name), measured.value(measuring.COMPARED, encoder=name)) == (
            9,
            9,
        )
        errors = list(measured.select(measuring.ERROR, encoder=name))
        assert [dict(row.parameters)["parameter"] for row in errors] == ["f0", "F1", "F2", "intensity"]
        assert {(row.unit, row.better, row.units) for row in errors} == {("cents", "lower", 3), ("dB", "lower", 3)}
        assert len(list(measured.select(measuring.NEARNESS, encoder=name))) == len(nearness.WAYS)
        assert 0 < measured.value("near order: nearest sounds kept", encoder=name, map="recordings_vowels") <= 1
    used, near, errors = measured.headline.split("\n")
    assert used == "9 tokens of 3 speakers were used."
    assert near.startswith("A recorded vowel is nearer to its own synthesised vowel than to another's in ")
    assert errors.startswith("The median error on voices not heard before is ")
    kept = measurements_file.read(results.path("recordings", "metrics.json"), "recordings")
    assert kept.rows == measured.rows
    assert (kept.settings["session"]["files"], kept.settings["session"]["speaker_by"]) == (3, "prefix")
    assert any(note.startswith("The synthesised vowels of the map have an f0 of 120 Hz") for note in kept.notes)
    drawn = {path.name for path in results.drawn}
    assert drawn == {"map.png", "map.log-mel.png", "map.bands-make.png", "scores.png"}


def test_the_page_has_the_tokens_and_their_clips(ran):
    results, _ = ran
    samples = load_file(results.path("recordings", clips.FILE))
    assert len(samples["first"]) == 9 + 1
    (map_of_tokens,) = maps_on_page(results)
    assert len(map_of_tokens["encoders"]) == 2
    assert all(map_of_tokens["sound"]["clips"])
    assert map_of_tokens["texts"][0]["values"] == [f"[{label}]" for label in "aiu" * 3]


def maps_on_page(results):
    read = page_folder.read(results.folder)
    several = [recorded_map.of_part(TOKENS, part, read, clips=True) for part in read.parts if part.name == "recordings"]
    return [each for each in several if each is not None]


def test_the_same_again_computes_nothing_and_other_settings_of_praat_encode_nothing(ran, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "save", lambda figure, path, **how: None)
    shutil.copytree(ran[0].output_dir, tmp_path, dirs_exist_ok=True)
    frames = Results(tmp_path, size="smoke").folder / "recordings/recordings.log-mel.safetensors"
    flags = {"speaker_by": "prefix", "synthesis": "sines"}
    again, _ = ask(folder, tmp_path, **flags)
    assert frames in again.read_back
    assert any(path.name.startswith("measures") for path in again.read_back)
    overwriting = Results(tmp_path, size="smoke", overwrite=True)
    other, _ = ask(folder, None, results=overwriting, **flags, formant_ceiling=5_000.0)
    assert frames in other.read_back
    assert not any(path.name.startswith("measures") for path in other.read_back)
    with pytest.raises(made_with.OtherSettingsError):
        made_with.find(frames, {})


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"labels": ["a"]}, "--labels=a without --textgrid_tier; expected both or none"),
        ({"trigraphs": True}, "--trigraphs without --textgrid_tier"),
        ({"textgrid_tier": "*s", "speaker_by": "file"}, r"--speaker_by=file with --textgrid_tier=\*s, whose star"),
        ({"synthesis": "both"}, "--synthesis=both; expected one of sines or resonances"),
        ({"channel": "middle"}, "--channel=middle; expected left"),
        ({"pitch_floor": 900.0}, "--pitch_ceiling is 600 Hz; expected more than pitch_floor, 900 Hz"),
    ],
)
def test_flags_that_do_not_go_together(flags, message):
    with pytest.raises(session.SessionError, match=message):
        choice.choice_of(flags)


def test_flags_that_are_not_given_have_the_defaults_of_what_they_set():
    defined = [*vars(options).values(), *vars(synthesis_option).values()]
    given = {each.name: each.default for each in defined if isinstance(each, absl_flags.FlagHolder)}
    assert {"audio", "textgrid_tier", "synthesis", "num_formants"} <= given.keys()
    assert choice.choice_of(given) == choice.Choice(audio=())
    star = choice.choice_of({"textgrid_tier": "* - phones", "labels": ["a"]})
    assert (star.speakers_told_by, star.labels) == ("tier", ("a",))


@pytest.mark.parametrize(
    ("flags", "stimulus"), [({}, space.source_filter_vowel), ({"synthesis": "sines"}, space.vowel)]
)
def test_vowels_of_the_map_and_of_tokens_are_of_one_synthesis(tmp_path, monkeypatch, flags, stimulus):
    heard = []
    monkeypatch.setattr(Results, "sweep", lambda self, name, front_end, grid, made, **how: heard.append(made))
    (front_end,) = resolving.resolve(["log-mel"])
    setting = Setting(Results(tmp_path, size="smoke"), front_end, flags, (front_end,), (front_end,))
    asked = EXPERIMENT.heard_by(setting)
    asked.features(synthesis.of_map(asked))
    synthesis.of_their_own(asked, {"f0": [120.0], "f1": [500.0], "f2": [1_500.0]}, name="own_vowels")
    assert heard == [stimulus] * 2


def test_what_came_out_in_sentences():
    def said(names, cell, *, session):
        some = [rows.number(measuring.TOKENS, 20), *measuring.reading_rows({"f0": cell, "intensity": cell}, {})]
        if not isinstance(cell, str):
            some.append(measuring.nearness_rows(dict.fromkeys(nearness.WAYS, cell))[0])
        about = {name: rows.About(name, "trained", "made", {}) for name in names}
        of_each = tuple(dataclasses.replace(row, encoder=name) for name in names for row in some)
        return sentences.headline(rows.Measurements("recordings", of_each, about, settings={"session": session}))

    files = {"textgrid_tier": None, "speaker_by": "file", "speakers": 1}
    speakers = {"textgrid_tier": "vowels", "speaker_by": "prefix", "speakers": 4, "unwanted": 3, "outside": 0}
    assert said(["a", "b"], Score(0.514, 0.4, 0.6, 9, Bootstrap(), np.zeros(0)), session=speakers) == (
        "20 tokens of 4 speakers were used. Other tokens were not: 3 have other labels than --labels.\n"
        "A recorded vowel is nearer to its own synthesised vowel than to another's in 51% of comparisons for a and 51% "
        "for b (chance 50%).\n"
        "The median error on voices not heard before is 1 cent of f0 and 0.5 dB of intensity for a; 1 cent of f0 and "
        "0.5 dB of intensity for b (lower is better)."
    )
    assert said(["a"], "there is one voice", session=files) == (
        "20 voiced frames of 1 file were used.\nThe error of f0 and formants read off the frames is unknown: there "
        "is one voice."
    )


def test_an_interrupted_encoding_goes_on_where_it_was(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(frames_and_measures.Encoding, "shard_seconds", 0.5)  # a shard for each file
    (front_end,) = resolving.resolve(["log-mel"])
    layout = frames_and_measures.Layout(session.gather([str(folder)], [FRAMES]), FRAMES)
    read, done = recordings.read, []

    def once_and_stop(recording, **which):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(recording.path.name)
        return read(recording, **which)

    monkeypatch.setattr(recordings, "read", once_and_stop)
    with pytest.raises(KeyboardInterrupt, match="frames are finished and kept"):
        frames_and_measures.encode(Results(tmp_path), "recordings", front_end, layout)
    done.clear()
    frames = frames_and_measures.encode(Results(tmp_path), "recordings", front_end, layout)
    assert done == ["s2_1.wav"]
    assert frames.shape == (layout.num_frames, 80)


def test_without_a_tier_voiced_frames_stand_for_tokens(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(
        figures, "save", lambda figure, path, **how: path.suffix == ".png" and figure.draw_without_rendering()
    )
    _, measured = ask(folder / "s0_1.wav", tmp_path, tier=None, synthesis="sines")
    assert measured.value(measuring.TOKENS, encoder="log-mel") > 10
    (row,) = measured.select(measuring.LINEARITY, parameter="f0")
    assert "expected at least 3, to hold one out" in row.undefined
    assert measured.headline.startswith("12 voiced frames of 1 file were used.\n")


FEW = {  # tokens, of a quarter of a second of a voice or of noise
    "no voice and no tier": ("noise", [], 0),
    "one token without a voice": ("noise", [(0.05, 0.2, "s")], 1),
    "one token": ("voice", [(0.05, 0.2, "=a()")], 1),
    "one label": ("voice", [(0.05, 0.1, "_a$x$"), (0.1, 0.2, "_a$x$")], 2),
    "shorter than a frame": ("voice", [(0.05, 0.051, "a"), (0.1, 0.2, "b")], 2),
}


def test_few_tokens_or_none_go_through(tmp_path, monkeypatch):
    def lay_out(figure, path, **how):
        if path.suffix == ".png" and "log-mel" not in path.name:  # the map of one is the map of all
            room_for_text.fit(figure)

    monkeypatch.setattr(figures, "save", lay_out)
    sounds = {
        "noise": 0.2 * np.random.default_rng(0).standard_normal(4_000),
        "voice": np.asarray(make_a_session["vowel"](125.0, 500.0, 1_500.0, jax.random.key(0))),
    }
    results = Results(tmp_path / "results", size="smoke", overwrite=True)
    for number, (case, (sound, intervals, count)) in enumerate(FEW.items()):
        path = tmp_path / f"{number}.wav"
        soundfile.write(path, np.clip(sounds[sound], -1, 1), 16_000)
        if intervals:
            textgrid(path.with_suffix(".TextGrid"), intervals, 0.25)
        _, measured = ask(path, None, tier="vowels" if intervals else None, results=results, synthesis="sines")
        assert measured.value(measuring.TOKENS, encoder="log-mel") == count, case
        assert all("expected at least" in row.undefined for row in measured.select(measuring.LINEARITY))
        near = list(measured.select(measuring.NEARNESS))
        assert all(row.value is not None or "expected at least" in row.undefined for row in near), near
        table = columns(results.path("recordings", "tokens.log-mel.csv"))
        drawn = columns(results.path("recordings", "recordings.log-mel.map.csv"))
        assert table.get("label", []) == [label for *_, label in intervals]
        for axis in ("x", "y"):  # one orientation, as drawn
            assert table.get(f"map_{axis}", []) == drawn.get(axis, [])
        assert [len(each["encoders"]) for each in maps_on_page(results)] == [1] * (count > 0)


@pytest.mark.pages
def test_the_page_from_one_file_to_the_figure(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "umap.py").write_text(UMAP)
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}

    def run(*command):
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200, check=False)

    text = text_of("recordings.md")
    (made,) = re.findall(r"^    python (examples/.*)$", text, flags=re.MULTILINE)
    monkeypatch.setattr(sys, "argv", [*made.split(), "--takes=1"])
    make_a_session["main"]()
    first, *_ = re.findall(r"^    w2v-jax recordings (.*)$", text, flags=re.MULTILINE)
    assert "--encoders=formant-base,log-mel" in first
    command = [sys.executable, "-m", "experiments.recordings", *first.replace("formant-base,", "").split()]
    done = run(*command)
    assert done.returncode == 0, done.stderr
    assert "Praat's settings: pitch 75 to 600 Hz; 5 formants below 5500 Hz" in done.stdout
    picture = matplotlib.image.imread("results/quick/recordings/map.log-mel.png")
    assert len(np.unique(picture.reshape(-1, picture.shape[-1]), axis=0)) > 100
    tokens = names_of("recordings.md")["tokens"]
    assert [token["label"] for token in tokens] == make_a_session["SYMBOLS"]
    assert all(abs(float(token["f0"]) - 215) < 40 for token in tokens)
    done = run(*[each.replace("anna_1", "nobody") for each in command])
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: --audio: the file cannot be used because")
