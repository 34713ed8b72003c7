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
# # Faces and chairs
#
# [Open in Colab](https://colab.research.google.com/github/untangled-book/untangled/blob/main/book/foundations/faces_and_chairs.ipynb)
#
# **The promise.** After this chapter you know what is in CelebA and in 3D Chairs, what our drawn
# twins of them have and lack, and why a classifier that is right in 95 faces of a hundred may know
# nothing at all.

# %% tags=["remove-cell"] jupyter={"source_hidden": true} cellView="form"
# Colab starts without the library: install it there, and only there.
import subprocess
import sys

if "google.colab" in sys.modules:
    source = "dlib-book @ git+https://github.com/untangled-book/untangled"
    pip = [sys.executable, "-m", "pip", "install", "-q"]
    subprocess.run([*pip, source], check=True)

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form"
# @title Imports
import textwrap
import time

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from torch import nn

from dlib import budget, metrics, viz
from dlib.data import (
    DataError,
    FaceLooks,
    Kept,
    Resampled,
    Silhouettes,
    load,
    real_chairs,
)
from dlib.data.faces_law import FREQUENCIES
from dlib.data.faces_space import ATTRIBUTES, LOOKS, MISSING, attributes
from dlib.inference import to_float
from dlib.viz.sliders import factor_sliders

viz.use()

# %% tags=["remove-cell"] jupyter={"source_hidden": true} cellView="form"
# @title How much work: seconds in a test, two minutes on the published page
TRAINED_ON = budget.choose(smoke=64, book=12_000)  # faces, by the reader
STEPS = budget.choose(smoke=3, book=1_500)  # of its training
TESTED_ON = budget.choose(smoke=300, book=4_000)  # faces
SMALL = budget.choose(smoke=400, book=6_000)  # faces of 32x32, for pixels
CHAIRS = budget.choose(smoke=50, book=1_000)  # whose boxes are measured
AT_BOOK = budget.current() == "book"


def seeded(seed):
    return torch.Generator().manual_seed(seed)


faces = load("celeba", source="twin")
chairs = load("chairs", source="twin")

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"image": {"alt": "Two rows of twelve drawn faces, of all kinds, and two rows of twelve small grey chairs on white, seen from all sides."}}
# @title Figure 1
people, _ = faces.sample(24, seeded(1))
furniture, _ = chairs.sample(24, seeded(1))
sheet = torch.cat([people, furniture.expand(-1, 3, -1, -1)])
figure = viz.image_grid(sheet, columns=12)

# %% [markdown]
# **Figure 1.** Nobody, and nothing to sit on: 24 faces and 24 chairs, drawn by formulas. (Two are out
# of focus on purpose: *blurry* is an attribute.)
#
# Two of the five papers of this book, [DIP-VAE](../papers/dip_vae.ipynb) and
# [Mixing](../papers/mixing.ipynb), look at photographs of faces, and the first also at renderings of
# chairs. Those files are large, one is for research only, and this book must run without downloading
# any data. So, as with [dSprites and 3DShapes](factors_and_data.ipynb), there are
# [twins](../reference/glossary.md#twin). But a formula that fits a square to the pixel can't fit a
# face. What such a twin is good for, and what not, is the subject of this page.
#
# **You need** [Factors and data](factors_and_data.ipynb). **It costs** two minutes on two CPU cores,
# most of which goes into a small network that reads faces. Nothing is downloaded.

# %% tags=["remove-cell"] jupyter={"source_hidden": true} cellView="form"
# @title A face with nothing special
plain = {
    "young": "yes", "hair_colour": "brown", "hair_length": "medium",
    "skin": "fair", "eye_colour": "brown", "clothes": "blue",
}  # fmt: skip
base = torch.zeros(len(LOOKS.names), dtype=torch.long)
for column, factor in enumerate(LOOKS.factors):
    if factor.name in plain:
        base[column] = factor.labels.index(plain[factor.name])
    elif not factor.labels:
        base[column] = factor.size // 2  # in the middle: from the front
base[LOOKS.position("brightness")] = 3

