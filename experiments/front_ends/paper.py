"""The paper's own models."""

# What an encoder's provenance says, and what the paper calls it.
MODELS = {
    "facebook/wav2vec2-base": "Base",
    "facebook/wav2vec2-large": "Large",
    "facebook/wav2vec2-xls-r-300m": "XLS-R",
}
NAME = "paper"  # what `--encoders` calls them together


def model_of(source: str) -> str | None:
    """Which of the paper's models weights from `source` are: "Base", "Large", "XLS-R", or None."""
    return MODELS.get(source.partition("@")[0])


def prints_as(ours: float, published: str, *, digits: int) -> bool:
    """Whether `ours` prints as `published` with that many significant digits, trailing zeros dropped."""
    return f"{ours:.{digits}g}" == published
