# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Factors and data
#
# [Open in Colab](https://colab.research.google.com/github/untangled-book/untangled/blob/main/book/foundations/factors_and_data.ipynb)
#
# **The promise.** After this chapter you can say what a picture of dSprites or
# 3DShapes is made of, draw both data sets yourself from a handful of formulas,
# and predict which factors a pixel-wise loss will reward a network for finding,
# and which of them no network can read off every picture.

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-cell"]
# Colab starts without the library: install it there, and only there.
import subprocess
import sys

if "google.colab" in sys.modules:
    source = "dlib-book @ git+https://github.com/untangled-book/untangled"
    pip = [sys.executable, "-m", "pip", "install", "-q"]
    subprocess.run([*pip, source], check=True)

# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input", "remove-output"]
# @title Imports, the data sets, and how much work each budget does
import colorsys
import math
import textwrap
import time

import matplotlib.pyplot as plt
import pandas as pd
import torch
from torch.nn.functional import avg_pool2d

from dlib import budget, viz
from dlib.data import (
    Coloured,
    Correlated,
    DataError,
    Merged,
    gaussian_law,
    load,
    real_frames,
)
from dlib.data.coloured import COLOURS
from dlib.data.mpi3d_frames import WHOLE, frame_factors
from dlib.data.shapes3d import SCENE, trace
from dlib.viz.sliders import factor_sliders

viz.use()
at_book = budget.current() != "smoke"
room_size = budget.choose(16, 64)  # pixels; a smoke test draws small rooms
stride = budget.choose(8, 1)  # of what is averaged: all of it, or an eighth
rounds = budget.choose(2, 10)  # batches whose drawing is timed
blocks = budget.choose(4, 200)  # draws of the other factors behind a price
others = budget.choose(10, 300)  # draws behind the pixels that a factor moves
many = budget.choose(2_000, 200_000)  # points whose factors are correlated

dsprites = load("dsprites", source="twin")
shapes3d = load("shapes3d", source="twin", size=room_size)
mpi3d = load("mpi3d", source="twin", size=room_size)
generator = torch.Generator().manual_seed(1)

# %% [markdown]
# ## What is in a picture?
#
# Look at these for a moment, and describe each in words.

# %% cellView="form" jupyter={"source_hidden": true} mystnb={"image": {"alt": "Two rows of ten pictures. Top, white squares, ellipses and hearts on black, at different places, sizes and angles. Bottom, a coloured cube, cylinder, sphere or capsule that stands in a room with a coloured floor and coloured walls."}} tags=["hide-input"]
# @title Figure 1
images, factors = dsprites.sample(10, generator)
rooms, _ = shapes3d.sample(10, generator)
figure, axes = plt.subplots(2, 10, figsize=(9, 1.9))
for axis, picture in zip(axes.flat, [*images, *rooms], strict=True):
    axis.imshow(picture.permute(1, 2, 0).squeeze(2), cmap="gray")
    axis.axis("off")

# %% [markdown]
# **Figure 1.** Ten pictures each of the two data sets that this book begins
# with.
#
# Top, dSprites ([Matthey et al. (2017)](https://github.com/deepmind/dsprites-dataset/)),
# which the DIP-VAE paper calls 2D Shapes. Bottom, 3DShapes
# ([Burgess and Kim (2018)](https://github.com/deepmind/3dshapes-dataset/)). You
# probably said something like "a small heart, low on the left, tilted", or "a
# red ball in a green room with a blue floor". You did not recite 4,096 grey
# values. You named a few
# [factors of variation](../reference/glossary.md#factor-of-variation), and a
# reader who had never seen the picture could draw it from your words alone.
#
# **You need** Python, a little torch, and nothing about disentanglement. **It
# costs** under two minutes on two CPU cores, some of it only the first time,
# while the rooms are traced and kept on disk. Nothing is downloaded.

# %% [markdown]
# That is the whole subject. A computer drew each of these pictures from a
# handful of numbers and then threw the numbers away. Can a network that is
# shown only the pictures find them again? Before we ask one, it pays to know
# exactly what was thrown away. Here it is, to be moved by hand:

# %%
factor_sliders(dsprites, [2, 3, 5, 16, 16], title="All of dSprites")

# %% [markdown]
# **Figure 2.** All 737,280 pictures of dSprites, drawn in your browser by the
# formulas of this chapter.
#
# Move one slider at a time and read the line below them. One step of *posX*
# changes a few dozen pixels, and the whole of the slider every pixel that is lit.
# Turn the heart through all 40 values of *orientation*: the last is the first
# again. Now turn the square: it looks the same four times. We shall come back to
# all three.

# %% [markdown]
# ## The idea: a factor space and a renderer
#
# Section 4 of [Kumar et al. (2018)](https://arxiv.org/abs/1711.00848) introduces
# the data in half a sentence, binary shapes "generated from the Cartesian product
# of the shape (heart, oval and square), *x*-position (32 values), *y*-position
# (32 values), scale (6 values) and rotation (40 values)", and gives it no
# equation. Here is ours. A picture $x$ is drawn by a deterministic renderer $g$
# from $k$ factors $y$, each of which is uniform on $m_j$ values and independent
# of the others:
#
# $$
# x = g(y_1, \dots, y_k), \qquad p(y) = \prod_{j=1}^{k} \frac{1}{m_j}.
# \tag{A}
# $$
#
# In `dlib`, Eq. (A) is the definition of a *grid*, the kind of data set that
# this book uses most: a *factor space*, which holds all $y$, and a `render`
# method, which is $g$.

# %%
for dataset in (dsprites, shapes3d):
    print(textwrap.fill(str(dataset), 66, subsequent_indent="  "))

# %% [markdown]
# Five factors for dSprites (the official file has a sixth, colour, with a single
# value, which we leave out) and six for 3DShapes. Multiply the sizes and you get
# the number of pictures: each combination occurs exactly once.
#
# The same point of the grid has three addresses. **Factors** are indices, one
# for each factor, and that is what `render` takes. The **flat index** counts
# through the grid, the last factor fastest, and is the row of the official file.
# **Values** are what the indices stand for, in the factor's own unit. Figure 2
# shows all three.

