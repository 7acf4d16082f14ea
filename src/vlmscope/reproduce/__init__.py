"""Papers put to the test: what they claim, what is measured here, and a verdict on each claim."""
