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
# # Groups from pairs: two pictures that share something
#
# [Open in Colab](https://colab.research.google.com/github/untangled-book/untangled/blob/main/book/papers/group_tcvae.ipynb)
#
# **The promise.** After this chapter you can train on pairs of pictures of which you
# only know that they share something, write the losses that use it yourself, and say
# with a number whether two groups of latents really parted.

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
import math
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from torch.nn import functional

from dlib import budget, losses, metrics, networks, recipes, viz
from dlib.data import Batch, Pairs, load
from dlib.inference import to_float
from dlib.models import GVAE, GroupTCVAE
from dlib.models.discriminator import code_discriminator
from dlib.training import fit
from dlib.viz.compare import compare
from dlib.viz.diagram import arrow, node

viz.use()

# %% tags=["remove-cell"] jupyter={"source_hidden": true} cellView="form"
# @title How much work: seconds in a test, minutes on the published page
N_CODES = budget.choose(smoke=600, book=5_000)  # pictures that we look at
STOPS = budget.choose(
    smoke=(0, 50), book=(0, 100, 200, 300, 400, 500, 600, 700, 800)
)  # of the live training
BATCH = budget.choose(smoke=8, book=64)
JUDGE_STEPS = budget.choose(smoke=10, book=1_000)  # of a discriminator


def seeded(seed):
    return torch.Generator().manual_seed(seed)


# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
CONTENT = {
    "shapes3d": ["object_hue", "scale", "shape"],
    "dsprites": ["shape", "scale"],
}
STYLE = {
    "shapes3d": ["floor_hue", "wall_hue", "orientation"],
    "dsprites": ["orientation", "posX", "posY"],
}
NAMES = {"shapes3d": "3DShapes", "dsprites": "dSprites"}
GROUPS = {
    name: {f: 0 for f in CONTENT[name]} | {f: 1 for f in STYLE[name]}
    for name in NAMES
}
data = {name: load(name, source="twin", size=32) for name in NAMES}
pairs = {
    name: Pairs(data[name], [CONTENT[name], STYLE[name]]) for name in NAMES
}

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"image": {"alt": "Four rows of five pairs of pictures: rooms that share the object, rooms that share floor, wall and view, sprites that share shape and size, sprites that share place and angle."}}
rows, titles = [], []
for name in NAMES:
    sharp = load(name, source="twin", size=64)
    for shared in (CONTENT[name], STYLE[name]):
        some = Pairs(sharp, shared).draw(5, seeded(4))
        together = Pairs(sharp, shared).images(some).flatten(0, 1)
        rows.append(to_float(together).expand(-1, 3, -1, -1))
        what = "content" if shared == CONTENT[name] else "style"
        titles.append(f"{NAMES[name]}, same {what}")
figure = viz.image_grid(
    torch.cat(rows), columns=10, row_titles=titles, scale=0.6
)

# %% [markdown]
# **Figure 1.** Pairs of pictures, five a row. In the first row the two rooms of a pair
# hold the same object, in the same colour and size; in the second they have the same
# floor and wall and are seen from the same side. Below, sprites that share shape and
# size, or place and angle.
#
# [Locatello et al. (2019)](https://arxiv.org/abs/1811.12359) proved that pictures alone
# can't tell a disentangled code from an entangled one: something must be added, in the
# model or to the data. A pair adds little. Nobody says what values its pictures have; only
# that these two agree in one [group](../reference/glossary.md#content-and-style) of factors,
# and which group that is. Two photos of one person do that, or two of one place. Can a code
# be made of it that keeps the two groups apart?

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
showcase = recipes.load("group_tcvae", "showcase")
models = {e.line: showcase.run(e).trained for e in showcase.entries}
two = {
    "GVAE": models["gvae_shapes3d"],
    "group-tcVAE": models["group_tc_vae_shapes3d"],
}
compare(
    two,
    data["shapes3d"],
    100_003,
    factors=["floor_hue", "wall_hue", "object_hue", "scale", "orientation"],
    title="Trained on pairs, shown one room",
)

# %% [markdown]
# **Figure 2.** Two models that were trained on such pairs, a GVAE (β of .25) and a group-tcVAE
# (β of 5, λ of 2). Each has ten latents: z0 to z4 are meant for the content, z5 to z9 for the
# style. A slider moves, in each model, the
# [latent](../reference/glossary.md#latent) that predicts the factor best; below its name
# stand that latent and how well it does (R², 1 is perfect). Slide the object's hue, then the
# floor's, and see whether its latent is in the half where it should be.
#
# **You need** [Autoencoders](../foundations/autoencoders.ipynb),
# [Measuring](../foundations/measuring.ipynb) for the
# [MIG](../reference/glossary.md#mig), and [Total correlation](total_correlation.ipynb) for
# the discriminator. **It costs** about a minute on two CPU cores: the runs are shipped
# with the library, one training in the text is live. The paper is Tran, Asgari Taghanaki,
# Khasahmadi and Sanghi (2021), *Weakly-supervised group disentanglement using total
# correlation*; we know of no public address for it.

# %% [markdown]
# ## What a pair says
#
# `Pairs` draws a picture, throws a coin for the group that is shared, and draws a second
# picture among those that agree with the first in that group. The label says which group
# it was, and no more. The paper splits 3DShapes into content (the object's colour, size
# and kind) and style (floor, wall, view). It does not say how it splits dSprites; we take
# shape and scale for the content, orientation and the two positions for the style.


# %%
def agreement(dataset, label, n=2_000):
    """How often the two of a pair agree, factor by factor."""
    index = dataset.draw(n, seeded(0))
    index = index[dataset.labels(index) == label]
    first, second = dataset.factors(index).unbind(1)
    return (first == second).double().mean(0)


agreed = pd.DataFrame(
    {
        f"pairs that share the {what}": agreement(pairs["shapes3d"], label)
        for label, what in enumerate(("content", "style"))
    },
    index=data["shapes3d"].space.names,
).T.round(2)
agreed

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
chance = agreed.loc["pairs that share the style", "shape"]
assert (
    agreed.loc["pairs that share the content", CONTENT["shapes3d"]] == 1
).all()
assert (agreed.loc["pairs that share the style", STYLE["shapes3d"]] == 1).all()
assert agreed.to_numpy().min() > 0.03
viz.say(f"""
Ones where the group is shared, chance elsewhere: with four kinds of object two
pictures have the same one {chance:.2f} of the time. So the hint is noisy:
pairs that share the style may agree in the content too, by accident.
""")

# %% [markdown]
# ## One posterior for what is shared
#
# There are two ways to use such a pair. The older one takes the hint literally: if two
# pictures share their content, they have *one* content code. The newer one leaves each
# picture its own code, draws the two together where they should be alike, and keeps the two
# groups of latents apart.

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"image": {"alt": "Two diagrams. Left: two pictures' content codes are combined to one, which both are decoded from, each with its own style. Right: each picture keeps its content and style; a spring joins the two contents, and a wall stands between content and style."}}
C_INK, S_INK, X_INK = viz.COLOURS[3], viz.COLOURS[0], viz.style.INK
figure, both = plt.subplots(1, 2, figsize=(8.2, 2.8))
for axes, title in zip(both, ("ML-VAE and GVAE", "group-tcVAE")):
    axes.set(xlim=(0, 4), ylim=(0, 3.2), title=title)
    axes.axis("off")
    shared = title.startswith("ML")
    for y, mark in ((2.6, ""), (0.6, "'")):
        middle = 1.6 if shared else y + 0.35 * (1 if mark == "" else -1)
        style = y - 0.35 * (1 if mark == "" else -1)
        if shared:
            style = y
        node(axes, 0.3, y, f"$x{mark}$", X_INK)
        node(axes, 3.7, y, f"$\\hat x{mark}$", X_INK)
        node(axes, 2, style, f"style $z_s{mark}$", S_INK)
        arrow(axes, (0.3, y), (2, style))
        arrow(axes, (2, style), (3.7, y))
        arrow(axes, (0.3, y), (2, middle))
        arrow(axes, (2, middle), (3.7, y))
        if not shared:
            node(axes, 2, middle, f"content $z_c{mark}$", C_INK)
    if shared:
        node(axes, 2, 1.6, "content $\\bar z$ of both", C_INK)
    else:
        arrow(axes, (1.3, 2.95), (1.3, 0.25), arrowstyle="<->", color=C_INK,
              connectionstyle="arc3,rad=0.25")  # fmt: skip
        axes.text(0.75, 1.6, "KL", color=C_INK, ha="center", fontsize=9)
        for y in (2.6, 0.6):
            axes.plot([1.5, 2.5], [y, y], color="black", linewidth=3)
        axes.text(2.6, 1.6, "independent", ha="left", va="center", fontsize=9)

# %% [markdown]
# **Figure 3.** A pair that shares its content. Left: one content code for both pictures. Right:
# two, drawn together by a divergence, and a bar between content and style that stands for
# their independence. (It stands for the paper's Figure 1, which shows the right-hand side as a
# graphical model.)
#
# First the left-hand side. ML-VAE
# ([Bouchacourt et al. (2018)](https://arxiv.org/abs/1705.08841)) and GVAE
# ([Hosoya (2019)](https://arxiv.org/abs/1809.02383)) encode both pictures, make one
# posterior of the two in the shared latents, and decode each picture from the shared code
# and what is its own. In the paper's letters, with the networks' parameters left out,
#
# $$\begin{aligned}
# \mathcal L =\ & \mathbb E_{q}[\log p(x \mid \bar z_{c,c'}, z_{\setminus c})]
#   + \mathbb E_{q}[\log p(x' \mid \bar z_{c,c'}, z_{\setminus c'})] \cr
#  & - \beta\,\mathrm{KL}(q(\bar z_{c,c'}, z_{\setminus c} \mid x)\,\|\,p(z))
#   - \beta\,\mathrm{KL}(q(\bar z_{c,c'}, z_{\setminus c'} \mid x')\,\|\,p(z)).
# \end{aligned} \tag{1}$$
#
# where $c$ is the content and $\setminus c$ the rest, here the style. We let a pair share
# either group: then $\bar z$ stands for the group that it shares. (What follows if it is
# always the content, as printed, we shall see.) What $\bar z$ is drawn from is where the two
# methods differ. GVAE averages means and variances; ML-VAE multiplies the two Gaussians, so
# that their *precisions*, one over the variance, add:


# %%
def average(mean, logvar):
    """GVAE's: of k posteriors, (n, k, d)."""
    return mean.mean(1), logvar.exp().mean(1).log()


