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
# move between the three addresses of a picture, and predict which factors a
# pixel-wise loss will reward a network for finding, and which it won't.
#
# **You need** Python, a little torch, and nothing about disentanglement.
#
# **It costs** under two minutes on two CPU cores at the `book` budget, some of
# them only the first time, while the 3DShapes scenes are traced and kept on
# disk. Nothing is downloaded.

# %% tags=["remove-cell"]
# Colab starts without the library: install it there, and only there.
import subprocess
import sys

if "google.colab" in sys.modules:
    source = "dlib-book @ git+https://github.com/untangled-book/untangled"
    pip = [sys.executable, "-m", "pip", "install", "-q"]
    subprocess.run([*pip, source], check=True)

# %%
import math
import textwrap
import time

import matplotlib.pyplot as plt
import pandas as pd
import torch

from dlib import budget, viz
from dlib.data import DataError, load

viz.use()
print("budget:", budget.current())

# %% [markdown]
# ## What is in a picture?
#
# Here are ten pictures each of the two data sets that most of this book is
# about: dSprites {cite:p}`matthey2017`, which the DIP-VAE paper calls 2D Shapes,
# and 3DShapes {cite:p}`burgess2018`. Look at them for a moment, and describe
# each in words.

# %% mystnb={"image": {"alt": "Ten pictures in a row, each a white square, ellipse or heart on black, at different places, sizes and angles."}}
dsprites = load("dsprites", source="twin")
generator = torch.Generator().manual_seed(1)
images, factors = dsprites.sample(10, generator)
figure = viz.image_grid(images, columns=10)

# %% tags=["remove-output"]
shapes3d = load("shapes3d", source="twin", size=budget.choose(16, 64))

# %% mystnb={"image": {"alt": "Ten pictures in a row, each a coloured cube, cylinder, sphere or capsule that stands in a room with a coloured floor and a coloured wall."}}
rooms, _ = shapes3d.sample(10, generator)
figure = viz.image_grid(rooms, columns=10)

# %% [markdown]
# You probably said something like "a small heart, low on the left, tilted", or
# "a red ball in a green room with a blue floor". You did not recite 4,096 grey
# values. You named a few *factors of variation*, and a reader who had never seen
# the picture could draw it from your words alone.
#
# That is the whole subject. A computer drew each of these pictures from a
# handful of numbers and then threw the numbers away. Can a network that is
# shown only the pictures find the numbers again? Before we ask a network, it
# pays to know exactly what was thrown away.

# %% [markdown]
# ## The idea: a factor space and a renderer
#
# Section 4 of {cite:t}`kumar2018` introduces the data in a sentence: pictures
# *generated from the Cartesian product* of shape, horizontal position, vertical
# position, scale and rotation. The paper gives that sentence no equation, so
# here is ours. A picture $x$ is drawn by a deterministic renderer $g$ from $k$
# factors $y$, each of which is uniform on $m_j$ values and independent of the
# others:
#
# ```{math}
# :label: factors_and_data-renderer
# x = g(y_1, \dots, y_k), \qquad
# p(y) = \prod_{j=1}^{k} \frac{1}{m_j}.
# ```
#
# In `dlib` that equation is the definition of a *grid*, the kind of data set that
# this book uses most: a *factor space*, which holds all $y$, and a `render` method,
# which is $g$.

# %%
for dataset in (dsprites, shapes3d):
    print(textwrap.fill(str(dataset), 66, subsequent_indent="  "))

# %% [markdown]
# Five factors for dSprites (the official file has a sixth, colour, with a single
# value: it never varies, and we leave it out) and six for 3DShapes. Multiply the
# sizes and you get the number of pictures: each combination occurs exactly once.
#
# The same point of the grid has three addresses. **Factors** are indices, one
# for each factor, and that is what `render` takes. The **flat index** counts
# through the grid, the last factor fastest, and is the row of the official file.
# **Values** are what the indices stand for, in the factor's own unit.

