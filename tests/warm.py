"""Scripts in processes that are forked from one which has imported everything: fresh memory, at once.

For figures of memory, which want a process that has done nothing before.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from fork_server import ForkServer

__all__ = ["Warm"]


class Warm(ForkServer):
    """The process that scripts are forked from."""

    script = __file__

    def whole_number(self, script: str, *words: str) -> int:
        """As ``measure.in_fresh_process``: what ``python SCRIPT WORDS`` prints last.

        Raises:
            AssertionError: the script failed, or what it prints last is no whole number.
        """
        answer = json.loads(self._ask(json.dumps([script, *words])))
        assert answer["code"] == 0, answer
        return int(answer["out"].strip().splitlines()[-1])


def _serve() -> None:
    """Fork for each line of stdin; answer with the code and the output, as JSON on one line."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    import vlmscope.methods
    from scripts import run_script

    assert vlmscope.methods
    for line in sys.stdin:
        script, *words = json.loads(line)
        pid = os.fork()
        if pid == 0:
            ended = run_script(Path(script), *words)
            answers.write(json.dumps(ended._asdict()) + "\n")
            answers.flush()
            os._exit(0)
        if os.waitpid(pid, 0)[1]:
            answers.write(json.dumps({"code": 70}) + "\n")


if __name__ == "__main__":
    _serve()
