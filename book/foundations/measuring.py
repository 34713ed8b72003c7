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
# # Measuring: what a score sees, and what it cannot
#
# [Open in Colab](https://colab.research.google.com/github/untangled-book/untangled/blob/main/book/foundations/measuring.ipynb)
#
# **What you will be able to do.** Write MIG and SAP yourself; say of each of
# the field's metrics what it rewards and what it is blind to; read a score
# beside what noise would have got; and say when one method is better than
# another.

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-cell"]
# Colab starts without the library: install it there, and only there.
import subprocess
import sys

if "google.colab" in sys.modules:
    source = "dlib-book @ git+https://github.com/untangled-book/untangled"
    pip = [sys.executable, "-m", "pip", "install", "-q"]
    subprocess.run([*pip, source], check=True)

# %% [markdown]
# ## The problem, as a picture
#
# An encoder turns an image into a [code](../reference/glossary.md#code), a few
# numbers, each of them a [latent](../reference/glossary.md#latent). To see
# what a metric measures we need codes of which we know everything. So this
# chapter has no encoder and no image: we write the codes of three factors down
# ourselves, a latent for each. Turn them:

# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title Imports, sizes, and three factors with their codes
import math
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from scipy import stats

from dlib import budget, metrics, recipes, viz
from dlib.viz.bend import Bending, bend
from dlib.viz.bend_widget import bend_widget

viz.use()
# Scaling will make latents "inactive" on purpose; dlib warns about each.
warnings.filterwarnings("ignore", message="no code has a standard deviation")

N = budget.choose(smoke=600, book=2_000)  # points
TENTHS = budget.choose(smoke=(0, 5, 10), book=range(11))  # of a slider
TURNS = budget.choose(smoke=(0, 30, 45, 90), book=range(0, 91, 5))  # degrees
DRAWS = budget.choose(smoke=1, book=4)  # of noise, for Figure 2
COUNTS = budget.choose((120, 600), (120, 300, 1_000, 3_000, 10_000))

VALUES = {
    "hue": ["blue", "orange", "green", "red", "pink", "sky"],
    "size": ["tiny", "small", "middle", "large", "huge"],
    "shape": ["square", "ellipse", "heart"],
}
# The hue counts as a position on a line, like the size.
KINDS = ("continuous", "continuous", "categorical")
draw = torch.Generator().manual_seed(0)
factors = torch.stack(
    [torch.randint(len(v), (N,), generator=draw) for v in VALUES.values()],
    dim=1,
)  # (N, 3)
noise = torch.randn(N, 4, generator=draw, dtype=torch.float64)
scaled = factors - factors.double().mean(0)
scaled = scaled / scaled.std(0)  # variance one, like a VAE's latents
# A fourth latent is almost silent, as a VAE's superfluous latents are.
start = torch.cat([scaled, torch.zeros(N, 1)], dim=1)  # (N, 4)
start = start + torch.tensor([0.03, 0.03, 0.03, 0.1]) * noise


def rotate(codes, t):
    """Turn the plane of z0 and z1, by up to 90 degrees."""
    c, s = math.cos(t * math.pi / 2), math.sin(t * math.pi / 2)
    turn = torch.tensor([[c, s], [-s, c]], dtype=codes.dtype)
    return torch.cat([codes[:, :2] @ turn, codes[:, 2:]], dim=1)


# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
def two_scores(codes):
    return {
        "MIG": metrics.mig(codes, factors).value,
        "SAP": metrics.sap(codes, factors, kinds=KINDS).value,
    }


turns = [rotate(start, degrees / 90) for degrees in TURNS]
turning = Bending(
    [f"{degrees}°" for degrees in TURNS],
    turns,
    [two_scores(codes) for codes in turns],
    "Turn the plane of z0 and z1.",
)
pure = torch.Generator().manual_seed(1)
bend(
    {"rotate": turning},
    factors,
    two_scores(torch.randn(start.shape, generator=pure).double()),
    values=VALUES,
    title="Turn the codes, watch two scores",
)

# %% [markdown]
# **Figure 1.** Codes of three factors under a slider that turns the first two
# latents, and two scores of disentanglement. Colour the points by hue, then by
# size.

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
upright, eighth = turning.scores[0], turning.scores[list(TURNS).index(45)]
viz.say(f"""
At every angle the codes say exactly the same: from any of them a network can
read off hue and size without an error. At 0° one latent answers for the hue,
and its colours stand in columns; at 45° you must look at two. *Disentangled*
is the word for the first picture, and a metric is an attempt to turn the
difference into a number. On the way from 0° to 45° MIG goes from
{upright["MIG"]:.2f} to {eighth["MIG"]:.2f} and SAP from {upright["SAP"]:.2f}
to {eighth["SAP"]:.2f}. At 90° both are back: hue and size have swapped
latents, and no metric cares about names.
""")
assert abs(turning.scores[-1]["MIG"] - upright["MIG"]) < 0.005
assert abs(turning.scores[-1]["SAP"] - upright["SAP"]) < 0.005

# %% [markdown]
# There are many such attempts, and they do not agree, because "one latent for
# each factor" hides at least three wishes:
#
# - each **factor** sits in one latent (completeness, compactness);
# - each **latent** holds one factor (disentanglement, modularity);
# - together they hold **everything**, in a form that is easy to read
#   (informativeness, explicitness).
#
# **You need** [Factors and data](factors_and_data.ipynb), and from
# [Autoencoders](autoencoders.ipynb) what an encoder is. Nothing is trained
# here. **It costs** about two minutes on two CPU cores at the `book` budget,
# most of it for Figure 2; seconds at `smoke`; `paper` does the same as `book`.

