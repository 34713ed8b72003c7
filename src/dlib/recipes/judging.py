"""An experiment's claims, decided by its finished runs."""

from __future__ import annotations

from dlib.recipes.claim import Claim, Verdict
from dlib.recipes.experiment import Experiment, expand, find


def verdicts(name: str, budget: str | None = None) -> list[tuple[Claim, Verdict]]:
    """Each claim of an experiment, and what its runs say of it.

    Parameters
    ----------
    name : str
        Such as ``"dip_vae"``.
    budget : {"smoke", "book", "paper"}, optional
        ``DLIB_BUDGET`` by default.

    Raises
    ------
    MissingRun
        If a run that decides is not finished.
    ValueError
        As :func:`dlib.recipes.load`.
    """
    file = find(name)
    groups = {claim.group for claim in file.claims}
    scores = {group: scores_of(expand(file, name, group, budget)) for group in groups}
    return [(claim, claim.judge(scores[claim.group])) for claim in file.claims]


def scores_of(
    experiment: Experiment,
) -> dict[str, dict[int, list[dict[str, float]]]]:
    """The metrics of all runs: by line, by seed, setting after setting."""
    scores: dict[str, dict[int, list[dict[str, float]]]] = {}
    for entry in experiment.entries:
        run = experiment.run(entry, weights=False)
        line = scores.setdefault(entry.line, {})
        line.setdefault(entry.recipe.seed, []).append(run.metrics)
    return scores
