"""One figure style, readable beside light and dark text, and to the colour-blind.

A figure is a white card with dark ink. No one grey has the contrast that small text
needs (4.5 to 1) on white and on black alike, and a figure without a ground of its own
can't know which of the two it will stand on: a page, JupyterLab and Colab each have a
dark theme of their own.
"""

from __future__ import annotations

import matplotlib as mpl
from cycler import cycler

GROUND = "#ffffff"
INK = "#404040"  # 10 to 1 on the ground

# Okabe and Ito (2008), without its black and its yellow, which need one ground.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9")


def use() -> None:
    """Apply the style to every figure drawn from now on."""
    mpl.rcParams.update(
        {
            "figure.facecolor": GROUND,
            "axes.facecolor": GROUND,
            "savefig.facecolor": GROUND,
            "savefig.transparent": False,
            "savefig.bbox": "tight",
            "figure.dpi": 110,
            "figure.constrained_layout.use": True,
            "font.size": 10,
            "text.color": INK,
            "axes.labelcolor": INK,
            "axes.titlecolor": INK,
            "axes.edgecolor": INK,
            "axes.titlesize": 10,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "xtick.color": INK,
            "ytick.color": INK,
            "grid.color": INK,
            "grid.alpha": 0.3,
            "legend.frameon": False,
            "lines.linewidth": 1.8,
            "axes.prop_cycle": cycler(color=list(COLOURS)),
            "image.cmap": "cividis",
        }
    )