# %%
factor_sliders(
    FaceLooks(size=48), base.tolist(), title="One face, one thing at a time"
)

# %% [markdown]
# **Figure 2.** Everything that the twin can do to a face. Moving one slider puts the others back.
#
# Move *male*, then *azimuth*, then *brightness*: which of the three changes the picture most? To a
# loss on pixels that one matters most, and no reader of this page would say so.

# %% [markdown]
# ## Forty questions
#
# CelebA ([Liu et al. (2015)](https://arxiv.org/abs/1411.7766)) has 202,599 photographs of 10,177
# people, and to each of them the answers to forty questions: is there a hat, are the lips big, is
# the person attractive? Somebody answered; nobody knows what the photographs were made *of*. That is
# the first difference to everything before it: there is no grid of
# [factors](../reference/glossary.md#factor-of-variation), only
# [attributes](../reference/glossary.md#attribute), each yes or no.
#
# The twin has both. Its *looks* are a grid: a hair's colour is one factor with six values, so that no
# face has two. Attributes are read off the looks, under the official names and in the official order,
# and only they are handed out, as in the official file.

# %%
for dataset in (faces, FaceLooks()):
    print(textwrap.fill(str(dataset), 66, subsequent_indent="  "))

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"image": {"alt": "A grid of pairs of faces, one pair for each attribute: left without it, right with it, all else equal."}}
# @title Figure 3
changes = []
for column, size in enumerate(LOOKS.sizes):
    block = base.repeat(size, 1)
    block[:, column] = torch.arange(size)
    changes.append(block)
changes = torch.cat(changes)  # all looks that are one step from the plain
has, had = attributes(changes), attributes(base[None])[0]
pairs = []
for j in range(len(ATTRIBUTES)):
    turned = changes[(has[:, j] != had[j]).nonzero()[0, 0]]
    pairs += [base, turned] if had[j] == 0 else [turned, base]
pairs = FaceLooks().render(torch.stack(pairs)).unflatten(0, (-1, 2))
figure, panels = plt.subplots(7, 6, figsize=(9.6, 7.4))
for axes in panels.flat:
    axes.axis("off")
for axes, name, pair in zip(panels.flat, ATTRIBUTES, pairs):
    axes.imshow(torch.cat(list(pair), 2).permute(1, 2, 0))
    axes.set_title(name.replace("_", " "), fontsize=8)

# %% [markdown]
# **Figure 3.** The twin's attributes, without on the left and with on the right, all else equal. Some,
# like *Pointy Nose* or *Sideburns*, are a few pixels.

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
reasons = "\n".join(f"- {name}: {why}." for name, why in MISSING.items())
viz.say(f"""
{len(ATTRIBUTES)} of the forty are here. Not here:

{reasons}

Two things to look out for. A drawing says what it means: a big nose is
*drawn* bigger, in the same way on each face, where a rater of photographs
must find it big. And attributes that are one factor of the looks exclude each
other (no goatee with a five o'clock shadow, no bangs on a receding hairline),
which CelebA's need not.
""")

# %% [markdown]
# ## What comes with what
#
# The second difference: nothing is independent. Attributes of the twin are drawn one after the other,
# most of them given sex and age, some given others (an open mouth given a smile). So some come
# together as in CelebA, and each is about as frequent as there (from memory: we have not counted).

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"image": {"alt": "Bars of how frequent each attribute is in the twin, a tick at the frequency that is remembered of CelebA, and beside it a map of the correlations between attributes."}}
# @title Figure 4
known = faces.factors(torch.arange(len(faces))).double()
share = known.mean(0)
order = share.argsort().tolist()
together = torch.corrcoef(known.T)
figure, (left, right) = plt.subplots(
    1, 2, figsize=(9.6, 6), width_ratios=[1, 1.6]
)
names = [ATTRIBUTES[j] for j in order]
left.barh(names, share[order], color=viz.COLOURS[0])
remembered = [FREQUENCIES[name] for name in names]
left.plot(remembered, range(len(names)), "|", color=viz.COLOURS[1],
          markersize=8, markeredgewidth=2)  # fmt: skip