# %%
space = dsprites.space
index = space.to_index(factors)
table = pd.DataFrame(space.to_values(factors), columns=list(space.names))
table.insert(0, "factors", [str(row) for row in factors.tolist()])
table.insert(0, "flat index", index.tolist())
assert torch.equal(space.to_factors(index), factors)
table.head(4).round(3)

# %% [markdown]
# The first four sprites of Figure 1. Orientation is in radians, positions run
# from 0 to 1 (and $y$ grows *downwards*), and a scale of 1 is twice as wide as a
# scale of 0.5. Shape is different in kind: 1, 2 and 3 are names for square,
# ellipse and heart, and the average of a square and a heart is not an ellipse.
# The space remembers which is which, because a metric that fits lines must not
# fit one through names:

# %%
dict(zip(space.names, space.kinds, strict=True))

# %% [markdown]
# ## A renderer in a dozen lines
#
# dSprites was drawn by a small game engine without anti-aliasing: a pixel is on
# if its *centre* lies inside the shape, and off otherwise. Two steps are enough.
# First, carry each pixel's centre into the sprite's own frame: move the sprite's
# centre to the origin, turn back by the orientation, divide by the scale. The
# centre is 16 to 48 pixels from the left, so no sprite ever leaves the picture.


# %%
def sprite_frame(scale, angle, x, y, size=64):
    """Pixel centres as the sprite sees them: u to the right, v down."""
    steps = torch.arange(size) + 0.5
    dx = (steps * 64 / size - (16 + 32 * x))[None, :] / scale
    dy = (steps * 64 / size - (16 + 32 * y))[:, None] / scale
    turn = torch.tensor(angle)
    u = turn.cos() * dx - turn.sin() * dy
    v = turn.sin() * dx + turn.cos() * dy
    return u, v


# %% [markdown]
# Second, ask whether the point $(u, v)$ is inside. For a square and an ellipse
# that is one comparison. The heart is the curve
# $u = 9.6 \sin^3 q$, $-v = h(q)$ with the function $h$ below; a vertical line
# crosses it at two parameters, $q$ and $\pi - q$, and the point is inside if it
# lies between them.


# %%
def inside(shape, u, v):
    def h(q):
        wave = 13 * q.cos() - 5 * (2 * q).cos()
        return 1.44 + 0.662 * (wave - 2 * (3 * q).cos() - (4 * q).cos())

    if shape == "square":
        return torch.maximum(u.abs(), v.abs()) <= 9.6
    if shape == "ellipse":
        return (u / 12.765) ** 2 + (v / 7.2125) ** 2 <= 1
    q = torch.asin((u.abs() / 9.6).clamp(max=1) ** (1 / 3))
    return (u.abs() <= 9.6) & (h(math.pi - q) <= -v) & (-v <= h(q))


# %% [markdown]
# That is all of dSprites, and all that Figure 2 carries. `dlib` renders in
# batches and reads the heart's outline from a table. The pictures must come out
# the same, with a pixel or two of grace where a heart's outline passes exactly
# through a pixel's centre:

# %%
labels = space.factors[0].labels
drawn = []
for row in space.to_values(factors).tolist():
    shape, scale, angle, x, y = row
    angle = angle % (2 * math.pi - 1e-6)  # both ends of the circle are one
    u, v = sprite_frame(scale, angle, x, y)
    drawn.append(inside(labels[int(shape) - 1], u, v))
different = (torch.stack(drawn) != (images[:, 0] > 0)).sum((1, 2))
assert different.max() <= 2
print("pixels that differ:", int(different.sum()), "of", 10 * 64 * 64)

# %% [markdown]
# A few numbers (9.6, 12.765, 7.2125, 1.44, 0.662) and three conditions, one a
# shape, hold the whole data set.
#
# Formulas don't know what a pixel is, so a picture of another size can be *drawn*
# at that size. Shrinking the official pictures would invent grey levels that
# dSprites does not have, and a Bernoulli likelihood, which the next chapter uses,
# takes a pixel for a coin.

# %% mystnb={"image": {"alt": "The same tilted heart four times. Drawn at 32 by 32 pixels it is coarse, at 64 finer, at 256 smooth, and all three are black and white; the fourth, shrunk from 64 to 32, has grey edges."}}
figure, axes = plt.subplots(1, 4, figsize=(8, 2.2))
u, v = sprite_frame(1.0, 0.5, 0.5, 0.5)
shrunk = inside("heart", u, v).float().view(32, 2, 32, 2).mean((1, 3))
pictures = {"drawn at 32": 32, "64": 64, "256": 256, "64, shrunk": shrunk}
for axis, (title, picture) in zip(axes, pictures.items(), strict=True):
    if isinstance(picture, int):
        frame = sprite_frame(1.0, 0.5, 0.5, 0.5, size=picture)
        picture = inside("heart", *frame)
    axis.imshow(picture, cmap="gray", interpolation="nearest")
    axis.set_title(title)
    axis.axis("off")

# %% [markdown]
# **Figure 3.** One heart, drawn at three sizes, and shrunk from the middle one.
#
# The three on the left are black and white, whatever the grid. The one on the
# right has the resolution of the first, and grey edges.

# %% [markdown]
# ## 480 geometries and a paintbox
#
# 3DShapes has depth, light and shadow. Can it be had as cheaply? Find out what its
# factors move:

# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title Figure 4
factor_sliders(shapes3d, [0, 5, 2, 5, 1, 4], title="All of 3DShapes")

# %% [markdown]
# **Figure 4.** All 480,000 pictures of 3DShapes, traced in your browser.
#
# Move a hue: one surface changes colour, and no outline and no shadow moves.
# Move *scale* or *shape*: the solid changes, and its shadow with it. Move
# *orientation*: the solid keeps its place, and the camera goes around it.
#
# So 3DShapes needs a ray tracer, but not for each picture: hues move nothing, and
# the other three factors make $8 \times 4 \times 15 = 480$ geometries. Each is
# traced once, into *buffers*: which surface a ray meets, and how much light that
# surface sends back. Here they are for the cylinder with which Figure 4 starts.

# %%
pose = [5, 1, 4]  # indices of scale, shape and orientation
values = shapes3d.space.to_values(torch.tensor([[0, 0, 0, *pose]]))
scale, shape, degrees = values[0, 3:].tolist()
buffers = trace(int(shape), scale, torch.tensor([math.radians(degrees)]), 192)