def product(mean, logvar):
    """ML-VAE's: precisions add, means are weighed by them."""
    precision = (-logvar).exp()
    variance = 1 / precision.sum(1)
    return variance * (precision * mean).sum(1), variance.log()


some = torch.randn(2, 50, 3, 4, generator=seeded(0)).unbind()
for ours, library in (
    (average, losses.average_of_gaussians),
    (product, losses.product_of_gaussians),
):
    for mine, theirs in zip(ours(*some), library(*some)):
        assert torch.allclose(mine, theirs, atol=1e-5)

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"image": {"alt": "Densities of two Gaussians, their average, their product and the Gaussian with twice the product's variance; the product is the narrowest."}}
# @title Two posteriors of one latent, and what is made of them
mean, logvar = torch.tensor([[[0.0], [2.0]]]), torch.tensor([[[1.0], [0.36]]])
logvar = logvar.log()
combined = {
    "average (GVAE)": losses.average_of_gaussians(mean, logvar),
    "product (ML-VAE)": losses.product_of_gaussians(mean, logvar),
    "product, variance doubled": losses.harmonic_gaussian(mean, logvar),
}
z = torch.linspace(-3, 5, 400)


def density(z, mean, logvar):
    return (
        torch.distributions.Normal(mean, (logvar / 2).exp()).log_prob(z).exp()
    )


figure, axes = plt.subplots(figsize=(6.4, 2.8))
for j in (0, 1):
    own = density(z, mean[0, j], logvar[0, j])
    label = "the two pictures' own" if j == 0 else None
    axes.fill_between(z, own, color=viz.style.INK, alpha=0.2, label=label)
drawn = {}
for i, (name, (m, v)) in enumerate(combined.items()):
    drawn[name] = float(m), float(v.exp())
    axes.plot(z, density(z, m[0], v[0]), color=viz.COLOURS[i], label=name)
axes.set(xlabel="z", ylabel="density", ylim=(0, None))
_ = axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))

# %% [markdown]
# **Figure 4.** Grey: two pictures' posteriors of one latent, the right one surer. Coloured:
# three ways to make one of them.

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
(a_mean, a_var), (p_mean, p_var), (h_mean, h_var) = drawn.values()
assert p_mean == h_mean and abs(h_var - 2 * p_var) < 1e-6
viz.say(f"""
The average sits in the middle ({a_mean:.2f}) and is as unsure as the two are
on average (variance {a_var:.2f}). The product leans to the surer picture
({p_mean:.2f}) and is surer than either ({p_var:.2f}). The third curve is what
some libraries have under ML-VAE's name, that of the adaptive methods below
among them: the product's mean, twice its variance ({h_var:.2f}). We come back
to it.
""")

# %% [markdown]
# The rest is a VAE. Here is Eq. (1) with either group shared, for a batch of pairs that share
# their content (label 0) or their style (label 1), and the library's loss beside it:


# %%
def eq_1(vae, images, labels, beta, generator):
    """Minus Eq. (1), for a picture; images (n, 2, c, h, w)."""
    n = len(images)
    flat = images.flatten(0, 1)
    own = [part.view(n, 2, -1) for part in vae.posterior(flat)]
    ours = torch.arange(10) < 5  # the content's latents
    shared = torch.where(labels[:, None] == 0, ours, ~ours)[:, None]
    mean, logvar = (
        torch.where(shared, one[:, None], each).flatten(0, 1)
        for one, each in zip(average(*own), own)
    )
    noise = torch.randn(mean.shape, generator=generator)
    logits = vae.decoder(mean + noise * (logvar / 2).exp())
    nll = functional.binary_cross_entropy_with_logits(
        logits, flat, reduction="none"
    )
    kl = 0.5 * (mean**2 + logvar.exp() - 1 - logvar)
    return nll.sum((1, 2, 3)).mean() + beta * kl.sum(1).mean()


gvae = GVAE(networks.conv(latent_dim=10, channels=3, size=32), beta=4.0)
networks.initialise(gvae, seeded(0))
index = pairs["shapes3d"].draw(8, seeded(1))
images = to_float(pairs["shapes3d"].images(index))
labels = pairs["shapes3d"].labels(index)
with torch.no_grad():
    mine = eq_1(gvae, images, labels, 4.0, seeded(2))
    theirs = next(gvae.losses(Batch(images, labels), seeded(2))).value
assert torch.allclose(mine, theirs)

# %% mystnb={"image": {"alt": "Diagram of the networks: four convolutions and a layer of 256 lead from a 32 by 32 picture to ten means and ten log-variances; the decoder mirrors them."}}
figure = viz.network(gvae)

# %% [markdown]
# **Figure 5.** Encoder and decoder of all models in this chapter. The first five of the ten
# latents are for the content, the others for the style. Nothing in the networks keeps the two
# apart: both are read off one layer of 256. What parts them is in the losses only.
#
# ## What is wrong with an average
#
# Of such averages the paper says that "this estimate is biased and requires a certain amount
# of observations that share the same factors". The second it shows, in its Figure 3c; the
# first it doesn't, nor which bias it means. Here is one. Take a world in which everything is
# known: a latent $z \sim \mathcal N(0, 1)$, and $k$ pictures that see it with noise,
# $x_j = z + \varepsilon_j$. The posterior of one picture is a Gaussian, and so is the true one
# of all $k$. Let us compare, for a $z$ of 1 and noise of variance 1.


# %%
def exact(total, k, noise=1.0):
    """Posterior of z, given k pictures that add up to total."""
    variance = 1 / (1 + k / noise)
    return variance * total / noise, variance


ks = [1, 2, 4, 8, 16, 32]
noisy = 1.0 + torch.randn(
    20_000, ks[-1], generator=seeded(0)
)  # z = 1, noise 1
found = {"exact": [], "average (GVAE)": [], "product (ML-VAE)": []}
for k in ks:
    alone = (
        noisy[:, :k, None] / 2,
        torch.full((len(noisy), k, 1), math.log(1 / 2)),
    )
    both = {
        "average (GVAE)": average(*alone),
        "product (ML-VAE)": product(*alone),
    }
    total = noisy[:, :k].sum(1)
    found["exact"].append(
        (float(exact(total, k)[0].mean()), exact(total, k)[1])
    )
    for name, (m, v) in both.items():
        found[name].append((float(m.mean()), float(v.exp().mean())))

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"image": {"alt": "Left: the mean of the combined posterior against the number of pictures; the exact one rises to 1, those of average and product stay at one half. Right: their variances."}}
# @title What more pictures change
figure, (left, right) = plt.subplots(1, 2, figsize=(7.4, 2.8))
marks = dict(zip(found, "o^s"))
for i, (name, values) in enumerate(found.items()):
    centre, width = zip(*values)
    style = {"color": viz.COLOURS[i], "marker": marks[name], "label": name}
    left.plot(ks, centre, **style, alpha=0.8)
    right.plot(ks, width, **style, alpha=0.8)
left.axhline(1, color=viz.style.INK, linestyle=":")
for axes, what in ((left, "mean"), (right, "variance")):
    axes.set_xscale("log", base=2)
    axes.set_xticks(ks, ks)
    axes.set(xlabel="pictures", ylabel=f"{what} of the posterior")
right.set_yscale("log")
right.set_yticks([0.5, 0.2, 0.1, 0.05, 0.02], [".5", ".2", ".1", ".05", ".02"])
right.minorticks_off()
_ = right.legend(loc="center left", bbox_to_anchor=(1, 0.5))

# %% [markdown]
# **Figure 6.** A latent whose true value is 1 (dotted), seen in $k$ noisy pictures: mean and
# variance of what is made of their posteriors. In the left panel average and product lie on
# each other.

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
at = {name: dict(zip(ks, values)) for name, values in found.items()}
mean_of, product_of = at["average (GVAE)"], at["product (ML-VAE)"]
last = ks[-1]
assert all(abs(mean_of[k][0] - 0.5) < 0.02 for k in ks)
assert at["exact"][last][0] > 0.95
viz.say(f"""
For a pair the exact posterior is at {at["exact"][2][0]:.2f}, for {last}
pictures at {at["exact"][last][0]:.2f}. The other two stay at
{mean_of[last][0]:.2f} however many there are. Each picture's own posterior is
drawn half way to the prior, and so is any mean of them; in a product of $k$
posteriors the prior is counted $k$ times, where once would do. In variance
they part: the average's never shrinks ({mean_of[last][1]:.2f}), the product's
goes down to {product_of[last][1]:.3f}, sure of a value that is wrong. More
pictures don't cure this.
""")

# %% [markdown]
# How much does it matter? Here the bias is a factor of one half, the same for all, which a
# decoder undoes and no score minds. It bites where pictures are not equally clear, for then
# each is drawn to the prior by another factor, or where their number varies. And an encoder is
# trained *through* the average, and may learn to exaggerate: only then its codes of single
# pictures, which are what we look at and score, are no posteriors any more.
#
# The other half of the complaint, on pictures. A GVAE gets the content of a picture from
# *others* that show the same object: from one, or averaged over two, four, eight. The style
# stays the picture's own.

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"image": {"alt": "Rows of rooms: the pictures, decoded from their own codes, and decoded with the content of one, two and eight other pictures of the same object."}}
# @title Decoded with the content of others
model = models["gvae_shapes3d"]
many = Pairs(data["shapes3d"], CONTENT["shapes3d"], k=9)
index = many.draw(200, seeded(6))
images = to_float(many.images(index))
with torch.no_grad():
    z = model.encode(images.flatten(0, 1)).view(200, 9, 10)
    sheet, off = [images[:8, 0]], {}
    for k in (0, 1, 2, 4, 8):
        code = z[:, 0].clone()
        if k > 0:
            code[:, :5] = z[:, 1 : k + 1, :5].mean(1)
        decoded = model.decode(code)
        error = (decoded - images[:, 0]).square().sum((1, 2, 3))
        off[k] = float(error.mean())
        if k != 4:
            sheet.append(decoded[:8])
names = ["picture", "own code", "one other's", "two others'", "eight others'"]
figure = viz.image_grid(
    torch.cat(sheet), columns=8, row_titles=names, scale=0.6
)

# %% [markdown]
# **Figure 7.** A GVAE. First row: pictures. Below: decoded from their own code, and with the
# content of one, two and eight other pictures that show the same object.

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
everywhere = z[:, 0, :5].var(0)
speak = everywhere > 0.3 * everywhere.max()  # others tell of nothing
spread = (z[:, :, :5].var(1).mean(0) / everywhere)[speak]
if budget.current() == "book":
    assert off[1] > off[2] > off[4] > off[8] > off[0]
    assert 2 <= len(spread) and float(spread.max()) > 0.15