left.tick_params(axis="y", labelsize=6.5)
left.set(xlabel="share of faces", ylim=(-0.7, len(names) - 0.3))
off = together - together.diag().diag()
shown = right.imshow(off, cmap="RdBu_r", vmin=-0.8, vmax=0.8)
right.set_xticks(range(len(ATTRIBUTES)), ATTRIBUTES, rotation=90, fontsize=6)
right.set_yticks(range(len(ATTRIBUTES)), ATTRIBUTES, fontsize=6)
right.spines[:].set_visible(False)
figure.colorbar(shown, ax=right, shrink=0.6).outline.set_visible(False)

# %% [markdown]
# **Figure 4.** Left, how frequent an attribute is; the tick is CelebA's, as remembered. Right,
# correlations between attributes (red: they come together; blue: they avoid each other; the diagonal
# is left out).

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
at = {name: j for j, name in enumerate(ATTRIBUTES)}
gap = max(abs(float(share[at[n]]) - FREQUENCIES[n]) for n in ATTRIBUTES)
male = known[:, at["Male"]] == 1


def given(name, rows):
    return float(known[rows, at[name]].mean())


pairs_of = torch.triu(off, 1).abs().flatten().argsort(descending=True)[:3]
strong = [divmod(int(p), len(ATTRIBUTES)) for p in pairs_of]
told = ", ".join(
    f"{ATTRIBUTES[i]} and {ATTRIBUTES[j]} ({off[i, j]:+.2f})"
    for i, j in strong
)
assert gap < 0.025
viz.say(f"""
No attribute is further than {gap:.3f} from the frequency that we remember.
The strongest pairs are {told}. Lipstick is on
{given("Wearing_Lipstick", ~male):.0%} of the women and
{given("Wearing_Lipstick", male):.0%} of the men, a beard on
{1 - given("No_Beard", male):.0%} of the men. Methods that want independent
latents pull against this: "sampling the *female* gender makes it unlikely to
sample *beard*", the DIP-VAE paper says of it, and leaves it for later.
""")

# %% [markdown]
# ## The answer that needs no picture
#
# The third difference is easily overlooked. Say "no hat" to every photograph, and you are right in
# 95 of a hundred. The *commoner answer* of an attribute with frequency $p$ has
#
# $$\text{accuracy} = \max(p, 1 - p), \tag{A}$$
#
# and both papers print plain accuracies. What a classifier *knows* shows better in the mean over
# both answers, the [balanced accuracy](../reference/glossary.md#balanced-accuracy),
#
# $$\tfrac12 P(\hat y = 1 \mid y = 1) + \tfrac12 P(\hat y = 0 \mid y = 0), \tag{B}$$
#
# which is one half for the commoner answer, and for any guess that doesn't look.


# %%
def accuracy(said, true):
    return float((said == true).double().mean())


def balanced(said, true):
    yes = (said[true == 1] == 1).double().mean()
    no = (said[true == 0] == 0).double().mean()
    return float(yes + no) / 2


hat = known[:, at["Wearing_Hat"]]
nobody = torch.zeros_like(hat)
assert balanced(nobody, hat) == 0.5
print(f"no hats: accuracy {accuracy(nobody, hat):.3f}, balanced 0.5")