# %% cellView="form" jupyter={"source_hidden": true} mystnb={"image": {"alt": "Eight grey maps of one scene. Top row, four masks: the floor, the walls, a cylinder, the sky. Bottom row, the light on the floor with a dark cast shadow, on the walls, on the cylinder, and a faint highlight on its side."}} tags=["hide-input"]
# @title Figure 5
names = ["floor", "wall", "solid"]
masks = [getattr(buffers, name).float() for name in names]
lights = [getattr(buffers, f"{name}_light") for name in names]
maps = [*masks, 1 - sum(masks)]
maps += [mask * light for mask, light in zip(masks, lights, strict=True)]
maps += [masks[2] * buffers.gloss * 3]
titles = {"row_titles": ["met", "light"]}
titles["column_titles"] = [*names, "sky; gloss"]
sheet = torch.stack(maps).view(-1, 1, 192, 192)
figure = viz.image_grid(sheet, columns=4, scale=1.2, **titles)

# %% [markdown]
# **Figure 5.** The buffers of one geometry: what each ray meets, and the light
# that comes back.
#
# The four masks of the top row tile the picture. The light in the bottom row is
# what makes it a room: uneven on the floor, with a shadow in it; another on each
# wall; a cylinder with a bright and a dark side; and (three times as bright here,
# to be visible at all) the white gloss on it.
#
# Painting is multiplication. A ray that meets the floor carries the floor's
# colour times the light there, clipped at full brightness; a pixel is the mean
# of the nine rays that pass through it.


# %%
def paint(hues):
    """A 64x64 picture of the scene, its surfaces in three hues (0 to 1)."""
    picture = torch.zeros(3, 192 * 192)
    gloss = [0, 0, buffers.gloss]
    for name, hue, shine in zip(names, hues, gloss, strict=True):
        colour = torch.tensor(colorsys.hsv_to_rgb(hue, 1, 1))[:, None]
        light = colour * getattr(buffers, f"{name}_light") + shine
        picture += light.clamp(max=1) * getattr(buffers, name)
    sky = picture.new_tensor(SCENE.sky)[:, None]
    picture += sky * ~(buffers.floor | buffers.wall | buffers.solid)
    return avg_pool2d(picture.view(3, 192, 192), 3)


# %% mystnb={"image": {"alt": "The same cylinder in the same room four times, each with different colours of floor, wall and cylinder; shadow and shading stay in place."}}
hues = [(0, 5, 2), (6, 1, 3), (3, 8, 0), (9, 9, 5)]
painted = torch.stack([paint([h / 10 for h in row]) for row in hues])
figure = viz.image_grid(painted, columns=4, scale=1.2)

# %% [markdown]
# **Figure 6.** Four colourings of one geometry; the first is the start of Figure
# 4.
#
# The shadow does not move, because no light was computed again. A hidden cell
# has compared the four with `shapes3d.render`: they differ by less than two of
# 255 grey levels, which is rounding.

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-cell"]
if shapes3d.size == 64:  # smoke work draws smaller rooms
    wanted = torch.tensor([[*row, *pose] for row in hues])
    difference = (shapes3d.render(wanted) - painted * 255).abs()
    assert difference.max() < 2, "more than rounding"

# %% [markdown]
# ## An arm, and a coat of paint
#
# Two more sets are needed later. MPI3D
# ([Gondal et al. (2019)](https://arxiv.org/abs/1906.03292)) has a robot's arm that
# carries an object before three cameras. It exists as photographs and as two
# renderings; ours follows the simpler of these, called "toy". Seven factors make
# 1,036,800 pictures, and one row for each factor says what they do:


# %%
def one_at_a_time(dataset, start, columns=9):
    """Pictures with one factor a row going through its values."""
    rows = []
    for column, size in enumerate(dataset.space.sizes):
        block = torch.tensor(start).repeat(columns, 1)
        block[:, column] = torch.linspace(0, size - 1, columns).round()
        rows.append(dataset.render(block))
    return torch.cat(rows)


# %% mystnb={"image": {"alt": "Seven rows of six pictures of a grey robot arm on a dark floor with a coloured ring behind it. Down the rows, the colour, the shape and the size of the object at its tip change, then the height of the camera, the colour of the ring, and the tilt and the turn of the arm."}}
sheet = one_at_a_time(mpi3d, [2, 1, 1, 1, 1, 30, 10], columns=6)
titles = {"row_titles": mpi3d.space.names, "scale": 0.9}
figure = viz.image_grid(sheet, columns=6, **titles)

# %% [markdown]
# **Figure 7.** MPI3D by our renderer, one factor a row, from its first value to its
# last.
#
# | Factor | Values | What it does in a picture |
# |---|---|---|
# | object_color | 6 | paints the object: white, green, red, blue, brown, olive |
# | object_shape | 6 | makes it a cone, cube, cylinder, hexagonal prism, pyramid or sphere |
# | object_size | 2 | small or large |
# | camera_height | 3 | looks from the top, the centre or the bottom camera: everything moves |
# | background_color | 3 | paints the ring on the floor: purple, sea green, salmon |
# | horizontal_axis | 40 | tilts the arm over its shoulder: towards you, upright, away from you |
# | vertical_axis | 40 | turns the arm about its column, here from left to right |


# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
def touched(column):
    """Share of the pixels that change when a factor takes another value."""
    draw = torch.Generator().manual_seed(2)
    size = mpi3d.space.sizes[column]
    one = mpi3d.space.sample(others, draw)
    two = one.clone()
    two[:, column] += torch.randint(1, size, (others,), generator=draw)
    two[:, column] %= size
    gap = (mpi3d.render(one).short() - mpi3d.render(two).short()).abs()
    return float((gap.amax(1) > 8).float().mean())


def told_apart(one, two):
    """Share of the pixels in which two shapes differ."""
    draw = torch.Generator().manual_seed(3)
    block = mpi3d.space.sample(others, draw).repeat(2, 1)
    block[:others, 1], block[others:, 1] = one, two
    left, right = mpi3d.render(block).short().chunk(2)
    return float(((left - right).abs().amax(1) > 8).float().mean())


