"""The Python of the README and the pages runs as it stands, and what they name exists."""

import json
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from pages import PAGES, ROOT, blocks_of, names_of, text_of

import w2v_jax
from experiments import catalog
from experiments.commands import COMMANDS as COMMANDS_THERE
from w2v_jax.checkpoint import encoder_tensors

TEXT = "\n".join(text_of(page) for page in PAGES)


def test_readme_is_one_screen():
    assert len(text_of("README.md").split()) <= 600


def test_the_readme_explains_its_words():
    text = text_of("README.md").lower()
    assert not [word for word in ("near order", "far order", "trustworthiness") if word in text]


def test_the_two_commands_that_set_everything_up_stand_together():
    assert re.search(r"^    make reproduce\b.*\n    make test\b", text_of("README.md"), flags=re.MULTILINE)


def test_the_citation_is_of_this_version():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {w2v_jax.__version__}\n" in citation
    assert re.search(r"^date-released: 20\d\d-\d\d-\d\d$", citation, flags=re.MULTILINE)


@pytest.mark.pages
def test_python_of_the_readme():
    names = names_of("README.md")
    assert names["features"].shape == (49, 512)
    assert names["tones"].shape == (10, 512)
    assert names["encoder"].frames == w2v_jax.Frames(sample_rate=16_000, receptive_field=400, hop=320)
    assert "Frames(sample_rate=16000, receptive_field=400, hop=320)" in text_of("README.md")


@pytest.mark.pages
def test_python_of_the_accuracy_page():
    assert names_of("accuracy.md")["encoder"].precision == "exact"


@pytest.mark.pages
def test_python_of_the_library_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = names_of("library.md")
    assert names["pooled"].shape == (2, 512)
    assert names["features"].shape == (25, 512)
    assert names["by_layer"].shape == (25, 2, 512)
    assert {each.dtype for each in names["by_name"].values()} == {np.dtype(np.float32)}
    assert names["losses"] == sorted(names["losses"], reverse=True)
    assert names["head_losses"] == sorted(names["head_losses"], reverse=True)
    tuned = encoder_tensors(w2v_jax.load_encoder(tmp_path / "vowels-2.safetensors"))
    before = encoder_tensors(names["encoder"])
    assert all(np.any(tuned[name] != before[name]) for name in before)
    assert names["hidden"][0].shape == (3_199, 512)
    assert names["logits"].shape == (4, 10)
    assert names["per_sound"].shape == (2, 3, 49, 512)
    np.testing.assert_allclose(np.diag(names["similarity"]), 1, atol=1e-6)


@pytest.mark.pages
def test_python_of_the_vowels_page():
    names = names_of("your_vowels.md")
    assert f'heed = table.of("women")[0]  # {names["heed"]}' in text_of("your_vowels.md")
    assert names["sound"].shape == (16_000,)


@pytest.mark.pages
def test_python_of_the_extending_page():
    front_end = names_of("extending.md")["make"]()
    assert front_end(np.zeros((2, 8_000), np.float32)).shape == (2, front_end.frames.num_frames(8_000), 121)


@pytest.mark.pages
def test_the_experiment_of_the_extending_page(tmp_path):
    """It runs as it stands, in a folder of its own, and its page opens in a browser, where there is one."""
    (source,) = (block for block in blocks_of("extending.md") if "EXPERIMENT = " in block)
    assert len(source.splitlines()) <= 60
    (command,) = re.findall(r"^ +w2v-jax (run .*)$", text_of("extending.md"), flags=re.MULTILINE)
    target, *flags = command.split()[1:]
    (tmp_path / target.partition(":")[0]).write_text(source, encoding="utf-8")
    started = [sys.executable, "-m", "experiments", "run", target, *flags]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(started, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "results/quick"
    html = (folder / "index.html").read_text(encoding="utf-8")
    headline = json.loads((folder / "vowel_length/metrics.json").read_text(encoding="utf-8"))["headline"]
    assert headline in done.stdout
    assert headline in html
    assert 'data-file="vowel_length/order.formant-base.svg"' in html
    sync_api = pytest.importorskip("playwright.sync_api")
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        return
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        opened = browser.new_page()
        complaints: list[str] = []
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.goto((folder / "index.html").as_uri())
        opened.wait_for_function("[...document.images].every((image) => image.complete && image.naturalWidth > 0)")
        assert opened.locator("img").count() == 3
        assert complaints == []
        browser.close()


def test_tables_of_commands_are_those_of_the_records():
    table = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", text_of("README.md"), flags=re.MULTILINE))
    assert list(table) == list(COMMANDS_THERE)
    assert {name: table[name] for name in catalog.EXPERIMENTS} == {
        name: catalog.said(name).question for name in catalog.EXPERIMENTS
    }
    programs = re.findall(r"^\| `(\w+)` \|", text_of("experiments.md"), flags=re.MULTILINE)
    assert set(programs) >= set(catalog.EXPERIMENTS)


@pytest.mark.parametrize("target", sorted(set(re.findall(r"(?:`|^ +)make ([a-z]\w*)", TEXT, flags=re.MULTILINE))))
def test_make_targets_exist(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)


COMMANDS = {f"experiments.{name}" for name in re.findall(r"w2v-jax (\w+)", TEXT)} - {"experiments.convert"}


@pytest.mark.parametrize("module", sorted(set(re.findall(r"python -m ([\w.]+)\b", TEXT)) | COMMANDS))
def test_commands_exist(module):
    if module.split(".")[-1] in ("NAME", "COMMAND"):
        return
    path = ROOT / module.replace(".", "/")
    assert path.with_suffix(".py").exists() or (path / "__main__.py").exists()


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!\w+:)([^)#]+)", text_of(page)):
        assert (PAGES[page].parent / target).exists(), target


# Of mkdocs.yml, as text: the tests need no YAML.
NAVIGATION = re.findall(r"^ +- .+: ([\w/]+\.md)$", (ROOT / "mkdocs.yml").read_text("utf-8"), flags=re.MULTILINE)


def test_every_page_is_in_the_navigation_of_the_site():
    pages = {path.name for path in (ROOT / "docs").glob("*.md")} | {
        "index.md",
        "contributing.md",
        "changes.md",
        "examples.md",
    }
    assert pages <= set(NAVIGATION)
    assert len(NAVIGATION) == len(set(NAVIGATION))


def test_every_public_module_has_a_page_in_the_reference():
    places = (w2v_jax._PLACES.get(name, name) for name in w2v_jax.__all__)
    public = {place for place in places if not place.startswith("__")}
    assert {page.removeprefix("reference/") for page in NAVIGATION if page.startswith("reference/")} == {
        f"{module}.md" for module in public
    }
