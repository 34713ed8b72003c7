"""The film: what it carries, and what a real browser makes of it."""

from __future__ import annotations

import base64
import html
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from chromium import needs_browser, report
from PIL import Image
from torch import Tensor

from dlib import viz
from dlib.data.dsprites import TwinDSprites
from dlib.viz.film import Film

LABELS = ["step 0", "step 50", "step <100>"]


def frames(channels: int = 1, n: int = 6, count: int = 3) -> list[Tensor]:
    generator = torch.Generator().manual_seed(channels)
    return [torch.rand(n, channels, 5, 4, generator=generator) for _ in range(count)]


def pictures(shown: Film) -> list[np.ndarray]:
    """All sheets, from what the script reads and the still picture."""
    [text] = re.findall(
        r'<script type="application/json">(.*?)</script>', shown.html, re.DOTALL
    )
    [last] = re.findall(r'src="data:image/png;base64,([^"]+)"', shown.html)
    return [
        np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))
        for data in [*json.loads(text)["frames"], last]
    ]


@pytest.mark.parametrize("channels", [1, 3])
def test_sheets_hold_the_pictures_in_rows(channels: int) -> None:
    given = frames(channels)
    sheets = pictures(viz.film(given, LABELS, columns=3))
    assert len(sheets) == 3
    for sheet, frame in zip(sheets, given, strict=True):
        assert sheet.shape[:2] == (2 * 6 - 1, 3 * 5 - 1)
        for i, picture in enumerate(frame):
            top, left = 6 * (i // 3), 5 * (i % 3)
            seen = torch.from_numpy(sheet[top : top + 5, left : left + 4].copy())
            seen = seen.view(5, 4, channels).permute(2, 0, 1) / 255
            torch.testing.assert_close(seen, picture, atol=0.003, rtol=0)


def test_bytes_and_floats_are_the_same_pictures() -> None:
    given = [(frame * 255).round().byte() for frame in frames()]
    floats = [frame.float() / 255 for frame in given]
    shown = viz.film(given, LABELS, columns=2)
    assert shown.html == viz.film(floats, LABELS, columns=2).html


def test_still_picture_is_the_last_sheet_and_says_so() -> None:
    shown = viz.film(frames(), LABELS, columns=3, alt="Two rows")
    [alt] = re.findall(r'<img [^>]*alt="([^"]*)"', shown.html)
    assert html.unescape(alt) == "Two rows, step <100>"
    assert "last picture of a film (step &lt;100&gt;)" in shown.html


def test_notebook_gets_html_and_words() -> None:
    shown = viz.film(
        frames(), LABELS, columns=3, titles=["a<b", "{{last}}"], title="A <b>film"
    )
    bundle = shown._repr_mimebundle_(include=None, exclude=None)
    assert bundle["text/html"] == shown._repr_html_() == shown.html
    assert "A <b>film" in bundle["text/plain"]
    assert "<b>" not in shown.html
    assert "<span>a&lt;b</span>\n<span>{{last}}</span>" in shown.html


def test_page_reaches_for_nothing_and_names_no_ids() -> None:
    shown = viz.film(frames(), LABELS, columns=3)
    assert not re.search(r"https?://|//cdn|\bimport\b|fetch\(", shown.html)
    assert not re.search(r"\bid=|getElementById|window\.", shown.html)


def test_film_of_a_training_is_light() -> None:
    """Ten rows of nine soft sprites at 32, seven times."""
    images, _ = TwinDSprites(32).sample(7 * 90, torch.Generator().manual_seed(0))
    soft = torch.nn.functional.avg_pool2d(images / 255, 5, stride=1, padding=2)
    labels = [f"step {step}" for step in range(7)]
    shown = viz.film(soft.split(90), labels, columns=9)
    assert 50_000 < len(shown.html) < 300_000


@pytest.mark.parametrize(
    ("given", "labels", "options", "message"),
    [
        (frames()[:1], LABELS[:1], {}, "two sheets at least.*got 1 sheets and 1"),
        (frames(), LABELS[:2], {}, "got 3 sheets and 2 labels"),
        ([*frames()[:2], frames(n=3)[0]], LABELS, {}, r"'step <100>' has \(3, 1, 5"),
        ([torch.zeros(4, 2, 5, 5)] * 3, LABELS, {}, "1 channel or 3"),
        ([torch.zeros(5, 5)] * 3, LABELS, {}, r"shape \(n, c, h, w\)"),
        (frames(), LABELS, {"columns": 4}, "divide the number of pictures.*6; got 4"),
        (frames(), LABELS, {"columns": 0}, "must be positive"),
        (frames(), LABELS, {"titles": ["a"]}, "each of the 2 rows; got 1"),
        ([torch.rand(90, 1, 64, 64)] * 3, LABELS, {"columns": 9}, "at most 500 kB"),
    ],
)
def test_what_is_no_film_is_refused(
    given: list[Tensor], labels: list[str], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        viz.film(given, labels, **({"columns": 3} | options))


# Time passes when the probe says so; a dumped page has no seconds of its own.
CLOCK = """
<script>
const report = [];
let tick = null;
window.setInterval = (step) => { tick = step; return 7; };
window.clearInterval = () => { tick = null; };
window.onerror = (message) => report.push({ error: message });
</script>
"""
PROBE = """
<script>
for (const root of document.querySelectorAll(".dlib-film")) {
  const picture = root.querySelector("img"), slider = root.querySelector("input");
  const button = root.querySelector("button");
  const look = () => [
    slider.value, slider.getAttribute("aria-valuetext"), picture.alt,
    root.querySelector(".dlib-film-label").textContent, button.textContent,
    picture.src.slice(22),
  ];
  const seen = { start: look() };
  slider.value = 1;
  slider.dispatchEvent(new Event("input"));
  seen.middle = look();
  slider.value = slider.max;
  slider.dispatchEvent(new Event("input"));
  button.click();
  seen.pressed = look();
  seen.playing = [];
  for (let i = 0; i < 5 && tick; i++) { tick(); seen.playing.push(look()); }
  button.click();
  const going = tick !== null;
  button.click();
  report.push({
    ...seen, going, paused: tick === null,
    controls: root.querySelector(".dlib-film-controls").offsetHeight,
    waiting: root.querySelector(".dlib-film-waiting").offsetHeight,
    wide: picture.getBoundingClientRect().width,
  });
}
const out = document.createElement("pre");
out.id = "report";
out.textContent = JSON.stringify({
  report, wide: document.documentElement.scrollWidth <= window.innerWidth,
});
document.body.append(out);
</script>
"""


# What a reader sees where no script of the film's own has run.
LOOK = """
<pre id="report"></pre>
<script>
const root = document.querySelector(".dlib-film");
document.querySelector("#report").textContent = JSON.stringify({
  wide: root.querySelector("img").getBoundingClientRect().width,
  waiting: root.querySelector(".dlib-film-waiting").offsetHeight,
  controls: root.querySelectorAll("button, input").length,
});
</script>
"""


def open_page(body: str, folder: Path, *options: str) -> dict[str, Any]:
    """Open a page headless and return what its probe reported."""
    return report(CLOCK + body + PROBE, folder, *options)


@needs_browser
def test_browser_runs_through_the_film(tmp_path: Path) -> None:
    # Twice the same, as a notebook with two views has it.
    shown = viz.film(frames(), LABELS, columns=3, alt="Sheet")
    other = viz.film(frames(3), LABELS, columns=2, titles=["a", "b", "c"])
    answer = open_page(shown.html + other.html + shown.html, tmp_path)
    assert len(answer["report"]) == 3
    for seen, film in zip(answer["report"], (shown, other, shown), strict=True):
        assert "error" not in seen, seen
        sheets = pictures(film)

        def at(seen: list[str], sheets: list[np.ndarray] = sheets) -> int:
            picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(seen[-1]))))
            [place] = [i for i, s in enumerate(sheets) if np.array_equal(s, picture)]
            assert seen[0] == str(place)
            assert seen[1] == seen[3] == LABELS[place]
            assert seen[2].endswith(", " + LABELS[place])
            return place

        assert at(seen["start"]) == 2 and seen["start"][4] == "Play"
        assert at(seen["middle"]) == 1
        # At the end it starts again, and stops by itself where it ends.
        assert at(seen["pressed"]) == 0 and seen["pressed"][4] == "Pause"
        assert [at(step) for step in seen["playing"]] == [1, 2]
        assert seen["playing"][-1][4] == "Play"
        assert seen["going"] and seen["paused"]
        assert seen["controls"] > 0 and seen["waiting"] == 0