moved_by = [touched(column) for column in range(7)]
pairs = {"cylinder": (2, 3), "cone": (0, 4), "cube": (1, 5)}
apart = {name: told_apart(*pair) for name, pair in pairs.items()}
if at_book:
    assert max(moved_by) == moved_by[3] and max(moved_by[:3]) < min(
        moved_by[3:]
    )
    assert max(apart["cylinder"], apart["cone"]) < 0.6 * apart["cube"]
viz.say(f"""
All that the object has to say, it says in few pixels. Another colour, shape
or size of it changes some {100 * sum(moved_by[:3]) / 3:.1f}% of a picture,
another camera {100 * moved_by[3]:.0f}%. And shapes come in look-alikes: cube
and sphere differ in {100 * apart["cube"]:.1f}% of the pixels, averaged over
all else, a cylinder and a hexagonal prism in {100 * apart["cylinder"]:.1f}%,
a cone and a pyramid in {100 * apart["cone"]:.1f}%. So *object_shape* is the
factor that we expect a network to read worst.
""")

# %% [markdown]
# *Color-dSprites* is dSprites with a colour that is nobody's factor
# ([Locatello et al. (2019)](https://arxiv.org/abs/1811.12359)): each picture that
# is drawn is multiplied by one colour, each of whose channels is uniform between
# 0.5 and 1. `Coloured` does so to any grey data set.

# %% mystnb={"image": {"alt": "Two rows of ten pictures on black. Top, sprites of all kinds, each in a pale colour of its own. Bottom, one heart ten times, each time in another colour."}}
coloured = Coloured(dsprites)
drawn_in_colour, _ = coloured.sample(10, torch.Generator().manual_seed(1))
heart = int(space.to_index(torch.tensor([[2, 5, 4, 16, 16]])))
coats = heart * COLOURS + torch.arange(10)  # one sprite, ten of its colours
sheet = torch.cat([drawn_in_colour, coloured.images(coats)])
figure = viz.image_grid(sheet, columns=10)
assert coloured.space.names == space.names  # colour is not among them
assert len(coloured.factors(coats).unique(dim=0)) == 1

# %% [markdown]
# **Figure 8.** Color-dSprites: ten draws, and one heart in ten of its colours.
#
# The ten hearts have the same factors. A pixel loss will reward a network for
# telling their colours, and no score of this book will.
#
# And sets can be put together. In `Merged` each draw takes a
# [domain](../reference/glossary.md#domain) first, and then a picture of it; which
# domain it was is the point's *label*, and factors of the others are unknown, -1:

# %%
both = Merged([shapes3d, mpi3d])
points = both.draw(4, torch.Generator().manual_seed(3))
for label, row in zip(both.labels(points), both.factors(points)):
    print(f"{both.domain_names[label]:8}", row.tolist())

# %% [markdown]
# What has six factors here and seven there cannot have one score for each factor,
# so `metrics.evaluate` takes scores domain by domain if it is asked for
# `("mig", {"domain": "each"})`. That a method doesn't know which domain it sees
# is the problem that [Inoue et al. (2021)](https://rc.signalprocessingsociety.org/conferences/icip-2021/spsicip21vid654) set themselves.

# %% [markdown]
# ## A twin is not the official file
#
# We call these renderers [twins](../reference/glossary.md#twin). The constants
# in them were fitted, by us, to sample pictures that others have published, with
# their labels, from the official files. For dSprites the fit is all but exact:
# the labelled samples that we could find agree pixel by pixel, save for single
# pixels that lie on an outline. For 3DShapes it is close, not exact: camera,
# room, solids and lights agree to the eye, while the faint texture of walls and
# floor is left out. The samples are not part of this repository; a test compares
# the twins with them where they are present.
#
# So does this page, for MPI3D. `real_frames` takes 28 real frames, four for each
# factor, from the panels that its authors show on their page, or from the official
# file (CC BY 4.0), where one of them lies in the data folder. Closeness is the *peak
# signal-to-noise ratio*, $10 \log_{10}(255^2 / \text{mean squared error})$, in
# decibels.

# %%
shown = frame_factors()
arms = load("mpi3d", source="twin")  # of the official size
twin_frames = arms.render(shown)
try:
    real, _ = real_frames()
except DataError:
    real = None  # not on this machine
else:
    gap = twin_frames.float() - real.float()
    error = gap[..., :WHOLE, :].square()
    decibels = 10 * torch.log10(255**2 / error.mean((1, 2, 3)))

# %% cellView="form" jupyter={"source_hidden": true} mystnb={"image": {"alt": "Seven pictures of a robot arm by the twin, one for each factor. Where the real frames are at hand, they stand in a row above, hardly to be told from the twin's, and in a row below are the differences: black, but for outlines, the arm's joint and its base."}} tags=["hide-input"]
# @title Figure 9
lowest = slice(0, None, 4)  # of each factor's four
rows = {"twin": twin_frames[lowest]}
if real is not None:
    gap = twin_frames[lowest].short() - real[lowest].short()
    twice = (2 * gap.abs()).clamp(max=255).to(torch.uint8)
    rows = {"real": real[lowest], **rows, "difference, twice": twice}
titles = {"row_titles": list(rows), "scale": 1.1}
titles["column_titles"] = [n.replace("_", "\n") for n in mpi3d.space.names]
sheet = torch.cat(list(rows.values()))[..., :WHOLE, :]
figure = viz.image_grid(sheet, columns=7, **titles)

# %% [markdown]
# **Figure 9.** MPI3D's twin, each factor at the lowest value of its four frames; above
# it the real frames and below it twice the difference, on a machine that has them.
# (Pictures: Gondal et al. (2019), CC BY 4.0. The first 60 of 64 rows: the others are
# the panels' white edge.)

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
if real is None:
    viz.say("""
This page was made where no real frames are, so only the twin is shown. When
the chapter was written, the ratio was 33.1 dB over the 28 frames and 27.8 dB
in the worst of them, where the arm leans far towards the camera. To see them
beside it, `dlib data get mpi3d` fetches the official file.
""")
else:
    assert decibels.mean() >= 26 and int(decibels.argmin()) == 20
    viz.say(f"""
The ratio is {decibels.mean():.1f} dB over the 28 frames and
{decibels.min():.1f} dB in the worst of them, where the arm leans far towards
the camera.
""")