# %% [markdown]
# ## The idea: a gap
#
# The entropy $H(v)$ of a factor is how uncertain we are about its value, and
# the mutual information $I(z; v)$ how much of that uncertainty goes away when
# we are shown the latent $z$: between nothing and all of $H(v)$.
# [MIG](../reference/glossary.md#mig) asks each latent for its information on a
# factor, and takes the best minus the second best. It is Eq. (6) of
# [Chen et al. (2018)](https://arxiv.org/abs/1802.04942):
#
# $$
# \mathrm{MIG} = \frac1K \sum_{k=1}^{K} \frac{1}{H(v_k)}
# \Big( I(z_{(1)}; v_k) - I(z_{(2)}; v_k) \Big),
# \tag{6}
# $$
#
# where $(1)$ and $(2)$ are the two latents that know most about $v_k$, the
# $k$-th of $K$ factors. [SAP](../reference/glossary.md#sap), from section 3 of
# [Kumar et al. (2018)](https://arxiv.org/abs/1711.00848), is the same gap with
# another ruler:
#
# $$
# \mathrm{SAP} = \frac1K \sum_{k=1}^{K}
# \big( S_{(1)k} - S_{(2)k} \big),
# \tag{A}
# $$
#
# with $S_{ik}$ the $R^2$ of the straight line that predicts $v_k$ from $z_i$
# alone, if $v_k$ is continuous. For a categorical factor it is the accuracy,
# averaged over its classes, that the best thresholds on $z_i$ reach.

# %% [markdown]
# ## The idea in a dozen lines
#
# Codes are real numbers, and information is counted, so they have to be
# binned: twenty bins of equal width, from the smallest code to the largest.


# %%
def our_mig(codes, factors, bins=20):
    gaps = []
    for v in factors.T.numpy():
        entropy = information(v, v)  # I(v; v) = H(v)
        edges = [np.histogram(z, bins)[1][:-1] for z in codes.T.numpy()]
        known = sorted(
            information(np.digitize(z, e), v)
            for z, e in zip(codes.T.numpy(), edges, strict=True)
        )
        gaps.append((known[-1] - known[-2]) / entropy)
    return np.mean(gaps)


# %%
def information(a, b):
    """Mutual information of two columns of symbols, in nats."""
    joint = pd.crosstab(a, b, normalize=True).to_numpy()
    independent = joint.sum(1, keepdims=True) * joint.sum(0)
    some = joint > 0
    ratio = joint[some] / independent[some]
    return float((joint[some] * np.log(ratio)).sum())


turned = rotate(start, 1 / 3)  # by 30 degrees
for codes in (start, turned):
    ours, library = our_mig(codes, factors), metrics.mig(codes, factors)
    assert math.isclose(ours, library.value, abs_tol=1e-9)
    print(f"MIG {ours:.4f}, as in dlib; gaps {library['gaps'].numpy()}")


# %%
def our_sap(codes, factors):
    """With a line for every factor: the reference's continuous variant."""
    both = torch.cat([codes, factors.double()], dim=1)
    squared = torch.corrcoef(both.T)[:4, 4:] ** 2  # (latents, factors)
    best = squared.sort(dim=0, descending=True).values
    return float((best[0] - best[1]).mean())


for codes in (start, turned):
    library = metrics.sap(codes, factors, variant="reference_continuous")
    assert math.isclose(our_sap(codes, factors), library.value, abs_tol=1e-9)
    print(f"SAP {library.value:.4f}, as in dlib")

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
mig_of = [metrics.mig(codes, factors) for codes in (start, turned)]
lines_of = [our_sap(codes, factors) for codes in (start, turned)]
viz.say(f"""
Thirty degrees take MIG from {mig_of[0].value:.2f} to {mig_of[1].value:.2f},
and SAP, here with $R^2$ for all three factors, from {lines_of[0]:.2f} to
{lines_of[1]:.2f}. The printed gaps show where: hue and size have lost nearly
all of theirs, the shape's is untouched. Two rulers that both measure "a gap"
need not call the same loss equally large, and neither number means much by
itself.
""")
assert (mig_of[1]["gaps"][:2] < 0.15).all()
assert math.isclose(mig_of[0]["gaps"][2], mig_of[1]["gaps"][2])

# %% [markdown]
# ## The others, each in a question
#
# | metric | what it asks | so it cannot see |
# |---|---|---|
# | [Z-diff](../reference/glossary.md#z-diff), [Higgins et al. (2017)](https://openreview.net/forum?id=Sy2fzU9gl) | Many pairs of points agree in one factor. From the mean of $\lvert z - z' \rvert$ over them, can a linear classifier tell *which* factor? | a second copy; a latent with two factors, as long as the patterns differ |
# | [FactorVAE score](../reference/glossary.md#factorvae-score), [Kim and Mnih (2018)](https://arxiv.org/abs/1802.05983) | Hold one factor. Does the latent that now varies least, for its own scale, tell which factor it was? | a second copy |
# | [IRS](../reference/glossary.md#irs), [Suter et al. (2019)](https://arxiv.org/abs/1811.00007) | While a factor is held, how far does a latent stray at worst? | whether a latent knows anything: noise strays no further than noise |
# | [modularity](../reference/glossary.md#modularity), [Ridgeway and Mozer (2018)](https://arxiv.org/abs/1802.05312) | Of what a latent knows, is all about one factor? | how much that is |
# | [explicitness](../reference/glossary.md#explicitness), [Ridgeway and Mozer (2018)](https://arxiv.org/abs/1802.05312) | Can a linear classifier on *all* latents read the factor's values? | which latents it used |
# | [DCI](../reference/glossary.md#dci), [Eastwood and Williams (2018)](https://openreview.net/forum?id=By-7dz-AZ) | A predictor per factor is trained on all latents. Is each latent important for one factor, each factor served by one latent, the prediction right? | whatever its predictor ignores |
# | [InfoMEC](../reference/glossary.md#infomec), [Hsu et al. (2023)](https://arxiv.org/abs/2305.18378) | The same three, with shares of information for importances | how much a latent knows: a trace counts like a lot |
#
# Z-diff has a choice inside it: which factors the pairs may agree in. In
# `dlib` that is `("z_diff", {"factors": ["size", "shape"]})`, and the
# [DIP-VAE chapter](../papers/dip_vae.ipynb) shows what hangs on it. Beliefs
# about blind spots are cheap, so the rest of this chapter tests them.