viz.say(f"""
The squared error, over {len(z)} pictures: {off[0]:.1f} with their own code,
{off[1]:.1f} with the content of one other picture, then {off[2]:.1f},
{off[4]:.1f} and {off[8]:.1f} with the average of two, four and eight. So a
content code also tells of the picture it came from: of the content's
{len(spread)} latents that speak, the variance between pictures of one object
is {float(spread.min()):.2f} to {float(spread.max()):.2f} times that between
any two. An average washes that out, if there are enough to average over, and a
pair is few.
""")

# %% [markdown]
# ### The factor of two
#
# Why would anyone double the product's variance? Ask what a latent costs that says
# nothing. Its own posterior should be the prior, whose KL divergence is 0. Let both pictures
# have the same posterior $\mathcal N(0, v)$, and look for the $v$ that makes the shared one
# cost nothing:

# %%
cheapest = {}
for name, combine in (
    ("average", losses.average_of_gaussians),
    ("product", losses.product_of_gaussians),
    ("product, doubled", losses.harmonic_gaussian),
):
    grid = torch.linspace(0.2, 3, 281)
    zero = torch.zeros(len(grid), 2, 1)
    one = combine(zero, grid.log()[:, None, None].expand(-1, 2, 1))
    price = losses.kl_to_standard_normal(*one)[:, 0]
    at_prior = float(price[(grid - 1).abs().argmin()])
    cheapest[name] = at_prior, float(grid[price.argmin()])
    free = cheapest[name][1]
    print(f"{name:17} v = 1 costs {at_prior:.3f}, free at {free:.2f}")

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
viz.say(f"""
The product makes an idle latent pay {cheapest["product"][0]:.3f} nats, unless
both pictures' own posteriors have twice the prior's variance; average and
doubled product do not. What that does to a training stands below, under *Break
it*.
""")

# %% [markdown]
# ## A score for groups
#
# MIG asks for one latent per factor: two in the same group that both know it cost as much as
# two in different groups. Here only the second is a failure. The paper's *group-MIG* compares
# groups: of each factor, what the best latent of its own group knows, less what the best
# latent of the other group knows, as a share of the factor's entropy:
#
# $$\frac1K \sum_{k=1}^K \frac1{H(v_k)} \Big(\max_{i \in f_g(v_k)} I(z_i; v_k)
#   - \max_{i \notin f_g(v_k)} I(z_i; v_k)\Big), \tag{A}$$
#
# where $f_g(v_k)$ is the group that the factor $v_k$ belongs to.


# %%
def group_mig(known, groups, content=5):
    """known (d, k): of each factor, the share of its entropy."""
    own, other = known[:content], known[content:]
    gaps = own.max(0).values - other.max(0).values
    sign = torch.tensor([1.0 if g == 0 else -1.0 for g in groups])
    return sign * gaps  # a gap a factor


index = data["shapes3d"].draw(N_CODES, seeded(3))
images = to_float(data["shapes3d"].images(index))
factors = data["shapes3d"].factors(index)
z = {}
for name, model in two.items():
    with torch.no_grad():
        z[name] = torch.cat([model.encode(x) for x in images.split(500)])
order = GROUPS["shapes3d"]
which = [order[f] for f in data["shapes3d"].space.names]
for name, codes in z.items():
    score = metrics.group_mig([codes[:, :5], codes[:, 5:]], factors, which)
    known = score["information"] / score["entropy"]
    assert torch.allclose(group_mig(known, which), score["gaps"])
    mig = metrics.mig(codes, factors).value
    print(f"{name:12} MIG {mig:.3f}  group-MIG {score.value:.3f}")

# %% [markdown]
# It is 1 if for each factor one latent of its own group knows it all and none of the other
# group anything; 0 if both groups know equally much, nothing for instance; and negative where
# factors sit in the wrong group. What it can't see is what the latents of a group know together
# and none of them alone. Four codes that are made by hand show what each score minds:

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form"
# @title Four codes made of the true factors, scored
values = factors.double()
values = (values - values.mean(0)) / values.std(0)
noise = 0.05 * torch.randn(N_CODES, 10, generator=seeded(5)).double()
mine = [data["shapes3d"].space.position(f) for f in CONTENT["shapes3d"]]
yours = [data["shapes3d"].space.position(f) for f in STYLE["shapes3d"]]
blank = torch.zeros(N_CODES, 2).double()
content, style = values[:, mine], values[:, yours]
turn = torch.linalg.qr(torch.randn(3, 3, generator=seeded(6)).double())[0]
made = {
    "each factor has a latent": [content, blank, style, blank],
    "two of three have two": [content, content[:, :2], style, style[:, :2]],
    "turned inside the groups": [content @ turn, blank, style @ turn, blank],
    "the content has moved over": [style, blank, content, blank],
}  # fmt: skip
by_hand = {}
for name, parts in made.items():
    codes = torch.cat(parts, dim=1) + noise
    chunks = [codes[:, :5], codes[:, 5:]]
    by_hand[name] = {
        "MIG": metrics.mig(codes, factors).value,
        "group-MIG": metrics.group_mig(chunks, factors, which).value,
    }
pd.DataFrame(by_hand).T.round(2)

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
one, twice, turned, wrong = by_hand.values()
assert min(one.values()) > 0.8 and twice["group-MIG"] > 0.8
assert twice["MIG"] < 0.5 and wrong["MIG"] > 0.8 and wrong["group-MIG"] < -0.8
assert turned["MIG"] < 0.3 < turned["group-MIG"] < 0.6
viz.say(f"""
A factor with two latents of its group costs the MIG and not the group-MIG;
factors in the wrong group cost the group-MIG everything and the MIG nothing.
Turned inside its group, where no latent has a factor to itself, a code loses
in both ({turned["MIG"]:.2f} and {turned["group-MIG"]:.2f}). Neither score
implies the other.
""")

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form"
# @title Every run of the chapter
TITLES = {
    "ml_vae": "ML-VAE",
    "gvae": "GVAE",
    "group_tc_vae": "group-tcVAE",
    "ada_ml_vae": "Ada-ML-VAE",
    "ada_gvae": "Ada-GVAE",
}


def rows_of(group):
    """A row a run: its scores, and what latents know of factors."""
    experiment = recipes.load("group_tcvae", group)
    rows = []
    for entry in experiment.entries:
        run = experiment.run(entry, weights=False)
        of = entry.recipe.data.of.name
        label = metrics.label_of(("group_mig", {"groups": GROUPS[of]}))
        score = run.report.scores[label]
        names = data[of].space.names
        gaps = dict(zip(names, score["gaps"].tolist()))
        rows.append(
            {
                "line": entry.line,
                "method": entry.recipe.method,
                "of": of,
                "seed": entry.recipe.seed,
                "options": entry.recipe.options,
                "mig": run.metrics["mig"],
                "group_mig": score.value,
                "content": float(np.mean([gaps[f] for f in CONTENT[of]])),
                "style": float(np.mean([gaps[f] for f in STYLE[of]])),
                "known": score["information"] / score["entropy"],
                "active": run.metrics["active_units"],
                "minutes": run.record["minutes"],
                "paper": (entry.paper.get("mig"), entry.paper.get(label)),
            }
        )
    return pd.DataFrame(rows)


def spread_of(values, digits=3):
    return recipes.median_and_range(list(values), digits)


groups = {
    group: rows_of(group)
    for group in (
        "table", "adaptive", "content", "observations",
        "variance", "factorisation", "largest", "longer",
    )
}  # fmt: skip
table = groups["table"]
STEPS = recipes.load("group_tcvae", "table").entries[0].recipe.steps
SCORES = {"mig": "MIG", "group_mig": "group-MIG", "active": "active latents"}


def summary(some):
    return {
        title: spread_of(some[key], 0 if key == "active" else 3)
        for key, title in SCORES.items()
    }


# %% [markdown]
# The adaptive methods of
# [Locatello et al. (2020)](https://arxiv.org/abs/2002.02886), *Ada-GVAE* and *Ada-ML-VAE*,
# are not told which group a pair shares; they share those latents in which the two
# posteriors differ least. Nobody tells their latents which group to be in either, so a fixed
# split would be unfair to them. For them we let each latent be of the group of which it knows
# more, averaged over the group's factors, and call it *assigned*. That looks at the answers,
# and none of the others gets it:


# %%
def assigned_group_mig(known, of):
    """Group-MIG, each latent in the group of which it knows more."""
    place = data[of].space.position
    ours = known[:, [place(f) for f in CONTENT[of]]].mean(1)
    theirs = known[:, [place(f) for f in STYLE[of]]].mean(1)
    in_content = (ours > theirs)[:, None]
    own = torch.where(in_content, known, 0.0).amax(0)
    other = torch.where(in_content, 0.0, known).amax(0)
    groups = [GROUPS[of][f] for f in data[of].space.names]
    return group_mig(torch.stack([own, other]), groups, content=1)


adaptive = groups["adaptive"]
gaps = [
    dict(zip(data[of].space.names, assigned_group_mig(known, of).tolist()))
    for known, of in zip(adaptive["known"], adaptive["of"])
]
for part, factors_of in (("content", CONTENT), ("style", STYLE)):
    adaptive[part] = [
        np.mean([gap[f] for f in factors_of[of]])
        for gap, of in zip(gaps, adaptive["of"])
    ]
halves = adaptive["group_mig"]
adaptive["group_mig"] = [np.mean(list(gap.values())) for gap in gaps]

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
viz.say(f"""
It makes a difference: over the adaptive runs the median group-MIG is
{halves.median():.3f} with halves and {adaptive["group_mig"].median():.3f}
assigned.
""")

# %% [markdown]
# ## The content collapses
#
# "The latent variable $z_c$ can either collapse to a single factor of variation or it might
# even contain almost no information to any content", and the paper's Figure 3a is a GVAE on
# 3DShapes of which it says so. Under which pairs that happened it does not say. To provoke it,
# read Eq. (1) as it is printed: all pairs "i.i.d. sampled from group $g_C$", so that the content
# is always shared and the style never. Then nothing asks the style's latents *not* to hold the
# content. Each picture has them to itself, unaveraged; they are the better place for everything.


# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"image": {"alt": "Three heat maps of ten latents by six factors: a GVAE trained on pairs that always share the content, one trained on pairs that share either group, and an Ada-GVAE."}}
# @title What each latent knows of each factor
def heat(axes, known, of, title):
    """Shares of entropy, the content's factors and latents first."""
    names = CONTENT[of] + STYLE[of]
    order = [data[of].space.position(f) for f in names]
    axes.imshow(known[:, order], vmin=0, vmax=1, aspect="auto", cmap="cividis")
    for (row, column), value in np.ndenumerate(known[:, order].numpy()):
        ink = "black" if value > 0.55 else "white"
        axes.text(
            column, row, f"{value:.2f}", color=ink,
            ha="center", va="center", fontsize=7,
        )  # fmt: skip
    split = len(CONTENT[of]) - 0.5
    axes.axvline(split, color="white", linewidth=2)
    axes.axhline(4.5, color="white", linewidth=2)
    axes.set_xticks(
        range(len(names)), [n.replace("_", "\n") for n in names], fontsize=7
    )
    axes.set_yticks(range(10), [f"z{i}" for i in range(10)])
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(title)


def one_run(group, line, seed=0, **options):
    some = groups[group]
    some = some[(some["line"] == line) & (some["seed"] == seed)]
    for key, value in options.items():
        some = some[[o.get(key) == value for o in some["options"]]]
    assert len(some) == 1
    return some.iloc[0]


figure, axes = plt.subplots(1, 3, figsize=(9.6, 3.6))
always = one_run("content", "gvae_shapes3d")
either = one_run("table", "gvae_shapes3d", beta=1.0)
adapted = one_run("adaptive", "ada_gvae_shapes3d", beta=1.0)
for one, run, title in zip(
    axes,
    (always, either, adapted),
    ("GVAE, always content", "GVAE, either group", "Ada-GVAE, either group"),
):
    heat(one, run["known"], "shapes3d", title)

# %% [markdown]
# **Figure 8.** The paper's Figure 3a: how much of each factor's entropy each latent of a GVAE
# knows (β of 1, seed 0). The paper has the style's latents first; we have the content's, z0 to
# z4. The white cross parts content from style; all should be in the upper left and the
# lower right. Left, trained as Eq. (1) is printed; middle, on pairs that share either group;
# right Ada-GVAE, which has no split, on the same pairs.

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
printed_scores = always["paper"]
printed = groups["content"]
collapsed = printed[printed["line"] == "gvae_shapes3d"]
at_one = table[
    (table["line"] == "gvae_shapes3d")
    & np.array([o["beta"] == 1.0 for o in table["options"]])
]
hue = data["shapes3d"].space.position("object_hue")
inside, outside = (
    float(always["known"][half, hue].max())
    for half in (slice(0, 5), slice(5, 10))
)
others = [
    data["shapes3d"].space.position(f)
    for f in ("scale", "shape", "orientation")
]
unseen = max(
    float(run["known"][:, others].max()) for run in (always, either, adapted)
)
if budget.current() == "book":
    assert min(inside, outside) > 0.45
    assert float(either["known"][5:, hue].max()) < 0.15
    assert unseen < 0.15
    assert collapsed["content"].median() < 0.1 < collapsed["style"].median()
    assert at_one["content"].median() < 0.1 < at_one["style"].median()
viz.say(f"""
The paper's model has a MIG of {printed_scores[0]:.2f} and a group-MIG of
{printed_scores[1]:.2f}, with "only a little information about object type" in
its content. Ours on the left has {always["mig"]:.2f} and
{always["group_mig"]:.2f}, the one in the middle {either["mig"]:.2f} and
{either["group_mig"]:.2f}, and all are early in their training: of shape, size
and view no latent of the three models knows more than {unseen:.2f}. The hues
are there, so watch the object's. On the left it is in both halves: the best of
the content's latents knows {inside:.2f} of it, the best of the *style's*
{outside:.2f}, and nothing in Eq. (1) minds. In the middle the style is clear
of it, but the content has hardly begun. Over five seeds the content's
group-MIG is {spread_of(collapsed["content"], 2)} on pairs that always share
the content and {spread_of(at_one["content"], 2)} on pairs that share either,
the style's {spread_of(collapsed["style"], 2)} and
{spread_of(at_one["style"], 2)}: floor and wall are large, and learned first.
So on 3DShapes a content that knows little is, this early, no sign of a
collapse. On dSprites the content is what is learned first.
""")

# %% [markdown]
# The paper's matrix is of one model. Its Figure 3b shows all runs on dSprites, content and
# style apart:

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"image": {"alt": "Group-MIG of content and of style on dSprites: a dot for each run of ML-VAE, GVAE, their adaptive kin and group-tcVAE, and for ML-VAE and GVAE trained on pairs that always share the content."}}
# @title Figure 3b: group-MIG of content and style, all runs on dSprites
sets = {}
for method in TITLES:
    some = pd.concat([table, adaptive])
    sets[TITLES[method]] = some[
        (some["method"] == method) & (some["of"] == "dsprites")
    ]
for method in ("ml_vae", "gvae"):
    sets[f"{TITLES[method]},\nalways\ncontent"] = printed[
        printed["line"] == f"{method}_dsprites"
    ]
figure, axes = plt.subplots(figsize=(7.4, 3.2))
for i, some in enumerate(sets.values()):
    for shift, part, colour in ((-0.17, "content", 0), (0.17, "style", 3)):
        place = i + shift + np.linspace(-0.09, 0.09, len(some))
        label = part if i == 0 else None
        axes.scatter(
            place, some[part], s=10, color=viz.COLOURS[colour], label=label
        )
        middle = some[part].median()
        axes.hlines(
            middle, i + shift - 0.15, i + shift + 0.15,
            color=viz.COLOURS[colour], linewidth=2,
        )  # fmt: skip
axes.axhline(0, color=viz.style.INK, linewidth=0.8)
axes.set_xticks(range(len(sets)), sets, fontsize=8)
axes.set(ylabel="group-MIG")
_ = axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))

# %% [markdown]
# **Figure 9.** dSprites: group-MIG of the content's factors (blue) and of the style's
# (orange), a dot for each run over all weights and seeds, a bar for the median. The adaptive
# methods with latents assigned. The last two columns have pairs that always share the content,
# and a β of 1.

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
part = {
    name: (float(some["content"].median()), float(some["style"].median()))
    for name, some in sets.items()
}
by_title = {name.split(",")[0]: name for name in sets if "always" in name}
both_kinds = pd.concat(
    some for name, some in sets.items() if "always" not in name
)
place = data["dsprites"].space.position
placed = float(
    np.median(
        [
            float(known[:, place(f)].max())
            for known in both_kinds["known"]
            for f in ("posX", "posY")
        ]
    )
)
turned_by = max(
    float(known[:, place("orientation")].max())
    for known in both_kinds["known"]
)
ml, gv = (part[by_title[name]][0] for name in ("ML-VAE", "GVAE"))
if budget.current() == "book":
    told = [value for name, value in part.items() if "always" not in name]
    assert min(content for content, _ in told) > 0.2
    assert all(content > style for content, style in told)
    assert max(ml, gv) < 0 and turned_by < 0.1 and placed < 0.5
viz.say(f"""
There it is, on the right: with pairs that always share the content, ML-VAE's
and GVAE's content group-MIG is *negative* ({ml:.2f} and {gv:.2f} in the
median), so that the style's latents know more of the content than the
content's own. And there is the cure, on the left: the same methods on pairs
that share either group have {part["ML-VAE"][0]:.2f} and {part["GVAE"][0]:.2f}.
Then it is the style that is the lesser half, for all five methods: of a
position the best latent knows {placed:.2f} in the median, and of the
orientation none knows more than {turned_by:.2f}. Whether pairs are of one kind
or of two matters more than which method is trained on them.
""")

# %% [markdown]
# And its Figure 3c: is it better to draw more pictures together? Two, four or eight that share
# a group of factors, always 64 pictures in a batch, so that eight together are a quarter as many
# draws of content and style. (The adaptive methods are defined for pairs only.)

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"image": {"alt": "MIG and group-MIG of ML-VAE and GVAE on dSprites against the number of pictures drawn together: two, four, eight."}}
# @title Figure 3c: pictures drawn together
figure, axes = plt.subplots(1, 2, figsize=(7.4, 2.8))
seen = groups["observations"]
by_k = {}
for j, key in enumerate(("mig", "group_mig")):
    for i, method in enumerate(("ml_vae", "gvae")):
        ours = [
            seen[seen["line"] == f"{method}_{k}"][key].tolist()
            for k in (2, 4, 8)
        ]
        by_k[method, key] = ours
        colour = viz.COLOURS[(0, 3)[i]]
        for x, values in enumerate(ours):
            at = x + (i - 0.5) * 0.16 + np.zeros(len(values))
            axes[j].scatter(at, values, s=12, color=colour)
        middle = [np.median(values) for values in ours]
        axes[j].plot(
            np.arange(3) + (i - 0.5) * 0.16, middle,
            color=colour, label=TITLES[method],
        )  # fmt: skip
    axes[j].set_xticks(range(3), ("2", "4", "8"))
    axes[j].set(xlabel="pictures together", ylabel=SCORES[key], ylim=(0, None))
_ = axes[1].legend(loc="center left", bbox_to_anchor=(1, 0.5))

# %% [markdown]
# **Figure 10.** dSprites, β of 1: MIG (the paper's Figure 3c) and group-MIG. A dot is a seed, a
# line joins medians.

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
mids = {
    key: [float(np.median(v)) for v in values] for key, values in by_k.items()
}
ranges = {
    key: [max(v) - min(v) for v in values] for key, values in by_k.items()
}
m, g = mids["ml_vae", "mig"], mids["gvae", "mig"]
widest = max(ranges["ml_vae", "mig"] + ranges["gvae", "mig"])
rise = max(m[2] - m[0], g[2] - g[0])
if budget.current() == "book":
    assert abs(rise) < widest / 2
    for method in ("ml_vae", "gvae"):
        values = by_k[method, "mig"]
        assert max(map(min, values)) < min(map(max, values))  # they overlap
viz.say(f"""
The paper finds "performance degradation and high variance" where few pictures
are drawn together. Our median MIG for two, four and eight is {m[0]:.2f},
{m[1]:.2f} and {m[2]:.2f} (ML-VAE) and {g[0]:.2f}, {g[1]:.2f} and {g[2]:.2f}
(GVAE). More pictures make no clear difference here: the three ranges overlap,
for both methods. What is high is the variance, whatever the number: five seeds
of one setting lie up to {widest:.2f} apart.
""")

