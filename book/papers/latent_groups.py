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
# # Latent groups: several worlds in one code
#
# [Open in Colab](https://colab.research.google.com/github/untangled-book/untangled/blob/main/book/papers/latent_groups.ipynb)
#
# **The promise.** After this chapter you can say what goes wrong when pictures of
# several kinds share one code, build a header that learns without a label which kind
# a picture is of, and judge whether that helps to disentangle, and whether the header
# was needed at all.

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
import itertools
import math
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn import functional

from dlib import budget, losses, metrics, networks, recipes, viz
from dlib.data import Coloured, Merged, Views, load
from dlib.data.augment import Flip, Grey, Jitter, Move, Noise
from dlib.inference import encode, to_float
from dlib.models import FactorGroupVAE
from dlib.models.factor_group_vae import GroupHeader, Prototypes
from dlib.training import fit
from dlib.viz.compare import compare

viz.use()

# %% tags=["remove-cell"] jupyter={"source_hidden": true} cellView="form"
# @title How much work: seconds in a test, minutes on the published page
N_CODES = budget.choose(smoke=600, book=3_000)  # pictures that we look at
STOPS = budget.choose(
    smoke=(0, 50), book=(0, 50, 100, 150, 200, 250, 300, 350, 400)
)  # of the live training, which is kept every 50 steps
BATCH = budget.choose(smoke=16, book=128)
RIDGE = budget.choose(smoke=200, book=2_000)  # pictures of a regression


def seeded(seed):
    return torch.Generator().manual_seed(seed)


# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
sprites = load("dsprites", source="twin", size=32)
robots = load("mpi3d", source="twin", size=32)
rooms = load("shapes3d", source="twin", size=32)
merged = Merged([robots, rooms, Coloured(sprites)])

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"image": {"alt": "Three rows of ten small pictures, mixed: robot arms before coloured walls, rooms with a solid, and coloured sprites on black."}}
images, factors = merged.sample(30, seeded(1))
figure = viz.image_grid(images, columns=10)

# %% [markdown]
# **Figure 1.** Thirty pictures as they come: a robot arm
# ([MPI3D](../foundations/factors_and_data.ipynb)), a room (3DShapes), a sprite in a
# colour of its own (Color-dSprites). Nothing says which is which.
#
# Ask for *the* [factors](../reference/glossary.md#factor-of-variation) of these pictures
# and there is no answer. An arm has two joints and no floor; a room has a floor
# and no joints; a sprite has neither, but a position in the frame. Each
# kind of picture has a *group* of factors of its own, and that the groups exist is not
# in the data: it is latent. A code that is to be read needs to say which group a picture
# has, and then each factor of that group.

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
showcase = recipes.load("latent_groups", "showcase")
models = {e.name: showcase.run(e).trained for e in showcase.entries}
PLAIN, OURS = "FactorVAE", "with the header"
two = {
    PLAIN: models["factor_vae_mpi3d_shapes3d"],
    OURS: models["unsupervised_mpi3d_shapes3d"],
}
compare(
    two,
    rooms,
    100_003,
    title="Trained on robots and rooms, shown a room",
)

# %% [markdown]
# **Figure 2.** Two models that were trained on MPI3D and 3DShapes together. A slider
# moves, in each, the [latent](../reference/glossary.md#latent) that predicts the factor
# best; below its name stand that latent and how well it does (R², 1 is perfect). Slide a
# hue and see what else moves.
#
# **You need** [Total correlation](total_correlation.ipynb) for FactorVAE,
# [DIP-VAE](dip_vae.ipynb) and [Measuring](../foundations/measuring.ipynb) for what it is
# compared with and by, and [Factors and data](../foundations/factors_and_data.ipynb) for
# the data sets. **It costs** about a minute on two CPU cores: the tables' runs are
# shipped with the library, one training in the text is live.

# %% [markdown]
# ## What to score, where no picture has all factors
#
# [Inoue et al. (2021)](https://rc.signalprocessingsociety.org/conferences/icip-2021/spsicip21vid654)
# merge data sets whose factors are known, train one model on the mixture, and then score
# each [domain](../reference/glossary.md#domain) by itself: the
# [MIG](../reference/glossary.md#mig) of the codes of its pictures against its own
# factors. Their score is the average over the domains. A footnote settles what would
# else be a quarrel: "Even if two or more domains have the same type of factor, we treat
# them as separate factors." The hue of a room's wall and the hue behind the robot are two
# things.


# %%
def mig_by_domain(codes, factors, labels):
    """MIG of each domain's pictures against the factors that it has."""
    scores = []
    for j in labels.unique():
        mine = labels == j
        own = (factors[mine] >= 0).all(0)  # -1 is unknown
        score = metrics.mig(codes[mine], factors[mine][:, own])
        scores.append(score.value)
    return scores


# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form"
# @title Held-out pictures, two models' codes of them, and the library's score
held_out = showcase["unsupervised_three"].recipe.parts()[1]
index = held_out.draw(N_CODES, seeded(2))
labels, factors = held_out.labels(index), held_out.factors(index)
images = held_out.images(index)
codes = {
    name: encode(model, held_out.images, index).cpu()
    for name, model in models.items()
    if name.endswith("three")
}
domain_migs = mig_by_domain(codes["factor_vae_three"], factors, labels)
known = factors.double()
known[known < 0] = torch.nan
library = metrics.evaluate_codes(
    codes["factor_vae_three"],
    known,
    which=[("mig", {"domain": "each"})],
    space=held_out.space,
    progress=False,
)
score = library.scores["mig(domain=each)"]
assert abs(np.mean(domain_migs) - score.value) < 1e-6
each = ", ".join(
    f"{value:.3f} ({name})"
    for name, value in zip(merged.domain_names, domain_migs)
)
viz.say(f"""
For one FactorVAE that was trained on all three, and held-out pictures, that is
{each}; their mean, {np.mean(domain_migs):.3f}, is what
`metrics.evaluate` calls `mig(domain=each)`.
""")

# %% [markdown]
# The paper names two problems: (P1) find the group that a picture belongs to, (P2)
# disentangle the factors of that group. The score sees only the second: which domain a
# picture is of is given to it. For the first the paper prints no number; we shall
# measure it.
#
# ## One code for three worlds
#
# The last row of the paper's Table 2 trains FactorVAE on each data set alone. Beside it,
# one FactorVAE that is trained on all three:

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form"
# @title The runs of both tables
table = recipes.load("latent_groups", "table")
rows = []
for entry in table.entries:
    run = table.run(entry)
    nats = run.history.terms["kl"][-1]  # a picture, at the end
    for metric, value in {**run.metrics, "nats": nats}.items():
        rows.append(
            {
                "line": entry.line,
                "seed": entry.recipe.seed,
                "metric": metric,
                "value": value,
                "paper": entry.paper.get(metric, math.nan),
                "minutes": run.record["minutes"],
            }
        )
runs = pd.DataFrame(rows)
seeds = runs["seed"].nunique()
STEPS = table.entries[0].recipe.steps
DOMAINS = {
    "MPI3D": ("mpi3d", "mpi3d"),
    "3DShapes": ("shapes3d", "shapes3d"),
    "Color-dSprites": ("colour-dsprites", "dsprites"),
}  # the option `domain`, and the ending of the line trained on it alone


def values_of(line, metric="mig(domain=each)"):
    """One number a seed."""
    some = runs[(runs["line"] == line) & (runs["metric"] == metric)]
    return some.sort_values("seed")["value"].tolist()


def dots(axes, at, values, colour, label=None):
    """Seeds as dots, their median as a bar."""
    place = at + np.linspace(-0.06, 0.06, len(values))
    axes.scatter(place, values, s=14, color=colour, label=label, zorder=3)
    middle = float(np.median(values))
    axes.hlines(middle, at - 0.13, at + 0.13, color=colour, linewidth=2)


# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"image": {"alt": "MIG on MPI3D, 3DShapes and Color-dSprites: dots for FactorVAE trained on each alone, and on all three."}}
# @title Trained alone, trained together
figure, axes = plt.subplots(figsize=(6.4, 3.2))
joint = {}
for i, (name, (domain, ending)) in enumerate(DOMAINS.items()):
    metric = f"mig(domain={domain})"
    alone = values_of(f"individual_{ending}", metric)
    together = values_of("factor_vae_three", metric)
    joint[name] = alone, together
    for shift, values, colour in ((-0.2, alone, 0), (0.2, together, 3)):
        what = ("trained on it alone", "trained on all three")[shift > 0]
        label = what if i == 0 else None
        dots(axes, i + shift, values, viz.COLOURS[colour], label)
axes.set_xticks(range(3), DOMAINS)
axes.set(ylabel="MIG", ylim=(0, None))
axes.grid(True, axis="y")
_ = axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))

# %% [markdown]
# **Figure 3.** MIG of FactorVAE on each domain: a dot is a seed, a bar their median.

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
lost = [np.median(b) < np.median(a) for a, b in joint.values()]
medians = {
    name: tuple(float(np.median(v)) for v in pair)
    for name, pair in joint.items()
}
viz.say(f"""
The paper prints .256, .422 and .045 for the models that saw one data set, and
.044, .194 and .029 for the one that saw all: together is worse, by far. Ours
have medians of {", ".join(f"{a:.3f}" for a, _ in medians.values())} alone and
{", ".join(f"{b:.3f}" for _, b in medians.values())} together, after
{STEPS:,} steps on pictures of 32×32: together is lower on {sum(lost)} of the
three, and dots of one kind lie as far apart as the two kinds do. This early
there is little to lose; we come back to it with longer trainings. What can be
seen already is *how* the worlds share the code.
""")

