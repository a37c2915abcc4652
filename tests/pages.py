"""The Python on the pages of the documentation, and what the tests of pages need."""

import pathlib
import re

ROOT = pathlib.Path(__file__).parent.parent
PAGES = {
    path.name: path for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
}
# In place of umap-learn, which compiles for ten seconds, and which test_projection tries.
UMAP = """
class UMAP:
    def __init__(self, **settings):
        pass

    def fit(self, points):
        self.embedding_ = points[:, :2]
        return self

    def transform(self, points):
        return points[:, :2]
"""


def text_of(page: str) -> str:
    return PAGES[page].read_text(encoding="utf-8")


def blocks_of(page: str, *, torch: bool = False) -> list[str]:
    """A page's blocks of Python: those that need PyTorch, or the others."""
    blocks = re.findall(r"```python\n(.*?)```", text_of(page), flags=re.DOTALL)
    return [block for block in blocks if ("import torch" in block) == torch]


def names_of(page: str) -> dict:
    """What a page's Python defines, without the blocks that need PyTorch."""
    names: dict = {"__name__": page}
    for block in blocks_of(page):
        exec(compile(block, page, "exec"), names)
    return names