# %%
space = dsprites.space
index = space.to_index(factors)
table = pd.DataFrame(space.to_values(factors), columns=list(space.names))
table.insert(0, "factors", [str(row) for row in factors.tolist()])
table.insert(0, "flat index", index.tolist())
assert torch.equal(space.to_factors(index), factors)
table.head(4).round(3)

# %% [markdown]
# Four of the ten sprites above, from the left. Orientation is in radians,
# positions run from 0 to 1 (and $y$ grows *downwards*), and a scale of 1 is
# twice as wide as a scale of 0.5. Shape is different in kind: 1, 2 and 3 are
# names for square, ellipse and heart, and the average of a square and a heart is
# not an ellipse. The space remembers which is which, because a metric that fits
# lines must not fit one through names:

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
# That is all of dSprites. `dlib` renders in batches, only looks at a window
# around the sprite, and reads the heart's outline from a finely spaced table.
# The pictures must come out the same, and we insist on it, with a pixel or two
# of grace where a heart's outline passes exactly through a pixel's centre:

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
viz.glue("factors_and_data_differ", int(different.sum()))
print("pixels that differ:", int(different.sum()), "of", 10 * 64 * 64)

# %% [markdown]
# That is the point: a few numbers (9.6, 12.765, 7.2125, 1.44, 0.662) and three
# inequalities hold the whole data set.
#
# Formulas have another use. They don't know what a pixel is, so a picture of
# another size can be *drawn* at that size. Shrinking the official pictures
# instead would invent grey levels that dSprites does not have, and a Bernoulli
# likelihood, which the next chapter uses, takes a pixel for a coin.

# %% mystnb={"image": {"alt": "The same tilted heart drawn three times: coarse at 32 by 32 pixels, finer at 64, smooth at 256. Below 32, a shrunken copy would have grey edges; the drawn one has none."}}
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
# The three on the left are one heart, sampled on three grids; their pixels are
# black or white. The one on the right has the resolution of the first and grey
# edges besides. Chapters that train live in the page use pictures that were
# drawn at 32.

# %% [markdown]
# ## 480 geometries and a paintbox
#
# 3DShapes needs a ray tracer, but not for each of its 480,000 pictures. Three of
# its six factors are hues, and hues move nothing. What is left, scale, shape and
# orientation, makes $8 \times 4 \times 15 = 480$ geometries. Each is traced
# once, into *buffers*: which surface a ray meets, and how much light that surface
# sends back. Here they are for one cylinder.

# %%
from dlib.data.shapes3d import SCENE, trace

pose = [6, 1, 4]  # indices of scale, shape and orientation
values = shapes3d.space.to_values(torch.tensor([[0, 0, 0, *pose]]))
scale, shape, degrees = values[0, 3:].tolist()
buffers = trace(int(shape), scale, torch.tensor([math.radians(degrees)]), 192)

# %% mystnb={"image": {"alt": "Eight grey maps of one scene. Top row, four masks: the floor, the walls, a cylinder, the sky. Bottom row, the light on the floor with a dark cast shadow, on the walls, on the cylinder, and a faint highlight on its side."}}
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
# The four masks of the top row tile the picture. The light in the bottom row is
# what makes it a room: uneven on the floor, with a shadow in it; another on each
# wall; a cylinder with a bright and a dark side; and (three times as bright here,
# to be visible at all) the white gloss on it.
#
# Painting is multiplication. A ray that meets the floor carries the floor's
# colour times the light there, clipped at full brightness; a pixel is the mean
# of the nine rays that pass through it.

# %%
import colorsys

from torch.nn.functional import avg_pool2d


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


