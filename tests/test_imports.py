"""The arrows between the files run one way, and importing vlmscope costs nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.house.imports import arrows_of, circles, modules, upward_arrows
from tools.house.order import ORDER, REGISTERED

SOURCE = Path(__file__).parent.parent / "src" / "vlmscope"