# %% [markdown]
# ## Every metric, beside its noise floor
#
# `metrics.evaluate` scores a trained method, `metrics.evaluate_codes`
# anybody's codes. Each score comes with its
# [noise floor](../reference/glossary.md#noise-floor): what codes of pure noise
# get under the same protocol, on the same factors.

# %%
WHICH = {
    "mig": "MIG",
    "sap": "SAP (paper)",
    "sap_discrete": "SAP (reference)",
    "factor_vae": "FactorVAE score",
    "z_diff": "Z-diff (SVM)",
    "irs": "IRS",
    "modularity": "modularity",
    "explicitness": "explicitness",
}
options = dict(which=list(WHICH), kinds=KINDS, progress=False)
report = metrics.evaluate_codes(start, factors, **options)
report.to_frame()[["value", "noise_floor"]].round(3)

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
got = {name: score.value for name, score in report.scores.items()}
floor = {name: score.noise_floor for name, score in report.scores.items()}
viz.say(f"""
These codes are as disentangled as codes get, and not every score is 1. The
reference's SAP gives them {got["sap_discrete"]:.2f}: it asks a linear
classifier to find a value in the *middle* of one latent, which no single
threshold can. The paper's ({got["sap"]:.2f}) loses a little to the shape: an
accuracy of about one third is what a latent gets that knows nothing, so a gap
between accuracies cannot be 1. Modularity is
{got["modularity"]:.2f}, because a fourth latent, almost silent as a VAE's
superfluous ones are, has a vote too, and knows nothing.

Now the noise column. Noise has nothing to say about any factor, yet gets
{floor["modularity"]:.2f} from modularity, {floor["explicitness"]:.2f} from
explicitness, {floor["irs"]:.2f} from IRS, {floor["z_diff"]:.2f} from Z-diff
and {floor["factor_vae"]:.2f} from the FactorVAE score (three factors: one
guess in three is right). Modularity rates how *one-sided* a latent's knowledge
is, and chance makes some factor the favourite. For MIG the floor is
{floor["mig"]:.3f}, for SAP {floor["sap"]:.3f}.
""")
silent = report["modularity"]["codes"]
assert (silent[:3] > 0.95).all() and silent[3] < 0.95
gaps = report["sap"]["gaps"]
assert (gaps[:2] > 0.95).all() and gaps[2] < 0.75

# %% [markdown]
# ## Bend the codes
#
# Four more ways to bend, each from 0 (nothing) to 1:


# %%
def duplicate(codes, t):
    """The last latent, silent at first, becomes a copy of z0."""
    copy = codes[:, -1:] + t * codes[:, :1]
    return torch.cat([codes[:, :-1], copy], dim=1)


def merge(codes, t):
    """z1 takes the shape in, between its own steps, and z2 falls silent."""
    # A third of the distance between two of the five sizes.
    step = (codes[:, 1].max() - codes[:, 1].min()) / 12
    bent = codes.clone()
    bent[:, 1] += t * step * (factors[:, 2] - 1)
    bent[:, 2] = (1 - t) * codes[:, 2] + 0.1 * t * noise[:, 2]
    return bent


# %%
def rescale(codes, t):
    """All codes times one number, down to a hundredth."""
    return codes * 10 ** (-2 * t)


def add_noise(codes, t):
    """More and more noise in every latent; the silent one grows loud."""
    again = torch.Generator().manual_seed(2)
    fresh = torch.randn(codes.shape, generator=again).to(codes)
    return math.sqrt(1 - t * t) * codes + t * fresh


# %% [markdown]
# All metrics are computed for every position of the slider. DCI and InfoMEC
# join in with two bars each: is every latent about one factor, and is every
# factor in one latent?


# %%
def every_score(codes):
    report = metrics.evaluate_codes(
        codes, factors, **options, noise_floor=False
    )
    scores = {WHICH[k]: s.value for k, s in report.scores.items()}
    trees = metrics.dci(codes, factors, predictor="forest")
    info = metrics.infomec(codes, factors)
    scores["DCI, latents (forest)"] = trees["disentanglement"]
    scores["DCI, factors (forest)"] = trees["completeness"]
    scores["InfoM (latents)"] = info["modularity"]
    scores["InfoC (factors)"] = info["compactness"]
    return scores


# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
BENDINGS = {
    "rotate": (rotate, (0, 1), lambda t: f"{90 * t:.0f}°"),
    "duplicate": (duplicate, (0, 3), lambda t: f"z3 + {t:.1f} z0"),
    "merge": (merge, (1, 2), lambda t: f"{100 * t:.0f}%"),
    "rescale": (rescale, (0, 1), lambda t: f"× {10 ** (-2 * t):.2g}"),
    "add noise": (add_noise, (0, 1), lambda t: f"{100 * t * t:.0f}% noise"),
}
bendings = {}
for name, (function, axes, label) in BENDINGS.items():
    codes = [function(start, i / 10) for i in TENTHS]
    labels, note = [label(i / 10) for i in TENTHS], function.__doc__
    scores = [every_score(c) for c in codes]
    bendings[name] = Bending(labels, codes, scores, note, axes)
many = torch.Generator().manual_seed(1)
draws = [
    every_score(torch.randn(start.shape, generator=many).double())
    for _ in range(DRAWS)
]
floors = {m: float(np.mean([d[m] for d in draws])) for m in draws[0]}
bend(bendings, factors, floors, values=VALUES)

# %% [markdown]
# **Figure 2.** Five ways to bend codes, and what twelve scores make of each.
#
# Choose a bending, move the slider, and watch which bars leave their pale
# shadow, where they started, and which touch the orange tick, what noise gets.
# Your browser only looks the scores up: the cells above computed them.

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
SHORT = WHICH | {
    "dci_d": "DCI, latents (forest)",
    "dci_c": "DCI, factors (forest)",
    "info_m": "InfoM (latents)",
    "info_c": "InfoC (factors)",
}