# %% [markdown]
# Where does the code get crowded? A latent carries as many nats as its posterior is away
# from the prior (the KL divergence, averaged over pictures). Take, in the model of Figure
# 2 that has no header, the two latents that carry most for rooms, and of the others the
# two that carry most for robots. Move each, in a room and in a picture of a robot.

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form"
# @title Four latents, in two worlds
plain = two[PLAIN]
speak = []
for data in (rooms, robots):
    with torch.no_grad():
        some = to_float(data.sample(N_CODES // 2, seeded(0))[0])
        nats = losses.kl_to_standard_normal(*plain.posterior(some)).mean(0)
    most = nats.argsort(descending=True).tolist()
    speak += [latent for latent in most if latent not in speak][:2]
halves = [
    viz.traverse(plain, data[at][0], order=speak, steps=6).unflatten(0, (4, 6))
    for data, at in ((rooms, 100_003), (robots, 500_100))
]
pictures = torch.cat(halves, dim=1).flatten(0, 1)

# %% mystnb={"image": {"alt": "Four rows of twelve pictures. In the left half a latent is moved in a room, in the right half the same latent is moved in a robot's picture; rooms and robots run into each other."}}
figure = viz.image_grid(
    pictures, columns=12, row_titles=[f"z{i}" for i in speak], scale=0.55
)

# %% [markdown]
# **Figure 4.** The same four latents of one FactorVAE, moved from −2.5 to 2.5: on the left
# starting from a room, on the right from a robot.

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
typical = [
    to_float(data.sample(200, seeded(5))[0]).mean(0)
    for data in (rooms, robots)
]


def is_robot(picture):
    """Whether it is nearer to the mean robot than to the mean room."""
    far = [float((picture - each).square().sum()) for each in typical]
    return far[1] < far[0]


left, right = halves
change = [
    (half - half.mean(1, keepdim=True)).abs().mean((2, 3, 4)).amax(1)
    for half in halves
]  # per latent: how far the row strays from its mean picture
if budget.current() == "book":
    assert [is_robot(left[0, i]) for i in (0, -1)] == [False, True]
    assert [is_robot(right[0, i]) for i in (0, -1)] == [False, True]
    assert float(change[1][1:].max()) < 0.03 < float(change[0].min()) - 0.03
viz.say(f"""
Look at the first row. In the room z{speak[0]} is the floor's colour, until at
its end the floor is gone, and the room with it: a robot stands there. Start
from the robot, move the same latent back, and a room appears, in other colours
than ours. The latent that knows one world's floor also decides which world it
is. The second row turns the wall, and the last the object, into other colours;
both leave the robot nearly as it was. And none of the four moves the arm,
though two of them were picked for robots: it is a few grey pixels, and worth
little to a loss that counts pixels.
""")

# %% [markdown]
# ## FactorVAE's objective, with its sign put right
#
# The paper builds on FactorVAE, and prints what it maximises as
#
# $$\begin{aligned}
# &\mathbb E_{p(x)}\big[\mathbb E_{q(z|x)}[\log p(x|z)]
#   - \mathrm{KL}(q(z|x)\,\|\,p(z))\big] \cr
# &\qquad + \gamma\,\mathrm{KL}(q(z)\,\|\,\bar q(z)),
# \end{aligned} \tag{1}$$
#
# with $\bar q$ the product of the margins. The last term is the total correlation, and it
# stands there with the wrong sign: the text even says that codes become factorial "by
# *maximizing*" it (our emphasis). Whoever maximises Eq. (1) as printed pays for
# *in*dependence. Two Gaussian latents show it: their total correlation is known, and we
# may follow its gradient.

# %%
for sign, name in ((+1, "as printed"), (-1, "put right")):
    rho = torch.tensor(0.5, requires_grad=True)
    for _ in range(20):
        tc = -0.5 * torch.log(1 - rho**2)  # of two Gaussian latents
        (gradient,) = torch.autograd.grad(sign * tc, rho)
        rho = (rho + 0.05 * gradient).clamp(-0.99, 0.99).detach()
        rho.requires_grad_(True)
    print(f"{name:10}: the correlation goes from .50 to {rho.detach():.2f}")

# %% [markdown]
# [Kim and Mnih (2018)](https://arxiv.org/abs/1802.05983) subtract it, and so do we. We
# found no code of the paper, but the implementation that it says it uses
# ([Abdi et al. (2019)](https://arxiv.org/abs/1912.05184)) adds the total correlation to a
# loss that is minimised: the sign is a slip of the pen.
#
# ## A header that says which world
#
# Two spaces, says the paper: $Z$, where factors are disentangled, and $G$, where pictures
# of one group lie together. A small network $H$, the *header*, leads from the one to the
# other. In $G$ each group has a [prototype](../reference/glossary.md#prototype) $f_k$, and
# a picture with the embedding $h = H(E(x))$ is of the group whose prototype is nearest.
# The losses compare by the angle, so we measure by it here too (among vectors of one
# length the nearest is the same by angle and by distance):
#
# $$k^* = \arg\max_k\ \mathrm{sim}(h, f_k), \qquad
#   \mathrm{sim}(a, b) = \frac{a^\top b}{\|a\|\,\|b\|}. \tag{A}$$
#
# The header is trained *through* the encoder. Its loss $\mathcal L$ joins FactorVAE's
# objective with a weight $\lambda$, and so it can bend the codes:
#
# $$\mathcal O = \mathcal O_{\text{F-VAE}} - \lambda\,\mathcal L. \tag{2}$$
#
# The header is two blocks, each a layer, batch norm and ReLU, and leads from twenty
# latents to twenty dimensions:

# %%
D = 20  # latents, and dimensions of G: both 20 in the paper


def block():
    return nn.Linear(D, D), nn.BatchNorm1d(D), nn.ReLU()


header = nn.Sequential(*block(), *block())
for ours, library in zip(header, GroupHeader(D), strict=True):
    assert repr(ours) == repr(library)

# %% [markdown]
# It hangs on the means that the encoder gives:

# %% mystnb={"image": {"alt": "Diagram of the networks: four convolutions and a layer of 256 lead from a 32 by 32 picture to twenty means and twenty log-variances; the decoder mirrors them."}}
figure = viz.network(models["unsupervised_three"])

# %% [markdown]
# **Figure 5.** The encoder and decoder of our runs; the twenty means at the bottom are what
# the header reads.
#
# The paper's own networks have five convolutions and six transposed ones, for pictures of
# 64×64 (`networks.padless_conv`, in the recipes of the `paper` budget). Note the header's
# last ReLU: no coordinate of $h$ is negative, so that no two embeddings are further apart
# than a right angle. *Unlike* can mean orthogonal at most.
#
# ### Without labels: find your other view
#
# Nobody says which pictures are of one group. But a picture that is moved, mirrored or
# tinted is still of the same group: that is the one thing assumed. So draw a batch, alter
# each picture once, and ask each $h$ to find its own altered self $h'$ among all the
# others:
#
# $$\mathcal L = \mathbb E\left[-\log
#   \frac{e^{\tau\,\mathrm{sim}(h, h')}}
#        {\sum_{r \in B \setminus \{h\}} e^{\tau\,\mathrm{sim}(h, r)}}\right], \tag{3}$$
#
# where $B$ holds the embeddings of all pictures and of all altered ones, and $\tau = 10$.
# It is a [contrastive loss](../reference/glossary.md#contrastive-loss), a near relative of
# that of [Chen et al. (2020)](https://arxiv.org/abs/2002.05709), where both views are
# altered and both ask.


# %%
def contrastive(h, altered, tau=10.0):
    """Eq. (3)."""
    n = len(h)
    everything = functional.normalize(torch.cat([h, altered]))
    similar = tau * everything[:n] @ everything.T  # (n, 2n)
    rows = torch.arange(n)
    similar[rows, rows] = -torch.inf  # not itself
    return (similar.logsumexp(1) - similar[rows, n + rows]).mean()


h, altered = torch.rand(2, 64, D, generator=seeded(0)).unbind()
assert torch.allclose(
    contrastive(h, altered), losses.contrastive_loss(h, altered, 10.0)
)
alike = torch.ones(64, D)
print(f"all alike:                {float(contrastive(alike, alike)):.2f} nats")
print(f"views alike, others near: {float(contrastive(h, h)):.2f} nats")

# %% [markdown]
# If all embeddings are one, it is a guess among $2n - 1 = 127$ others: log 127 nats. With
# views that are equal it is lower, but these random embeddings lie close together, and
# the 126 wrong answers are nearly as good. To lower it further they must move apart.
#
# So look at what the loss rewards. It never says *group*: it pulls a picture to its other
# view and pushes it from *every* other picture, those of its own group too. It asks for
# codes that tell each picture from each other. A likely reason why groups come out of it
# at all is that twenty dimensions are few, and pictures of one world are harder to tell
# apart than pictures of two.
#
# ### What the alteration may alter
#
# The paper does not say how it alters pictures ("$t$ is an augmentation function"), and it
# matters. What an [augmentation](../reference/glossary.md#augmentation) changes is what
# the header is told to overlook, and through Eq. (2) the encoder with it. We follow
# [Chen et al. (2020)](https://arxiv.org/abs/2002.05709) (with moves for their crops, and
# no blur): move, mirror, jitter the light, and take the colour away from some. Two gentler
# choices beside it:

# %%
CHOICES = {
    "light and noise": [
        Jitter(name="jitter", brightness=0.2, contrast=0.2, saturation=0.2),
        Noise(name="noise", std=0.03),
    ],
    "moved and mirrored": [
        Move(name="move", shift=0.15, turn=15, zoom=1.3),
        Flip(name="flip"),
    ],
    "all of SimCLR's": [
        Move(name="move", shift=0.15, turn=15, zoom=1.3),
        Flip(name="flip"),
        Jitter(name="jitter", brightness=0.4, contrast=0.4, saturation=0.4),
        Grey(name="grey"),
    ],
}


# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"image": {"alt": "Three rows, one for each choice of augmentations; in each an arm, a room and a sprite, each followed by three altered versions of it."}}
# @title One picture of each world, and altered views
def altered_by(choice, pictures, generator):
    """Each picture altered once, floats."""
    pictures = to_float(pictures)
    for step in CHOICES.get(choice, []):
        pictures = step(pictures, generator)
    return pictures.clamp(0, 1)


recipe = showcase["unsupervised_three"].recipe
assert tuple(CHOICES["all of SimCLR's"]) == tuple(recipe.data.augment)

one = [(robots, 500_100), (rooms, 100_003), (merged.domains[2], 99_000_000)]
one = torch.stack([data[at][0] for data, at in one])
sheet = []
for choice in CHOICES:
    views = [altered_by(choice, one, seeded(seed)) for seed in (3, 4, 5)]
    sheet.append(torch.stack([to_float(one), *views], dim=1).flatten(0, 1))
figure = viz.image_grid(
    torch.cat(sheet), columns=12, row_titles=list(CHOICES), scale=0.5
)

# %% [markdown]
# **Figure 6.** One picture of each domain, followed by three altered views of it; a row for
# each choice.
#
# Which factors does that destroy, and does it spare which world it is? Let a ridge
# regression learn to read each factor, and the domain, from altered pictures, and test it
# on others that were altered in the same way. It is a simple reader, and sees only half
# of the pixels each way; what it reads of untouched pictures and no longer of altered
# ones, the alteration has hidden from it.


# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form"
# @title Ridge regressions on untouched and on altered pictures
def features(pictures):
    """Pixels, four to one, and a one for the intercept."""
    pixels = functional.avg_pool2d(to_float(pictures), 2).flatten(1)
    return torch.cat([pixels, torch.ones(len(pixels), 1)], dim=1)


def explained(learn, test, penalty=10.0):
    """Share of each target's variance that ridge regression reads."""
    (x, y), (x_test, y_test) = learn, test
    square = x.T @ x + penalty * torch.eye(x.shape[1])
    guess = x_test @ torch.linalg.solve(square, x.T @ y)
    spread = ((y_test - y_test.mean(0)) ** 2).sum(0)
    return 1 - ((guess - y_test) ** 2).sum(0) / spread


def read_of(names, kinds, sizes, learn, test):
    """By name and choice, what is read of the columns of values."""
    widths = [n if k == "categorical" else 1 for n, k in zip(sizes, kinds)]
    rows = {name: {} for name in names}
    for title in ("untouched", *CHOICES):
        seen = []
        for seed, (pictures, values) in enumerate((learn, test), start=2):
            columns = [  # one for each name, or one for a number
                functional.one_hot(v, n) if w > 1 else v[:, None]
                for v, n, w in zip(values.T, sizes, widths)
            ]
            altered = altered_by(title, pictures, seeded(seed))
            targets = torch.cat(columns, dim=1).float()
            seen.append((features(altered), targets))
        for name, share in zip(names, explained(*seen).split(widths)):
            rows[name][title] = max(0.0, float(share.mean()))
    return rows


spared = {}
for data in merged.domains:
    learn, test = (data.sample(RIDGE, seeded(seed)) for seed in (0, 1))
    short = data.name.replace("colour-", "").replace("3d", "3D")
    names = [f"{short}: {name}" for name in data.space.names]
    spared |= read_of(names, data.space.kinds, data.space.sizes, learn, test)
drawn = [merged.draw(RIDGE, seeded(seed)) for seed in (0, 1)]
learn, test = (
    (merged.images(some), merged.labels(some)[:, None]) for some in drawn
)
spared |= read_of(["which domain"], ["categorical"], [3], learn, test)
read = pd.DataFrame(spared).T

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"image": {"alt": "A heat map of eighteen factors and the domain by four columns: how much of each a linear reading sees in untouched pictures and under three choices of augmentation."}}
# @title What each choice leaves to read
figure, axes = plt.subplots(figsize=(6.2, 5.4))
axes.imshow(read, vmin=0, vmax=1, aspect="auto")
for (row, column), value in np.ndenumerate(read.to_numpy()):
    ink = "black" if value > 0.55 else "white"
    axes.text(column, row, f"{value:.2f}", color=ink, ha="center", va="center")
axes.set_xticks(range(4), [c.replace(" and ", "\nand ") for c in read])
axes.set_yticks(range(len(read)), read.index)
axes.xaxis.tick_top()
axes.tick_params(length=0)
axes.spines[:].set_visible(False)

# %% [markdown]
# **Figure 7.** What a linear reading of the pixels sees of each factor: the share of its
# variance, in pictures as they are and in altered ones.

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
light, moved, strong = (read[choice] for choice in CHOICES)
pure, world = read["untouched"], read.loc["which domain"]
hues = [f"shapes3D: {what}_hue" for what in ("floor", "wall", "object")]
seen_at_all = pure[pure > 0.3].index
posed = ["shapes3D: scale", "shapes3D: shape", "shapes3D: orientation"]
if budget.current() == "book":
    assert (pure - light)[seen_at_all].max() < 0.1
    assert moved[posed].max() < 0.15 and pure[posed].min() > 0.7
    assert moved[hues].min() > 0.5 > strong[hues].max()
    assert moved["dsprites: posX"] < 0.05 and world.min() > 0.6
viz.say(f"""
Read it by columns. *Light and noise* hide next to nothing: a factor of which
more than .3 could be read loses {(pure - light)[seen_at_all].max():.2f} at
most. *Moved and mirrored* views lose where things are and how they are turned:
of a room's scale, shape and orientation ({pure[posed[0]]:.2f},
{pure[posed[1]]:.2f}, {pure[posed[2]]:.2f}) at most {moved[posed].max():.2f} is
left, and of the sprite's left and right ({pure["dsprites: posX"]:.2f})
nothing, for the mirror swaps them; up and down keeps
{moved["dsprites: posY"]:.2f}. *All of SimCLR's* take colour too: of the hue of
floor, wall and object {", ".join(f"{v:.2f}" for v in pure[hues])} go down to
{", ".join(f"{v:.2f}" for v in strong[hues])}. What survives in every column is
the last row: which world it is ({world.min():.2f} at the least). For finding
groups the last column is therefore a good choice. For disentangling factors
it looks dangerous: they are what the views teach to forget.
""")

# %% [markdown]
# ### Prototypes: k-means, a batch at a time
#
# The header makes a space, and somebody must find the groups in it. After each step the
# prototypes are moved by *mini-batch k-means*
# ([Sculley (2010)](https://doi.org/10.1145/1772690.1772862)): each embedding goes to
# the nearest prototype, and each prototype becomes the mean of all that it was ever given
# (on the sphere: it is put back to length one after each update). Three clumps, and
# prototypes that start somewhere near:


# %%
def follow(prototypes, counts, points):
    """One update of mini-batch k-means."""
    near = torch.cdist(points, prototypes).argmin(1)
    for k in range(len(prototypes)):
        mine = points[near == k]
        counts[k] += len(mine)
        prototypes[k] += (mine - prototypes[k]).sum(0) / counts[k].clamp(1)


clumps = torch.rand(3, D, generator=seeded(0))
library = Prototypes(3, D, learned=False)
library.vectors.copy_(clumps + 0.2 * torch.rand(3, D, generator=seeded(9)))
prototypes, counts = functional.normalize(library.vectors), torch.zeros(3)
for step in range(5):
    noise = torch.rand(64, D, generator=seeded(step))
    of = torch.randint(3, (64,), generator=seeded(step))
    points = functional.normalize(clumps[of] + 0.3 * noise)
    follow(prototypes, counts, points)
    prototypes = functional.normalize(prototypes)  # G compares angles
    library.follow(points, seeded(step))
    theirs = functional.normalize(library.vectors)
    assert torch.allclose(prototypes, theirs, atol=1e-5)
near = functional.normalize(clumps + 0.15)  # the noise's mean is .15
print("angle to the clump's middle, degrees:", [
    round(math.degrees(math.acos(float(a @ b))), 1)
    for a, b in zip(prototypes, near)
])  # fmt: skip

# %% [markdown]
# They arrive. (scikit-learn does one thing more: a prototype that next to nothing is near
# is moved to one of the points.)
#
# The prototypes have no gradient and the loss never sees them. So they change nothing in
# the model: with or without prototypes, encoder, decoder and header learn the same. They
# are how the groups are *read off*, no more.
#
# ### With labels: CosFace
#
# As "a reference model to measure the upper bound performance" the paper also trains the
# header on the true groups. Then prototypes are parameters, and the loss is CosFace
# ([Wang et al. (2018)](https://arxiv.org/abs/1801.09414)): a cross-entropy in which the
# right prototype has to win by a margin $m = 0.1$,
#
# $$\mathcal L = \mathbb E\left[-\log
#   \frac{e^{\tau(\mathrm{sim}(h, f_y) - m)}}
#        {e^{\tau(\mathrm{sim}(h, f_y) - m)}
#         + \sum_{k \ne y} e^{\tau\,\mathrm{sim}(h, f_k)}}\right]. \tag{4}$$


# %%
def cosface(h, prototypes, labels, tau=10.0, m=0.1):
    """Eq. (4)."""
    similar = functional.normalize(h) @ functional.normalize(prototypes).T
    handicap = m * functional.one_hot(labels, len(prototypes))
    return functional.cross_entropy(tau * (similar - handicap), labels)


h = torch.rand(64, D, generator=seeded(0))
right = torch.randint(3, (64,), generator=seeded(1))
assert torch.allclose(
    cosface(h, prototypes, right),
    losses.cosface_loss(h, prototypes, right, scale=10.0, margin=0.1),
)

# %% [markdown]
# Here the prototypes are pulled by the loss itself; nobody needs k-means.
#
# ## Watch the groups form
#
# A live training on all three worlds, FactorVAE with the header, on pictures of 32×32.
# Eq. (2) is one more term in the loss:
# `loss = nll + kl + gamma * tc + weight * header`. We stop it now and then, and look at the
# space $G$ along the two directions in which the last embeddings spread most.

# %%
views = Views(merged, CHOICES["all of SimCLR's"], k=2, keep_first=True)
train, small = views.part(0, 0.8), merged.part(0.8, 1)
nets = networks.conv(latent_dim=D, channels=3, size=32)
options = {"width": 128, "depth": 3, "discriminator_rate": 1e-3}
live = FactorGroupVAE(nets, groups=3, gamma=1.0, weight=100.0, **options)
networks.initialise(live, seeded(0))

seen = small.draw(600, seeded(3))
seen_labels = small.labels(seen)


# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form"
# @title Train, and note where pictures and prototypes are
@torch.no_grad()
def look(model):
    model.eval()
    h = model.embed(encode(model, small.images, seen).cpu())
    found = model.groups(encode(model, small.images, seen).cpu())
    accuracy = metrics.group_accuracy(found, seen_labels).value
    return (
        functional.normalize(h),
        functional.normalize(model.prototypes.vectors.clone()),
        accuracy,
    )


path = Path(tempfile.mkdtemp()) / "live.safetensors"
watched = []
for stop in STOPS:
    if stop > 0:
        past = fit(
            live,
            train,
            steps=stop,
            batch_size=BATCH,
            device="cpu",
            checkpoint=path,
            checkpoint_every=50,
            progress=False,
        )
    watched.append(look(live))
print(f"{STOPS[-1]} steps in {past.seconds:.0f} s")

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form"
# @title The film: each frame is a plot of G
last = watched[-1][0]
centre = last.mean(0)
axes_of_g = torch.linalg.svd(last - centre, full_matrices=False)[2][:2]
places = [
    [(part - centre) @ axes_of_g.T for part in (h, prototypes)]
    for h, prototypes, _ in watched
]
everywhere = torch.cat([part for pair in places for part in pair])
reach = 1.1 * float(everywhere.abs().max())


def frame(place, accuracy):
    """A plot as a picture, floats (1, 3, height, width)."""
    figure, axes = plt.subplots(figsize=(4.6, 3.2), dpi=100)
    for j, name in enumerate(merged.domain_names):
        mine = seen_labels == j
        axes.scatter(*place[0][mine].T, s=6, label=name)
    axes.scatter(
        *place[1].T, marker="*", s=180, color=viz.style.INK, label="prototype"
    )
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach))
    axes.set(title=f"group accuracy {accuracy:.2f}", xticks=[], yticks=[])
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=8)
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[:, :, :3].copy()
    plt.close(figure)
    return torch.from_numpy(pixels).permute(2, 0, 1)[None]