# %%
hues = [(1, 5, 9), (6, 1, 3), (3, 8, 0), (9, 9, 5)]
painted = torch.stack([paint([h / 10 for h in row]) for row in hues])
wanted = torch.tensor([[*row, *pose] for row in hues])
if shapes3d.size == 64:  # a smoke test draws smaller rooms
    difference = (shapes3d.render(wanted) - painted * 255).abs().max()
    assert difference < 2, "more than rounding"

# %% mystnb={"image": {"alt": "The same cylinder in the same room four times, each with different colours of floor, wall and cylinder; shadow and shading stay in place."}}
figure = viz.image_grid(painted, columns=4, scale=1.2)

# %% [markdown]
# Four colourings of one geometry. The shadow does not move, because no light was
# computed again; and `dlib`'s picture is the same up to rounding to whole grey
# levels, as the assertion in the cell before requires. This is why thousands of
# pictures a second come out of what is, after all, a ray tracer.

# %% [markdown]
# ## A twin is not the official file
#
# We call these renderers *twins*. The constants in them were fitted, by us, to
# sample pictures that others have published, with their labels, from the
# official files. For dSprites the fit is all but exact: the labelled samples
# that we could find agree pixel by pixel, save for single pixels that lie on an
# outline. For 3DShapes it is close, not exact: camera, room, solids and lights
# agree to within what the eye notices, while the faint texture of walls and
# floor is left out. The samples are not part of this repository; a test compares
# the twins with them where they are present.
#
# One check needs no samples. The mean pixel of both official files has been
# published, computed over all their pictures, by the maintainers of the `disent`
# library. It makes our first table of *theirs* beside *ours*.
#
# We needn't draw every picture for it. A pixel of 3DShapes shows a floor, a
# wall, a solid or the sky, and each has its own hue; so the mean over all hues is
# the mean over ten pictures in which all three have the same hue.

# %%
step = budget.choose(8, 1)  # a smoke test looks at fewer
places = torch.arange(0, 32, step)
turned = places[torch.randperm(len(places), generator=generator)]
sprites = space.grid()[:: 32 * 32].repeat_interleave(len(places), 0)
sprites[:, 3] = places.repeat(720)
sprites[:, 4] = turned.repeat(720)
mean = torch.stack(
    [dsprites.render(part).float().mean() for part in sprites.split(720)]
).mean()
ours = [float(mean / 255)]

# %%
scenes = shapes3d.space.grid()[:480].repeat(10, 1)
scenes[:, :3] = torch.arange(10).repeat_interleave(480)[:, None]
batches = scenes[::step].split(480)
sums = sum(shapes3d.render(b).double().mean((2, 3)).sum(0) for b in batches)
ours += (sums / len(scenes[::step]) / 255).tolist()
theirs = [0.0424944, 0.502585, 0.578760, 0.603450]  # disent, rounded
rows = ["dSprites", "3DShapes, red", "3DShapes, green", "3DShapes, blue"]
means = pd.DataFrame({"official": theirs, "twin": ours}, index=rows)
means["difference"] = means["twin"] - means["official"]
means.round(5)

# %% tags=["remove-cell"]
worst = means["difference"].abs().max()
viz.glue("factors_and_data_dsprites_gap", abs(ours[0] - theirs[0]))
viz.glue("factors_and_data_worst_gap", float(worst))
assert worst < budget.choose(0.1, 0.02)

# %% [markdown]
# A mean cannot prove that two sets agree, but it is quick to show that they
# don't: a sprite that is a tenth too large changes its area by a fifth. The
# dSprites twin misses the published mean by
# {glue:text}`factors_and_data_dsprites_gap:.6f`, and no channel of 3DShapes is
# further off than {glue:text}`factors_and_data_worst_gap:.4f`.
#
# If you want the official files, one command each fetches them, and the same
# function loads them:
#
# ```bash
# dlib data get dsprites     # 27 MB, its checksum verified
# dlib data get shapes3d     # 268 MB
# dlib data list             # what is here, and what is not
# ```
#
# `load(name, source="official")` insists on the official file, `source="twin"`
# insists on the twin, and the default, `source="auto"`, takes the file where
# there is one. Which of the two it was is never a secret: it stands in
# `dataset.source`, and at the head of what a data set prints. Where the file is
# missing, the error says what to do:

# %%
try:
    load("dsprites", source="official", root="an-empty-folder")
except DataError as error:
    print(textwrap.fill(str(error), 66, break_on_hyphens=False))

# %% [markdown]
# ## Drawing a sample, splitting the grid
#
# Training draws pictures at random, and a result that can be repeated needs
# random numbers that can. Everything that draws in `dlib` takes a
# `torch.Generator`. The same seed gives the same batch:

# %%
first, _ = dsprites.sample(256, torch.Generator().manual_seed(7))
again, _ = dsprites.sample(256, torch.Generator().manual_seed(7))
assert torch.equal(first, again)

began, rounds = time.perf_counter(), budget.choose(4, 40)
for _ in range(rounds):
    dsprites.sample(256, generator)
speed = 256 * rounds / (time.perf_counter() - began)
viz.glue("factors_and_data_speed", round(speed / 1000))
print(f"about {speed / 1000:,.0f} thousand pictures a second")

# %% [markdown]
# When this page was made that was about
# {glue:}`factors_and_data_speed` thousand pictures a second, far more than a
# network can be trained on in the same time, so nothing is stored and nothing
# has to be read.
#
# A held-out part is a random part of the grid, the same on every machine. In the
# chapters to come, methods train on four fifths and are measured on the rest.

# %%
train, held_out = dsprites.split((0.8, 0.2), seed=0)
seen = train.points(torch.arange(len(train)))
assert not held_out.holds(seen).any()
len(train), len(held_out)

# %% [markdown]
# Be clear about what such a split can tell you. A held-out picture has up to ten
# neighbours on the grid, one step away in one factor, and about four in five of
# those were in the training part. Doing well on the held-out part shows that a
# network has not merely memorised; it does not show that it would cope with a
# scale or a corner of the picture that it has never seen.

# %% [markdown]
# ## Look: one factor at a time
#
# Since we hold the renderer, we can do what a disentangled decoder should do:
# move one factor and leave the others alone. The rows below are the *truth* that
# every traversal in this book is to be compared with.


# %%
def one_at_a_time(dataset, start, columns=9):
    """Pictures with one factor a row going through its values."""
    rows = []
    for column, size in enumerate(dataset.space.sizes):
        block = torch.tensor(start).repeat(columns, 1)
        block[:, column] = torch.linspace(0, size - 1, columns).round()
        rows.append(dataset.render(block))
    return torch.cat(rows)


# %% mystnb={"image": {"alt": "Five rows of nine pictures of a heart. Down the rows, the shape, the scale, the orientation, the horizontal and the vertical position change, one in each row."}}
start = [2, 3, 5, 16, 16]
sheet = one_at_a_time(dsprites, start)
figure = viz.image_grid(sheet, columns=9, row_titles=space.names)

# %% [markdown]
# Shape has three values only, so each shows three times. Compare the first and
# the last picture of the *orientation* row: they are the same. The official file lists 40 orientations from 0 to $2\pi$ with *both ends
# included*, so index 39 repeats index 0, for every shape, size and place:

# %%
last_turn = factors.clone()
last_turn[:, 2] = 39
first_turn = factors.clone()
first_turn[:, 2] = 0
assert torch.equal(dsprites.render(last_turn), dsprites.render(first_turn))
print("orientation 39 is orientation 0")

# %% [markdown]
# It is easy to trip over. One picture in forty carries a label that is as far
# as it can be from that of its double, and a regression that takes indices for
# numbers is asked to say 0 and 39 of the same pixels.