# %% [markdown]
# Here is what Table 2 of the DIP-VAE paper, [Kumar et al. (2018)](https://arxiv.org/abs/1711.00848),
# prints for its [VAE](autoencoders.ipynb), beside the commoner answer's accuracy on CelebA (for
# *Attractive*, which is in that table too, the twin has no frequency to remember):

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form"
# @title What the VAE adds to the commoner answer
VAE_OF_TABLE_2 = {
    "Arched_Eyebrows": 71.8, "Bangs": 89.8, "Black_Hair": 78.0,
    "Blond_Hair": 88.9, "Heavy_Makeup": 79.6, "Male": 83.9,
    "Mouth_Slightly_Open": 76.3, "No_Beard": 87.3, "Wavy_Hair": 70.2,
    "Wearing_Hat": 95.8, "Wearing_Lipstick": 83.0,
}  # fmt: skip
printed = pd.DataFrame({"VAE, Table 2": VAE_OF_TABLE_2})
p = pd.Series(FREQUENCIES)[list(VAE_OF_TABLE_2)]
printed["commoner answer"] = 100 * np.maximum(p, 1 - p)
printed["gain"] = printed["VAE, Table 2"] - printed["commoner answer"]
printed.round(1)

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
little = printed[printed["gain"] < 3]
worse = printed[printed["gain"] < 0]
assert len(little) >= 4 and "Male" not in little.index
viz.say(f"""
For {len(little)} of the eleven the VAE's classifier is less than three points
above an answer that looks at nothing ({", ".join(little.index)}), and below it
for {" and ".join(worse.index) or "none"} (if we remember the frequencies
right). So when rows of such a table differ by a point, ask how far above
nothing they are.
""")

# %% [markdown]
# ## Can it be read?
#
# An attribute that can't be seen would be noise. So: a small convolutional network, trained for less
# than a minute on faces of 32×32, the size at which this book's methods see most of them, with both
# answers of each attribute given the same weight. How well does it read faces that it has not seen?


# %%
class Reader(nn.Module):
    """Four convolutions, and an answer to each question."""

    def __init__(self, answers, widths=(24, 48, 96, 128)):
        super().__init__()
        layers, inputs = [], 3
        for width in widths:
            convolution = nn.Conv2d(inputs, width, 4, stride=2, padding=1)
            layers += [convolution, nn.BatchNorm2d(width), nn.ReLU()]
            inputs = width
        last = nn.Linear(inputs * 4, answers)  # 2x2 is left of 32x32
        self.layers = nn.Sequential(*layers, nn.Flatten(), last)

    def forward(self, images):
        return self.layers(images)


# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form"
# @title Train it
train, unseen = load("celeba", source="twin", size=32).split((0.9, 0.1))
shown = Kept(Resampled(train, TRAINED_ON))
torch.manual_seed(0)
reader = Reader(len(ATTRIBUTES))
weight = 1 / torch.stack([1 - share, share]).float()  # of "no" and of "yes"
optimiser = torch.optim.AdamW(reader.parameters(), 2e-3, weight_decay=0.05)
schedule = torch.optim.lr_scheduler.OneCycleLR(
    optimiser, 4e-3, total_steps=STEPS
)
began, draws = time.perf_counter(), seeded(0)
for _ in range(STEPS):
    images, true = shown.sample(64, draws)
    loss = nn.functional.binary_cross_entropy_with_logits(
        reader(to_float(images)),
        true.float(),
        weight.gather(0, true) / 2,
    )
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    schedule.step()
took = time.perf_counter() - began
print(f"{STEPS:,} steps in {took:.0f} s")

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"image": {"alt": "Bars of the balanced accuracy with which a small network reads each attribute, sorted, with a line at 95 per cent."}}
# @title Figure 5
index = unseen.draw(TESTED_ON, seeded(1))
reader.eval()
with torch.no_grad():
    said = torch.cat(
        [
            reader(to_float(unseen.images(some))) > 0
            for some in index.split(500)
        ]
    )
true = unseen.factors(index)
readable = pd.Series(
    {name: balanced(said[:, j].long(), true[:, j]) for name, j in at.items()}
).sort_values()
figure, axes = plt.subplots(figsize=(8.6, 3.4))
axes.bar(readable.index, readable, color=viz.COLOURS[0])
axes.axhline(0.95, color=viz.style.INK, linewidth=1, linestyle="--")
axes.set(ylim=(0.5, 1), ylabel="balanced accuracy")
axes.tick_params(axis="x", rotation=90, labelsize=7)

# %% [markdown]
# **Figure 5.** How well a small network reads each attribute of faces that it was not trained on. One
# half is a guess; the dashed line is at 95%.

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
below = readable[readable < 0.95]
if AT_BOOK:
    assert readable.min() > 0.75 and readable.median() > 0.95
