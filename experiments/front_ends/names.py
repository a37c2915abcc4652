"""Names of front ends that the flags speak of; `front_ends` makes them. Imports nothing, so that help is quick."""

UNTRAINED = "untrained"
BUNDLED = "formant-base"