def ride(name):
    """Scores of a bending: by the short name, at so many tenths."""
    scores, places = bendings[name].scores, list(TENTHS)
    return lambda metric, tenth: scores[places.index(tenth)][SHORT[metric]]


r, d, m, s, n = map(ride, bendings)
rotated, merged = bendings["rotate"], bendings["merge"]
dip = int(np.argmin([scores["MIG"] for scores in merged.scores]))
of_shape = [
    metrics.sap(merge(start, t), factors, kinds=KINDS)["gaps"][2]
    for t in (0, 1)
]
info_m = [scores["InfoM (latents)"] for scores in draws]
# What the sentences below say of whole rides.
if budget.current() == "book":
    assert merged.labels[dip] == "70%"
    assert metrics.mig(merged.codes[dip], factors)["gaps"][2] < 0.15  # shape
    for metric in ("sap", "dci_d", "dci_c"):
        falling = [r(metric, t) for t in range(6)]
        assert falling == sorted(falling, reverse=True)
    for metric in ("z_diff", "factor_vae"):
        assert all(r(metric, t) > 0.99 for t in range(11) if t != 5)
        assert n(metric, 5) > 0.99 and r(metric, 5) < 0.7
    for metric in set(SHORT) - {"sap", "sap_discrete", "factor_vae"}:
        assert all(abs(s(metric, t) - s(metric, 0)) < 0.01 for t in TENTHS)
    for metric in SHORT:
        assert abs(r(metric, 10) - r(metric, 0)) < 0.01
        if metric not in ("modularity", "info_m", "info_c"):
            assert abs(n(metric, 10) - floors[SHORT[metric]]) < 0.05
        assert abs(n(metric, 10) - floors[SHORT[metric]]) < 0.1
    assert m("info_c", 10) > 0.98 and m("dci_c", 10) > 0.98

viz.say(f"""
**Rotate.** MIG drops at once, to {rotated.scores[1]["MIG"]:.2f} at
{rotated.labels[1]}; the paper's SAP and DCI lose theirs step by step.
Explicitness does not move ({r("explicitness", 5):.2f} at 45°): a linear
classifier turns the codes back by itself. Z-diff and the FactorVAE score do
not move either, except at 45°, where the two latents become interchangeable
and they fall to {r("z_diff", 5):.2f} and {r("factor_vae", 5):.2f}.

**Duplicate.** A second copy of the hue costs MIG ({d("mig", 10):.2f}) and SAP
({d("sap", 10):.2f}), which ask for *one* latent a factor. Modularity *rises*,
to {d("modularity", 10):.2f}: the silent latent has learnt something, and only
one thing. InfoM ({d("info_m", 10):.2f}) and the FactorVAE score
({d("factor_vae", 10):.2f}) have nothing against a copy. InfoC, which asks
about factors, is down to {d("info_c", 5):.2f} half-way; DCI's completeness
still has {d("dci_c", 5):.2f} there and {d("dci_c", 10):.2f} at the end,
because trees use whichever copy is less noisy.

**Merge.** At the right end z1 holds size *and* shape, in fifteen separate
steps, and z2 holds nothing. MIG dips, to {merged.scores[dip]["MIG"]:.2f} at
{merged.labels[dip]}, where z1 knows the shape nearly as well as z2 does; then
it says {m("mig", 10):.2f}: each factor has one latent that knows it best, and
MIG never asks whether that is the *same* latent. The authors of SAP warn of
this themselves: a high score "does not rule out one latent dimension capturing
two or more generative factors well". Z-diff ({m("z_diff", 10):.2f}) doesn't
notice either, and the FactorVAE score ({m("factor_vae", 10):.2f}) minds a
little. What asks about latents stays down: DCI's first bar at
{m("dci_d", 10):.2f}, modularity at {m("modularity", 10):.2f}, InfoM at
{m("info_m", 10):.2f}. So does SAP (the paper's from {m("sap", 0):.2f} to
{m("sap", 10):.2f}, the reference's from {m("sap_discrete", 0):.2f} to
{m("sap_discrete", 10):.2f}), but not because a latent is shared: fifteen steps
are too many for its thresholds, and the shape's own gap in the paper's SAP
falls from {of_shape[0]:.2f} to {of_shape[1]:.2f}.

**Rescale.** A unit of measurement should not matter, and for most it does not.
The reference's SAP wanders from {s("sap_discrete", 0):.2f} to
{s("sap_discrete", 10):.2f}: its classifier is regularised, and small codes
cannot push against that. The FactorVAE score and the paper's SAP fall to
{s("factor_vae", 10):.2f} when all latents are taken for silent ones (a
standard deviation under .05). Z-diff's classifier is regularised too, but
stays at {s("z_diff", 10):.2f}: small weights tell three patterns this
different apart.

**Add noise.** With a quarter of the variance noise, MIG is down to
{n("mig", 5):.2f}, while modularity has {n("modularity", 5):.2f} and Z-diff and
the FactorVAE score still {n("z_diff", 5):.2f} and {n("factor_vae", 5):.2f}:
these two average over 64 points before they look. IRS, which asks for the
worst case, has {n("irs", 5):.2f}. At the right end the codes *are* noise, and
most bars arrive at their ticks. Modularity ({n("modularity", 10):.2f}), InfoM
({n("info_m", 10):.2f}) and InfoC ({n("info_c", 10):.2f}) come near theirs by
luck: they are ratios of quantities near nothing, and the {len(draws)} draws of
noise behind InfoM's tick got from {min(info_m):.2f} to {max(info_m):.2f}.
""")

# %% [markdown]
# ### Your own codes
#
# Put codes of yours where ours are, a row a point, with the factors of the
# same points. Each time the slider rests, the scores are computed anew. (On
# the built page, Figure 2 has to do.)

