"""The table of runs that do not all have the same scores."""

from __future__ import annotations

from vlmscope.evaluation.scores import RunScores, score_table
from vlmscope.metrics.score import Score
from vlmscope.stats import Interval


def run(label: str, *metrics: str, **counts: int) -> RunScores:
    value = Interval(0.5, 0.25, 0.75)
    scores = [Score(metric, value, 8, "sentences", 2) for metric in metrics]
    scores += [
        Score(metric, value, 8, "sentences", 2, {"count": n}) for metric, n in counts.items()
    ]
    return RunScores(label, label, {"options": {}}, tuple(scores))


def test_a_score_that_a_run_lacks_is_an_empty_cell() -> None:
    heads, rows = score_table([run("a", "Acc", "IoU"), run("b", "Acc")])
    assert heads == ["run", "Acc", "IoU"]
    assert rows[1] == ["b", "0.500 [0.250, 0.750]", ""]


def test_scores_stand_behind_those_before_them_and_counts_last() -> None:
    runs = [
        run("answer", "Acc", "GREC", unread=4),
        run("other", "Acc", "AUC", "GREC"),
        run("dino", "first", "Acc", "AUC", noted=2),
    ]
    heads, rows = score_table(runs)
    assert heads == ["run", "first", "Acc", "AUC", "GREC", "unread", "noted"]
    assert rows[0][1:4] == ["", "0.500 [0.250, 0.750]", ""]
    assert rows[0][5:] == ["0.500 [0.250, 0.750] (4 of 8)", ""]
