"""Models that compare image and text: one file per family, registered in ``models.families``."""