viz.film(
    [frame(place, each[2]) for place, each in zip(places, watched)],
    [f"step {stop}" for stop in STOPS],
    columns=1,
    title="The space G, as it forms",
    alt="A scatter plot of 600 pictures in the space of groups",
)

# %% [markdown]
# **Figure 8.** The space $G$ of the live training: 600 held-out pictures and the three
# prototypes. Move the slider, or press *Play*.

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
accuracies = [each[2] for each in watched]
afresh = metrics.cluster_accuracy(last, seen_labels).value
if budget.current() == "book":
    assert accuracies[0] < 0.6 and max(accuracies) > 0.75 and afresh > 0.9
viz.say(f"""
Untrained, $G$ is a speck in which the three worlds lie on top of each other
(group accuracy {accuracies[0]:.2f}). In the end they stand in three corners.
Nobody told the header which picture is of which; only k-means was told that
there are three. Now look at the stars. They trail behind: a prototype is the
mean of *all* that it was ever given, the speck of the first steps among it. So
the accuracy goes up and down on its way
({", ".join(f"{a:.2f}" for a in accuracies[1:])}), and at the end, with
{accuracies[-1]:.2f}, it says less about $G$ than about the stars: k-means that
starts afresh in the last frame is right for {afresh:.2f} of the pictures.
""")