# %% [markdown]
# Colours, ring, arm and object are where they should be. What differs is small. An
# object's outline may be off by a part of a pixel, which shows as a thin bright
# line, thickest where the object is near the camera. The real joint has two
# bright knobs, where the twin has one grey blob, and there is a slot in the real
# base. The floor's grain, half a grey level, is left out.
#
# One check needs no samples. The maintainers of the `disent` library have
# published the mean pixel of both official files. We needn't draw every picture
# for it. A sprite's place hardly changes how much of it there is, so each place
# is taken once in *x* and once in *y*. And a pixel of 3DShapes shows a floor, a
# wall, a solid or the sky, each with a hue of its own; so the mean over all hues
# is the mean over ten pictures in which all three have the same hue.

# %%
places = torch.arange(0, 32, stride)
turned = places[torch.randperm(len(places), generator=generator)]
sprites = space.grid()[:: 32 * 32].repeat_interleave(len(places), 0)
sprites[:, 3] = places.repeat(720)
sprites[:, 4] = turned.repeat(720)
parts = [dsprites.render(part).double() for part in sprites.split(720)]
ours = [float(torch.stack([part.mean() for part in parts]).mean()) / 255]

# %%
scenes = shapes3d.space.grid()[:480].repeat(10, 1)
scenes[:, :3] = torch.arange(10).repeat_interleave(480)[:, None]
scenes = scenes[::stride]
totals = [shapes3d.render(part).double() for part in scenes.split(480)]
total = sum(part.mean((2, 3)).sum(0) for part in totals)
ours += (total / len(scenes) / 255).tolist()
theirs = [0.0424944, 0.502585, 0.578760, 0.603450]  # disent, rounded
rows = ["dSprites", "3DShapes, red", "3DShapes, green", "3DShapes, blue"]
means = pd.DataFrame({"official": theirs, "twin": ours}, index=rows)
means["difference"] = means["twin"] - means["official"]
means.round(5)

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
gap = float(means["difference"].abs().max())
assert gap < (0.02 if at_book else 0.1)
viz.say(f"""
A mean cannot prove that two sets agree, but it is quick to show that they
don't: a sprite that is a tenth too wide and too high would have a mean a
fifth too large. The dSprites twin misses the published mean by
{abs(means["difference"].iloc[0]):.6f}, and no channel of 3DShapes is further
off than {gap:.4f}.
""")

# %% [markdown]
# If you want the official files, one command each fetches them, and the same
# function loads them:
#
# ```bash
# dlib data get dsprites     # 27 MB, its checksum verified
# dlib data get shapes3d     # 268 MB
# dlib data get mpi3d        # 12.7 GB once unpacked; read where it lies
# dlib data list             # what is here, and what is not
# ```
#
# `source="official"` insists on the file, `source="twin"` on the twin, and the
# default, `source="auto"`, takes the file where there is one. Which of the two it
# was stands in `dataset.source`, and at the head of what a data set prints. Where
# the file is missing, the error says what to do:

# %%
try:
    load("dsprites", source="official", root="an-empty-folder")
except DataError as error:
    print(textwrap.fill(str(error), 66, break_on_hyphens=False))

# %% [markdown]
# ## Drawing a sample, splitting the grid
#
# Everything that draws in `dlib` takes a `torch.Generator`, so that a result can be
# repeated. The same seed gives the same batch:

# %%
first, _ = dsprites.sample(256, torch.Generator().manual_seed(7))
again, _ = dsprites.sample(256, torch.Generator().manual_seed(7))
assert torch.equal(first, again)

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
speeds = []
for dataset in (dsprites, shapes3d, mpi3d):
    began = time.perf_counter()
    for _ in range(rounds):
        dataset.sample(256, generator)
    speeds.append(256 * rounds / (time.perf_counter() - began))
viz.say(f"""
When this page was made, that went at {speeds[0]:,.0f} sprites,
{speeds[1]:,.0f} rooms or {speeds[2]:,.0f} arms a second: nothing has to be
stored, and nothing read.
""")

# %% [markdown]
# A held-out part is a random part of the grid, the same on every machine. In the
# chapters to come, methods train on four fifths and are measured on the rest.

# %%
train, held_out = dsprites.split((0.8, 0.2), seed=0)
seen = train.points(torch.arange(len(train)))
assert not held_out.holds(seen).any()
len(train), len(held_out)

# %% [markdown]
# Such a split tells you only so much. A held-out picture has up to ten neighbours
# on the grid, one step away in one factor, and about four in five of those were in
# the training part. Doing well on the held-out part shows that a network has not
# merely memorised; it does not show that it would cope with a scale or a corner of
# the picture that it has never seen.

# %% [markdown]
# ## Look: one factor at a time
#
# Figure 7 moved one factor and left the others alone: that is what a
# [disentangled](../reference/glossary.md#disentangled) decoder should do, and a
# renderer does it. Such rows are the *truth* that every
# [traversal](../reference/glossary.md#traversal) in this book is to be compared
# with. Here they are for the other two.


# %% mystnb={"image": {"alt": "Five rows of nine pictures of a heart. Down the rows, the shape, the scale, the orientation, the horizontal and the vertical position change, one in each row."}}
sheet = one_at_a_time(dsprites, [2, 3, 5, 16, 16])
figure = viz.image_grid(sheet, columns=9, row_titles=space.names)

# %% [markdown]
# **Figure 10.** dSprites, one factor a row, from its first value to its last.
#
# Shape has three values only, so each shows three times. Compare the first and
# the last picture of the *orientation* row: they are the same. The official file
# lists 40 orientations from 0 to $2\pi$ with *both ends included*, so index 39
# repeats index 0, for every shape, size and place:

# %%
last_turn, first_turn = factors.clone(), factors.clone()
last_turn[:, 2], first_turn[:, 2] = 39, 0
assert torch.equal(dsprites.render(last_turn), dsprites.render(first_turn))
print("orientation 39 is orientation 0")

# %% [markdown]
# One picture in forty carries a label that is as far as it can be from that of its
# double, and a regression is asked to say 0 and 39 of the same pixels.

# %% cellView="form" jupyter={"source_hidden": true} mystnb={"image": {"alt": "Six rows of nine pictures of a room. Down the rows, the hue of the floor, of the wall and of the solid, then its scale, its shape, and the camera's angle change, one in each row."}} tags=["hide-input"]
# @title Figure 11
rooms = one_at_a_time(shapes3d, [0, 5, 2, 5, 2, 7])
figure = viz.image_grid(rooms, columns=9, row_titles=shapes3d.space.names)