viz.say(f"""
After {took:.0f} seconds {len(readable) - len(below)} of {len(readable)} are
read with a balanced accuracy of 95% or more, the median has
{readable.median():.1%}, and the hardest, {readable.index[0]},
{readable.iloc[0]:.0%}. What a method does not find in these faces was, for the
most part, there to be found.
""")

# %% [markdown]
# ## Chairs
#
# 3D Chairs ([Aubry et al. (2014)](https://www.di.ens.fr/willow/research/seeing3Dchairs/)) is 1,393
# models of chairs, each rendered from 31 sides and 2 heights. Here two factors *are* known, where
# the camera stands; what kind of chair it is, is one number with 1,393 values. The twin puts its
# chairs together from parts, so it knows more:

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"image": {"alt": "Rows of chairs, one factor a row from its first value to its last: legs, back, arms, width, height, shade, azimuth, elevation."}}
# @title Figure 6
space = chairs.space
rest = torch.tensor([0, 0, 0, 1, 1, 0, 3, 0])
rows = []
for column, size in enumerate(space.sizes):
    block = rest.repeat(8, 1)
    block[:, column] = torch.linspace(0, size - 1, 8).round().long()
    rows.append(chairs.render(block))
figure = viz.image_grid(torch.cat(rows), columns=8, row_titles=space.names)

# %% [markdown]
# **Figure 6.** The twin's factors, one a row, from its first value to its last. (Where there are fewer
# values than places, they repeat; where more, some are skipped.)
#
# Does it look like the official file? A hundred real pictures were published by others, without a word
# on which they are. They may not be part of this book; where they lie in the data folder, they stand
# beside the twin here.

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"image": {"alt": "Three rows of sixteen chairs of the twin; above them, where they are at hand, three rows of real ones."}}
# @title Figure 7
ours, _ = chairs.sample(CHAIRS, seeded(2))
try:
    real = real_chairs()
except DataError:
    real = None  # not on this machine
rows = {"twin": ours[:48]} if real is None else {
    "real": real[:48], "twin": ours[:48]
}  # fmt: skip
figure, panels = plt.subplots(len(rows), 1, figsize=(9.6, 2 * len(rows)))
for axes, (name, some) in zip(np.atleast_1d(panels), rows.items()):
    tiles = some[:, 0].unflatten(0, (3, 16)).transpose(1, 2)
    axes.imshow(tiles.flatten(2).flatten(0, 1), cmap="gray", vmin=0, vmax=255)
    axes.set_title(name, fontsize=9)
    axes.axis("off")

# %% [markdown]
# **Figure 7.** 48 chairs of the twin, and 48 real ones above them on a machine that has them
# (pictures: Aubry et al. (2014), by way of the library disentangling-vae).


# %%
def measure(pictures, dark=200):
    """Where a chair is in its picture, in pixels, and how much of it."""
    chair = pictures[:, 0] < dark
    rows, columns = chair.any(2), chair.any(1)
    first = [side.int().argmax(1) for side in (rows, columns)]
    last = [64 - side.flip(1).int().argmax(1) for side in (rows, columns)]
    grey = [picture[mask].float().mean() for picture, mask in
            zip(pictures[:, 0], chair)]  # fmt: skip
    return pd.DataFrame({
        "top": first[0], "bottom": last[0], "left": first[1],
        "right": last[1], "height": last[0] - first[0],
        "width": last[1] - first[1],
        "share of pixels": chair.double().mean((1, 2)),
        "grey level": torch.stack(grey),
    })  # fmt: skip


# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form"
# @title Boxes and coverage
measured = {"twin": measure(ours)}
if real is not None:
    measured["real"] = measure(real)
