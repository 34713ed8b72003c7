"""The figure whose codes are bent in the page: its numbers, and a real browser."""

from __future__ import annotations

import base64
import html
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import torch
from chromium import dump, needs_browser

from dlib.viz.bend import Bend, Bending, bend
from dlib.viz.style import COLOURS

N = 20
FACTORS = torch.stack([torch.arange(N) % 3, torch.arange(N) % 2], dim=1)
VALUES = {"hue": ["red", "green", "blue"], "<size>": ["small", "large"]}
FLOORS = {"MIG": 0.0, "modularity": 0.6}


def bendings() -> dict[str, Bending]:
    codes = torch.randn(N, 3, generator=torch.Generator().manual_seed(0))
    start = {"MIG": 0.9, "modularity": 0.8, "more": 1.0}
    return {
        "turn": Bending(
            ["0°", "45°"],
            [codes, codes.roll(1, 1)],
            [start, {"MIG": 0.25, "modularity": 0.8}],
            "Turn <them>.",
        ),
        "scale": Bending(
            ["1", ".5", "0"],
            [codes, codes / 2, codes * 0],
            [start, start, {"MIG": 1.2, "modularity": -0.1}],
            axes=(2, 0),
        ),
    }


def shown(**changes: Any) -> Bend:
    arguments: dict[str, Any] = {
        "bendings": bendings(),
        "factors": FACTORS,
        "noise_floors": FLOORS,
        "values": VALUES,
        **changes,
    }
    return bend(
        arguments.pop("bendings"),
        arguments.pop("factors"),
        arguments.pop("noise_floors"),
        **arguments,
    )


def payload(figure: Bend) -> dict[str, Any]:
    """The data that the page's script reads."""
    [text] = re.findall(
        r'<script type="application/json">(.*?)</script>', figure.html, re.DOTALL
    )
    return json.loads(text)


def test_page_carries_the_scores_and_the_points_of_each_position() -> None:
    data, given = payload(shown(points=7)), bendings()
    assert data["metrics"] == ["MIG", "modularity"]
    for entry, (name, bending) in zip(data["bendings"], given.items(), strict=True):
        assert entry["name"] == name
        across, upward = bending.axes
        assert entry["axes"] == [f"z{across}", f"z{upward}"]
        assert len(entry["positions"]) == len(bending.labels)
        for i, position in enumerate(entry["positions"]):
            assert position["label"] == bending.labels[i]
            wanted = [bending.scores[i][metric] for metric in FLOORS]
            assert position["scores"] == pytest.approx(wanted, abs=1e-4)
            points = torch.tensor(position["points"]).view(7, 2)
            codes = bending.codes[i][:7, [across, upward]]
            torch.testing.assert_close(points, codes, atol=1e-3, rtol=0)
            assert points.abs().max() <= entry["limit"] + 1e-3
    assert [f["labels"] for f in data["factors"]] == FACTORS[:7].T.tolist()


def test_table_shows_the_start_without_a_script() -> None:
    rows = re.findall(r'<th scope="row">(.*?)</th>.*', shown().html)
    assert rows == ["MIG", "modularity"]
    numbers = re.findall(r'<td class="dlib-bend-number">(.*?)</td>', shown().html)
    assert numbers == ["0.90", "0.00", "0.80", "0.60"]


def still_of(figure: Bend) -> tuple[ElementTree.Element, str, str]:
    """The still picture itself, its alt text, and the sentence below it."""
    [(alt, coded, said)] = re.findall(
        r'<div class="dlib-bend-still">\n<img alt="(.*?)" '
        r'src="data:image/svg\+xml;base64,(.*?)">\n<p>(.*?)</p>',
        figure.html,
    )
    return ElementTree.fromstring(base64.b64decode(coded)), alt, said