# %% [markdown]
# ## Do the prototypes find the worlds?
#
# Groups that were found without labels have no names. *Group accuracy* gives each found
# group the name that suits it best, no name twice, and counts the pictures that are then
# right.


# %%
def matched_accuracy(found, labels, k=3):
    """Over every way to name k groups, the best share that is right."""
    return max(
        float((torch.tensor(names)[found] == labels).float().mean())
        for names in itertools.permutations(range(k))
    )


with torch.no_grad():
    found = models["unsupervised_three"].groups(codes["unsupervised_three"])
matched = matched_accuracy(found, labels)
assert abs(matched - metrics.group_accuracy(found, labels).value) < 1e-6
print(f"the unsupervised header, seed 0: {matched:.3f}")

# %% [markdown]
# And now the question that the paper leaves open. Is a header needed for this? Codes of a
# model *without* one, which never heard of groups, may lie in clumps by themselves. Let
# k-means find as many clumps in them as there are domains, name those in the same way, and
# count. For an even cheaper rival take no network at all: k-means on three numbers, the
# picture's mean red, green and blue.

# %%
colour = to_float(images).mean((2, 3))  # (n, 3)
by_colour = metrics.cluster_accuracy(colour, labels).value
by_plain = metrics.cluster_accuracy(codes["factor_vae_three"], labels).value
print(f"k-means of the mean colour: {by_colour:.3f}")
print(f"k-means of FactorVAE's codes, no header, seed 0: {by_plain:.3f}")

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"image": {"alt": "Dots of group accuracy for the unsupervised and the supervised header, and of k-means on codes of seven methods, all trained on three data sets."}}
# @title Every run on all three domains
figure, axes = plt.subplots(figsize=(6.6, 3.4))
judged = {}
for line, title in (
    ("unsupervised_three", "header, unsupervised"),
    ("supervised_three", "header, supervised"),
):
    judged[title] = values_of(line, "group_accuracy")
for line, title in (
    ("unsupervised_three", "unsupervised, codes"),
    ("supervised_three", "supervised, codes"),
    ("vae_three", "VAE"),
    ("factor_vae_three", "FactorVAE"),
    ("beta_tc_vae_three", "β-TCVAE"),
    ("dip_vae_three", "DIP-VAE-I"),
    ("info_vae_three", "InfoVAE"),
):
    judged[title] = values_of(line, "cluster_accuracy")
for i, values in enumerate(judged.values()):
    dots(axes, i, values, viz.COLOURS[0 if i < 2 else 3])
axes.axhline(by_colour, color=viz.style.INK, linestyle=":")
axes.axhline(1 / 3, color=viz.style.INK, linestyle="--")
axes.set_xticks(range(len(judged)), judged, rotation=35, ha="right")
axes.set(ylabel="share of pictures", ylim=(0, 1.04))
axes.grid(True, axis="y")

# %% [markdown]
# **Figure 9.** Pictures that are put into the right group, of three. Blue: by the header's
# prototypes. Orange: by k-means of the codes, the header's own codes first. Dotted: by
# k-means of the mean colour. Dashed: by one group for all. A dot is a seed.

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
free = ["VAE", "FactorVAE", "β-TCVAE", "DIP-VAE-I", "InfoVAE"]
alone = [value for title in free for value in judged[title]]
poor = sum(value < 0.7 for value in alone)
two_worlds = [
    value
    for ending in ("mpi3d_shapes3d", "mpi3d_dsprites", "shapes3d_dsprites")
    for value in values_of(f"factor_vae_{ending}", "cluster_accuracy")
]
found_by = {
    title: recipes.median_and_range(values, 2)
    for title, values in judged.items()
}
if budget.current() == "book":
    assert min(judged["unsupervised, codes"]) > 0.85 and by_colour > 0.99
    assert min(two_worlds) > 0.9 and poor >= 3
    assert min(judged["DIP-VAE-I"]) > 0.85
viz.say(f"""
Mostly they do: the unsupervised header is right for
{found_by["header, unsupervised"]} of the pictures, and the one with labels for
{found_by["header, supervised"]}. And without a header? Of {len(alone)} models
on all three worlds, k-means finds the worlds in the codes of most, but in
{poor} it is right for less than .7. DIP-VAE-I's codes are always good enough
({found_by["DIP-VAE-I"]}), and so are those of the models with the unsupervised
header ({found_by["unsupervised, codes"]}), which does arrange the codes by
worlds. With *two* worlds no header is needed: k-means of FactorVAE's codes
finds them in all {len(two_worlds)} models
({recipes.median_and_range(two_worlds, 2)}). And if all one wants is the
groups, it isn't needed with three either: three numbers a picture, its mean
colour, are right for {by_colour:.2f}. These worlds are so unlike that (P1) is
hardly a problem; what is interesting is what solving it does to (P2).
""")

# %% [markdown]
# ## Look
#
# The paper's Figure 3 shows models that were trained on MPI3D and 3DShapes, and a room:
# "Each row corresponds to the latent variable that most represents the factor". Here are
# all six factors of 3DShapes, each with the latent that knows most about it.

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form"
# @title The latent that knows most about each factor
room_images, room_factors = rooms.sample(N_CODES, seeded(4))
knows, share = {}, {}
for name, model in two.items():
    with torch.no_grad():
        z = torch.cat(
            [model.encode(to_float(part)) for part in room_images.split(500)]
        )
    score = metrics.mig(z, room_factors)
    known = torch.as_tensor(score["information"] / score["entropy"])
    knows[name] = known.argmax(0).tolist()
    share[name] = known.max(0).values


def rows_of(name):
    labels = [
        f"{factor.replace('_', ' ')} (z{latent})"
        for factor, latent in zip(rooms.space.names, knows[name])
    ]
    return viz.traversals(
        two[name], rooms[100_003][0], order=knows[name], labels=labels
    )