# %%
my_codes, my_factors = start, factors  # (n, d) and (n, k): yours here


def my_scores(codes):
    which = ["mig", "sap", "modularity", "explicitness"]
    report = metrics.evaluate_codes(
        codes, my_factors, which=which, noise_floor=False, progress=False
    )
    return {name: score.value for name, score in report.scores.items()}


mine = {"rotate": rotate, "copy": duplicate, "noise": add_noise}
bend_widget(mine, my_scores, my_codes)

# %% [markdown]
# ## What each is blind to
#
# In short: the *largest* loss along each slider, as a share of the way from
# the start down to the noise floor.


# %%
def lost(metric, bending):
    """The largest loss on a slider: 1 is all the way down to the floor."""
    scores = [position[metric] for position in bending.scores]
    room = scores[0] - floors[metric]
    return min(1, (scores[0] - min(scores)) / room)


# %% cellView="form" jupyter={"source_hidden": true} mystnb={"image": {"alt": "Matrix of twelve metrics (rows) and five bendings (columns) with the share of the score that is lost at worst, 0 to 1. Most rows have one to three cells near zero; under added noise most are near one."}} tags=["hide-input"]
table = np.array([[lost(m, b) for b in bendings.values()] for m in floors])
figure, axes = plt.subplots(figsize=(6.4, 4.4))
axes.imshow(table, vmin=0, vmax=1, aspect="auto")
for (row, column), value in np.ndenumerate(table):
    ink = "black" if value > 0.55 else "white"
    axes.text(column, row, f"{value:.2f}", ha="center", va="center", color=ink)
axes.set_xticks(range(len(bendings)), bendings)
axes.set_yticks(range(len(floors)), floors)
_ = axes.tick_params(length=0)

# %% [markdown]
# **Figure 3.** The largest loss of each metric under each bending: 0 is blind,
# 1 is all the way down to what noise gets.

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
lost_by = {
    name: {key: table[row, column] for row, key in enumerate(SHORT)}
    for column, name in enumerate(bendings)
}
assert list(SHORT.values()) == list(floors)
by_merge = lost_by["merge"]
if budget.current() == "book":
    minds = {k for k, loss in lost_by["rescale"].items() if loss > 0.02}
    assert minds == {"sap", "sap_discrete", "factor_vae"}
    unmoved = {k for k, loss in lost_by["rotate"].items() if loss < 0.3}
    assert unmoved == {"explicitness"}
    sees = {k for k, loss in lost_by["duplicate"].items() if loss > 0.02}
    assert sees == {"mig", "sap", "sap_discrete", "dci_c", "info_c"}
    order = sorted(by_merge, key=by_merge.get, reverse=True)[:4]
    assert order == ["modularity", "sap_discrete", "info_m", "dci_d"]
    assert (table.min(axis=1) < 0.3).all()  # no row is bright throughout
viz.say(f"""
A dark cell is a blind spot. Read it by columns. *Rescale* is minded by three
metrics, all with an absolute constant in their protocol. *Duplicate* is caught
by what asks about factors: the gaps and the second bars. *Merge* costs
modularity {by_merge["modularity"]:.2f}, the reference's SAP
{by_merge["sap_discrete"]:.2f}, InfoM {by_merge["info_m"]:.2f} and DCI's first
bar {by_merge["dci_d"]:.2f}. SAP loses more than DCI here, but to a shape that
it can't read; MIG's {by_merge["mig"]:.2f} and InfoC's {by_merge["info_c"]:.2f}
are a dip on the way. *Rotate* is seen by all but explicitness, though Z-diff
and the FactorVAE score see it at a single angle. No row is bright throughout:
a claim of disentanglement needs at least two metrics, one for latents and one
for factors, each with its noise floor.
""")

# %% [markdown]
# ## Break it: same codes, another number
#
# So far one protocol was held and the codes were bent. Now hold the codes and
# bend the protocol. DCI asks a predictor which latents it used, and leaves
# open which predictor.

# %%
blurred = add_noise(start, 0.5)
predictors = {
    "boosted trees": dict(),
    "forest": dict(predictor="forest"),
    "forest, depth 4": dict(predictor="forest", max_depth=4),
    "forest, depth 2": dict(predictor="forest", max_depth=2),
}
parts = ["disentanglement", "completeness"]
parts += ["informativeness_train", "informativeness_test"]
rows = {}
for name, protocol in predictors.items():
    score = metrics.dci(blurred, factors, **protocol)
    rows[name] = {part: float(score[part]) for part in parts}
short = ["disentanglement", "completeness", "I, train", "I, test"]
pd.DataFrame(rows, parts).T.set_axis(short, axis=1).style.format("{:.2f}")

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
spread = [row["disentanglement"] for row in rows.values()]
deep, shallow = rows["forest"], rows["forest, depth 4"]
viz.say(f"""
One set of codes, and a disentanglement from {min(spread):.2f} to
{max(spread):.2f}. Trees that grow until they fit every point (an $R^2$ of
{deep["informativeness_train"]:.2f} on the points they were fitted on,
{deep["informativeness_test"]:.2f} on others) end up splitting on noise, in
latents that have nothing to do with the factor, and each such split counts as
importance. Boosting does the same; shallow trees stop before that.
(Informativeness, I, is an accuracy in the first row and an $R^2$ in the
others, so it cannot be compared either.) A DCI without its predictor, its
depth and its number of points is not a number to put beside another.

The number of points is such a knob for noise floors, too:
""")
if budget.current() == "book":
    overfit = [row[parts[2]] - row[parts[3]] for row in (deep, shallow)]
    assert overfit[0] > 3 * overfit[1]
    assert spread == sorted(spread) and spread[1] < 0.7 < 0.9 < spread[2]

