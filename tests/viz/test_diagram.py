"""Boxes and arrows of a diagram."""

import matplotlib.pyplot as plt
import pytest

from dlib.viz import style
from dlib.viz.diagram import arrow, node


def test_a_node_is_text_above_the_arrow_that_leads_to_it() -> None:
    figure, axes = plt.subplots()
    node(axes, 0.2, 0.3, "$x$", "red")
    node(axes, 0.8, 0.3, "$z$", "blue", shape="circle")
    arrow(axes, (0.2, 0.3), (0.8, 0.3), shrinkB=20)
    boxes, arrows = axes.texts[:2], axes.texts[2:]
    assert [t.get_text() for t in boxes] == ["$x$", "$z$"]
    assert boxes[0].get_bbox_patch().get_facecolor()[:3] == (1.0, 0.0, 0.0)
    assert all(t.zorder > arrows[0].zorder for t in boxes)
    drawn = arrows[0].arrow_patch
    assert (drawn.shrinkA, drawn.shrinkB) == (12, 20)
    assert arrows[0].xy == (0.8, 0.3)
    assert drawn.get_edgecolor() == plt.matplotlib.colors.to_rgba(style.INK)
    plt.close(figure)


def test_an_unknown_shape_is_refused() -> None:
    figure, axes = plt.subplots()
    with pytest.raises(ValueError, match="round or circle, got 'star'"):
        node(axes, 0, 0, "x", "red", shape="star")  # type: ignore[arg-type]
    plt.close(figure)