# %% mystnb={"image": {"alt": "Traversals of FactorVAE, trained on two data sets, from a room: six rows, one for each factor of 3DShapes."}}
figure = rows_of(PLAIN)

# %% [markdown]
# **Figure 10.** FactorVAE, without a header.

# %% mystnb={"image": {"alt": "Traversals of FactorVAE with the unsupervised header, trained on two data sets, from a room: six rows, one for each factor of 3DShapes."}}
figure = rows_of(OURS)

# %% [markdown]
# **Figure 11.** FactorVAE with the unsupervised header.
#
# Without a header the floor's row runs through green, blue and yellow and ends in a robot;
# the wall's goes from red to green by way of a room that has no clear colour; the
# object's from cyan to yellow. The last three rows hardly move. With the header, the
# floor's row goes from yellow to magenta and the object's from blue to orange; the row of
# the shape is the switch from one world to the other, and the other three hardly move.


# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
def shares_of(name):
    pairs = zip(rooms.space.names, share[name].tolist())
    return ", ".join(f"{n.replace('_', ' ')} {v:.2f}" for n, v in pairs)


floor = {name: float(values[0]) for name, values in share.items()}
if budget.current() == "book":
    assert floor[OURS] > floor[PLAIN] and share[PLAIN][1] > share[OURS][1]
    assert max(float(values[3:].max()) for values in share.values()) < 0.1
viz.say(f"""
In numbers, the share of each factor's entropy that its best latent knows.
FactorVAE: {shares_of(PLAIN)}. With the header: {shares_of(OURS)}. The paper
finds that its framework "mostly (but not perfectly) disentangles the factors
of *shape*, *wall_color*, *floor_color* and *scale*", that FactorVAE shows
"somewhat similar or slightly worse behavior" and "sign of entanglement with
other datasets, unlike the proposed method". Of these two models, neither has
any of shape or scale yet; the header's knows more of the floor, FactorVAE's of
the wall; and in *both* a row leads from the room to the robot. It is one seed
each, early in a training; the tables have more.
""")

# %% [markdown]
# ## Table 1
#
# MIG averaged over the domains, for every combination of data sets; ours with the median
# and the range over seeds.

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form"
# @title Table 1: the paper's number, ours, and the groups
COMBINATIONS = {
    "mpi3d_shapes3d": "MPI3D + 3DShapes",
    "mpi3d_dsprites": "MPI3D + dSprites",
    "shapes3d_dsprites": "3DShapes + dSprites",
    "three": "all three",
}
METHODS = {
    "factor_vae": "FactorVAE",
    "unsupervised": "header, unsupervised",
    "supervised": "header, supervised",
}
SPREADS = {  # the paper's ±
    "factor_vae": (0.043, 0.030, 0.030, 0.032),
    "unsupervised": (0.075, 0.036, 0.068, 0.044),
    "supervised": (0.062, 0.040, 0.062, 0.023),
}


def paper_of(line, metric="mig(domain=each)"):
    some = runs[(runs["line"] == line) & (runs["metric"] == metric)]
    return float(some["paper"].iloc[0])


def ours_of(line, metric="mig(domain=each)", digits=3):
    return recipes.median_and_range(values_of(line, metric), digits)


table_1 = {}
for i, (ending, where) in enumerate(COMBINATIONS.items()):
    for kind, title in METHODS.items():
        line = f"{kind}_{ending}"
        table_1[where, title] = {
            "paper": f"{paper_of(line):.3f} ± {SPREADS[kind][i]:.3f}",
            "ours": ours_of(line),
            "group accuracy": ours_of(line, "group_accuracy", 2),
            "k-means of codes": ours_of(line, "cluster_accuracy", 2),
        }
pd.DataFrame(table_1).T

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form" mystnb={"image": {"alt": "MIG of FactorVAE, the unsupervised and the supervised header on four combinations of data sets: our seeds as dots, the paper's numbers with their spreads beside them."}}
# @title Table 1, drawn
figure, axes = plt.subplots(figsize=(7.4, 3.4))
for i, ending in enumerate(COMBINATIONS):
    for j, (kind, title) in enumerate(METHODS.items()):
        at, line = i + 0.27 * (j - 1), f"{kind}_{ending}"
        colour, label = viz.COLOURS[j], title if i == 0 else None
        dots(axes, at, values_of(line), colour, label)
        paper = paper_of(line), SPREADS[kind][i]
        axes.errorbar(at + 0.11, *paper, marker="x", color=colour, linewidth=1)
axes.set_xticks(
    range(4), [w.replace(" + ", " +\n") for w in COMBINATIONS.values()]
)
axes.set(ylabel="MIG, mean over the domains", ylim=(0, None))
axes.grid(True, axis="y")
_ = axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))

# %% [markdown]
# **Figure 12.** Table 1 as a picture. Dots are our seeds and a bar their median; a cross is
# the paper's number with its ±.

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
minutes = runs.groupby(["line", "seed"])["minutes"].first()
gap = {
    where: float(np.median(values_of(f"unsupervised_{ending}")))
    - float(np.median(values_of(f"factor_vae_{ending}")))
    for ending, where in COMBINATIONS.items()
}
spoken = {
    kind: recipes.median_and_range(
        values_of(f"{kind}_three", "active_units"), 0
    )
    for kind in METHODS
}
below = [where for where, value in gap.items() if value < 0]
if budget.current() == "book":
    assert len(below) == 3
    assert all(
        np.median(values_of(line)) < paper_of(line)
        for kind in METHODS
        for line in (f"{kind}_{ending}" for ending in COMBINATIONS)
    )
    assert min(values_of("unsupervised_three", "active_units")) == 20
viz.say(f"""
Each number is {seeds} trainings of {STEPS:,} steps, which took
{minutes.min():.1f} to {minutes.max():.1f} minutes, two at a time on two cores.
All medians are lower than the paper's numbers; its models train 45 times as
long. But look within a block, at the medians: the paper's unsupervised header
is above FactorVAE in all four, ours is *below* it in {len(below)} of four
({", ".join(f"{value:+.3f}" for value in gap.values())}). What does it do
instead? Of twenty latents, {spoken["unsupervised"]} speak on all three domains
where FactorVAE has {spoken["factor_vae"]}: the contrastive loss asks for codes
that tell every picture from every other, and it gets them, spread over all
latents.
""")

# %% [markdown]
# ## Table 2
#
# The models that saw all three data sets, domain by domain; in each cell the paper's
# number, then ours. InfoVAE ([Zhao et al. (2019)](https://arxiv.org/abs/1706.02262)) is a
# VAE that also pays for the distance between the distributions of codes and of the prior
# (their maximum mean discrepancy). The VAE is not in the paper. The last row is three
# models, each trained on its own data set.

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form"
# @title Table 2: paper · ours, median (range)
table_2 = {}
for line, title in (
    ("beta_tc_vae_three", "β-TCVAE"),
    ("dip_vae_three", "DIP-VAE-I"),
    ("info_vae_three", "InfoVAE"),
    ("factor_vae_three", "FactorVAE"),
    ("unsupervised_three", "header, unsupervised"),
    ("supervised_three", "header, supervised"),
    ("vae_three", "VAE"),
    ("individual", "FactorVAE, each alone"),
):
    cells = {}
    for name, (domain, ending) in DOMAINS.items():
        alone = line == "individual"
        key = f"{line}_{ending}" if alone else line
        metric = f"mig(domain={domain})"
        cells[name] = f"{paper_of(key, metric):.3f} · {ours_of(key, metric)}"
    cells["average"] = (
        "–"
        if line == "individual"
        else f"{paper_of(line):.3f} · {ours_of(line)}"
    )
    table_2[title] = {k: v.replace("nan", "–") for k, v in cells.items()}