# %% mystnb={"image": {"alt": "Noise floor of MIG, IRS and modularity against the number of points, on a logarithmic axis: MIG falls to zero, modularity stays near .57 and IRS between .25 and .4."}}
figure, axes = plt.subplots(figsize=(5.6, 3.0))
floor_of = {}
for name in ("MIG", "IRS", "modularity"):
    metric = getattr(metrics, name.lower())
    some = [torch.randint(N, (n,), generator=draw) for n in COUNTS]
    floor_of[name] = [
        metrics.noise_floor(metric, noise[rows], factors[rows], repeats=5)
        for rows in some
    ]
    axes.plot(COUNTS, floor_of[name], "o-", label=name)
axes.set(xscale="log", xlabel="points", ylabel="noise floor", ylim=(0, 1))
_ = axes.legend()

# %% [markdown]
# **Figure 4.** What noise gets from three metrics, by the number of points:
# means of five draws.

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
viz.say(f"""
The floor of MIG is {floor_of["MIG"][0]:.3f} with {COUNTS[0]} points and falls
to {floor_of["MIG"][-1]:.4f}, as counting noise does. Modularity's stays,
between {min(floor_of["modularity"]):.2f} and
{max(floor_of["modularity"]):.2f}: it compares counting noise with counting
noise, and their ratio doesn't care how small both are. IRS stays between
{min(floor_of["IRS"]):.2f} and {max(floor_of["IRS"]):.2f} for another reason:
noise seldom strays as far within one value of a factor as its single farthest
point does overall. Whoever scores a few hundred points should look at the
floor before the score.
""")
if budget.current() == "book":
    assert sorted(floor_of["MIG"], reverse=True) == floor_of["MIG"]
    assert np.ptp(floor_of["modularity"]) < 0.1 and min(floor_of["IRS"]) > 0.2

# %% [markdown]
# ## How sure is a score?
#
# Draw the same number of points from the ones there are, with replacement,
# and score again; a hundred times over. The middle 95% of those scores say how
# much of a number is owed to the points that happened to be drawn.

# %%
sure = metrics.bootstrap(metrics.mig, blurred, factors, seed=0)
few = metrics.bootstrap(metrics.mig, blurred[:200], factors[:200], seed=0)
print("all points:", sure)
print("200 points:", few)

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
top = [
    metrics.mig(blurred[:k], factors[:k])["information"].topk(2, dim=0).values
    for k in (N, 200)
]  # (2, factors): the best and the runner-up
if budget.current() == "book":
    assert few.high < few.value < sure.low <= sure.value <= sure.high
    assert (top[1][1] - top[0][1] > top[1][0] - top[0][0]).all()
viz.say(f"""
With all points MIG is {sure.value:.2f}, and other draws would have put it
between {sure.low:.2f} and {sure.high:.2f}. With 200 of them it is
{few.value:.2f}, and the interval, from {few.low:.2f} to {few.high:.2f}, lies
below. An interval that misses its own score is a warning. Counted over few
points every latent looks informed, the runner-up more than the best, so gaps
shrink; and a sample drawn with replacement has fewer different points still,
some 63%. Two hundred are too few for MIG with twenty bins. And how far another
seed would have moved a trained model, only another training can tell.
""")

# %% [markdown]
# ## When is one method better than another?
#
# A training starts from random weights, and with another
# [seed](../reference/glossary.md#seed) it ends elsewhere. So train each method
# with several seeds, and ask of the two samples of scores whether their
# *means* differ by more than seeds make them differ. With $n_a$ scores of mean
# $\bar a$ and variance $s_a^2$, and $n_b$ of the other, Welch's interval for
# the difference is
#
# $$
# \bar a - \bar b \pm t_{.975,\,\nu}
#     \sqrt{\frac{s_a^2}{n_a} + \frac{s_b^2}{n_b}} ,
# \tag{B}
# $$
#
# where $t$ is Student's quantile for $\nu$ degrees of freedom, of which a few
# noisy seeds leave few. The claim that the first is higher gets one of three
# [verdicts](../reference/glossary.md#verdict): it has **held** if the interval
# lies above zero whole, **did not hold** if it lies below, and is **too close
# to call** if it lies across. With one seed a side there is no variance to go
# by, and every claim is too close to call.


# %%
def verdict(a, b):
    """Whether the mean of a is higher than the mean of b."""
    a, b = np.array(a), np.array(b)
    parts = [x.var(ddof=1) / len(x) for x in (a, b)]
    below = [p**2 / (len(x) - 1) for p, x in zip(parts, (a, b))]
    nu = sum(parts) ** 2 / sum(below)
    reach = stats.t.ppf(0.975, nu) * sum(parts) ** 0.5
    gap = a.mean() - b.mean()
    if abs(gap) < reach:
        return "too close to call"
    return "held" if gap > 0 else "did not hold"


# %% [markdown]
# Let five draws of 120 points stand in for five trainings, and noise for the
# methods: is MIG higher where noise has a weight of .5 than where it has .51,
# or 1 (nothing but noise), or .25?


# %%
def five_scores(width):
    codes, scores = add_noise(start, width), []
    for seed in range(5):
        generator = torch.Generator().manual_seed(seed)
        rows = torch.randperm(N, generator=generator)[:120]
        scores.append(float(metrics.mig(codes[rows], factors[rows])))
    return scores


usual, decided = five_scores(0.5), {}
for width in (0.51, 1.0, 0.25):
    other = five_scores(width)
    found = recipes.compare(usual, other)
    assert found.word == verdict(usual, other)
    decided[width] = found.word
    print(f"noise .5 above noise {width}: {found}")

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
assert list(decided.values()) == ["too close to call", "held", "did not hold"]
viz.say(f"""
In brackets: in how many of the seeds, taken by themselves, the claim holds.
Between .5 and .51 there is a difference, but five draws of 120 points can't
show it; between .5 and 1 they can. The third claim is false, and the seeds say
so. Every claim of a paper in this book is decided like this; where a claim has
several parts, all must hold. Claims about curves, score against error, are
decided at matched error: on the range of errors that both methods reach with
every seed.

The tables of the paper chapters print the *median* over seeds, which one lucky
seed can't move, and the *range*, lowest to highest, which shows that seed:
here {np.median(usual):.3f}, {min(usual):.3f} to {max(usual):.3f}. Neither
decides a claim: with more seeds a range can only widen, while the interval
tends to narrow.
""")

