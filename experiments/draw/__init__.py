"""How figures look, and the drawings that several experiments share."""