# %% [markdown]
# ## Keep the groups apart: three factorisations
#
# Sharing says what a group *should* hold; it forbids little. The paper's step is to forbid:
# make content and style [independent](../reference/glossary.md#total-correlation), and let
# each keep its own posterior. Its penalty is a total correlation
#
# $$\mathrm{TC}(z_c, z_{\setminus c}) = \mathrm{KL}\big(q(z_c, z_{\setminus c})
#   \,\|\, \bar q(z_c, z_{\setminus c})\big), \tag{2}$$
#
# and $\bar q$ says what may depend on what:
#
# 1. *between groups*, $q(z_c)\,q(z_{\setminus c})$: each group may be as entangled inside as
#    it likes;
# 2. *and within one group*, $q(z_c) \prod_j q(z_{\setminus c, j})$, as
#    [Creager et al. (2019)](https://arxiv.org/abs/1906.02589) have it;
# 3. *and within both*, $\prod_i q(z_{c,i}) \prod_j q(z_{\setminus c, j})$, FactorVAE's.
#
# (The indices are ours where the paper's don't match.) Codes of $q$ are what the encoder gives.
# Codes of $\bar q$ come from shuffling them over the batch: what is shuffled together keeps its
# dependence, what is shuffled apart loses it. So all three are the same five lines of code, and
# differ in a list of widths:


# %%
def shuffle(codes, widths, generator):
    """Codes of the product of the groups' distributions."""
    order = torch.rand(len(codes), len(widths), generator=generator).argsort(0)
    groups = codes.split(list(widths), dim=1)
    moved = [group[order[:, j]] for j, group in enumerate(groups)]
    return torch.cat(moved, dim=1)


WIDTHS = {
    "between groups": (5, 5),
    "and within the style": (5, *[1] * 5),
    "and within both": [1] * 10,
}
cause = torch.randn(4_000, 1, generator=seeded(0))  # all ten depend on it
tied = cause + torch.randn(4_000, 10, generator=seeded(1))
for widths in WIDTHS.values():
    mine = shuffle(tied, widths, seeded(2))
    assert torch.equal(mine, losses.permute_groups(tied, widths, seeded(2)))
assert torch.equal(mine, losses.permute_codes(tied, seeded(2)))  # FactorVAE's


# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"image": {"alt": "Four ten by ten maps of mutual information between latents, diagonal left out: full before; after the shuffles two blocks; one block; nothing."}}
# @title Figure 2: which latents may depend on which
def informed(codes):
    """Mutual information of each two latents, by the Gaussian formula."""
    rho = torch.corrcoef(codes.T).fill_diagonal_(0)
    return -0.5 * torch.log(1 - rho**2)


figure, axes = plt.subplots(1, 4, figsize=(8.2, 2.5))
maps = {"codes as they come": informed(tied)}
for name, widths in WIDTHS.items():
    maps[name] = informed(shuffle(tied, widths, seeded(2)))
for one, (name, values) in zip(axes, maps.items()):
    one.imshow(values, vmin=0, vmax=float(maps["codes as they come"].max()))
    one.set_title(name, fontsize=9)
    one.set_xticks([2, 7], ["content", "style"])
    one.set_yticks([2, 7], ["content", "style"] if one is axes[0] else [])
    one.tick_params(length=0)
    one.axvline(4.5, color="white", linewidth=1)
    one.axhline(4.5, color="white", linewidth=1)

# %% [markdown]
# **Figure 11.** The paper's Figure 2, measured. Ten latents that all depend on one cause, 4,000
# samples: how much two latents tell of each other (dark: nothing; the diagonal is left out),
# before and after each shuffle.

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
_, between, within, both = (m.numpy() for m in maps.values())
off = ~np.eye(5, dtype=bool)
assert between[:5, 5:].max() < 0.01 < 0.1 < between[:5, :5][off].min()
assert between[5:, 5:][off].min() > 0.1 > 0.01 > within[5:, 5:].max()
assert within[:5, :5][off].min() > 0.1 and both.max() < 0.01
viz.say(f"""
Each keeps exactly the blocks that it should. Where dependence is kept, two
latents share at least {between[:5, :5][off].min():.2f} nats; where it is
broken, at most {max(between[:5, 5:].max(), both.max()):.3f}, what chance
leaves. The paper does not say which of the three its results have. Ours have
the first, unless we say otherwise: of it alone the paper names no source.
""")

# %% [markdown]
# ### The adversary
#
# As in [FactorVAE](total_correlation.ipynb) a
# discriminator is shown codes of both kinds and
# learns to tell them apart; its log-odds on real codes estimate Eq. (2). Our ten latents are
# Gaussian, so the truth is known for each factorisation, from the covariance $\Sigma$ of all and
# $\Sigma_g$ of each group that is shuffled together:
#
# $$\mathrm{TC} = \tfrac12 \Big(\sum_g \log \det \Sigma_g - \log \det \Sigma\Big). \tag{B}$$


# %%
def truth(widths):
    """Eq. (B) of ten latents with one cause and noise of their own."""
    covariance = torch.ones(10, 10) + torch.eye(10)
    blocks = [torch.logdet(covariance[:w, :w]) for w in widths]  # alike
    return 0.5 * float(sum(blocks) - torch.logdet(covariance))


def tied_codes(n, generator):
    cause = torch.randn(n, 1, generator=generator)
    return cause + torch.randn(n, 10, generator=generator)


def asked(widths, steps=JUDGE_STEPS):
    """Eq. (2) as a discriminator has it, on codes that it never saw."""
    torch.manual_seed(0)
    judge = code_discriminator(10, width=64, depth=2)
    adam = torch.optim.Adam(judge.parameters(), lr=3e-3)
    generator = seeded(0)
    for _ in range(steps):
        codes = tied_codes(512, generator)
        shuffled = shuffle(tied_codes(512, generator), widths, generator)
        wrong = losses.discriminator_loss(judge(codes), judge(shuffled))
        adam.zero_grad()
        wrong.backward()
        adam.step()
    with torch.no_grad():
        return float(
            losses.density_ratio(judge(tied_codes(20_000, seeded(9))))
        )


told = {
    name: (asked(widths), truth(widths)) for name, widths in WIDTHS.items()
}
for name, (estimate, true) in told.items():
    print(f"{name:21} discriminator {estimate:.2f}  truth {true:.2f} nats")

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
if budget.current() == "book":
    assert all(0.75 * b < a < 1.05 * b for a, b in told.values())
    first, *more = told.values()
    assert abs(first[0] - first[1]) < 0.05
    assert all(b - a > 0.1 for a, b in more)
viz.say(f"""
The more is to be independent, the more there is to pay: of the
{told["and within both"][1]:.1f} nats that FactorVAE would charge for these
codes, {told["between groups"][1]:.1f} are between the groups. After
{JUDGE_STEPS:,} batches the discriminator is on the truth for the first and
below it for the others: dependence that it has not learned to see, it does not
charge.
""")

# %% [markdown]
# ### Two posteriors, drawn together
#
# Nothing has said yet that a pair shares anything. The paper does it with a KL divergence
# between the two pictures' own posteriors in the group $g$ that they share. There is no average
# in it, so two pictures are enough:
#
# $$\begin{aligned}
# \mathcal L = \sum_{\tilde x = x, x'} & \Big(\mathbb E_q[\log p(\tilde x \mid \tilde z)]
#   - \mathrm{KL}(q(\tilde z \mid \tilde x)\,\|\,p(z))\Big) \cr
#  - \sum_{\tilde z = z, z'} & \Big(\beta\,\mathrm{TC}(\tilde z_c, \tilde z_{\setminus c})
#   - \gamma\,\mathrm{KL}(q(z_g)\,\|\,q(z_{g'}))\Big).
# \end{aligned} \tag{3}$$
#
# This is to be maximised. Read the signs in the last bracket: minus, minus. As printed, the
# divergence between the pair's posteriors is *rewarded*. Two Gaussians with the means ±½ show
# what that does:

# %%
for sign, name in ((+1, "as printed"), (-1, "put right")):
    apart = torch.tensor(1.0, requires_grad=True)
    for _ in range(20):
        zero = torch.zeros(())
        kl = losses.gaussian_kl(-apart / 2, zero, apart / 2, zero)
        (gradient,) = torch.autograd.grad(sign * kl, apart)
        apart = (apart + 0.1 * gradient).detach().requires_grad_(True)
    print(f"{name:10}: the means go from 1 apart to {apart.detach():.2f}")

# %% [markdown]
# The paper calls the term a regularisation that makes $z_c \approx z_{c'}$: a penalty is meant,
# and ours is one. Mind the letters, which are not those of the last chapters:
#
# | weight of | ML-VAE, GVAE | group-tcVAE | in the code |
# |---|---|---|---|
# | the KL divergence from the prior | $\beta$ | 1 | `beta` of ML-VAE and GVAE |
# | the total correlation | – | $\beta$ | `beta` |
# | the divergence within a pair | – | $\gamma$, in the list of settings $\lambda$ | `gamma` |
#
# We say $\lambda$ for the last. Here is Eq. (3) put right, for a batch, and the library's loss:


# %%
def eq_3(model, images, labels, beta, lam, generator):
    """Minus Eq. (3) with the sign put right, per picture."""
    n = len(images)
    flat = images.flatten(0, 1)
    mean, logvar = model.posterior(flat)
    noise = torch.randn(mean.shape, generator=generator)
    z = mean + noise * (logvar / 2).exp()
    nll = functional.binary_cross_entropy_with_logits(
        model.decoder(z), flat, reduction="none"
    )
    kl = 0.5 * (mean**2 + logvar.exp() - 1 - logvar)
    tc = losses.density_ratio(model.discriminator(z))
    m, v = mean.view(n, 2, -1), logvar.view(n, 2, -1)
    apart = losses.gaussian_kl(m[:, 0], v[:, 0], m[:, 1], v[:, 1])
    content = torch.arange(10) < 5
    shared = torch.where(labels[:, None] == 0, content, ~content)
    apart = (shared * apart).sum(1).mean()
    bound = nll.sum((1, 2, 3)).mean() + kl.sum(1).mean()
    return bound + beta * tc + lam * apart


nets = networks.conv(latent_dim=10, channels=3, size=32)
ours = GroupTCVAE(nets, beta=5.0, gamma=2.0, width=32, depth=2)
networks.initialise(ours, seeded(0))
index = pairs["shapes3d"].draw(8, seeded(1))
images = to_float(pairs["shapes3d"].images(index))
labels = pairs["shapes3d"].labels(index)
with torch.no_grad():
    # The library halves a batch: the second half is the discriminator's.
    mine = eq_3(ours, images[:4], labels[:4], 5.0, 2.0, seeded(2))
    theirs = next(ours.losses(Batch(images, labels), seeded(2))).value
assert torch.allclose(mine, theirs)

# %% [markdown]
# ### It takes pairs of both kinds
#
# If pairs only ever shared the content, nothing would keep content out of the style:
# independence alone is had by an *empty* content too. It is the pairs that share their style
# that clear it out. In such a pair the contents differ, so whatever the style's latents know of
# the content drives the two style posteriors apart, and costs $\lambda$. Eq. (3) says
# $g \in \{c, \setminus c\}$, so it asks for both kinds; in our tables all methods get both
# alike, if not said otherwise.
#
# ## Watch the groups form
#
# A live training on 3DShapes with $\beta = 5$ and $\lambda = 2$. Each frame is the matrix of
# Figure 8.