# %% mystnb={"image": {"alt": "Six rows of nine pictures of a room. Down the rows, the hue of the floor, of the wall and of the solid, then its scale, its shape, and the camera's angle change, one in each row."}}
start = [0, 5, 2, 5, 2, 7]
sheet = one_at_a_time(shapes3d, start)
figure = viz.image_grid(sheet, columns=9, row_titles=shapes3d.space.names)

# %% [markdown]
# In 3DShapes *orientation* is where the camera stands, so the walls and the
# shadow move too: a single factor may touch most of the picture. *Scale* grows
# the solid where it stands, and its shadow with it.

# %% [markdown]
# ## Measure: what a pixel loss sees
#
# A network that reconstructs pictures is paid by the pixel. How much does each
# factor matter in that currency? Two answers. The first is local: move one
# factor by one step, and count the pixels that change.
#
# The second is global, and it is the one that training feels. Suppose that a
# decoder knows all the factors but one, and does the best it can: it paints the
# average over that factor's values. Its pixels are then coins of probability
# $\bar x_p$, and the cross-entropy that it cannot avoid is
#
# ```{math}
# :label: factors_and_data-price
# \text{price}_j = \mathbb{E}_{y_{-j}} \sum_p H(\bar x_p), \qquad
# H(a) = -a \ln a - (1 - a) \ln (1 - a),
# ```
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


n = budget.choose(4, 60)
prices, steps = torch.tensor([price_and_step(c, n) for c in range(5)]).T

# %% mystnb={"image": {"alt": "Two bar charts over the five factors of dSprites. Left, pixels changed by one step: most for shape, fewest for orientation. Right, the price in nats of not knowing the factor: by far the highest for the two positions."}}
figure, axes = plt.subplots(1, 2, figsize=(8, 2.4), sharey=True)
titles = ["pixels changed by one step", "price of not knowing it (nats)"]
for axis, bars, title in zip(axes, (steps, prices), titles, strict=True):
    axis.barh(space.names, bars, color=viz.COLOURS[0])
    axis.set_xlabel(title)
axes[0].invert_yaxis()
figure.align_xlabels()

# %% tags=["remove-cell"]
position = float(prices[3:].mean())
viz.glue("factors_and_data_price_position", position)
viz.glue("factors_and_data_price_shape", float(prices[0]))
viz.glue("factors_and_data_price_orientation", float(prices[2]))
viz.glue("factors_and_data_information", math.log(32))
assert prices.argmax() in (3, 4) and steps.argmin() == 2

# %% [markdown]
# By the single step (left), shape looks like the largest factor and position
# like a small one. By the price (right), the order turns round: not knowing one
# coordinate costs about {glue:text}`factors_and_data_price_position:.0f` nats,
# while shape costs {glue:text}`factors_and_data_price_shape:.0f` and orientation
# {glue:text}`factors_and_data_price_orientation:.0f`. A sprite in the wrong place
# is wrong everywhere; a heart drawn as an ellipse in the right place is nearly
# right.
#
# Keep this figure in mind. In the next chapter a network pays a fee for every nat
# of information that its code carries, and a coordinate of 32 values is only
# $\ln 32 =$ {glue:text}`factors_and_data_information:.1f` nats. Position is an
# excellent bargain, so position is what every method in this book learns first
# and best. Orientation has more values, costs more to carry, and saves far
# less: it is the worst bargain of the five, and the first thing to go.

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
# Dark means "the same picture, or nearly". Only the heart's map is dark on the
# diagonal alone (and in the corners, where 0 meets 39). An ellipse comes back
# after half a turn, a square after a quarter: those are the parallel dark bands.
#
# Now comes a subtlety that is usually passed over. "A square looks the same every
# 90 degrees" is true of squares, but not quite of these pictures: 39 steps to a
# turn don't divide by four, so no two of the square's 39 angles are *exactly* a
# quarter turn apart. Its doubles are near-doubles. Exact ones come from the
# pixels, when a small turn moves no pixel's centre across an edge:

