"""The error of weight files and checkpoints, which stands below all that read them."""


class CheckpointError(ValueError):
    """A weight file that cannot be used. The message is one line: file, what was found, what was expected."""

    __module__ = "w2v_jax.checkpoint"  # the public one, which tracebacks and pickles name
