"""Which vowels an experiment asks about, and how they are made."""