# %% [markdown]
# ## Protocols
#
# What `dlib` does by default. Perfect codes get 1, a little less from SAP of
# classes and from explicitness. *R* marks a constant of disentanglement_lib,
# the reference implementation
# ([Locatello et al. (2019)](https://arxiv.org/abs/1811.12359)); *P* one of the
# paper that proposed the metric; two numbers are points to fit on and to test
# on. *Useless* is what noise gets with K factors.
#
# | metric | points | bins, predictor | useless | variants |
# |---|---|---|---|---|
# | MIG | 10,000 (R) | 20 bins a code, factors as they are (R) | 0 | P integrates over $q(z \mid x)$; binned means are R's |
# | SAP | all given; P: the test set | $R^2$ of a line, thresholds for classes (P) | 0 | `sap_continuous`: $R^2$ for all (R); `sap_discrete`: linear SVM, C = .01, 10,000/5,000 (R); `sap_logistic`: logistic regression on 5,000 test points, chunks as wholes; `classes="all"`: for every factor |
# | Z-diff | 10,000/5,000, 64 pairs each | linear SVM, C = .01, as [Kumar et al. (2018)](https://arxiv.org/abs/1711.00848) | 1/K | logistic regression: R and [Higgins et al. (2017)](https://openreview.net/forum?id=Sy2fzU9gl) |
# | FactorVAE score | 10,000/5,000 votes of 64 (R) | majority vote; drops latents of deviation under .05 (R) | 1/K | P drops latents whose KL is near 0 |
# | DCI | 10,000/5,000 (R) | boosted trees (R) | 0 | `dci_forest`, depths as stated: [Eastwood and Williams (2018)](https://openreview.net/forum?id=By-7dz-AZ) |
# | IRS | 10,000 (R) | 20 bins a factor, .99 quantile (R) | far from 0 | P: the maximum, `quantile=1.0` |
# | modularity | 10,000 (R) | 20 bins a code (R) | far from 0 | none |
# | explicitness | 10,000/5,000 (R) | logistic regression, area under the curve | .5 | P rescales to 0 by 2 AUC − 1 |
# | InfoMEC | all given (P) | 10 nearest neighbours; logistic regression | InfoM, InfoC: not 0; InfoE: 0 | `discrete_codes` counts instead |

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
viz.say(f"""
Here we took {N:,} points; where a metric fits, two thirds of them to fit on
and the others to test on. No point is in both. Codes are always the
posterior's *means*: a sample adds noise, and you saw what that does.

What each metric takes, and which options change its protocol, `dlib` keeps in
one table. An option stands beside the name, as in
`which=["dci", ("dci_forest", {{"max_depth": [4, 2, 2]}})]`, and then in the
score's name.
""")

# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
about = {
    m.name: {
        "lowest, highest": "{:g}, {:g}".format(*m.bounds),
        "real-valued factors": "no" if m.discrete else "yes",
        "gaps": "yes" if m.gaps else "no",
        "codes": "chunks" if m.chunks else "columns",
        "options": ", ".join(m.options),
    }
    for m in metrics.METRICS.values()
    if m.takes_factors
}
pd.DataFrame(about).T.style

# %% [markdown]
# ## What held
#
# What this chapter was to show, asked of its numbers:


# %%
def moved(bending, metric):
    """From the slider's left end to its right end."""
    scores = bendings[bending].scores
    return scores[-1][metric] - scores[0][metric]


# %%
trees, vote = "DCI, latents (forest)", "FactorVAE score"
claims = {
    "noise gets over .5 from modularity": floors["modularity"] > 0.5,
    "noise gets under .02 from MIG": floors["MIG"] < 0.02,
    "scaling moves SAP": moved("rescale", "SAP (reference)") < -0.1,
    "scaling moves the FactorVAE score": moved("rescale", vote) < -0.1,
    "scaling leaves MIG alone": abs(moved("rescale", "MIG")) < 0.01,
    "MIG comes back from merging": abs(moved("merge", "MIG")) < 0.02,
    "merging costs DCI's latents": moved("merge", trees) < -0.3,
    "a copy leaves the FactorVAE score": abs(moved("duplicate", vote)) < 0.01,
    "the predictor moves DCI by over .3": max(spread) - min(spread) > 0.3,
}
held = {c: "held" if yes else "did not hold" for c, yes in claims.items()}
pd.DataFrame({"on these codes": held})

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
sizes = (3, 6, 40, 32, 32)  # dSprites': shape, scale, orientation, x, y
sprites = [torch.randint(size, (N,), generator=draw) for size in sizes]
of_sprites = metrics.noise_floor(
    metrics.modularity,
    torch.randn(N, 10, generator=draw),
    torch.stack(sprites, dim=1),
)
viz.say(f"""
{sum(claims.values())} of {len(claims)} held, on three factors, four latents
and codes made by hand. Trained codes bend in several ways at once, and floors
lie elsewhere for other factors: with dSprites' five, of 3 to 40 values, and
ten latents, noise gets a modularity of {of_sprites:.2f}. That is why a score
in `dlib` brings its own.
""")

# %% [markdown]
# ## Takeaways
#
# - *Disentangled* is three wishes. Name the one that a score answers.
# - MIG and SAP are gaps: each factor in one latent. Neither asks whether a
#   latent has a second factor; DCI's first number, modularity and InfoM do.
# - A score means little without what noise gets under the same protocol.
# - Predictor, depth, bins, number of points and list of factors belong to the
#   number. Two numbers under two protocols are not a comparison.
# - One seed decides nothing: several, and an interval.

# %% [markdown]
# ## Exercises
#
# **1. Implement MIG.** From a blank page, and without a loop over pairs: a
# product of two one-hot matrices counts every bin of every latent against
# every value of a factor at once. The checker has codes of its own.
# (Pasting `our_mig` would please it, and teach you nothing.)


