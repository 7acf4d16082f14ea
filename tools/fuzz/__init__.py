"""Hostile input for every door of the program, and the property that each of them has to keep."""