# %%
distinct = pd.DataFrame(
    [[len(turns(s, k).unique(dim=0)) for k in range(6)] for s in range(3)],
    index=list(labels),
    columns=[f"scale {value:.1f}" for value in space.factors[1].values],
)
viz.glue("factors_and_data_small_square", int(distinct.iloc[0, 0]))
viz.glue("factors_and_data_small_heart", int(distinct.iloc[2, 0]))
distinct

# %% [markdown]
# Of 40 labels, the smallest square makes
# {glue:}`factors_and_data_small_square` different pictures, the smallest heart
# {glue:}`factors_and_data_small_heart`. And what differs may be very little. One
# step of orientation is about nine degrees. How many of the 39 angles lie closer
# to a picture than the picture that is one step away?


# %%
def rivals(shape, scale):
    """Angles that fit a picture better than its neighbours, itself too."""
    pictures = turns(shape, scale)[:39]
    gaps = torch.cdist(pictures, pictures, p=1)
    before = (pictures - pictures.roll(1, 0)).abs().sum(1)
    step = torch.minimum(before, before.roll(-1))
    return float((gaps < step[:, None]).sum(1).float().mean())


fits = [[rivals(s, k) for k in range(6)] for s in range(3)]
pd.DataFrame(fits, distinct.index, distinct.columns).round(1)

# %% tags=["remove-cell"]
viz.glue("factors_and_data_fits_square", fits[0][5])
viz.glue("factors_and_data_fits_ellipse", fits[1][5])
viz.glue("factors_and_data_fits_heart", fits[2][5])
assert fits[0][5] > fits[1][5] > fits[2][5]

# %% [markdown]
# For the largest heart the answer is {glue:text}`factors_and_data_fits_heart:.1f`:
# the angle itself and no other. For the largest ellipse it is
# {glue:text}`factors_and_data_fits_ellipse:.1f`, and for the largest square
# {glue:text}`factors_and_data_fits_square:.1f`, angles that are spread over all
# four quarters of the circle. So for one third of dSprites the label
# *orientation* asks for something that is all but absent from the picture, and
# for another third half of it is. No encoder, however good, supplies what isn't
# there, and scores that ask for orientation have a ceiling. When a method scores
# badly on this factor, part of the fault is the data's. (Even for the heart, a
# code that is one number must cut the circle somewhere: two nearly equal pictures
# on both sides of the cut get far-apart codes.)

# %% [markdown]
# ## Independent, by construction
#
# The second half of {eq}`factors_and_data-renderer` is easy to forget, because it
# is never visible in a single picture: the factors are independent. In a sample,
# the correlation between any two is chance.

# %%
many = space.sample(budget.choose(2_000, 200_000), generator).double()
correlation = torch.corrcoef(many.T).fill_diagonal_(0).abs().max()
viz.glue("factors_and_data_correlation", float(correlation))
assert correlation < 0.1
print(f"largest correlation between two factors: {correlation:.4f}")

# %% [markdown]
# The largest of the ten correlations is
# {glue:text}`factors_and_data_correlation:.4f`: noise. Real collections of
# pictures are not like that. Large animals stand on grass and small ones on
# sofas. Methods that push their codes towards independence are, here, pushing in
# a direction that happens to be right. Later chapters take that comfort away:
# they draw factors that go together, and ask which methods still find them.

# %% [markdown]
# ## What held
#
# - A picture of these data sets is a point of a factor grid and a renderer: ten
#   dSprites drawn from three formulas agreed with the library's but for
#   {glue:}`factors_and_data_differ` of their pixels, and one traced geometry gave
#   all its colourings.
# - The twins miss the published mean pixels by at most
#   {glue:text}`factors_and_data_worst_gap:.4f`. They are twins all the same, and
#   figures in this book that were made with them say so.
# - Position dominates a pixel loss over its range, though not by the step.
# - Orientation cannot be read off every picture: 39 repeats 0, squares and
#   ellipses come back before the turn is complete.
# - Nothing here depended on a training, so nothing depends on its budget but the
#   sizes of the samples.

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

