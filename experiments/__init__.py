"""The paper's experiments, one absl program per section: `python -m experiments.temporal --helpfull`."""
