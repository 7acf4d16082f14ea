"""Do the tests notice when a line of a central module is changed? See ``__main__`` for the command.

A mutant is one small change to one file. The tests that execute the changed line are run on it, in a
process that has everything but the package imported already; one that fails kills the mutant.
"""