# %%
nets = networks.conv(latent_dim=10, channels=3, size=32)
live = GroupTCVAE(
    nets, beta=5.0, gamma=2.0, width=128, depth=3, discriminator_rate=1e-3
)
networks.initialise(live, seeded(0))
train = pairs["shapes3d"].part(0, 0.8)
held_out = data["shapes3d"].part(0.8, 1)
index = held_out.draw(2_000, seeded(3))
seen = to_float(held_out.images(index)), held_out.factors(index)


# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form"
# @title Train, and note what latents know
def known_of(model, images, factors):
    with torch.no_grad():
        z = torch.cat([model.encode(x) for x in images.split(500)])
    score = metrics.group_mig([z[:, :5], z[:, 5:]], factors, which)
    return score["information"] / score["entropy"], score.value


path = Path(tempfile.mkdtemp()) / "live.safetensors"
watched = []
for stop in STOPS:
    if stop > 0:
        past = fit(
            live,
            train,
            steps=stop,
            batch_size=BATCH,
            learning_rate=2e-3,
            device="cpu",
            checkpoint=path,
            checkpoint_every=50,
            progress=False,
        )
    watched.append(known_of(live, *seen))
print(f"{STOPS[-1]} steps in {past.seconds:.0f} s")


# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form"
# @title The film: each frame is a matrix
def frame(known, score):
    """A plot as a picture, uint8 (1, 3, height, width)."""
    figure, axes = plt.subplots(figsize=(4.6, 3.4), dpi=100)
    heat(axes, known, "shapes3d", f"group-MIG {score:.2f}")
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[:, :, :3].copy()
    plt.close(figure)
    return torch.from_numpy(pixels).permute(2, 0, 1)[None]


viz.film(
    [frame(*each) for each in watched],
    [f"step {stop}" for stop in STOPS],
    columns=1,
    title="What each latent knows, as it learns",
    alt="A heat map of ten latents by six factors",
)

# %% [markdown]
# **Figure 12.** The live training: what each latent knows of each factor, in 2,000 held-out
# pictures. Move the slider, or press *Play*.

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
grown = [score for _, score in watched]
names = data["shapes3d"].space.names
ends = dict(zip(names, watched[-1][0][5:].max(0).values.tolist()))
inner = dict(zip(names, watched[-1][0][:5].max(0).values.tolist()))
if budget.current() == "book":
    assert grown[0] < 0.05 and grown[-1] > grown[0] + 0.04
    assert ends["floor_hue"] > inner["floor_hue"] + 0.2
    assert ends["wall_hue"] > inner["wall_hue"] + 0.05
    assert max(inner[f] for f in CONTENT["shapes3d"]) < 0.3
viz.say(f"""
The untrained encoder spreads hues thinly over everything. Then floor and wall
settle in the lower half, and leave the upper one in part: at the end the best
of the style's latents know {ends["floor_hue"]:.2f} of the floor's hue and
{ends["wall_hue"]:.2f} of the wall's, the content's {inner["floor_hue"]:.2f}
and {inner["wall_hue"]:.2f}. The object comes later, since it has fewer pixels:
{inner["object_hue"]:.2f} of its hue so far, {inner["scale"]:.2f} of its size
and {inner["shape"]:.2f} of its shape. The group-MIG went from {grown[0]:.2f}
to {grown[-1]:.2f}. It is a short training whose end varies from machine to
machine.
""")

# %% [markdown]
# ## Look
#
# The paper's Figure 5: pairs, their reconstructions, and each of the ten latents moved by
# itself, for the best models. Ours are the group-tcVAEs of seed 0 with β of 5 and λ of 2: on
# 3DShapes the best of all our runs by group-MIG, on dSprites one from the middle.


# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form"
# @title Pairs above their reconstructions
def pairs_and_back(model, dataset, seed=7):
    index = dataset.draw(6, seeded(seed))
    images = to_float(dataset.images(index).flatten(0, 1))
    with torch.no_grad():
        back = model.decode(model.encode(images))
    return torch.cat([images, back]).expand(-1, 3, -1, -1)


best = {name: models[f"group_tc_vae_{name}"] for name in NAMES}
sheets = [
    pairs_and_back(best[name], Pairs(data[name], [CONTENT[name], STYLE[name]]))
    for name in NAMES
]

# %% mystnb={"image": {"alt": "Six pairs of rooms above their reconstructions, and six pairs of sprites above theirs."}}
figure = viz.image_grid(
    torch.cat(sheets),
    columns=12,
    row_titles=["pairs", "decoded"] * 2,
    scale=0.5,
)

# %% [markdown]
# **Figure 13.** Six pairs of each data set, and what group-tcVAE makes of them. Colours and places
# come back; what an object or a sprite is shaped like does not yet.

# %% mystnb={"image": {"alt": "Traversals of group-tcVAE on 3DShapes: ten rows, one for each latent."}}
figure = viz.traversals(
    best["shapes3d"], data["shapes3d"][100_003][0], steps=8
)

# %% [markdown]
# **Figure 14.** 3DShapes: each latent moved by itself. The upper five are the content's.

# %% mystnb={"image": {"alt": "Traversals of group-tcVAE on dSprites: ten rows, one for each latent."}}
figure = viz.traversals(
    best["dsprites"], data["dsprites"][500_100][0], steps=8
)

# %% [markdown]
# **Figure 15.** The same on dSprites.

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
known_best = {}
for name in NAMES:
    index = data[name].draw(N_CODES, seeded(3))
    pictures = to_float(data[name].images(index))
    groups_of = [GROUPS[name][f] for f in data[name].space.names]
    with torch.no_grad():
        codes = torch.cat([best[name].encode(x) for x in pictures.split(500)])
    score = metrics.group_mig(
        [codes[:, :5], codes[:, 5:]], data[name].factors(index), groups_of
    )
    known_best[name] = score["information"] / score["entropy"]


def top(name, factor, half):
    """The best latent of a half, and what it knows."""
    column = known_best[name][:, data[name].space.position(factor)]
    latent = int(column[half].argmax()) + (half.start or 0)
    return f"z{latent}", float(column[latent])


UPPER, LOWER = slice(0, 5), slice(5, 10)
hue, size_of = (
    top("shapes3d", "object_hue", UPPER),
    top("dsprites", "scale", UPPER),
)
floor, wall = (
    top("shapes3d", factor, LOWER) for factor in ("floor_hue", "wall_hue")
)
across, down = (top("dsprites", f, LOWER) for f in ("posX", "posY"))
if budget.current() == "book":
    assert min(hue[1], floor[1], wall[1], size_of[1]) > 0.45
    assert max(across[1], down[1]) < 0.45
viz.say(f"""
The upper half moves the object and the lower half the room: {hue[0]} knows
{hue[1]:.2f} of the object's hue, {floor[0]} {floor[1]:.2f} of the floor's and
{wall[0]} {wall[1]:.2f} of the wall's; some latents do nothing yet. Of the
sprites {size_of[0]} has the size ({size_of[1]:.2f}). Their position is in the
lower half, as it should be, but at a slant: {across[0]} knows {across[1]:.2f}
of the left and right, {down[0]} {down[1]:.2f} of the up and down, and each
moves the sprite both ways. That is allowed: the first factorisation asks for
groups that are apart, and for nothing inside. And a sprite's shape is a
blob's, in {STEPS:,} steps.
""")

# %% [markdown]
# And what two groups are for: take the content from one picture and the style from another.


# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"image": {"alt": "Two grids of swapped rooms, by GVAE and by group-tcVAE: each row has the content of the picture at its left, each column the style of the picture at its top."}}
# @title Content of the row, style of the column
def swapped(model, images):
    with torch.no_grad():
        z = model.encode(images)
        n = len(z)
        codes = torch.cat(
            [
                z[:, None, :5].expand(-1, n, -1),
                z[None, :, 5:].expand(n, -1, -1),
            ],
            dim=2,
        )
        grid = model.decode(codes.flatten(0, 1)).unflatten(0, (n, n))
    top = torch.cat([torch.ones_like(images[:1]), images])
    return torch.cat([top[None], torch.cat([images[:, None], grid], 1)])


index = data["shapes3d"].draw(5, seeded(11))
five = to_float(data["shapes3d"].images(index))
gap = torch.ones(6, 1, *five.shape[1:])
sheet = torch.cat(
    [swapped(two["GVAE"], five), gap, swapped(two["group-tcVAE"], five)], dim=1
)
figure = viz.image_grid(sheet.flatten(0, 1), columns=13, scale=0.5)

# %% [markdown]
# **Figure 16.** Left GVAE, right group-tcVAE. At the left edge and the top stand pictures; each
# other picture is decoded from the content of its row and the style of its column.

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
index = data["shapes3d"].draw(30, seeded(12))
many = to_float(data["shapes3d"].images(index))
PATCH = {
    "object": (slice(18, 23), slice(14, 18)),
    "floor": (slice(29, 32),) * 2,
}
follows = {}
for name, model in two.items():
    grid = swapped(model, many)[1:, 1:]  # (30, 30, 3, 32, 32)
    for what, (rows, columns) in PATCH.items():
        made = grid[..., rows, columns].mean((3, 4))
        true = many[..., rows, columns].mean((2, 3))
        to_row = (made - true[:, None]).square().sum(2)
        to_column = (made - true[None]).square().sum(2)
        other = ~torch.eye(30, dtype=torch.bool)
        nearer = (to_row < to_column) == (what == "object")
        follows[name, what] = float(nearer[other].double().mean())
o, f = ([follows[name, what] for name in two] for what in ("object", "floor"))
if budget.current() == "book":
    assert min(o + f) > 0.8
viz.say(f"""
The object's colour goes with the row, floor and wall with the column, in both.
In numbers, over 870 swaps among thirty other pictures: a patch in the middle
of the object is nearer in colour to the row's picture than to the column's in
{o[0]:.2f} of them with GVAE and {o[1]:.2f} with group-tcVAE; a patch of the
floor is nearer to the column's in {f[0]:.2f} and {f[1]:.2f}.
""")

# %% [markdown]
# ## Every run
#
# The paper's Figure 4 has the densities of MIG and group-MIG over all runs of a method: its
# weights times five seeds. So do we, with the adaptive methods (three seeds) beside them.

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"image": {"alt": "Four panels of densities: MIG and group-MIG on dSprites and on 3DShapes, a curve each for ML-VAE, GVAE, group-tcVAE, Ada-ML-VAE and Ada-GVAE, and ticks for runs."}}
# @title Figure 4: densities over runs
from scipy.stats import gaussian_kde

