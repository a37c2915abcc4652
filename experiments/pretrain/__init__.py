"""Training an encoder from nothing: `python -m experiments.pretrain`."""