# %%
def your_mig(codes, factors, bins=20):
    return math.nan  # yours here


# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title The checker
def check_mig(function):
    """Says what is missing, as far as it can tell."""

    def near(number, wanted):
        return math.isclose(number, wanted, abs_tol=1e-6)

    bent = merge(rotate(start, 0.2), 0.7)
    want, got = metrics.mig(bent, factors), float(function(bent, factors))
    down = want["information"].topk(2, dim=0).values
    across = want["information"].topk(2, dim=1).values
    if math.isnan(got):
        return "nothing yet"
    if near(got, float((down[0] - down[1]).mean())):
        return "nearly: the gaps have a unit, nats, that MIG has not"
    if near(got, float((across[:, 0] - across[:, 1]).mean())):
        return "nearly: best and second best of what?"
    if not near(got, want.value):
        return "not yet: another number than MIG"
    eight = metrics.mig(bent, factors, bins=8)
    if not near(function(bent, factors, 8), eight):
        return "nearly: with 8 bins it should be another number"
    return "right"


print(check_mig(your_mig))


# %% cellView="form" jupyter={"outputs_hidden": true, "source_hidden": true} mystnb={"code_prompt_hide": "Hide the solution", "code_prompt_show": "Show the solution"} tags=["hide-cell"]
# @title Solution 1
def solved_mig(codes, factors, bins=20):
    low, high = codes.min(0).values, codes.max(0).values
    place = ((codes - low) / (high - low) * bins).long().clamp(max=bins - 1)
    hot = torch.nn.functional.one_hot(place, bins).double()  # (n, d, bins)
    gaps = []
    for v in factors.T:
        values = torch.nn.functional.one_hot(v).double()  # (n, values)
        joint = torch.einsum("ndb,nv->dbv", hot, values) / len(v)
        margins = joint.sum(2, keepdim=True) * joint.sum(1, keepdim=True)
        known = torch.xlogy(joint, joint / margins.clamp_min(1e-300))
        best = known.sum((1, 2)).topk(2).values
        p = values.mean(0)
        gaps.append((best[0] - best[1]) / -torch.xlogy(p, p).sum())
    return float(torch.stack(gaps).mean())


assert check_mig(solved_mig) == "right"
print(check_mig(solved_mig))

# %% [markdown]
# **2. Cheat.** Make codes with a FactorVAE score of at least .99 and a MIG
# below .05. Nothing need be lost from them. Would you call the result
# disentangled?


# %%
def cheat(codes):
    return codes  # yours here


# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title The checker
def check_cheat(function):
    bent = function(start)
    if metrics.factor_vae(bent, factors).value < 0.99:
        return "not yet: the FactorVAE score is below .99"
    if metrics.mig(bent, factors).value >= 0.05:
        return "not yet: MIG is .05 or more"
    return "right"


print(check_cheat(cheat))


# %% cellView="form" jupyter={"outputs_hidden": true, "source_hidden": true} mystnb={"code_prompt_hide": "Hide the solution", "code_prompt_show": "Show the solution"} tags=["hide-cell"]
# @title Solution 2
def solved_cheat(codes):
    return torch.cat([codes, codes], dim=1)


assert check_cheat(solved_cheat) == "right"
assert check_cheat(cheat) != "right"
before, after = (
    metrics.modularity(codes, factors).value
    for codes in (start, solved_cheat(start))
)
assert math.isclose(before, after)
viz.say(f"""
Every latent twice. Each factor's best latent has a twin, so every gap is 0;
the vote finds *a* latent that varies least, and any twin will do. Whether
these codes are disentangled depends on which of the three wishes you have:
modularity is {after:.2f}, as before.
""")

# %% [markdown]
# **3. A score without a unit.** Write `fair_factor_vae(codes, factors)`, which
# gives `start` and `rescale(start, 1)` the same FactorVAE score. What does
# your version do with the silent latent, and why may the constant .05 have
# been put there?


# %%
def fair_factor_vae(codes, factors):
    return metrics.factor_vae(codes, factors)  # yours here


# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title The checker
def check_fair(function):
    small = float(function(rescale(start, 1), factors))
    score = float(function(start, factors))
    if not math.isclose(score, small, abs_tol=0.01):
        return "not yet: the unit still matters"
    return "right" if score >= 0.99 else "not yet: these codes deserve a 1"


print(check_fair(fair_factor_vae))


# %% cellView="form" jupyter={"outputs_hidden": true, "source_hidden": true} mystnb={"code_prompt_hide": "Hide the solution", "code_prompt_show": "Show the solution"} tags=["hide-cell"]
# @title Solution 3
def solved_fair(codes, factors):
    largest = codes.std(0).max()
    return metrics.factor_vae(codes / largest, factors)


assert check_fair(solved_fair) == "right"
assert check_fair(fair_factor_vae) != "right"
viz.say("""
One unit for all latents, that of the loudest. Dividing each latent by its
*own* deviation would be free of units too, but gives a silent latent a voice
as loud as the others': rounding errors would vote. The constant keeps those
out, and it suits VAEs, whose prior sets the unit.
""")

# %% [markdown]
# ## Further reading
#
# [Locatello et al. (2019)](https://arxiv.org/abs/1811.12359) compared the
# metrics over thousands of models;
# [Ridgeway and Mozer (2018)](https://arxiv.org/abs/1802.05312) and
# [Eastwood and Williams (2018)](https://openreview.net/forum?id=By-7dz-AZ)
# separated the three wishes, and
# [Hsu et al. (2023)](https://arxiv.org/abs/2305.18378) measure all three with
# one ruler.
#
# **Next:** [DIP-VAE](../papers/dip_vae.ipynb). The paper that proposed SAP
# also proposed two losses, which pull the covariance of the codes towards the
# identity. You now have the scores to ask what that buys, and the verdicts to
# say how surely.

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
viz.colophon()