LEVELS = {"least": 0, "10%": 0.1, "median": 0.5, "90%": 0.9, "most": 1}
table = pd.concat(
    {
        name: values.quantile(list(LEVELS.values())).set_axis(list(LEVELS)).T
        for name, values in sorted(measured.items())
    },
    axis=1,
).swaplevel(axis=1)
table[list(LEVELS)].round(2)

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
if real is None:
    viz.say("""
This page was made where no real chairs are, so the table has the twin's
measures only. Where they are at hand (`DLIB_DATA` names their folder), they
stand beside them.
""")
else:
    inside = {
        name: float(
            (
                (measured["twin"][name] >= measured["real"][name].min())
                & (measured["twin"][name] <= measured["real"][name].max())
            ).mean()
        )
        for name in measured["real"]
    }
    medians = {
        name: (values.median() for values in (measured["twin"][name],
                                              measured["real"][name]))
        for name in ("share of pixels", "height", "width")
    }  # fmt: skip
    told = "; ".join(
        f"{name} {a:.2g} (real: {b:.2g})" for name, (a, b) in medians.items()
    )
    if AT_BOOK:
        assert min(inside.values()) > 0.95
    viz.say(f"""
Of the twin's chairs at least {min(inside.values()):.1%} lie between the least
and the most of the hundred real ones, whatever is measured, but the largest
real ones have no like here. Medians: {told}.
""")

# %% [markdown]
# The DIP-VAE paper uses "the binary masks of the chairs as the observed data". `Silhouettes` makes
# them, of the twin and of the official file alike:

# %% mystnb={"image": {"alt": "Two rows of twelve chairs: shaded above, and below the white silhouette of each on black."}}
masks = Silhouettes(chairs)
index = chairs.draw(12, seeded(5))
both = torch.cat([chairs.images(index), masks.images(index)])
figure = viz.image_grid(both, columns=12, row_titles=["shaded", "mask"])

# %% [markdown]
# **Figure 8.** Twelve chairs and their masks.
#
# A mask nearly hides two things: the shade, which leaves a trace at outlines only, and whether a chair
# is seen from the front or from behind, which only its legs and the perspective tell.

# %% tags=["remove-cell"] jupyter={"source_hidden": true} cellView="form"
# @title How much of a mask the shade changes
twice = chairs.space.to_factors(index).repeat(2, 1)
twice[:, chairs.space.position("shade")] = torch.arange(2).repeat_interleave(
    len(index)
)
dark, light = masks.images(chairs.space.to_index(twice)).chunk(2)
assert float((dark != light).double().mean()) < 0.01

# %% [markdown]
# ## Break it: repaint what comes together
#
# Here is something that can't be done with photographs. Take the simplest classifier there is, the one
# that both papers use: the difference of two class means, on pixels in place of
# [codes](../reference/glossary.md#code): the mean man less the mean woman is a direction, and a face
# far enough along it is called a man. *What* has it learned?

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form"
# @title Train on pixels, test on repainted faces
little = load("celeba", source="twin", size=32)
looks = FaceLooks(size=32)
index = torch.randperm(len(little), generator=seeded(3))[: 2 * SMALL]
first, second = index.chunk(2)  # to fit on, and to test on
pixels = [to_float(little.images(some)).flatten(1) for some in (first, second)]
truth = [little.factors(some) for some in (first, second)]
column = [at["Male"]]
score = metrics.attribute_classifier(
    pixels[0], truth[0][:, column], pixels[1], truth[1][:, column]
)
direction, bias = score["direction"][:, 0].float(), score["bias"][0].float()


def says_male(images):
    return (to_float(images).flatten(1) @ direction + bias > 0).long()


PAINT = [LOOKS.position(name) for name in ("makeup", "lipstick")]
drawn = LOOKS.to_factors(little.drawn[second])
is_male = truth[1][:, at["Male"]]
painted = drawn.clone()
painted[:, PAINT] = is_male[:, None]  # on all men, and on no woman
short = painted.clone()
short[:, LOOKS.position("hair_length")] = torch.where(is_male == 1, 2, 0)
ways = {
    "as they come": drawn,
    "make-up and lipstick on men only": painted,
    "and long hair on men only": short,
}
results = {way: {"men": 0.0, "women": 0.0, "balanced": 0.0} for way in ways}
for way, rows in ways.items():
    said = torch.cat([says_male(looks.render(r)) for r in rows.split(500)])
    results[way] = {
        "men": accuracy(said[is_male == 1], is_male[is_male == 1]),
        "women": accuracy(said[is_male == 0], is_male[is_male == 0]),
        "balanced": balanced(said, is_male),
    }
