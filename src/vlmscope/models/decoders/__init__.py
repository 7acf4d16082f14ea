"""Models that answer in words: one file per family, registered in ``models.families``."""