def test_still_picture_shows_the_start_and_half_way() -> None:
    picture, alt, said = still_of(shown(points=7))
    svg = "{http://www.w3.org/2000/svg}"
    assert [t.text for t in picture.iter(f"{svg}text")] == [
        "0°", "z0", "z1", "45°", "z0", "z1",
    ]  # fmt: skip
    assert alt == "Scatter of z0 and z1, coloured by hue: 0° and 45°."
    assert "From 0° to 45° (turn): MIG falls to 0.25. The table has the" in said
    # Seven points a panel, in the colours of their hues.
    groups = [g for g in picture.iter(f"{svg}g") if g.get("fill") in COLOURS]
    assert [len(g) for g in groups] == [3, 2, 2, 0, 0, 0] * 2
    # Where the first point stands: the axes' middle, and upward is less.
    codes = bendings()["turn"].codes
    limit = max(float(part[:7, :2].abs().max()) for part in codes)
    x, y = codes[0][0, :2].tolist()
    dot = groups[0][0]
    assert float(dot.get("cx", "")) == pytest.approx(
        26 + 110 + 105 * x / limit, abs=0.2
    )
    assert float(dot.get("cy", "")) == pytest.approx(
        26 + 110 - 105 * y / limit, abs=0.2
    )


def test_still_picture_of_a_single_position_has_one_panel() -> None:
    once = replace(
        bendings()["turn"],
        labels=["<0°>"],
        codes=bendings()["turn"].codes[:1],
        scores=bendings()["turn"].scores[:1],
    )
    picture, alt, said = still_of(shown(bendings={"turn": once}))
    assert len(list(picture.iter("{http://www.w3.org/2000/svg}text"))) == 3
    assert alt.endswith("&lt;0°&gt;.")
    assert "no score moves" in said


def test_a_single_bending_needs_no_button() -> None:
    question = 'aria-label="What to do to the codes"'
    assert f"{question}>" in shown().html
    only = {"turn": bendings()["turn"]}
    assert f"{question} hidden>" in shown(bendings=only).html


def test_nothing_that_needs_a_script_stands_outside_of_scripts() -> None:
    # A notebook that is not trusted keeps buttons and drops what hides them.
    outside = re.sub(r"<script.*?</script>", "", shown().html, flags=re.DOTALL)
    assert not re.search(r"<button|<input|<svg| hidden", outside.split("</style>")[1])
    assert "dlib-bend-still" in outside and "<table>" in outside


def test_page_names_no_id_and_loads_nothing() -> None:
    page = shown().html
    assert not re.search(r"\sid=", page)
    assert not re.search(r'\ssrc="(?!data:)|\shref=|@import|fetch\(', page)
    # The name space of SVG is a name, not an address to load from.
    assert set(re.findall(r"https?://[^\"' ]*", page)) == {"http://www.w3.org/2000/svg"}


def test_words_are_escaped_and_may_look_like_places() -> None:
    page = shown(title="<b> {{payload}} & co").html
    assert "&lt;b&gt; {{payload}} &amp; co" in page
    assert "&lt;size&gt;" in page and "<size>" not in page
    assert payload(shown())["bendings"][0]["note"] == "Turn <them>."


def test_notebook_and_terminal_have_something_to_show() -> None:
    figure = shown(title="Bend it")
    assert figure._repr_html_() == figure.html
    assert figure._repr_mimebundle_() == {
        "text/html": figure.html,
        "text/plain": "Bend('Bend it'), shown where HTML is shown",
    }


def test_codes_come_from_any_device(device: torch.device) -> None:
    moved = {
        name: replace(b, codes=[codes.to(device) for codes in b.codes])
        for name, b in bendings().items()
    }
    there = shown(bendings=moved, factors=FACTORS.to(device))
    assert payload(there) == payload(shown())