pd.DataFrame(table_2).T

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
averages = {
    title: float(np.median(values_of(line)))
    for line, title in (
        ("beta_tc_vae_three", "β-TCVAE"),
        ("dip_vae_three", "DIP-VAE-I"),
        ("info_vae_three", "InfoVAE"),
        ("factor_vae_three", "FactorVAE"),
        ("unsupervised_three", "the unsupervised header"),
    )
}
best = max(averages, key=averages.get)
plain_vae = float(np.median(values_of("vae_three")))
if budget.current() == "book":
    assert min(averages.values()) < plain_vae < max(averages.values())
viz.say(f"""
In the paper's table the header has the best average, though β-TCVAE is ahead
of it on MPI3D (.082 to .061) and InfoVAE on dSprites (.080 to .075). In ours
{best} has the best ({averages[best]:.3f} in the median; the unsupervised
header {averages["the unsupervised header"]:.3f}), and the VAE without any
penalty, {plain_vae:.3f}, stands among the others. Look at the ranges: seeds of
one method are further apart than most methods are.
""")

# %% [markdown]
# ## Break it: another alteration, another weight
#
# Two choices that the paper does not explain: the augmentation, and $\lambda = 100$. Three
# seeds each, all three domains; beside the scores stand the reconstruction error, the
# latents that speak, and the nats in a code. First the augmentation:


# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form"
# @title Three choices of augmentation
def others(group):
    experiment = recipes.load("latent_groups", group)
    rows = []
    for entry in experiment.entries:
        run = experiment.run(entry)
        nats = run.history.terms["kl"][-1]
        row = {"line": entry.line, "title": entry.title, "nats": nats}
        rows.append({**row, "setting": entry.setting, **run.metrics})
    return pd.DataFrame(rows)


kept = {
    "mig(domain=each)": ("MIG", 3),
    "group_accuracy": ("group accuracy", 2),
    "cluster_accuracy": ("k-means of codes", 2),
    "reconstruction": ("error", 4),
    "active_units": ("active latents", 0),
    "nats": ("nats in a code", 0),
}
standard = {
    key: values_of("unsupervised_three", key) for key in kept
}  # the table's


def summary(columns):
    return {
        title: recipes.median_and_range(list(columns.get(key, [])), digits)
        for key, (title, digits) in kept.items()
    }


augmented = others("augmentations")
by_choice = {
    title: some for title, some in augmented.groupby("title", sort=False)
}
by_choice["all of SimCLR's (Table 1)"] = standard
pd.DataFrame({title: summary(some) for title, some in by_choice.items()}).T

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
mig = {
    t: float(np.median(v["mig(domain=each)"])) for t, v in by_choice.items()
}
acc = {t: float(np.median(v["group_accuracy"])) for t, v in by_choice.items()}
faint, shifted, full = by_choice
if budget.current() == "book":
    assert acc[faint] < acc[shifted] < acc[full] - 0.15
    assert mig[faint] > max(mig[shifted], mig[full])
viz.say(f"""
Figure 7 foretold it. The less the views leave of the factors, the better the
header finds the groups: {acc[faint]:.2f}, {acc[shifted]:.2f}, {acc[full]:.2f}
of the pictures (a guess is right for a third). The MIG is highest where the
views spare the factors: {mig[faint]:.3f}, against {mig[shifted]:.3f} and
{mig[full]:.3f}, though the ranges overlap. With light and noise alone the
header must tell pictures apart by their factors, and learns next to nothing
about groups; told to overlook the factors it finds the groups, and nothing
asks it to keep the factors apart.
""")

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form"
# @title The weight of the header
weighed = others("weight")
by_weight = {0: {key: values_of("factor_vae_three", key) for key in kept}}
by_weight |= {int(weight): some for weight, some in weighed.groupby("setting")}
by_weight[100] = standard
shown = pd.DataFrame({f"λ = {w}": summary(s) for w, s in by_weight.items()})
shown.T

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
middle = {
    weight: {
        key: float(np.median(some[key]))
        for key in kept
        if len(some.get(key, []))
    }
    for weight, some in by_weight.items()
}
group = {w: v.get("group_accuracy", math.nan) for w, v in middle.items()}
cluster = {w: v["cluster_accuracy"] for w, v in middle.items()}
score = {w: v["mig(domain=each)"] for w, v in middle.items()}
awake = {w: v["active_units"] for w, v in middle.items()}
if budget.current() == "book":
    assert min(group[1], group[10]) > group[100] and cluster[1] < 0.7
    assert cluster[100] > 0.95 and awake[1] < 10 < awake[10]
viz.say(f"""
($\\lambda = 0$ is FactorVAE, $\\lambda = 100$ is Table 1.) A hundredth of the
paper's weight finds the groups no worse: {group[1]:.2f} of the pictures, where
$\\lambda = 100$ has {group[100]:.2f}. The codes are left alone then: as few
latents speak as in FactorVAE ({awake[1]:.0f} and {awake[0]:.0f}), and k-means
finds the worlds in them no better ({cluster[1]:.2f} and {cluster[0]:.2f}); the
header reads off what is there. With $\\lambda = 100$ the codes themselves are
bent: all latents speak, and k-means is right for {cluster[100]:.2f}. In MIG
there is little to choose: {score[0]:.3f}, {score[1]:.3f}, {score[10]:.3f} and
{score[100]:.3f} in the order of the table, with ranges that overlap.
""")

# %% [markdown]
# And twice the steps, for four lines of the tables and two seeds of each. The MIG is that of
# the data set alone, or the mean over the three:

# %% tags=["hide-input"] jupyter={"source_hidden": true} cellView="form"
# @title Trained for longer
longer = others("longer")
longer_steps = recipes.load("latent_groups", "longer").entries[0].recipe.steps
by_steps, mig_of = {}, {}
for line, title, key in (
    ("individual_mpi3d", "MPI3D alone", "mig(domain=mpi3d)"),
    ("individual_shapes3d", "3DShapes alone", "mig(domain=shapes3d)"),
    ("factor_vae_three", "all three", "mig(domain=each)"),
    ("unsupervised_three", "all three, header", "mig(domain=each)"),
):
    short = {name: values_of(line, name) for name in kept}
    more = longer[longer["line"] == line].dropna(axis=1).to_dict("list")
    for steps, found_then in ((STEPS, short), (longer_steps, more)):
        own = found_then[key] if key in found_then else values_of(line, key)
        mig_of[line, steps] = own
        found_then["mig(domain=each)"] = own
        by_steps[f"{title}, {steps:,} steps"] = summary(found_then)
pd.DataFrame(by_steps).T

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
ended = {key: float(np.median(values)) for key, values in mig_of.items()}
lone = values_of("individual_mpi3d", "active_units")
later = longer[longer["line"] == "individual_mpi3d"]["active_units"]
if budget.current() == "book":
    assert max(*lone, *later) <= 1
    joint_gain, header_gain = (
        ended[line, longer_steps] - ended[line, STEPS]
        for line in ("factor_vae_three", "unsupervised_three")
    )
    assert header_gain < 0.01 < 0.02 < joint_gain
viz.say(f"""
3DShapes alone goes from {ended["individual_shapes3d", STEPS]:.3f} to
{ended["individual_shapes3d", longer_steps]:.3f} (two seeds, far apart). MPI3D
alone has hardly begun: at most {max(*lone, *later):.0f} latent speaks after
{STEPS:,} steps, and no more after {longer_steps:,}. The arm's pixels are not
yet worth a nat. On all three, FactorVAE rises from
{ended["factor_vae_three", STEPS]:.3f} to
{ended["factor_vae_three", longer_steps]:.3f}, and the header stays where it
was ({ended["unsupervised_three", STEPS]:.3f} and
{ended["unsupervised_three", longer_steps]:.3f}): more steps at this scale do
not bring it ahead.
""")