@needs_browser
def test_less_motion_is_a_step_for_each_press(tmp_path: Path) -> None:
    shown = viz.film(frames(), LABELS, columns=3)
    answer = open_page(shown.html, tmp_path, "--force-prefers-reduced-motion")
    [seen] = answer["report"]
    assert seen["start"][4] == "Next"
    assert (seen["pressed"][0], seen["playing"], seen["going"]) == ("0", [], False)


@needs_browser
def test_narrow_screen_does_not_scroll_sideways(tmp_path: Path) -> None:
    given = [torch.rand(18, 1, 32, 32) for _ in range(2)]
    shown = viz.film(given, LABELS[:2], columns=9, titles=["picture", "z1"])
    body = f'<div style="width: 300px">{shown.html}</div>'
    answer = open_page(body, tmp_path, "--window-size=500,900")
    assert answer["wide"] and answer["report"][0]["wide"] < 300


@needs_browser
def test_without_scripts_the_last_sheet_is_there(tmp_path: Path) -> None:
    """What stands before the first script runs, which an untrusted page never does."""
    shown = viz.film(frames(), LABELS, columns=3)
    still = re.sub(r"<script.*?</script>", "", shown.html, flags=re.DOTALL)
    seen = report(still + LOOK, tmp_path)
    assert seen["wide"] > 0 and seen["waiting"] > 0 and seen["controls"] == 0