# %% [markdown]
# **Figure 11.** 3DShapes, one factor a row.

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
by_factor = rooms.short().unflatten(0, (6, 9))
moved = (by_factor[:, -1] - by_factor[:, 0]).abs().amax(1) > 2
share = dict(
    zip(shapes3d.space.names, moved.float().mean((1, 2)).tolist(), strict=True)
)
assert not at_book or share["orientation"] > 0.5 > share["scale"]
viz.say(f"""
*Scale* grows the solid where it stands, and its shadow with it: from the
first picture of the row to the last, {100 * share["scale"]:.0f}% of the
pixels change. In the last row *orientation* is where the camera stands, so
the walls and the shadow move too, and {100 * share["orientation"]:.0f}%
change. A single factor may touch most of the picture.
""")

# %% [markdown]
# ## Measure: what a pixel loss sees
#
# A network that reconstructs pictures is paid by the pixel. How much does each
# factor matter in that currency? Two answers. The first is local: move one
# factor by one step, and count the pixels that change, as Figure 2 does.
#
# The second is global. Suppose that a
# [decoder](../reference/glossary.md#decoder) knows all the factors but one, and
# does the best it can: it paints the average over that factor's values. Its
# pixels are then coins of probability $\bar x_p$, and the cross-entropy that it
# cannot avoid is
#
# $$
# \text{price}_j = \mathbb{E}_{y_{-j}} \sum_p H(\bar x_p), \qquad
# H(a) = -a \ln a - (1 - a) \ln (1 - a),
# \tag{B}
# $$
#
# in nats a picture: *the price of not knowing factor $j$*, with $y_{-j}$ for the
# other factors. A decoder that knows them all pays nothing.


# %%
def price_and_step(column, n):
    """Nats for not knowing a factor; pixels that one step changes."""
    size = space.sizes[column]
    block = space.sample(n, generator).repeat_interleave(size, 0)
    block[:, column] = torch.arange(size).repeat(n)
    pictures = dsprites.render(block).view(n, size, -1) / 255
    mean = pictures.mean(1)
    entropy = -torch.xlogy(mean, mean) - torch.xlogy(1 - mean, 1 - mean)
    step = pictures.diff(dim=1).abs().sum(2).mean()
    return entropy.sum(1).mean(), step


rows = [price_and_step(column, blocks) for column in range(5)]
prices, steps = torch.tensor(rows).T

# %% cellView="form" jupyter={"source_hidden": true} mystnb={"image": {"alt": "Two bar charts over the five factors of dSprites. Left, pixels changed by one step: most for shape, fewest for orientation. Right, the price in nats of not knowing the factor: by far the highest for the two positions, the lowest for shape."}} tags=["hide-input"]
# @title Figure 12
figure, axes = plt.subplots(1, 2, figsize=(8, 2.4), sharey=True)
titles = ["pixels changed by one step", "price of not knowing it (nats)"]
for axis, bars, title in zip(axes, (steps, prices), titles, strict=True):
    axis.barh(space.names, bars, color=viz.COLOURS[0])
    axis.set_xlabel(title)
axes[0].invert_yaxis()
figure.align_xlabels()

# %% [markdown]
# **Figure 12.** Each factor in the currency of a pixel loss: by the step, and over
# its whole range.

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
bargain = prices / torch.tensor(space.sizes).log()  # saved for a nat carried
lit = ours[0] * 64**2  # pixels of a sprite, on average
if at_book:
    assert steps.argmin() == 2 and steps.argmax() == 0
    assert steps[3:].max() < steps[1] and steps[0] < lit
    assert prices.argmin() == 0 and prices[3:].min() > prices[:3].max()
    assert bargain.argmin() == 2 and bargain[3:].min() > bargain[:3].max()
viz.say(f"""
By the single step (left), shape is the largest factor, and a step of position
changes fewer pixels than a step of shape or scale. By the price (right),
shape falls from the first place to the last: not knowing one coordinate costs
about {prices[3:].mean():.0f} nats, while orientation costs {prices[2]:.0f}
and shape {prices[0]:.0f}. A sprite in the wrong place is wrong everywhere; a
heart drawn as an ellipse in the right place still covers most of the heart.

In the next chapter a network pays a fee for every nat of information that its
[code](../reference/glossary.md#code) carries. A coordinate of 32 values is
only $\\ln 32 = {math.log(32):.1f}$ nats, and each of them saves
{bargain[3:].mean():.0f}: an excellent bargain. Orientation has 40 values,
$\\ln 40 = {math.log(40):.1f}$ nats, each of which saves {bargain[2]:.0f}: the
worst bargain of the five. So here is a prediction to hold the coming chapters
to: networks find position first, and orientation last if at all.
""")

# %% [markdown]
# ## Break it: ask for an angle that isn't there
#
# Which settings of the factors give the same picture? The renderer can answer.
# Take one shape at one place and size, draw its 40 orientations, and count the
# pixels in which each differs from each.


# %%
def turns(shape, scale):
    """The 40 orientations of a shape in the middle of the picture."""
    block = torch.tensor([shape, scale, 0, 16, 16]).repeat(40, 1)
    block[:, 2] = torch.arange(40)
    return dsprites.render(block).flatten(1).float() / 255


# %% mystnb={"image": {"alt": "Three 40 by 40 maps of pixel differences between orientations. The square's has bright and dark bands that repeat four times in a turn, the ellipse's twice, the heart's only once; in each, the corners are dark."}}
figure, axes = plt.subplots(1, 3, figsize=(8.5, 2.7))
for shape, axis in enumerate(axes):
    pictures = turns(shape, scale=5)
    shown = axis.imshow(torch.cdist(pictures, pictures, p=1))
    axis.set(title=labels[shape], xlabel="orientation")
    axis.spines[:].set_visible(False)
    figure.colorbar(shown, ax=axis, shrink=0.8).outline.set_visible(False)
axes[0].set_ylabel("orientation")
figure.get_layout_engine().set(wspace=0.08)

