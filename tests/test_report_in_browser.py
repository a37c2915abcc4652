"""The page in a real browser, opened from disk: Chromium through Playwright, where both are there."""

import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from finished_results import OURS, RANDOM, RECORD, measurements, write_results

from experiments.page.page import write
from experiments.store import file_names

sync_api = pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")

ROOT = pathlib.Path(__file__).parent.parent
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [pytest.mark.pages, pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")]
RATE = 48_000
MAPS = (
    "f0.pure_tones",
    "formants.vowel_space",
    "formants.vowel_space_by_f0",
    "formants.vowel_space_source_filter",
    "amplitude.amplitudes",
)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """The page of the bundled encoder and its control, on thin grids."""
    if made := os.environ.get("QUICK_RESULTS"):  # by .ci/run
        folder = pathlib.Path(made)
        said = (folder / "said.txt").read_text(encoding="utf-8")
    else:
        folder = tmp_path_factory.mktemp("report")
        command = [sys.executable, "-m", "experiments.reproduce", "--quick", f"--output_dir={folder}"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        said = done.stdout
    assert len(said.splitlines()) <= 40
    assert said.count("NOTE:") == 1
    assert f"{folder}/quick/index.html" in said
    return folder / "quick"


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        # Of a container's root, who may start no sandbox.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def opened(browser):
    """Opens the page at a width; whatever it complains of or asks for fails the test."""
    complaints = []

    def open_page(width, path):
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.on("console", lambda message: complaints.append(message.text) if message.type != "log" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request", lambda request: complaints.append(request.url) if re.match("https?|ws", request.url) else None
        )
        page.goto(path.as_uri())
        page.evaluate("window.w2v.ready.then(() => true)")
        return page

    yield open_page
    assert complaints == []


@pytest.fixture(scope="module")
def page(opened, results):
    return opened(1280, results / "index.html")


def rendered(page, name, row):
    """The waveform of a sound of a map, and a window for it."""
    sound = np.array(page.evaluate(f"w2v.render('{name}', {row}, {RATE}).then((sound) => Array.from(sound))"))
    return sound, np.hanning(len(sound))


def heard(page, name, row):
    """Frequencies, in Hz, and the spectrum of a sound of a map."""
    sound, window = rendered(page, name, row)
    return np.fft.rfftfreq(len(sound), 1 / RATE), np.abs(np.fft.rfft(sound * window)) / window.sum() * 2


def amplitudes(page, name, row, hertz):
    """Of the sines of a sound at these frequencies."""
    sound, window = rendered(page, name, row)
    turns = np.arange(len(sound)) / RATE * np.asarray(hertz, np.float64)[:, None]
    return np.abs(np.exp(-2j * np.pi * turns) @ (sound * window)) / window.sum() * 2


def values(page, name, parameter):
    return np.array(page.evaluate(f"Array.from(w2v.maps.get('{name}').values.{parameter})"))


def test_every_map_is_there_with_its_control(page):
    assert page.evaluate("[...w2v.maps.keys()]") == list(MAPS)
    for name in MAPS:
        panels = page.locator(f"[data-map='{name}'] .panels figure")
        assert panels.count() == 2
        assert "control" in panels.nth(1).inner_text()
    assert page.locator(".findings li").count() == 5


def test_figures_are_shown(page):
    page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
    page.wait_for_function("[...document.images].every((image) => image.complete && image.naturalWidth > 0)")
    assert page.evaluate("document.images.length") > 20


def test_a_tone_sounds_at_its_frequency(page):
    frequency = values(page, "f0.pure_tones", "frequency")
    for row in (4, 40):
        frequencies, spectrum = heard(page, "f0.pure_tones", row)
        assert abs(frequencies[np.argmax(spectrum)] - frequency[row]) < 2
    assert frequency[-1] == 8_000
    assert heard(page, "f0.pure_tones", len(frequency) - 1)[1].max() == 0  # at Nyquist the encoder hears silence


def test_a_vowel_sounds_at_f0_and_its_formants(page):
    row = 40
    hertz = [values(page, "formants.vowel_space", name)[row] for name in ("f0", "f1", "f2")]
    np.testing.assert_allclose(amplitudes(page, "formants.vowel_space", row, hertz), [0.5, 0.35, 0.15], rtol=0.02)


def test_a_voice_sounds_at_harmonics_of_f0(page):
    f0 = values(page, "formants.vowel_space_source_filter", "f0")[10]
    frequencies, spectrum = heard(page, "formants.vowel_space_source_filter", 10)
    for peak in frequencies[spectrum > 0.2 * spectrum.max()]:
        assert abs(peak - f0 * round(peak / f0)) < 5


def test_amplitudes_are_heard_as_loud_as_they_are(page):
    low, high = (values(page, "amplitude.amplitudes", f"amplitude_{each}") for each in ("low", "high"))
    loudest = float((low + high).max())
    for row in (6, 42):
        expected = [low[row] / loudest, high[row] / loudest]
        np.testing.assert_allclose(amplitudes(page, "amplitude.amplitudes", row, [100, 700]), expected, rtol=0.02)


def wait_until_playing(page, name):
    status = f"document.querySelector('[data-map=\"{name}\"] .status')"
    page.wait_for_function(f"{status}.textContent.endsWith('Playing.')")


def chosen(page, name):
    return page.evaluate(f"w2v.chosen('{name}')")


def test_the_mouse_chooses_in_every_map_and_plays(page):
    plot = page.locator("[data-map='formants.vowel_space'] .plot").first
    plot.scroll_into_view_if_needed()
    place = """(row) => {
        const { view, encoder } = w2v.maps.get("formants.vowel_space").views[0];
        const box = view.container().querySelector("canvas").getBoundingClientRect();
        const [left, top] = view.origin();
        return [box.left + left + view.padding().left + view.scale("x")(encoder().x[row]),
                box.top + top + view.padding().top + view.scale("y")(encoder().y[row])];
    }"""
    row = page.evaluate("w2v.maps.get('formants.vowel_space').names[0].row")
    x, y = page.evaluate(place, row)
    page.mouse.move(x, y)
    now = chosen(page, "formants.vowel_space")
    # Points may lie on top of each other; the one that is chosen lies there.
    np.testing.assert_allclose(page.evaluate(place, now), [x, y], atol=2)
    status = page.locator("[data-map='formants.vowel_space'] .status")
    assert status.inner_text() == page.evaluate(f"w2v.described('formants.vowel_space', {now})")
    assert re.fullmatch(r"f0 120 Hz, F1 \d+ Hz, F2 \d+ Hz", status.inner_text())
    rings = page.evaluate(
        "w2v.maps.get('formants.vowel_space').views.map(({ view }) => view.data('chosen').map(({ row }) => row))"
    )
    assert rings == [[now], [now]]
    page.mouse.click(x, y)
    wait_until_playing(page, "formants.vowel_space")


def test_the_keyboard_walks_and_plays(page):
    panels = page.locator("[data-map='formants.vowel_space_by_f0'] .panels")
    panels.focus()
    before = {name: values(page, "formants.vowel_space_by_f0", name) for name in ("f0", "f1", "f2")}

    def where():
        row = chosen(page, "formants.vowel_space_by_f0")
        return [before[name][row] for name in ("f0", "f1", "f2")]

    f0, f1, _ = where()
    for key, axis in (("ArrowRight", 2), ("ArrowUp", 1), ("PageDown", 0)):
        start = where()
        page.keyboard.press(key)
        moved = [a != b for a, b in zip(start, where(), strict=True)]
        assert moved == [each == axis for each in range(3)], key
    assert where()[1] > f1
    assert where()[0] < f0
    page.keyboard.press("Enter")
    wait_until_playing(page, "formants.vowel_space_by_f0")
    page.keyboard.press("Escape")


def test_a_slider_chooses(page):
    slider = page.locator("[data-map='f0.pure_tones'] .sliders input")
    slider.focus()
    page.keyboard.press("Home")
    assert chosen(page, "f0.pure_tones") == 0
    assert slider.get_attribute("aria-valuetext") == f"{values(page, 'f0.pure_tones', 'frequency')[0]:g} Hz"


def test_tables_and_figures_can_be_taken_out(page, results, tmp_path):
    page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
    for name in ("f0/metrics.csv", "formants/vowel_space.untrained.pdf", "temporal/bursts.formant-base.svg"):
        with page.expect_download() as download:
            page.locator(f"a[data-file='{name}']").first.click()
        download.value.save_as(tmp_path / "file")
        assert (tmp_path / "file").read_bytes() == (results / name).read_bytes()


def test_nothing_serious_for_axe(page):
    violations = axe.Axe().run(page).response["violations"]
    assert [(each["id"], each["impact"]) for each in violations if each["impact"] in ("serious", "critical")] == []


HOSTILE = ("<b>bold</b>", "$x_1$ 100%", "a" * 120, "\u05d0\u05d1\u05d2", "x" * 60 + " " + "y" * 60)


def test_hostile_names_and_many_labels_fit_a_phone(opened, tmp_path):
    """Nothing scrolls sideways but what has a box of its own."""
    several = [dataclasses.replace(OURS, name=name, source=name) for name in HOSTILE]
    folder = write_results(tmp_path / "results", measurements([(each, 0.5) for each in several]))
    labels = [f"label-{index}-{'w' * 4 * index}" for index in range(15)]
    lines = [f"{'f' * 90}.wav,{label},{index},,{100 + index},{index},{index % 4}" for index, label in enumerate(labels)]
    for each in several:
        for sweep, table in (
            ("tones", ["frequency,x,y", "100,0,0", "200,1,1"]),
            ("whistles", ["file,label,start,clip,f1,x,y", *lines]),
        ):
            name = file_names.safe_name(f"{sweep}.{each.name}.map.csv")
            (folder / "pitch" / name).write_text("\n".join([*table, ""]), encoding="utf-8")
    path, _ = write(folder, own=[RECORD])
    page = opened(400, path)
    page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 400
    widths = page.evaluate("[...document.querySelectorAll('.plot')].map((each) => each.scrollWidth)")
    assert len(widths) == 2 * len(HOSTILE)
    assert max(widths) <= 400
    names = page.locator("[data-map='pitch.whistles'] .name").all_inner_texts()
    assert [name.replace("\n", " ") for name in names] == list(HOSTILE)
    # The labels stand on the map, each at a token of its own.
    written = page.evaluate("w2v.maps.get('pitch.whistles').views[0].view.data('names').map(({ text }) => text)")
    assert {"label-0-", "label-1-wwww"} <= set(written)
    page.close()


@pytest.mark.parametrize("width", [360, 768])
def test_it_fits_a_phone_and_a_tablet(opened, results, width):
    page = opened(width, results / "index.html")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("[data-map='f0.pure_tones'] canvas").first.bounding_box()["width"] <= width
    page.close()


def test_a_slider_goes_through_training_snapshots(opened, tmp_path):
    trained = [dataclasses.replace(OURS, name=f"run.step-{step:06}", step=step) for step in (100, 2000)]
    several = [*trained, dataclasses.replace(RANDOM, name="untrained")]
    folder = write_results(tmp_path / "results", measurements([(each, 0.5) for each in several]))
    for end, each in enumerate(several):
        (folder / f"pitch/tones.{each.name}.map.csv").write_text(f"frequency,x,y\n100,0,0\n200,1,{end}\n")
    path, _ = write(folder, own=[RECORD])
    page = opened(800, path)
    figures = page.locator("[data-map='pitch.tones'] .panels figure")
    assert [figure.locator(".name").inner_text() for figure in figures.all()] == [
        "run.step-002000",
        "untrained (control)",
    ]
    slider = figures.first.locator("input")
    assert slider.get_attribute("aria-valuetext") == "2,000"
    slider.focus()
    page.keyboard.press("Home")
    assert figures.first.locator(".name").inner_text() == "run.step-000100"
    assert page.evaluate("w2v.maps.get('pitch.tones').views[0].encoder().y[1]") == 0
    page.close()