every = pd.concat([table, adaptive])
figure, axes = plt.subplots(2, 2, figsize=(8.2, 5.2))
grid = np.linspace(-0.1, 0.6, 300)
for row, key in enumerate(("group_mig", "mig")):
    for column, of in enumerate(("dsprites", "shapes3d")):
        one = axes[row, column]
        for i, method in enumerate(TITLES):
            some = every[(every["method"] == method) & (every["of"] == of)]
            values = some[key].to_numpy()
            style = {"color": viz.COLOURS[i], "zorder": 3 - i / 10}
            height = np.zeros_like(grid)
            if np.ptp(values) > 0:
                height = gaussian_kde(values)(grid)
                height = 0.8 * height / height.max()
            one.fill_between(grid, -i, height - i, alpha=0.3, **style)
            one.plot(values, np.full(len(values), -i - 0.08), "|", **style)
            middle = float(values.mean())
            one.plot([middle] * 2, [-i, 0.6 - i], linewidth=2, **style)
        one.set(title=f"{NAMES[of]}, {SCORES[key]}")
        one.set_yticks(
            range(0, -len(TITLES), -1), TITLES.values() if column == 0 else []
        )
        one.tick_params(axis="y", length=0)
        one.spines["left"].set_visible(False)
        one.grid(True, axis="x")

# %% [markdown]
# **Figure 17.** Densities over runs (Gaussian kernels, all drawn equally high): runs as ticks
# below, their mean as an upright line. The adaptive methods' group-MIG is that with latents
# assigned.


# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form"
# @title The average and the best setting, seed by seed
def over_settings(method, of, key, how):
    """One number a seed: the mean, or the best, of a method's settings."""
    some = every[(every["method"] == method) & (every["of"] == of)]
    return some.groupby("seed")[key].agg(how).tolist()


cells = {}
for of in ("dsprites", "shapes3d"):
    for method, title in TITLES.items():
        cells[NAMES[of], title] = {
            f"{SCORES[key]}, {word}": spread_of(
                over_settings(method, of, key, how)
            )
            for key in ("group_mig", "mig")
            for how, word in (("mean", "average"), ("max", "best"))
        }
pd.DataFrame(cells).T

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
minutes = every["minutes"]
mid = {
    (of, method, key, how): float(
        np.median(over_settings(method, of, key, how))
    )
    for of in NAMES
    for method in TITLES
    for key in ("mig", "group_mig")
    for how in ("mean", "max")
}


def times(of, key, how):
    """group-tcVAE's, as a multiple of the better of ML-VAE's and GVAE's."""
    better = max(mid[of, m, key, how] for m in ("ml_vae", "gvae"))
    return mid[of, "group_tc_vae", key, how] / better


sprites = [times("dsprites", "group_mig", how) for how in ("mean", "max")]
rooms = [times("shapes3d", "group_mig", how) for how in ("mean", "max")]
by_mig = [
    times(of, "mig", how)
    for of in ("dsprites", "shapes3d")
    for how in ("mean", "max")
]
ada = {
    (of, key): " and ".join(
        f"{mid[of, m, key, 'mean']:.2f}" for m in ("ada_ml_vae", "ada_gvae")
    )
    for of in NAMES
    for key in ("mig", "group_mig")
}
top_room = every[every["of"] == "shapes3d"]["group_mig"].max()
shown_room = one_run("table", "group_tc_vae_shapes3d", beta=5.0, gamma=2.0)[
    "group_mig"
]
if budget.current() == "book":
    assert shown_room == top_room
    assert min(sprites) > 1 and max(by_mig) < 1
    in_rooms = {m: mid["shapes3d", m, "mig", "mean"] for m in TITLES}
    assert sorted(in_rooms, key=in_rooms.get)[:2] == ["ada_gvae", "ada_ml_vae"]
viz.say(f"""
Each run is {STEPS:,} steps and took {minutes.min():.1f} to {minutes.max():.1f}
minutes, two at a time on two cores. Against the better of ML-VAE and GVAE,
group-tcVAE has {sprites[0]:.2f} times the group-MIG on dSprites on average and
{sprites[1]:.2f} times at its best; on 3DShapes it has {rooms[0]:.2f} and
{rooms[1]:.2f} times as much. By MIG it is behind: {by_mig[0]:.2f} and
{by_mig[1]:.2f} times on dSprites, {by_mig[2]:.2f} and {by_mig[3]:.2f} on
3DShapes. The paper has it ahead by both, "almost" twice on dSprites and by a
tenth at least on 3DShapes. The adaptive methods are told less (and their
latents are assigned by the answers): on average their group-MIG is
{ada["dsprites", "group_mig"]} on dSprites and {ada["shapes3d", "group_mig"]}
on 3DShapes, and their MIG on 3DShapes the lowest of all,
{ada["shapes3d", "mig"]}. One thing to bear in mind: at 32×32 the weight of
group-tcVAE's own KL term, fixed at 1, weighs as 4 would at the paper's size,
and as much as ML-VAE's β of 1, the middle one.
""")

# %% [markdown]
# ## Break it
#
# What do the two weights do? group-tcVAE's four settings, medians over five seeds:


# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form"
# @title group-tcVAE's weights
def setting(of, beta, lam):
    """group-tcVAE's runs with these weights, five seeds."""
    chosen = np.array(
        [o == {**o, "beta": beta, "gamma": lam} for o in table["options"]]
    )
    return table[chosen & (table["of"] == of)]


by_weight = {
    (NAMES[of], beta, lam): summary(setting(of, beta, lam))
    for of in ("dsprites", "shapes3d")
    for beta in (5.0, 10.0)
    for lam in (2.0, 8.0)
}
shown = pd.DataFrame(by_weight).T
shown.index.names = ["", "β", "λ"]
shown

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
light, heavy = (
    float(setting("shapes3d", *pair)["active"].median())
    for pair in ((5.0, 2.0), (10.0, 8.0))
)
span = setting("shapes3d", 5.0, 2.0)["group_mig"]
if budget.current() == "book":
    assert heavy < light and span.max() > 3 * span.min()
viz.say(f"""
On 3DShapes the heavier weights cost latents: {light:.0f} are active with the
lightest, {heavy:.0f} with the heaviest. Saying less is one way to be
independent, and to agree. And look at the ranges: with the lightest weights
one seed has a group-MIG of {span.min():.2f} and another {span.max():.2f},
whose model Figures 14 and 16 show.
""")

# %% [markdown]
# Not in that table, nor in Figure 17 and the averages, are the paper's largest weights: 100 and
# 64, a quarter of each here. Three seeds:

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form"
# @title group-tcVAE with the largest weights
largest = groups["largest"]
pd.DataFrame(
    {
        NAMES[of]: summary(largest[largest["of"] == of])
        for of in ("dsprites", "shapes3d")
    }
).T

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
silent = {
    of: int((largest[largest["of"] == of]["active"] == 0).sum())
    for of in NAMES
}
spoken = largest[(largest["of"] == "dsprites") & (largest["active"] > 0)]
if budget.current() == "book":
    assert silent == {"shapes3d": 2, "dsprites": 1}
    assert spoken["group_mig"].min() > 0.3
viz.say(f"""
Such weights are a gamble in {STEPS:,} steps. No latent at all is active in
{silent["shapes3d"]} of the three models on 3DShapes and in
{silent["dsprites"]} of the three on dSprites; the other two there have a
group-MIG of {spread_of(spoken["group_mig"], 2)}. So what "average over
settings" means depends on which settings one grants a method; we left these
out of it for both data sets, after the first seed had shown what they do.
""")

# %% [markdown]
# Independence within the groups too, the second and the third factorisation, with β of 5 and λ
# of 2:

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form"
# @title Three factorisations
by_kind = {}
some = groups["factorisation"]
for of in ("dsprites", "shapes3d"):
    for kind, word in zip(("none", "style", "both"), WIDTHS):
        mine = some[some["line"] == f"{kind}_{of}"]
        by_kind[NAMES[of], word] = summary(mine)
pd.DataFrame(by_kind).T

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
inside = {
    (of, kind): some[some["line"] == f"{kind}_{of}"]
    for of in NAMES
    for kind in ("none", "style", "both")
}
first, third = (
    [
        float(inside[of, kind]["mig"].median())
        for of in ("dsprites", "shapes3d")
    ]
    for kind in ("none", "both")
)
if budget.current() == "book":
    assert all(b > a for a, b in zip(first, third))
    assert all(
        inside[of, "none"]["active"].median()
        > inside[of, "both"]["active"].median()
        for of in NAMES
    )
viz.say(f"""
The MIG, which wants a latent for each factor, has a higher median with the
third factorisation than with the first: {third[0]:.2f} after {first[0]:.2f} on
dSprites, {third[1]:.2f} after {first[1]:.2f} on 3DShapes, in ranges that
overlap. It is FactorVAE's penalty on pairs, and it leaves three latents active
where the first leaves more: to say less is the cheaper way to total
independence as well.
""")

# %% [markdown]
# The factor of two: ML-VAE with the product's variance and with twice that, a β of 1, three
# seeds.

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form"
# @title ML-VAE's variance
by_variance = {}
for name in ("dsprites", "shapes3d"):
    for kind in ("product", "harmonic"):
        some = groups["variance"]
        some = some[some["line"] == f"{kind}_{name}"]
        title = "doubled" if kind == "harmonic" else kind
        by_variance[f"{NAMES[name]}, {title}"] = summary(some)
pd.DataFrame(by_variance).T

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
both_of = {
    (of, kind): groups["variance"][
        groups["variance"]["line"] == f"{kind}_{of}"
    ]
    for of in NAMES
    for kind in ("product", "harmonic")
}


def apart(of, key):
    """Whether the seeds of the two variances lie apart."""
    one, other = (both_of[of, kind][key] for kind in ("product", "harmonic"))
    return one.min() > other.max() or other.min() > one.max()


if budget.current() == "book":
    assert not any(
        apart(of, key) for of in NAMES for key in ("mig", "group_mig")
    )
viz.say("""
The factor of two makes no difference that three seeds could show: ranges
overlap on both data sets and in both scores. It still matters to whoever
compares KL terms, or takes an own variance below 1 for a sign of use.
""")