# %% [markdown]
# ## What held, and what didn't
#
# Every sentence of the paper that a number here can decide, in its words, decided over
# seeds as [Measuring](../foundations/measuring.ipynb) describes.

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
decided = recipes.verdicts("latent_groups")
viz.claims(decided)

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
words = [verdict.word for _, verdict in decided]
counts = {w: words.count(w) for w in ("held", "did not hold")}
viz.say(f"""
Of {len(words)} claims {counts["held"]} held, {counts["did not hold"]} did not,
and {len(words) - sum(counts.values())} are too close to call, over {seeds}
seeds of {STEPS:,} steps on pictures of 32×32.
""")

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
failed = [
    claim for claim, verdict in decided if verdict.word == "did not hold"
]
wanted = 1.4 * score[0]
if budget.current() == "book":
    assert len(failed) == 3
    tried = [score[1], score[10], mig[faint], mig[shifted]]
    tried.append(ended["unsupervised_three", longer_steps])
    assert max(tried) < wanted
viz.say(f"""
Of the {len(failed)} that did not hold, two are about the point of the paper:
that the header raises the MIG. On MPI3D and 3DShapes it is below FactorVAE in
every seed, and on all three domains it stays below 1.4 times FactorVAE's
median, which would be {wanted:.3f}. Is it the weight? With
$\\lambda = 1$ and 10 the median is {score[1]:.3f} and {score[10]:.3f}. The
views? Gentler ones give {mig[faint]:.3f} and {mig[shifted]:.3f}. The steps?
Twice as many give {ended["unsupervised_three", longer_steps]:.3f}. None of
them reaches it. What the paper's long trainings at 64×64 add, or its unnamed
augmentation, we can't say. (These trials are all on three domains; on MPI3D
and 3DShapes alone we made none.) The third is about MPI3D: FactorVAE trained
on it alone has hardly begun, with five seeds and with twice the steps, so that
there is nothing yet that other data could spoil.
""")

# %% [markdown]
# **What is not as in the paper.** It trains at 64×64 for 90,000 steps with its own networks:
# `dlib sweep latent_groups --group table --budget paper` does that where there is a GPU.
# What it does not print (the learning rate, $\gamma$, the other methods' weights) we take
# from [Abdi et al. (2019)](https://arxiv.org/abs/1912.05184), whose code it says it uses:
# $10^{-4}$ there and ten times as much in our short runs, $\gamma = 1$, DIP-VAE-I with
# $\lambda_{od} = 1$ and $\lambda_d = 10$, and for β-TCVAE the β = 2 of their script. Data are our
# twins. We draw each domain equally often; put together as they are, by their sizes, they
# would be 46% MPI3D, 33% dSprites and 21% 3DShapes. The header reads the posterior's
# mean, and prototypes live on the sphere. The discriminator of the short runs is smaller
# and learns faster than FactorVAE's. The last layers of encoder and decoder have no ReLU,
# though the paper says that "all layers" do: no posterior could match its prior. How often
# the paper repeated a training, and what its ± is, it does not say.

# %% [markdown]
# ## What to take away
#
# - Merged data have no one list of factors. Score each world by its own, and average.
# - One code for several worlds gets crowded: a latent may be a floor's colour in one of
#   them, nothing in another, and the switch between the two.
# - A contrastive header finds the groups without a label, if the views change everything
#   but the group. Which augmentation was taken is half of such a result: ask for it.
# - What such a loss asks for is to tell every picture from every other. It gets codes in
#   which all latents speak, and that is not disentanglement.
# - k-means prototypes see no gradient: they read the groups off, and lag behind.
# - Try the cheapest rival first. Three numbers a picture found these groups.

# %% [markdown]
# ## Exercises
#
# **1. The least a contrastive loss can be.** The header ends in a ReLU, so that no two
# embeddings point further apart than at a right angle. Write `least(n, tau)`: the lowest
# value of Eq. (3), in nats, for a batch of $n$ pictures (and so $2n$ views), if there were
# dimensions enough for each picture to be orthogonal to all the others and equal to its
# own view.


# %%
def least(n, tau):
    return ...  # yours here


def check_least(function):
    found = function(20, 2.0)
    if found is ...:
        return "not tried yet"
    apart = torch.eye(20)
    for n, tau in ((20, 2.0), (5, 10.0)):
        true = losses.contrastive_loss(apart[:n], apart[:n], tau)
        if abs(float(function(n, tau)) - float(true)) > 1e-4:
            return "not yet: one similarity is 1, 2n - 2 are 0"
    return "right"


print(check_least(least))


# %% tags=["hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true} cellView="form" mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
# @title Solution 1
# 2n - 1 are other than h: its own view, with exp(tau), and 2n - 2 with exp(0).
def least(n, tau):
    return math.log1p((2 * n - 2) * math.exp(-tau))


assert check_least(least) == "right"
print(f"64 pictures, tau = 10: {least(64, 10):.3f} nats")

# %% [markdown]
# **2. A header with two prototypes in one world.** Without the rule that no name is
# given twice, a header that splits one domain in two and throws two others together could
# look better than it is. Write `generous(found, labels)`: the accuracy if each found group
# simply takes the name of the domain that most of its pictures are of.


# %%
def generous(found, labels):
    return ...  # yours here


def check_generous(function):
    labels = torch.tensor([0, 0, 0, 0, 1, 1, 2, 2])
    found = torch.tensor([0, 0, 1, 1, 2, 2, 2, 2])
    value = function(found, labels)
    if value is ...:
        return "not tried yet"
    if abs(float(value) - 0.75) > 1e-6:
        return "not yet: six of these eight pictures get the right name"
    if abs(matched_accuracy(found, labels) - 0.5) > 1e-6:
        return "matched_accuracy has changed"
    return "right"


print(check_generous(generous))


# %% tags=["hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true} cellView="form" mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
# @title Solution 2
# Known as purity. With as many groups as pictures it is always 1.
def generous(found, labels):
    right = sum(
        int(labels[found == group].bincount().max())
        for group in found.unique()
    )
    return right / len(found)


assert check_generous(generous) == "right"
print(f"matched {matched:.3f}, generous {generous(found, labels):.3f}")

# %% [markdown]
# **3. Do the codes know more than k-means sees?** k-means sees distances only. Write
# `readable(codes, labels)`: the accuracy of a linear classifier (scikit-learn's
# `LogisticRegression`) that learns the domain from the first half of the codes and is
# asked about the second.


# %%
def readable(codes, labels):
    return ...  # yours here


def check_readable(function):
    z = torch.randn(400, 3, generator=seeded(0))
    value = function(z, (z[:, 0] > 0).long())
    if value is ...:
        return "not tried yet"
    if value < 0.9:
        return "not yet: one latent's sign says it all here"
    noise = torch.randint(2, (400,), generator=seeded(1))
    if function(z, noise) > 0.65:
        return "nearly: you test on what you learned from"
    return "right"


print(check_readable(readable))


# %% tags=["hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true} cellView="form" mystnb={"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
# @title Solution 3
from sklearn.linear_model import LogisticRegression


def readable(codes, labels):
    half = len(codes) // 2
    model = LogisticRegression(max_iter=1000)
    model.fit(codes[:half], labels[:half])
    return model.score(codes[half:], labels[half:])


assert check_readable(readable) == "right"
for name, z in codes.items():
    print(f"{name}: {readable(z, labels):.3f}")

# %% [markdown]
# ## Further reading
#
# [Inoue et al. (2021)](https://rc.signalprocessingsociety.org/conferences/icip-2021/spsicip21vid654)
# is the source of all of this. [Chen et al. (2020)](https://arxiv.org/abs/2002.05709) ask
# which augmentations make a representation,
# [Wang et al. (2018)](https://arxiv.org/abs/1801.09414) have the margin, and
# [Gondal et al. (2019)](https://arxiv.org/abs/1906.03292) the robot.
#
# What comes next in the book keeps to one world, and gives the model a hint that costs
# little: pairs of pictures that share some of their factors, though nobody says which
# values.

# %% tags=["remove-input"] jupyter={"source_hidden": true} cellView="form"
viz.colophon()
