"""Print the figures of a source tree: ``python -m tools.house [--source PATH] [--json]``."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tools.house.imports import arrows, circles, upward_arrows, within_folders
from tools.house.order import ORDERS
from tools.house.repeats import repeats
from tools.house.table import table
from tools.house.tree import Tree, folders, sizes
from tools.house.trips import trips


def figures(package: Path, order: tuple[str, ...], *, travel: bool = True) -> dict[str, Any]:
    """Every figure of the package in the folder ``package``, as JSON would hold it."""
    tree = Tree.read(package)
    found = arrows(tree)
    return {
        **sizes(tree),
        **folders(tree),
        "circles": circles(found),
        "upward arrows": upward_arrows(tree, found, order),
        "arrows within": within_folders(found),
        "repeated places": [asdict(repeat) for repeat in repeats(tree)],
        "repeated to the letter": [asdict(repeat) for repeat in repeats(tree, letters=True)],
        **({"trips": trips(package)} if travel else {}),
    }


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.house", description=__doc__)
    parser.add_argument("--source", type=Path, default=Path("src/vlmscope"), help="a package")
    parser.add_argument("--order", choices=ORDERS, default="now", help="the order of its units")
    parser.add_argument("--no-trips", action="store_true", help="do not load and run models")
    parser.add_argument("--json", action="store_true", help="every figure, as JSON")
    given = parser.parse_args(arguments)
    try:
        found = figures(given.source, ORDERS[given.order], travel=not given.no_trips)
    except KeyError as error:
        raise SystemExit(str(error.args[0])) from error
    print(json.dumps(found, indent=2) if given.json else table(found))


if __name__ == "__main__":
    main()