# %% [markdown]
# **Figure 13.** Pixels in which two orientations of one sprite differ, at the
# largest scale.
#
# Dark means "the same picture, or nearly". Only the heart's map is dark on the
# diagonal alone (and in the corners, where 0 meets 39). An ellipse comes back
# after half a turn, a square after a quarter: those are the parallel dark bands.
#
# Not to the pixel, though: 39 steps to a turn don't divide by four, so no two of
# the square's 39 angles are *exactly* a quarter turn apart. Its doubles are
# near-doubles, unless the small difference moves no pixel's centre across an
# edge. How many different pictures do the 40 labels make?

# %%
distinct = pd.DataFrame(
    [[len(turns(s, k).unique(dim=0)) for k in range(6)] for s in range(3)],
    index=list(labels),
    columns=[f"scale {value:.1f}" for value in space.factors[1].values],
)
distinct


# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title How many angles fit a picture as well as its neighbours do?
def rivals(shape, scale):
    """Angles closer to a picture than the next step is, itself too."""
    pictures = turns(shape, scale)[:39]
    gaps = torch.cdist(pictures, pictures, p=1)
    before = (pictures - pictures.roll(1, 0)).abs().sum(1)
    step = torch.minimum(before, before.roll(-1))
    return float((gaps < step[:, None]).sum(1).float().mean())


fits = [rivals(shape, 5) for shape in range(3)]
assert fits[0] > 4 and fits[1] > 2 and fits[2] == 1
assert distinct.iloc[0].max() < 39 and (distinct.iloc[2] == 39).all()
viz.say(f"""
Of 40 labels, the smallest square makes {distinct.iloc[0, 0]} different
pictures, the smallest heart {distinct.iloc[2, 0]}. And what differs may be
very little: how many of the 39 angles lie closer to a picture than the
picture that is one step, or nine degrees, away? For the largest heart it is
{fits[2]:.0f}, the angle itself. For the largest ellipse it is {fits[1]:.1f},
and for the largest square {fits[0]:.1f}, spread over all four quarters of the
circle.
""")

# %% [markdown]
# So a part of the label *orientation* is all but missing from two thirds of the
# pictures. How good can a score be that asks for it? The best guess from a
# picture is the mean of the angles that show it, and its $R^2$ is the most that
# any regression from any code can reach. We work it out twice: for an encoder
# that misses no pixel (in the middle of the picture), and for one that sees a
# shape up to its symmetry.


# %%
angles = torch.tensor(space.factors[2].values, dtype=torch.float64)


def r_squared(guess):
    """Share of the label's variance that guesses (..., 40) account for."""
    error = (guess - angles).square().mean()
    return float(1 - error / angles.var(correction=0))


def to_the_pixel(shape, scale):
    """The mean of all angles that draw the very same picture."""
    pictures = turns(shape, scale)
    same = (torch.cdist(pictures, pictures, p=1) == 0).double()
    return same @ angles / same.sum(1)


def up_to_symmetry(turn):
    """The mean of all angles that lie such turns apart."""
    known = angles % turn
    guess = known + (2 * math.pi - turn) / 2
    return guess.where(known > 0, math.pi)  # 0 and 2 pi are both labels


# %%
rows = []
for shape, repeats in enumerate((4, 2, 1)):
    exact = torch.stack([to_the_pixel(shape, scale) for scale in range(6)])
    rough = up_to_symmetry(2 * math.pi / repeats)
    missing = math.log(repeats) / math.log(39)
    rows.append([r_squared(exact), r_squared(rough), 1 - missing])
columns = ["R², to the pixel", "R², up to symmetry", "share of nats"]
ceiling = pd.DataFrame(rows, list(labels), columns)
ceiling.loc["all three"] = ceiling.mean()  # each is a third of the pictures
ceiling.round(2)

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
exact, rough, nats = ceiling.loc["all three"]
square, ellipse, heart = ceiling.iloc[:3, 1]
assert 0 < square < 0.1 < ellipse < 0.3 < rough < exact < 1 and rough < nats
assert abs(heart - ceiling.iloc[2, 0]) < 1e-9
viz.say(f"""
Orientation has a ceiling, not a zero. Even the pixel-perfect encoder stops at
{exact:.2f}, and on hearts at {heart:.2f}: labels 0 and 39 are one picture,
and the best that it can say of both is $\\pi$. An encoder that goes by the
shape's symmetry has {heart:.2f} on hearts as well, {ellipse:.2f} on ellipses
and {square:.2f} on squares: {rough:.2f} over all pictures. In nats it keeps
more (last column, of the 39 angles): which quarter of the circle it was is
lost, where in the quarter is not, and {nats:.2f} of the
[information](../reference/glossary.md#mutual-information) is there. When a
method scores badly on this factor, a part of the fault is the data's; how
large a part depends on what the score asks. And a code that is one number
must cut the circle somewhere: on both sides of the cut, two nearly equal
pictures get codes that are far apart.
""")

# %% [markdown]
# ## Independent, by construction
#
# The second half of Eq. (A) is never visible in a single picture: the factors are
# independent. In a sample, the correlation between any two is chance.

# %%
sampled = space.sample(many, generator).double()
independent = torch.corrcoef(sampled.T)
law = gaussian_law(6, 32, sigma=0.2)
together = Correlated(dsprites, ["scale", "posX"], law)
_, bent = together.sample(2_000, generator)
correlated = torch.corrcoef(bent.double().T)

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
chance = float((independent - torch.eye(5)).abs().max())
strong = float(correlated[1, 3])
assert chance < (0.02 if at_book else 0.1) and strong > 0.5
viz.say(f"""
The largest of the ten correlations is {chance:.4f} in absolute value: noise.
Real collections of pictures need not be like that: where cows stand on grass,
animal and ground go together. Methods that push their codes towards
independence are, here, pushing in a direction that happens to be right.
`Correlated` takes that comfort away: it draws the same pictures, large ones
more often on the right, and now scale and posX have a correlation of
{strong:.2f}.
""")

