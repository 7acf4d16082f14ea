"""Tools of the repository, no part of the package: ``python -m tools.house``, ``tools.mutation``."""
