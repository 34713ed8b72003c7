"""The bars of scores beside bent codes: in the page, and where a kernel runs."""

from __future__ import annotations

import html
from collections.abc import Mapping
from importlib import resources

TABLE = """\
<div class="dlib-bend-right">
<table>
<colgroup><col style="width: 10.5em"><col><col style="width: 3em"><col
 style="width: 3.6em"></colgroup>
<thead><tr><th scope="col">metric</th><th scope="col">0 to 1</th>
<th scope="col" class="dlib-bend-number">score</th>
<th scope="col" class="dlib-bend-number">noise</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
<div class="dlib-bend-legend" aria-hidden="true">
<span><i style="width: 1.2em; background: #0072B2"></i>now</span>
<span><i style="width: 1.2em; background: rgb(86 180 233 / 38%)"></i>at the start</span>
<span><i style="width: 3px; background: #E69F00"></i>noise floor</span>
</div>
</div>"""


def style() -> str:
    """The style sheet of everything in a ``dlib-bend``."""
    return resources.files("dlib.viz").joinpath("bend.css").read_text(encoding="utf-8")


def bars(
    scores: Mapping[str, float],
    floors: Mapping[str, float],
    start: Mapping[str, float],
) -> str:
    """A table with a bar for each metric.

    Parameters
    ----------
    scores, start : mapping of str to float
        By metric: now, and where the slider began.
    floors : mapping of str to float
        What noise gets. Names the metrics, in the order of the bars.
    """
    rows = [_row(m, scores[m], start[m], floor) for m, floor in floors.items()]
    return TABLE.format(rows="\n".join(rows))


def _row(metric: str, score: float, start: float, floor: float) -> str:
    now, was, tick = (100 * min(1.0, max(0.0, v)) for v in (score, start, floor))
    return (
        f'<tr><th scope="row">{html.escape(metric)}</th>'
        '<td><div class="dlib-bend-bar" aria-hidden="true">'
        f'<div class="dlib-bend-start" style="width: {was:.2f}%"></div>'
        f'<div class="dlib-bend-score" style="width: {now:.2f}%"></div>'
        f'<div class="dlib-bend-floor" style="left: {tick:.2f}%"></div></div></td>'
        f'<td class="dlib-bend-number">{_number(score)}</td>'
        f'<td class="dlib-bend-number">{_number(floor)}</td></tr>'
    )


def _number(value: float) -> str:
    return f"{value:.2f}".replace("-", "\N{MINUS SIGN}")