# %% [markdown]
# ## What to take away

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
viz.say(f"""
- A picture of these data sets is a point of a factor grid and a renderer: ten
  dSprites drawn from three conditions agreed with the library's but for
  {int(different.sum())} of their pixels, and one traced geometry gave all its
  colourings.
- The twins of dSprites and 3DShapes miss the published mean pixels by at
  most {gap:.4f}, and MPI3D's is held to real frames where there are some.
  They are twins all the same, and figures in this book that were made with
  them say so.
- Position dominates a pixel loss over its range, though not by the step.
- Orientation cannot be read off every picture: 39 repeats 0, squares and
  ellipses come back before the turn is complete, and an encoder that goes by
  symmetry has an $R^2$ of {rough:.2f} at most.
- The factors are independent because they were drawn that way.
""")

# %% [markdown]
# ## Exercises
#
# Replace the `...` and run the cell: the checker says what is wrong, or that it
# is right.
#
# **1. The row of the file.** Compute the flat index of each row of `factors`
# yourself, without `space.to_index`.


# %%
def flat_index(factors, sizes):
    return ...


# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title Checker 1
def check_flat_index(answer):
    if answer is ...:
        return "Not tried yet."
    wanted = space.to_index(factors)
    assert answer.shape == wanted.shape, "one number for each row"
    swapped = torch.equal(answer, space.to_index(factors.flip(1)))
    assert not swapped, "the LAST factor varies fastest"
    assert torch.equal(answer, wanted), "how many pictures does one step skip?"
    return "Right."


check_flat_index(flat_index(factors, space.sizes))


# %% cellView="form" jupyter={"outputs_hidden": true, "source_hidden": true} mystnb={"code_prompt_hide": "Hide the solution", "code_prompt_show": "Show the solution"} tags=["hide-cell"]
# @title Solution 1
def flat_index(factors, sizes):
    """A step skips as many pictures as later factors have combinations."""
    strides = [math.prod(sizes[j + 1 :]) for j in range(len(sizes))]
    return (factors * torch.tensor(strides)).sum(1)


assert check_flat_index(flat_index(factors, space.sizes)) == "Right."

# %% [markdown]
# **2. One label, one picture.** Write `canonical(factors)`, which returns factors
# that render the same pictures, but never uses two orientation indices for one
# angle.


# %%
def canonical(factors):
    return ...


# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title Checker 2
def check_canonical(answer, asked):
    if answer is ...:
        return "Not tried yet."
    assert answer is not asked, "return new factors, leave the old alone"
    assert (asked[:, 2] == 39).any(), "you have changed the question"
    same = torch.equal(dsprites.render(answer), dsprites.render(asked))
    assert same, "the pictures have changed"
    used = answer[:, 2].unique()
    assert len(used) == 39, "two indices are still used for one angle"
    return "Right."


asked = space.grid()[:: 32 * 32].clone()
check_canonical(canonical(asked), asked)


# %% cellView="form" jupyter={"outputs_hidden": true, "source_hidden": true} mystnb={"code_prompt_hide": "Hide the solution", "code_prompt_show": "Show the solution"} tags=["hide-cell"]
# @title Solution 2
def canonical(factors):
    """Orientation is column 2, and 39 is a full turn."""
    answer = factors.clone()
    answer[:, 2] %= 39
    return answer


assert check_canonical(canonical(asked), asked) == "Right."

# %% [markdown]
# **3. Prices in colour.** With a Gaussian likelihood of unit scale, the price of
# not knowing a factor is half the variance that it causes, summed over pixels
# and channels (of pictures in $[0, 1]$). Which two factors of 3DShapes are the
# most expensive not to know? Guess before you compute, then write
# `gaussian_price`: the price of one factor, averaged over `n` draws of the
# others.


# %%
def gaussian_price(column, n=8):
    return ...


# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title Checker 3
def check_prices(answer):
    if answer[0] is ...:
        return "Not tried yet."
    answer = torch.as_tensor(answer)
    assert answer.shape == (6,), "one price for each factor"
    for column, size in enumerate(shapes3d.space.sizes):
        # Two draws of one factor differ by twice its variance, on average.
        pair = shapes3d.space.sample(200, generator).repeat(2, 1)
        pair[200:, column] = torch.randint(size, (200,), generator=generator)
        one, other = (shapes3d.render(pair) / 255).chunk(2)
        ratio = answer[column] / ((one - other).square().sum() / 800)
        name = shapes3d.space.names[column]
        assert ratio < 1.7, f"{name} is too dear: half the variance, in [0, 1]"
        assert ratio > 0.5, f"{name} is too cheap: summed, not averaged"
    return "Right."


check_prices([gaussian_price(column) for column in range(6)])


# %% cellView="form" jupyter={"outputs_hidden": true, "source_hidden": true} mystnb={"code_prompt_hide": "Hide the solution", "code_prompt_show": "Show the solution"} tags=["hide-cell"]
# @title Solution 3
def gaussian_price(column, n=8):
    """As `price_and_step` does, with a variance in place of the entropy."""
    size = shapes3d.space.sizes[column]
    block = shapes3d.space.sample(n, generator).repeat_interleave(size, 0)
    block[:, column] = torch.arange(size).repeat(n)
    pictures = shapes3d.render(block).view(n, size, -1) / 255
    return float(pictures.var(1, correction=0).sum(1).mean() / 2)


answer = [gaussian_price(column) for column in range(6)]
assert check_prices(answer) == "Right."
# The surfaces that fill most of the picture are the dearest.
assert set(torch.tensor(answer).argsort()[-2:].tolist()) == {0, 1}
pd.Series(answer, shapes3d.space.names, name="nats").round()

# %% [markdown]
# ## Further reading
#
# - [Matthey et al. (2017)](https://github.com/deepmind/dsprites-dataset/) and
#   [Burgess and Kim (2018)](https://github.com/deepmind/3dshapes-dataset/) are the
#   official files, with notebooks that show them.
# - [Gondal et al. (2019)](https://arxiv.org/abs/1906.03292) made MPI3D to ask what
#   is learned from renderings and holds for photographs.
# - [Higgins et al. (2017)](https://openreview.net/forum?id=Sy2fzU9gl) introduce
#   the β-VAE and measure it on 2D shapes of this kind.
# - [Locatello et al. (2019)](https://arxiv.org/abs/1811.12359) compare methods on
#   both sets and on five more, and show that without some bias in method or data
#   nothing can find the factors.
#
# **Next.** Everything so far was drawn from its factors. In
# [Autoencoders](autoencoders.ipynb) a network is shown the pictures and not the
# factors, and has to make up numbers of its own.

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
viz.colophon()