# %% [markdown]
# :::{admonition} Solution
# :class: dropdown
# One step of a factor skips as many pictures as the factors after it have
# combinations.
#
# ```python
# def flat_index(factors, sizes):
#     strides = [math.prod(sizes[j + 1 :]) for j in range(len(sizes))]
#     return (factors * torch.tensor(strides)).sum(1)
#
#
# check_flat_index(flat_index(factors, space.sizes))
# ```
# :::
#
# **2. One label, one picture.** Write `canonical(factors)`, which returns factors
# that render the same pictures, but never uses two orientation indices for one
# angle.


# %%
def canonical(factors):
    return ...


def check_canonical(answer, asked):
    if answer is ...:
        return "Not tried yet."
    assert answer is not asked, "return new factors, leave the old alone"
    same = torch.equal(dsprites.render(answer), dsprites.render(asked))
    assert same, "the pictures have changed"
    assert (answer[:, 2] < 39).all(), "which index repeats another?"
    assert (asked[:, 2] == 39).any(), "you have changed the question"
    return "Right."


asked = space.grid()[:: 32 * 32].clone()
check_canonical(canonical(asked), asked)

# %% [markdown]
# :::{admonition} Solution
# :class: dropdown
# Orientation is column 2, and 39 is a full turn.
#
# ```python
# def canonical(factors):
#     answer = factors.clone()
#     answer[:, 2] %= 39
#     return answer
#
#
# check_canonical(canonical(asked), asked)
# ```
# :::
#
# **3. Prices in colour.** With a Gaussian likelihood of unit scale, the price of
# not knowing a factor is half the variance that it causes, summed over pixels
# and channels (of pictures in $[0, 1]$). Which two factors of 3DShapes are the
# most expensive not to know, and which is the cheapest? Guess before you compute.


# %%
def gaussian_price(column, n=8):
    return ...


def check_prices(prices):
    if prices[0] is ...:
        return "Not tried yet."
    p = torch.as_tensor(prices)
    assert p.shape == (6,) and (p > 0).all(), "one price for each factor"
    order = [shapes3d.space.names[i] for i in p.argsort()]
    large = {"floor_hue", "wall_hue"}
    assert set(order[-2:]) == large, "which surfaces fill most of the picture?"
    assert p.max() < 3 * shapes3d.size**2 / 8, "half the variance, in [0, 1]"
    return f"Right: from the cheapest, {', '.join(order)}."


check_prices([gaussian_price(column) for column in range(6)])

# %% [markdown]
# :::{admonition} Solution
# :class: dropdown
# As `price_and_step` does, with a variance in place of the entropy.
#
# ```python
# def gaussian_price(column, n=8):
#     space3d = shapes3d.space
#     size = space3d.sizes[column]
#     block = space3d.sample(n, generator).repeat_interleave(size, 0)
#     block[:, column] = torch.arange(size).repeat(n)
#     pictures = shapes3d.render(block).view(n, size, -1) / 255
#     return float(pictures.var(1, unbiased=False).sum(1).mean() / 2)
#
#
# check_prices([gaussian_price(column) for column in range(6)])
# ```
#
# The surfaces that fill the picture win. A solid that is larger or of another
# shape moves the loss much less, and so does the camera, under a light that makes
# most of a wall look the same from everywhere.
# :::

# %% [markdown]
# ## Further reading
#
# - {cite:t}`matthey2017` and {cite:t}`burgess2018` are the official files, with
#   notebooks that show them.
# - {cite:t}`higgins2017` is the paper that dSprites was made for.
# - {cite:t}`locatello2019` compares methods on both sets and on five more, and
#   shows that without some bias in method or data nothing can find the factors.
#
# Next: [Autoencoders](autoencoders.ipynb), where a network is shown the pictures
# and not the factors.