def broken(**changes: Any) -> dict[str, Any]:
    return {"bendings": {"turn": replace(bendings()["turn"], **changes)}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bendings": {}}, "at least one bending"),
        ({"noise_floors": {}}, "at least one bending and one metric"),
        ({"points": 0}, "points must be from 1 to 600, got 0"),
        ({"points": 601}, "points must be from 1 to 600, got 601"),
        ({"factors": FACTORS[:, :1]}, r"shape \(n, 2\).*got \(20, 1\)"),
        ({"factors": FACTORS + 1}, "hue has 3 named values.*got 1 to 3"),
        ({"values": {"hue": ["a"] * 7, "size": ["b", "c"]}}, "hue has 7"),
        ({"noise_floors": {"MIG": float("nan")}}, "noise floor of MIG must be a fin"),
        ({"noise_floors": {"IRS": 0.3}}, "turn at 0° has no score for IRS"),
        (broken(labels=[]), "turn must have as many labels"),
        (broken(labels=["0°"]), "got 1, 2 and 2"),
        (broken(axes=(0, 3)), r"two of the 3 codes.*got \(0, 3\)"),
        (broken(codes=[torch.ones(5, 3)] * 2), r"shape \(20, latent_dim\).*\(5, 3\)"),
        (
            broken(scores=[{"MIG": 1.0, "modularity": float("inf")}] * 2),
            "the modularity of turn at 0° must be a finite number",
        ),
    ],
)
def test_what_cannot_be_shown_is_said(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        shown(**changes)


ASK = """
<script>
const said = [];
document.querySelectorAll(".dlib-bend").forEach((root) => {
  const slider = root.querySelector("input");
  const scores = () => Array.from(
    root.querySelectorAll("tbody tr"), (row) => row.cells[2].textContent);
  const look = () => ({
    scores: scores(), value: slider.getAttribute("aria-valuetext"),
    width: root.querySelector(".dlib-bend-score").style.width,
    status: root.querySelector("[role=status]").textContent,
    dot: root.querySelector("circle").getAttribute("cx"),
    pressed: Array.from(root.querySelectorAll("[aria-pressed=true]"),
      (button) => button.textContent),
    note: root.querySelector(".dlib-bend-note").textContent,
    still: root.querySelector(".dlib-bend-still").checkVisibility(),
    alive: root.querySelector(".dlib-bend-controls").checkVisibility() &&
      root.querySelector("svg").checkVisibility(),
  });
  const seen = [look()];
  slider.value = 1;
  slider.dispatchEvent(new Event("input"));
  slider.dispatchEvent(new Event("change"));
  seen.push(look());
  root.querySelectorAll("[data-factor]")[1].click();
  root.querySelectorAll("[data-bending]")[1].click();
  slider.value = 2;
  slider.dispatchEvent(new Event("input"));
  seen.push(look());
  said.push(seen);
});
document.body.innerHTML = "";
document.body.dataset.said = JSON.stringify(said);
</script>
"""


@needs_browser
def test_slider_and_buttons_answer_in_a_browser(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    # Twice on one page: neither may answer for the other.
    page.write_text(
        f'<!doctype html><meta charset="utf-8"><body>{shown().html * 2}{ASK}</body>',
        encoding="utf-8",
    )
    done = dump(page, tmp_path)
    [text] = re.findall(r'data-said="(.*?)"', done.stdout)
    first, second = json.loads(html.unescape(text))
    assert first == second
    start, turned, scaled = first
    assert start["alive"] and not start["still"]
    assert start["scores"] == ["0.90", "0.80"]
    assert start["pressed"] == ["turn", "hue"]
    assert (start["value"], start["status"]) == ("0°", "")
    assert turned["scores"] == ["0.25", "0.80"]
    assert turned["width"] == "25%"
    assert turned["status"] == "turn, 45°: MIG falls to 0.25."
    assert turned["dot"] != start["dot"]
    assert turned["note"] == "Turn <them>."
    # Bars stay inside their box; the number says what the score is.
    assert scaled["scores"] == ["1.20", "\u22120.10"]
    assert scaled["width"] == "100%"
    assert scaled["pressed"] == ["scale", "<size>"]