# %% [markdown]
# And twice the steps, the same two seeds of each:

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form"
# @title Trained for longer
longer = groups["longer"]
longer_steps = recipes.load("group_tcvae", "longer").entries[0].recipe.steps
by_steps = {}
for of in ("dsprites", "shapes3d"):
    for method in ("ml_vae", "group_tc_vae"):
        more = longer[longer["line"] == f"{method}_{of}"]
        options = more.iloc[0]["options"]
        same = np.array([o == options for o in table["options"]])
        short = table[same & (table["line"] == f"{method}_{of}")]
        short = short[short["seed"].isin(more["seed"])]
        where = NAMES[of], TITLES[method]
        by_steps[*where, f"{STEPS:,} steps"] = summary(short)
        by_steps[*where, f"{longer_steps:,} steps"] = summary(more)
pd.DataFrame(by_steps).T

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
after = {
    (of, method): longer[longer["line"] == f"{method}_{of}"][
        "group_mig"
    ].mean()
    for of in NAMES
    for method in ("ml_vae", "group_tc_vae")
}
ahead = {of: after[of, "group_tc_vae"] / after[of, "ml_vae"] for of in NAMES}
viz.say(f"""
After {longer_steps:,} steps group-tcVAE has {ahead["dsprites"]:.2f} times the
mean group-MIG of ML-VAE on dSprites and {ahead["shapes3d"]:.2f} times on
3DShapes. It is two seeds, and they lie far apart.
""")

# %% [markdown]
# ## What held, and what didn't
#
# The sentences of the paper that these numbers can decide, in its words, decided over seeds as
# [Measuring](../foundations/measuring.ipynb) describes. (Two we can't decide: that content
# collapses "to a single factor", since in runs this short nothing but hues and sizes is learned
# anywhere; and the "high variance" with few pictures, for which a verdict on means is no test.)

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
decided = recipes.verdicts("group_tcvae")
viz.claims(decided)

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
words = [verdict.word for _, verdict in decided]
counts = {w: words.count(w) for w in ("held", "did not hold")}
of_one_section = sum("section 4.2" in claim.where for claim, _ in decided)
viz.say(f"""
Of {len(words)} claims {counts["held"]} held, {counts["did not hold"]} did not,
and {len(words) - sum(counts.values())} are too close to call. The first
{of_one_section} are two sentences of its section 4.2, taken apart by data set,
score, and what they are held against.
""")

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
failed = [c for c, verdict in decided if verdict.word == "did not hold"]
doubled = [c for c in failed if "doubles" in c.quote]
wanted = 1.8 * mid["dsprites", "gvae", "group_mig", "mean"]
third = groups["factorisation"]
third = third[third["line"] == "both_dsprites"]["group_mig"].median()
most = largest[largest["of"] == "dsprites"]["group_mig"].median()
if budget.current() == "book":
    assert len(doubled) == 8 and len(failed) == 10
    assert max(third, most, after["dsprites", "group_tc_vae"]) < wanted
viz.say(f"""
Of those that did not hold, {len(doubled)} are one phrase: that on dSprites
group-tcVAE "almost doubles" the scores. 1.8 times GVAE's average group-MIG
would be {wanted:.2f}. Is it the steps? Twice as many bring it to
{after["dsprites", "group_tc_vae"]:.2f} (two seeds). The weights? The largest
give {most:.2f}. The factorisation? The third gives {third:.2f}. None of them
reaches it. What a hundred times the steps, at four times the pixels, would do,
we can't say.

The other {len(failed) - len(doubled)} say that ML-VAE and GVAE fail to capture
the content of dSprites. On pairs of both kinds ours don't fail; on pairs that
always share the content they do (Figure 9). The pairs explain it, and not the
methods.
""")

# %% [markdown]
# **What is not as in the paper.** It gives no networks, steps or learning rate, and no number of
# latents but the ten of its Figure 3a.
# [Locatello et al. (2020)](https://arxiv.org/abs/2002.02886), whose settings it says it takes for
# ML-VAE and GVAE, train for 300,000 steps on pictures of 64×64 with a learning rate of
# $10^{-4}$; that is our `paper` budget (`dlib sweep group_tcvae --group table --budget paper`),
# and a hundred times what these runs had. Ours are 32×32, with a learning rate of $10^{-3}$, and
# a discriminator that is a quarter as wide and learns ten times as fast. A quarter of the pixels
# makes the reconstruction weigh a quarter, and so a quarter of its weights: β of 1, 4 and 8 for
# ML-VAE and GVAE become .25, 1 and 2; β of 20 and 40 and λ of 8 and 32 for group-tcVAE become 5,
# 10, 2 and 8. Only the weight of group-tcVAE's own KL term stays the 1 of Eq. (3): measured
# against the rest of its loss it is four times the paper's, a limit of the comparison. The best
# setting of group-tcVAE is that of four, of the others that of three. The divergence within a
# pair is taken in one direction, the pair in random order. Training has four fifths of the
# pictures and scores come from the rest; the paper "did not use the separate train and test
# sets". Figure 4 of the paper has no numbers to hold ours against, only its sentences; its
# "almost doubles" we read as 1.8 times. Data are our twins.

# %% [markdown]
# ## What to take away
#
# - That two pictures agree in a group of factors is enough to part latents in two groups, if
#   pairs of *both* kinds come. Pairs that always share the same group let the other group keep
#   everything.
# - An averaged posterior is biased however many pictures there are, and a product of posteriors
#   counts the prior once for each. Whether that matters depends on what is made of it.
# - Independence by a discriminator is a shuffle. What is shuffled together may stay entangled:
#   the list of widths *is* the factorisation.
# - Group-MIG and MIG ask different questions, and a method may win by one and lose by the other.
# - Look at the spread before the mean. Five seeds of one setting lay further apart here than most
#   methods.
# - Check a printed objective's signs on two numbers before you train on it.

# %% [markdown]
# ## Exercises
#
# **1. The posterior that is not biased.** A product of $k$ posteriors counts the prior $k$ times.
# Write `unbiased(mean, logvar)`: divide the product by the prior $\mathcal N(0, 1)$ to the power
# $k - 1$, and give back mean and log-variance. (A quotient of Gaussians subtracts precisions.)


# %%
def unbiased(mean, logvar):
    return ...  # yours here


def check_unbiased(function):
    total = noisy[:50].sum(1)
    k = noisy.shape[1]
    one = (noisy[:50, :, None] / 2, torch.full((50, k, 1), math.log(1 / 2)))
    found = function(*one)
    if found is ...:
        return "not tried yet"
    mean, variance = exact(total, k)
    if not torch.allclose(found[0][:, 0], mean, atol=1e-4):
        return "not yet: the prior's mean is 0, so only the precision changes"
    if not torch.allclose(found[1].exp(), torch.tensor(variance), atol=1e-4):
        return "not yet: the variance is one over the precision that is left"
    return "right"


print(check_unbiased(unbiased))


# %% tags=["hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true} cellView="form" mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
# @title Solution 1
# It may go wrong: posteriors wider than the prior leave a negative precision.
def unbiased(mean, logvar):
    precision = (-logvar).exp()
    left = precision.sum(1) - (mean.shape[1] - 1)
    return (precision * mean).sum(1) / left, -left.log()


assert check_unbiased(unbiased) == "right"
print("32 pictures: mean", round(float(unbiased(*alone)[0].mean()), 3))

# %% [markdown]
# **2. The fourth factorisation.** The paper's second disentangles the style inside, and leaves
# the content as it is. For objects of which every factor matters and a background that may be
# anything, one would want it the other way round. Give `WIDTHS`-like widths for five content and
# five style latents: `mirrored()` returns a list.


# %%
def mirrored():
    return ...  # yours here


def check_mirrored(function):
    widths = function()
    if widths is ...:
        return "not tried yet"
    if sum(widths) != 10:
        return "not yet: widths add up to the ten latents"
    told = informed(shuffle(tied, widths, seeded(2)))
    if float(told[5:, 5:].max()) < 0.1:
        return "not yet: the style may depend on itself"
    if max(float(told[:5].max()), float(told[:, :5].max())) > 0.02:
        return "not yet: no latent of the content may depend on another"
    return "right"


print(check_mirrored(mirrored))


# %% tags=["hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true} cellView="form" mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
# @title Solution 2
def mirrored():
    return [1, 1, 1, 1, 1, 5]


assert check_mirrored(mirrored) == "right"
print(f"Eq. (2) for it: {truth(mirrored()):.2f} nats")

# %% [markdown]
# **3. Which latents does a pair share?** The adaptive methods share a latent if the two
# posteriors' divergence in it is below the middle between the pair's smallest and largest. Write
# `adaptive_share(kl)` for divergences `(n, d)`, and see how often it finds the right group.


# %%
def adaptive_share(kl):
    return ...  # yours here


def check_adaptive(function):
    kl = torch.tensor([[0.0, 1.0, 4.0], [2.0, 0.5, 0.6]])
    found = function(kl)
    if found is ...:
        return "not tried yet"
    if found.tolist() != [[True, True, False], [False, True, True]]:
        return "not yet: each pair has its own smallest and largest"
    return "right"


print(check_adaptive(adaptive_share))


# %% tags=["hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true} cellView="form" mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
# @title Solution 3
def adaptive_share(kl):
    middle = (kl.amin(1, keepdim=True) + kl.amax(1, keepdim=True)) / 2
    return kl < middle


assert check_adaptive(adaptive_share) == "right"
index = pairs["shapes3d"].draw(500, seeded(0))
with torch.no_grad():
    flat = to_float(pairs["shapes3d"].images(index)).flatten(0, 1)
    posterior = best["shapes3d"].posterior(flat)
m, v = (part.view(-1, 2, 10) for part in posterior)
kl = losses.gaussian_kl(m[:, 0], v[:, 0], m[:, 1], v[:, 1])
content = adaptive_share(kl)[:, :5].double().mean(1)
style = adaptive_share(kl)[:, 5:].double().mean(1)
right = (content > style) == (pairs["shapes3d"].labels(index) == 0)
print(f"group-tcVAE's codes: the right group in {right.double().mean():.2f}")

# %% [markdown]
# ## Further reading
#
# [Bouchacourt et al. (2018)](https://arxiv.org/abs/1705.08841) and
# [Hosoya (2019)](https://arxiv.org/abs/1809.02383) share posteriors;
# [Locatello et al. (2020)](https://arxiv.org/abs/2002.02886) find out what is shared, and
# compare them with others. The paper's authors went on with the divergence alone, as
# GroupVAE (arXiv 2110.12185), and tested it on fairness and on shapes. [Creager et al. (2019)](https://arxiv.org/abs/1906.02589) keep sensitive factors in a
# group of their own.
#
# What comes next in the book drops the pairs, and asks what happens if factors are correlated in
# the data.

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
viz.colophon()
