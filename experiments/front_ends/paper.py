"""The paper's own models."""

# What an encoder's provenance says, and what the paper calls it.
MODELS = {
    "facebook/wav2vec2-base": "Base",
    "facebook/wav2vec2-large": "Large",
    "facebook/wav2vec2-xls-r-300m": "XLS-R",
}
NAME = "paper"  # what `--encoders` calls them together
