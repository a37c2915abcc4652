"""The error that everything raises which reads a weight file or a checkpoint."""


class CheckpointError(ValueError):
    """A weight file that cannot be used. The message is one line: file, what was found, what was expected."""
