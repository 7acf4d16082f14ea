"""The command line: one file per command; results on stdout, everything else on stderr."""

from vlmscope.cli.main import main

__all__ = ["main"]
