"""The Python of the README and the pages runs as it stands, and what they name exists."""

import re

import numpy as np
import pytest
from pages import PAGES, ROOT, names_of, text_of

import w2v_jax

TEXT = "\n".join(text_of(page) for page in PAGES)


def test_readme_is_one_screen():
    assert len(text_of("README.md").split()) <= 700


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
def test_python_of_the_library_page():
    names = names_of("library.md")
    assert names["features"].shape == (25, 512)
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
