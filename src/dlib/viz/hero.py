"""The README's picture: ``python -m dlib.viz.hero OUT.png [RUN.json]``.

Without a run: the twins of 3DShapes and dSprites, a factor moving along each row.
With the record of a finished run (and its weights beside it): what its most active
latents do to one picture. Nothing in it is retouched.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from dlib.data import load
from dlib.data.dataset import Grid
from dlib.data.factors import Factor
from dlib.inference import evaluating, to_float
from dlib.viz import style
from dlib.viz.plots import traversals

COLUMNS = 8
CAPTION = 2.25  # width of the rows' captions, in pictures
GAP = 0.06  # between pictures, in pictures

# A point of each grid from which its rows set out: the solid and the heart are
# in full view, and no two neighbouring hues are alike.
FROM = {
    "shapes3d": {
        "floor_hue": 5,
        "wall_hue": 6,
        "object_hue": 0,
        "scale": 6,
        "shape": 0,
        "orientation": 10,
    },
    "dsprites": {"shape": 2, "scale": 4, "orientation": 0, "posX": 16, "posY": 16},
}
TITLES = {"shapes3d": "3DShapes", "dsprites": "dSprites", "mpi3d": "MPI3D"}


def factor_rows(
    datasets: Sequence[Grid],
    start: Mapping[str, Mapping[str, int]],
    columns: int = COLUMNS,
) -> Figure:
    """Data sets side by side: a row for each factor, which moves along it.

    Parameters
    ----------
    datasets : sequence of Grid
        Twins or official files, of one channel or three.
    start : mapping of str to mapping of str to int
        By the data set's name: the index of each factor where it rests.
    columns : int
        Pictures in a row, at least 2, spread evenly over the factor's values; a
        factor with fewer values shows each of them once.

    Raises
    ------
    ValueError
        If ``columns`` is less than 2.
    KeyError
        If ``start`` lacks a data set or a factor.
    """
    if columns < 2:
        raise ValueError(f"a row needs at least 2 pictures to show a move: {columns}")
    rows = max(len(dataset.space.names) for dataset in datasets)
    width, height = (CAPTION + columns + 0.4) * len(datasets), rows + 0.7
    figure = plt.figure(figsize=(0.6 * width, 0.6 * height), layout="none")
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    for number, dataset in enumerate(datasets):
        left = number * (CAPTION + columns + 0.4) + CAPTION
        title = f"{TITLES.get(dataset.name, dataset.name)} ({dataset.source})"
        axes.text(left, 0.35, title, fontsize=15, va="center", weight="bold")
        rest = torch.tensor([start[dataset.name][name] for name in dataset.space.names])
        for row, factor in enumerate(dataset.space.factors):
            top = row + 0.7
            name = factor.name.replace("_", " ")
            axes.text(left - 0.2, top + 0.5, name, fontsize=14, va="center", ha="right")
            values = _spread(factor, columns)
            factors = rest.repeat(len(values), 1)
            factors[:, row] = values
            for column, picture in enumerate(dataset.render(factors).cpu()):
                at, side = left + column, 1 - GAP
                axes.imshow(
                    picture.expand(3, -1, -1).permute(1, 2, 0).numpy(),
                    extent=(at, at + side, top + side, top),
                    interpolation="antialiased",
                    aspect="auto",
                )
                # A black picture on a black page needs an edge.
                edge = Rectangle((at, top), side, side, ec=style.INK, fc="none", lw=0.8)
                axes.add_patch(edge)
    # imshow moves the limits to what it draws last.
    axes.set(xlim=(0, width), ylim=(height, 0))
    return figure


def _spread(factor: Factor, columns: int) -> Tensor:
    count = min(columns, factor.size)
    return torch.linspace(0, factor.size - 1, count).round().long()


def run_rows(record: Path, rows: int = 6, seed: int = 0) -> Figure:
    """Traversals of a finished run: its most active latents, from one picture.

    Parameters
    ----------
    record : Path
        ``HASH.json`` of a run, as :func:`dlib.runs.save` writes it; the weights
        are in ``HASH.safetensors`` beside it.
    rows : int
        How many latents. Active is a latent that varies over the held-out
        pictures; the most active is on top.
    seed : int
        Of the draw of held-out pictures; the first of them is the one shown.

    Raises
    ------
    ValueError
        If the record or its weights are not there, or the name is not the hash
        of the recipe inside.
    """
    if not record.is_file() or not record.with_suffix(".safetensors").is_file():
        raise ValueError(
            f"there is no finished run at {record}: name the .json of a run that has "
            "its .safetensors beside it"
        )
    from dlib import runs

    recipe = runs.Recipe(**json.loads(record.read_text())["recipe"])
    if record.stem != recipe.hash:
        raise ValueError(
            f"{record.name} holds the recipe {recipe.hash}: rename the run's two files"
        )
    method = runs.fit_or_load(recipe, root=record.parent, train=False).trained
    generator = torch.Generator().manual_seed(seed)
    images, _ = recipe.parts()[1].sample(256, generator)
    with evaluating(method):
        codes = method.encode(to_float(images))
    order = codes.std(0).argsort(descending=True)[:rows].tolist()
    return traversals(method, images[0], order=order)


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw the picture and say where it is."""
    parser = argparse.ArgumentParser(
        prog="python -m dlib.viz.hero", description="Draw the README's picture."
    )
    parser.add_argument("out", type=Path, metavar="OUT.png")
    parser.add_argument(
        "run", type=Path, nargs="?", metavar="RUN.json", help="of a finished run"
    )
    given = parser.parse_args(arguments)
    style.use()
    if given.run is not None:
        try:
            figure = run_rows(given.run)
        except ValueError as error:
            parser.error(str(error))
    else:
        twins = [load(name, source="twin", size=64) for name in FROM]
        grids = [twin for twin in twins if isinstance(twin, Grid)]
        figure = factor_rows(grids, FROM)
    figure.savefig(given.out, dpi=150)
    plt.close(figure)
    print(given.out)


if __name__ == "__main__":
    main()