repainted = pd.DataFrame(results).T
repainted.round(3)

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"image": {"alt": "Left, the classifier's direction as a picture, with hair and lips standing out. Right, six men as drawn, and the same with make-up, lipstick and long hair."}}
# @title Figure 9
figure, (left, right) = plt.subplots(
    1, 2, figsize=(8.6, 2.9), width_ratios=[1, 2.6]
)
way = direction.view(3, 32, 32).permute(1, 2, 0)
left.imshow((0.5 + 0.5 * way / way.abs().max()).clamp(0, 1))
left.set_title("men less women", fontsize=9)
some = (is_male == 1).nonzero()[:6, 0]
rows = [looks.render(drawn[some]), looks.render(short[some])]
tiles = torch.cat([torch.cat(list(row), 2) for row in rows], 1)
right.imshow(tiles.permute(1, 2, 0))
right.set_title("six men, drawn and repainted", fontsize=9)
for axes in (left, right):
    axes.axis("off")

# %% [markdown]
# **Figure 9.** Left, the direction: grey says nothing; bright where men are brighter, dark where women
# are (green lips: women's are red). Right, six men above, and below the same men as they were
# repainted (the bald stay bald).

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
b = repainted["balanced"]
if AT_BOOK:
    assert b.iloc[0] > 0.7 and b.iloc[1] <= b.iloc[0]
    assert b.iloc[0] - b.iloc[1] < 0.03 and abs(b.iloc[2] - 0.5) < 0.05
viz.say(f"""
On faces as they come it has {b.iloc[0]:.0%} (balanced). To put make-up and
lipstick on all men and on no woman changes next to nothing ({b.iloc[1]:.0%}):
they are few pixels. Long hair for men and short for women brings it to
{b.iloc[2]:.0%}, a coin's, though no jaw and no brow has moved. It has learned
what *comes with* men, in as many pixels as possible. A direction of a *code*
that is called "male" may be no different: keep that in mind wherever one is
drawn in this book.
""")

# %% [markdown]
# ## What these twins can stand for
#
# **They can** stand for data of many attributes that come together, are of very different frequency,
# and are seen through nuisance (turn, light, brightness, background) that nobody asks about. Methods
# can be held against each other on them; whether each attribute could be found is known; and looks
# can be set one by one, which no photograph allows.
#
# **They can't** stand for photographs of people. Nobody is in them twice; there is no texture of skin,
# no strand of hair, no lens; attributes are drawn, not judged, and all to the same degree. A face is
# set by a few dozen numbers, a photograph by no such list, so all methods have it easier. And "male",
# "young", "attractive" as CelebA has them are what raters saw in pictures of celebrities; the twin
# repeats frequencies and pairs of that list, as a list, and says nothing about people. Numbers of this
# book on faces are to be compared with each other; with the papers' at best in their order. The twin's
# chairs are put together from a few parts, and the largest kinds are missing; what they add is that
# the parts are known.
#
# The official files are read by the same functions where you have them. Of a photograph of 178×218
# pixels the centred square of 148×148 is kept. Kumar et al. say "cropped images as used in several
# earlier works", and not how.

# %%
for name in ("celeba", "chairs"):
    try:
        load(name, source="official", root="an-empty-folder")
    except DataError as error:
        print(textwrap.fill(str(error), 66, break_on_hyphens=False))

# %% [markdown]
# ## What to take away
#
# - Photographs have attributes, not factors: yes or no, rare or common, and never independent.
# - Accuracy on a rare attribute is high for those who know nothing. Print the commoner answer beside
#   it, or balance it.
# - A classifier learns what comes with a class. Where looks can be set, that can be tested.
# - A twin is for comparing methods, and for questions that photographs can't answer.

