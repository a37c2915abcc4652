"""What the documentation site has besides the pages of docs/: see mkdocs.yml."""

import pathlib
import posixpath
import re
from collections.abc import Iterator
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

_ROOT = pathlib.Path(__file__).parent.parent

# Files outside docs/, and where the site has them. They stay where GitHub and readers of a clone look for them.
_PLACES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changes.md",
    "CITATION.cff": "CITATION.cff",
    "LICENSE": "licence.md",
    "weights/README.md": "weights.md",
    "weights/formant-base.curve.csv": "formant-base.curve.csv",
}
_EXAMPLES = "examples.md"  # one page of the scripts in examples/
_FOLDERS = {"examples": _EXAMPLES, "docs": "index.md"}
_SOURCES = {place: source for source, place in _PLACES.items()}

_MODULE = re.compile(r"w2v_jax/(\w+)(?:/__init__)?\.py")  # the site has its page of the reference instead
_LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)#\s]+)")  # the path of [text](path#heading), not of a URL


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the files outside docs/, and a page of the reference for each that the navigation names."""
    for source, place in _PLACES.items():
        files.append(File.generated(config, place, abs_src_path=str(_ROOT / source)))
    files.append(File.generated(config, _EXAMPLES, content="# Examples\n\n" + "".join(_examples())))
    for page in _leaves(config.nav):
        if page.startswith("reference/"):
            module = posixpath.splitext(posixpath.basename(page))[0]
            files.append(File.generated(config, page, content=f"::: w2v_jax.{module}\n"))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Leads links between files of the repository to where the site has them; one that leads nowhere ends the build."""
    place = page.file.src_uri
    folder = posixpath.dirname(_SOURCES.get(place, f"docs/{place}"))

    def moved(link: re.Match[str]) -> str:
        source = posixpath.normpath(posixpath.join(folder, link[1]))
        module = _MODULE.fullmatch(source)
        target = (_FOLDERS | _PLACES).get(source, source.removeprefix("docs/"))
        target = f"reference/{module[1]}.md" if module else target
        return posixpath.relpath(target, posixpath.dirname(place) or ".")

    return _LINK.sub(moved, markdown)


def _examples() -> Iterator[str]:
    """A heading and the text of each example."""
    for path in sorted((_ROOT / "examples").glob("*.py")):
        yield f"## {path.name}\n\n```python\n{path.read_text(encoding='utf-8')}```\n\n"


def _leaves(nav: Any) -> Iterator[str]:
    """The pages of a navigation, in order."""
    if isinstance(nav, str):
        yield nav
    elif isinstance(nav, dict | list):
        for each in nav.values() if isinstance(nav, dict) else nav:
            yield from _leaves(each)