# %% [markdown]
# ## Exercises
#
# **1. The commoner answer, of many.** Write `commoner(known)`, the accuracy of Eq. (A) for each
# column of a table of zeros and ones.


# %%
def commoner(known):
    return ...  # yours here


def check_commoner(function):
    found = function(known[:2_000])
    if found is ...:
        return "not tried yet"
    wanted = metrics.attribute_classifier(
        torch.arange(2_000)[:, None].double(),
        known[:2_000],
        torch.arange(2_000)[:, None].double(),
        known[:2_000],
    )["commoner"]
    if not torch.allclose(torch.as_tensor(found).double(), wanted):
        return "not yet: the larger of two shares, column by column"
    return "right"


print(check_commoner(commoner))


# %% tags=["hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true} cellView="form" mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
# @title Solution 1
def commoner(known):
    share = known.double().mean(0)
    return torch.maximum(share, 1 - share)


assert check_commoner(commoner) == "right"

# %% [markdown]
# **2. The crop.** Write `crop(photograph)` that cuts the square of 148×148 pixels out of the middle of
# a picture of shape (3, 218, 178).


# %%
def crop(photograph):
    return ...  # yours here


def check_crop(function):
    found = function(torch.zeros(3, 218, 178))
    if found is ...:
        return "not tried yet"
    if tuple(found.shape) != (3, 148, 148):
        return f"not yet: {tuple(found.shape)} where (3, 148, 148) is wanted"
    rows = torch.arange(218.0)[:, None].expand(3, 218, 178)
    columns = torch.arange(178.0).expand(3, 218, 178)
    corner = float(function(rows)[0, 0, 0]), float(function(columns)[0, 0, 0])
    if corner != (35, 15):
        return f"not yet: it begins at row and column {corner}"
    return "right"


print(check_crop(crop))


# %% tags=["hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true} cellView="form" mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
# @title Solution 2
def crop(photograph):
    top, left = ((side - 148) // 2 for side in photograph.shape[-2:])
    return photograph[..., top : top + 148, left : left + 148]


assert check_crop(crop) == "right"

# %% [markdown]
# **3. What comes with what?** The *lift* of two attributes is $P(a, b) / (P(a)\,P(b))$: 1 if they are
# independent. Write `lift(known)`, a matrix of all pairs, and find the pair of the largest lift.


# %%
def lift(known):
    return ...  # yours here


def check_lift(function):
    found = function(known[:5_000])
    if found is ...:
        return "not tried yet"
    coins = torch.randint(0, 2, (50_000, 3), generator=seeded(0)).double()
    free = torch.as_tensor(function(coins))
    apart = ~torch.eye(3, dtype=torch.bool)
    if (free[apart] - 1).abs().max() > 0.05:
        return "not yet: independent coins have a lift of 1"
    rare = (torch.arange(1_000)[:, None] < 10).double().repeat(1, 2)
    if abs(float(torch.as_tensor(function(rare))[0, 1]) - 100) > 1:
        return "not yet: one in a hundred, always together: a lift of 100"
    return "right"


print(check_lift(lift))


# %% tags=["hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true} cellView="form" mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
# @title Solution 3
def lift(known):
    known = known.double()
    share = known.mean(0)
    return (known.T @ known / len(known)) / torch.outer(share, share)


assert check_lift(lift) == "right"
most = lift(known).fill_diagonal_(0)
i, j = divmod(int(most.argmax()), len(ATTRIBUTES))
print(f"{ATTRIBUTES[i]} and {ATTRIBUTES[j]}: {most.max():.1f}")

# %% [markdown]
# ## Further reading
#
# [Liu et al. (2015)](https://arxiv.org/abs/1411.7766) made CelebA to train detectors of attributes.
# [Aubry et al. (2014)](https://www.di.ens.fr/willow/research/seeing3Dchairs/) made the chairs to find
# their like in photographs. What the two papers do with them is in
# [DIP-VAE](../papers/dip_vae.ipynb) and [Mixing](../papers/mixing.ipynb).

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
viz.colophon()
