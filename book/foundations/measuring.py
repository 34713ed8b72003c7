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
# beside what noise would have got; and recognise a comparison of two numbers
# that were measured in two ways.
#
# **You need** [Factors and data](factors_and_data.ipynb), and from
# [Autoencoders](autoencoders.ipynb) what an encoder is. Nothing is trained
# here.
#
# **Cost.** At the `book` budget one to two minutes on two CPU cores, most of
# it for the figure that you can bend. At `smoke`, seconds; `paper` does the
# same as `book`.

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
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch

from dlib import budget, metrics, viz
from dlib.viz.bend import Bending, bend

viz.use()
print("budget:", budget.current())

# %% [markdown]
# ## The problem, as a picture
#
# An encoder turns an image into a few numbers, its *code*; each of the numbers
# is a *latent*. To see what a metric measures we need codes of which we know
# everything. So there is no encoder in this chapter and no image. There are
# three factors, and we write the codes down ourselves: a latent for each
# factor, and a fourth that is almost silent, as a VAE's superfluous latents
# are. The hue counts as a position on a line, like the size; the shape is a
# choice among three.

# %%
VALUES = {
    "hue": ["blue", "orange", "green", "red", "pink", "sky"],
    "size": ["tiny", "small", "middle", "large", "huge"],
    "shape": ["square", "ellipse", "heart"],
}
KINDS = ("continuous", "continuous", "categorical")
N = budget.choose(smoke=600, book=2_000)
draw = torch.Generator().manual_seed(0)
factors = torch.stack(
    [torch.randint(len(v), (N,), generator=draw) for v in VALUES.values()],
    dim=1,
)  # (N, 3)

# %%
noise = torch.randn(N, 4, generator=draw, dtype=torch.float64)
scaled = factors - factors.double().mean(0)
scaled = scaled / scaled.std(0)  # variance one, like a VAE's latents
start = torch.cat([scaled, torch.zeros(N, 1)], dim=1)  # (N, 4)
start = start + torch.tensor([0.03, 0.03, 0.03, 0.1]) * noise


# %%
def rotate(codes, t):
    """Turn the plane of z0 and z1, by up to 90 degrees."""
    c, s = math.cos(t * math.pi / 2), math.sin(t * math.pi / 2)
    turn = torch.tensor([[c, s], [-s, c]], dtype=codes.dtype)
    return torch.cat([codes[:, :2] @ turn, codes[:, 2:]], dim=1)


# %% mystnb={"image": {"alt": "Two scatter plots of z0 and z1, coloured by hue. On the left an upright grid in which each column has one colour; on the right the same grid turned by 30 degrees."}}
figure, both = plt.subplots(1, 2, figsize=(7, 3.3), sharey=True)
shown = {"as it was made": start, "turned by 30°": rotate(start, 1 / 3)}
for axes, (title, codes) in zip(both, shown.items(), strict=True):
    for value, colour in enumerate(viz.COLOURS):
        x, y = codes[factors[:, 0] == value][:60, :2].T
        axes.scatter(x, y, s=9, color=colour, label=VALUES["hue"][value])
    axes.set(title=title, xlabel="z0", aspect="equal")
both[0].set_ylabel("z1")
_ = both[1].legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))

# %% [markdown]
# Both sets of codes say exactly the same: from either of them a network reads
# off hue and size without an error. On the left one latent answers for the
# hue; on the right you must look at two. *Disentangled* is the word for the
# left picture, and a metric is an attempt to turn the difference between the
# two into a number. There are about a dozen such attempts. They do not agree,
# because "one latent for each factor" hides at least three wishes:
#
# - each **factor** sits in one latent (completeness, compactness);
# - each **latent** holds one factor (disentanglement, modularity);
# - together they hold **everything**, in a form that is easy to read
#   (informativeness, explicitness).

# %% [markdown]
# ## The idea: a gap
#
# The entropy $H(v)$ of a factor is how uncertain we are about its value, and
# the mutual information $I(z; v)$ how much of that uncertainty goes away when
# we are shown the latent $z$: between nothing and all of $H(v)$. MIG
# {cite:p}`chen2018` asks each latent for its information on a factor, and
# takes the best minus the second best (its Eq. 6):
#
# ```{math}
# :label: measuring-mig
# \mathrm{MIG} = \frac1K \sum_{k=1}^{K} \frac{1}{H(v_k)}
# \Big( I(z_{(1)}; v_k) - I(z_{(2)}; v_k) \Big),
# ```
#
# where $(1)$ and $(2)$ are the two latents that know most about $v_k$, the
# $k$-th of $K$ factors. SAP, from section 3 of
# {cite:t}`kumar2018`, is the same gap with another ruler:
#
# ```{math}
# :label: measuring-sap
# \mathrm{SAP} = \frac1K \sum_{k=1}^{K}
# \big( S_{(1)k} - S_{(2)k} \big),
# ```
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


turned = rotate(start, 1 / 3)
for codes in (start, turned):
    ours, library = our_mig(codes, factors), metrics.mig(codes, factors)
    assert math.isclose(ours, library.value, abs_tol=1e-9)
    print(f"MIG {ours:.4f}, as in dlib; gaps {library['gaps']}")


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

# %% tags=["remove-input"]
for key, codes in {"start": start, "turned": turned}.items():
    _ = viz.glue(f"measuring_mig_{key}", metrics.mig(codes, factors).value)
    _ = viz.glue(f"measuring_sap_{key}", our_sap(codes, factors))

# %% [markdown]
# Thirty degrees take MIG from {glue:text}`measuring_mig_start:.2f` to
# {glue:text}`measuring_mig_turned:.2f`, and SAP (here with $R^2$ for all three
# factors) from {glue:text}`measuring_sap_start:.2f` to
# {glue:text}`measuring_sap_turned:.2f`. The printed gaps show where: hue and
# size have lost nearly all of theirs, the shape's is untouched. Two rulers
# that both measure "a gap" need not call the same loss equally large, and
# neither number means much by itself.

# %% [markdown]
# ## The others, each in a question
#
# | metric | what it asks | so it cannot see |
# |---|---|---|
# | Z-diff {cite:p}`higgins2017` | Many pairs of points agree in one factor. From the mean of $\lvert z - z' \rvert$ over them, can a linear classifier tell *which* factor? | a second copy; a latent with two factors, as long as the patterns differ |
# | FactorVAE score {cite:p}`kim2018` | Hold one factor. Does the latent that now varies least, for its own scale, tell which factor it was? | a second copy |
# | IRS {cite:p}`suter2019` | While a factor is held, how far does a latent stray at worst? | whether a latent knows anything: noise strays no further than noise |
# | modularity {cite:p}`ridgeway2018` | Of what a latent knows, is all about one factor? | how much that is |
# | explicitness {cite:p}`ridgeway2018` | Can a linear classifier on *all* latents read the factor's values? | which latents it used |
# | DCI {cite:p}`eastwood2018` | A predictor per factor is trained on all latents. Is each latent important for one factor (disentanglement), each factor served by one latent (completeness), the prediction right (informativeness)? | whatever its predictor ignores |
# | InfoMEC {cite:p}`hsu2023` | The same three, with shares of information for importances | how much a latent knows: a trace counts like a lot |
#
# Beliefs about blind spots are cheap. The rest of the chapter tests them.

# %% [markdown]
# ## Every metric, beside its noise floor
#
# `metrics.evaluate` scores a trained method, `metrics.evaluate_codes`
# anybody's codes. Each score comes with its **noise floor**: what codes of
# pure noise get under the same protocol, on the same factors.

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
# Scaling will make latents "inactive" on purpose; dlib warns about each.
warnings.filterwarnings("ignore", message="no code has a standard deviation")

# %%
options = dict(which=list(WHICH), kinds=KINDS, progress=False)
report = metrics.evaluate_codes(start, factors, **options)
report.to_frame()[["value", "noise_floor"]].round(3)

# %% tags=["remove-input"]
for key, score in report.scores.items():
    _ = viz.glue(f"measuring_start_{key}", score.value)
    _ = viz.glue(f"measuring_floor_{key}", score.noise_floor)

# %% [markdown]
# These codes are as disentangled as codes get, and not every score is 1. The
# reference implementation's SAP gives them
# {glue:text}`measuring_start_sap_discrete:.2f`: it asks a linear classifier to
# find a value in the *middle* of one latent, which no single threshold can.
# The paper's ({glue:text}`measuring_start_sap:.2f`) loses a little to the
# shape: an accuracy of one third is what a latent gets that knows nothing, so
# a gap between accuracies cannot be 1. Modularity is {glue:text}`measuring_start_modularity:.2f`, because the silent
# latent has a vote, and it knows nothing.
#
# Now the noise column. Noise has nothing to say about any factor, yet gets
# {glue:text}`measuring_floor_modularity:.2f` from modularity,
# {glue:text}`measuring_floor_explicitness:.2f` from explicitness,
# {glue:text}`measuring_floor_irs:.2f` from IRS,
# {glue:text}`measuring_floor_z_diff:.2f` from Z-diff and
# {glue:text}`measuring_floor_factor_vae:.2f` from the FactorVAE score (three
# factors: one guess in three is right). That modularity is what you get for
# nothing: it rates how *one-sided* a latent's knowledge is, and chance makes
# some factor the favourite. For MIG the floor is
# {glue:text}`measuring_floor_mig:.3f`, for SAP
# {glue:text}`measuring_floor_sap:.3f`.

# %% [markdown]
# ## Bend the codes
#
# Four more ways to bend, each from 0 (nothing) to 1:


# %%
def duplicate(codes, t):
    """The silent z3 becomes a copy of z0."""
    copy = codes[:, 3:] + t * codes[:, :1]
    return torch.cat([codes[:, :3], copy], dim=1)


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
    fresh = noise.roll(1, 0)  # not the draw that is in these codes already
    return math.sqrt(1 - t * t) * codes + t * fresh


# %% [markdown]
# For every position of the slider all metrics are computed, by the same
# functions as above. DCI {cite:p}`eastwood2018` and InfoMEC
# {cite:p}`hsu2023` join in with two bars each: is every latent about one
# factor, and is every factor in one latent?


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


# %%
BENDINGS = {
    "rotate": (rotate, (0, 1), lambda t: f"{90 * t:.0f}°"),
    "duplicate": (duplicate, (0, 3), lambda t: f"z3 + {t:.1f} z0"),
    "merge": (merge, (1, 2), lambda t: f"{100 * t:.0f}%"),
    "rescale": (rescale, (0, 1), lambda t: f"× {10 ** (-2 * t):.2g}"),
    "add noise": (add_noise, (0, 1), lambda t: f"{100 * t * t:.0f}% noise"),
}
tenths = budget.choose(smoke=(0, 5, 10), book=range(11))

# %%
bendings = {}
for name, (function, axes, label) in BENDINGS.items():
    codes = [function(start, i / 10) for i in tenths]
    labels, note = [label(i / 10) for i in tenths], function.__doc__
    scores = [every_score(c) for c in codes]
    bendings[name] = Bending(labels, codes, scores, note, axes)

# %%
many = torch.Generator().manual_seed(1)
draws = [
    every_score(torch.randn(start.shape, generator=many).double())
    for _ in range(budget.choose(smoke=1, book=4))
]
floors = {m: float(np.mean([d[m] for d in draws])) for m in draws[0]}
bend(bendings, factors, floors, values=VALUES)

# %% tags=["remove-input"]
at = {t: list(tenths).index(t) for t in (0, 5, 10)}
labels_of = {
    "MIG": "mig",
    "SAP (paper)": "sap",
    "SAP (reference)": "ref",
    "FactorVAE score": "fv",
    "Z-diff (SVM)": "zd",
    "IRS": "irs",
    "modularity": "mod",
    "explicitness": "ex",
    "DCI, latents (forest)": "d",
    "DCI, factors (forest)": "c",
    "InfoM (latents)": "im",
    "InfoC (factors)": "ic",
}
for name, bending in bendings.items():
    for t, i in at.items():
        for metric, key in labels_of.items():
            place = f"measuring_{name.split()[-1]}_{t}_{key}"
            _ = viz.glue(place, bending.scores[i][metric])

# %% [markdown]
# Choose a bending, move the slider, and watch which bars leave their pale
# shadow (where they started) and which touch the orange tick (what noise
# gets). Each score in the figure was computed by the cells above with the
# library's own functions; your browser only looks them up. Five rides are
# worth taking.
#
# **Rotate.** MIG drops at the first step, SAP and DCI follow. Explicitness
# does not move ({glue:text}`measuring_rotate_0_ex:.2f` at the start,
# {glue:text}`measuring_rotate_5_ex:.2f` at 45°): the information is still
# there, and a linear classifier turns the codes back by itself. Z-diff and the FactorVAE score do not move
# either, until at 45° the two latents become interchangeable, and they fall to
# {glue:text}`measuring_rotate_5_zd:.2f` and
# {glue:text}`measuring_rotate_5_fv:.2f`. At 90° everything is back: hue and
# size have swapped latents, and no metric cares about names.
#
# **Duplicate.** A second copy of the hue costs MIG
# ({glue:text}`measuring_duplicate_10_mig:.2f`) and SAP
# ({glue:text}`measuring_duplicate_10_sap:.2f`), which ask for *one* latent a
# factor. Modularity *rises*, to {glue:text}`measuring_duplicate_10_mod:.2f`:
# the silent latent, which used to count against it, has learnt something, and
# only one thing. InfoM ({glue:text}`measuring_duplicate_10_im:.2f`) has
# nothing against a copy either, and the FactorVAE score
# ({glue:text}`measuring_duplicate_10_fv:.2f`) sees none. Of those that ask
# about factors, InfoC is down to {glue:text}`measuring_duplicate_5_ic:.2f`
# half-way; DCI's completeness still has
# {glue:text}`measuring_duplicate_5_c:.2f` there and
# {glue:text}`measuring_duplicate_10_c:.2f` at the end, because trees use
# whichever copy is less noisy and ignore the other.
#
# **Merge.** At the right end z1 holds size *and* shape, in fifteen separate
# steps, and z2 holds nothing. MIG dips half-way, to
# {glue:text}`measuring_merge_5_mig:.2f`, where z1 knows the shape already and
# z2 still does, and then says {glue:text}`measuring_merge_10_mig:.2f`: each
# factor has one latent that knows it best, and MIG never asks whether that is
# the *same* latent for both. The authors of SAP warn of this themselves: a
# high score "does not rule out one latent dimension capturing two or more
# generative factors well", though they expect it mostly where the factors
# themselves are correlated. Here they are not. Z-diff
# ({glue:text}`measuring_merge_10_zd:.2f`) doesn't notice either, and the
# FactorVAE score ({glue:text}`measuring_merge_10_fv:.2f`) minds a little. DCI's
# first bar falls to {glue:text}`measuring_merge_10_d:.2f`, modularity to
# {glue:text}`measuring_merge_10_mod:.2f` and InfoM to
# {glue:text}`measuring_merge_10_im:.2f`: those are the ones that ask.
#
# **Rescale.** A unit of measurement should not matter, and for MIG, IRS, DCI,
# InfoMEC, modularity and explicitness it does not. The reference's SAP wanders
# and goes from {glue:text}`measuring_rescale_0_ref:.2f` to
# {glue:text}`measuring_rescale_10_ref:.2f`, since its classifier is
# regularised and small codes cannot push against that. The FactorVAE score and
# the paper's SAP fall to {glue:text}`measuring_rescale_10_fv:.2f` when all
# latents are taken for silent ones (a standard deviation under .05). Z-diff's
# classifier is regularised too, but ends at
# {glue:text}`measuring_rescale_10_zd:.2f`: three patterns this different are
# told apart by small weights as well.
#
# **Add noise.** With a quarter of the variance noise, MIG is down to
# {glue:text}`measuring_noise_5_mig:.2f`, while modularity
# ({glue:text}`measuring_noise_5_mod:.2f`), Z-diff
# ({glue:text}`measuring_noise_5_zd:.2f`) and the FactorVAE score
# ({glue:text}`measuring_noise_5_fv:.2f`) have noticed little or nothing: the
# last two average over 64 points before they look. IRS, which asks for the
# worst case, has {glue:text}`measuring_noise_5_irs:.2f`. At the right end the codes
# *are* noise, and most bars arrive at their ticks. Modularity
# ({glue:text}`measuring_noise_10_mod:.2f`) and InfoM
# ({glue:text}`measuring_noise_10_im:.2f`) may miss them: both are ratios of
# quantities near nothing, and another draw of noise gives another value. The
# ticks are means over a few draws.

# %% [markdown]
# ## What each is blind to
#
# Bars are long to read, so here is the summary: the *largest* loss along each
# slider, as a share of the way from the start down to the noise floor.


# %%
def lost(metric, bending):
    """The largest loss on a slider: 1 is all the way down to the floor."""
    scores = [position[metric] for position in bending.scores]
    room = scores[0] - floors[metric]
    return min(1, (scores[0] - min(scores)) / room)


# %% mystnb={"image": {"alt": "Matrix of metrics (rows) and bendings (columns) with the share of the score that is lost at worst, 0 to 1. Most rows have a column or two near zero; under added noise nearly all are near one."}}
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
# A dark cell is a blind spot. Read it by columns. Only the metrics with an
# absolute constant in their protocol mind *rescale*. *Merge* is caught by what
# asks about latents (DCI's and InfoMEC's first bars, modularity), *duplicate*
# by what asks about factors (the gaps, the second bars). MIG's entry under
# *merge* is its dip half-way: a gap, not the two factors in one latent.
# *Rotate* is seen by most, though the entries of Z-diff and the FactorVAE score come from a single
# angle. Explicitness loses nothing to rotation or duplication and is not meant
# to: it answers the third wish. No row is bright throughout. A claim of
# disentanglement needs at least two metrics, one for latents and one for
# factors, each with its noise floor.

# %% [markdown]
# ## Break it: same codes, another number
#
# So far one protocol was held and the codes were bent. Now hold the codes and
# bend the protocol. DCI asks a predictor which latents it used; the paper
# leaves open which predictor, and the field uses several.

# %%
blurred = add_noise(start, 0.5)
predictors = {
    "boosted trees": dict(),
    "forest": dict(predictor="forest"),
    "forest, depth 4": dict(predictor="forest", max_depth=4),
    "forest, depth 2": dict(predictor="forest", max_depth=2),
}

# %%
parts = ["disentanglement", "completeness"]
parts += ["informativeness_train", "informativeness_test"]
rows = {}
for name, protocol in predictors.items():
    score = metrics.dci(blurred, factors, **protocol)
    rows[name] = {part: float(score[part]) for part in parts}
pd.DataFrame(rows).T.style.format("{:.2f}")

# %% tags=["remove-input"]
spread = [row["disentanglement"] for row in rows.values()]
_ = viz.glue("measuring_dci_low", min(spread))
_ = viz.glue("measuring_dci_high", max(spread))

# %% [markdown]
# One set of codes, and a disentanglement from
# {glue:text}`measuring_dci_low:.2f` to {glue:text}`measuring_dci_high:.2f`.
# Trees that grow until they fit every point end up splitting on noise, in
# latents that have nothing to do with the factor, and each such split counts
# as importance. A hundred rounds of boosting do the same; shallow trees stop
# before that. (Informativeness is an accuracy in the first row and an $R^2$ in
# the others, so it cannot be compared either.) A DCI without its predictor,
# its depth and its number of points is not a number that anybody can put
# beside another.
#
# The number of points is such a knob for noise floors, too:

# %% mystnb={"image": {"alt": "Noise floor of MIG, IRS and modularity against the number of points, on a logarithmic axis: MIG falls towards zero, modularity and IRS stay high."}}
counts = budget.choose((120, 600), (120, 300, 1_000, 3_000, 10_000))
figure, axes = plt.subplots(figsize=(5.6, 3.0))
floor_of = {}
for metric in (metrics.mig, metrics.irs, metrics.modularity):
    some = [torch.randint(N, (n,), generator=draw) for n in counts]
    floor_of[metric.__name__] = [
        metrics.noise_floor(metric, noise[rows], factors[rows], repeats=5)
        for rows in some
    ]
    axes.plot(counts, floor_of[metric.__name__], "o-", label=metric.__name__)
axes.set(xscale="log", xlabel="points", ylabel="noise floor", ylim=(0, 1))
_ = axes.legend()

# %% tags=["remove-input"]
for name, line in floor_of.items():
    _ = viz.glue(f"measuring_few_{name}", line[0])
    _ = viz.glue(f"measuring_many_{name}", line[-1])
_ = viz.glue("measuring_points", f"{N:,}")

# %% [markdown]
# The floor of MIG is {glue:text}`measuring_few_mig:.2f` with 120 points and
# falls towards nothing, as counting noise does. Modularity's stays: it
# compares counting noise with counting noise, and their ratio doesn't care how
# small both are. IRS, at {glue:text}`measuring_few_irs:.2f` with 120 points and
# {glue:text}`measuring_many_irs:.2f` with the most, has a floor for another
# reason: noise seldom strays as far within one value of a factor as its single
# farthest point does overall. Whoever scores a few hundred points of their own data should
# look at the floor before the score.

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

# %% tags=["remove-input"]
for key, interval in {"sure": sure, "few": few}.items():
    for end in ("low", "value", "high"):
        _ = viz.glue(f"measuring_{key}_{end}", getattr(interval, end))

# %% [markdown]
# With all points MIG is {glue:text}`measuring_sure_value:.2f`, and other
# draws would have put it between {glue:text}`measuring_sure_low:.2f` and
# {glue:text}`measuring_sure_high:.2f`. With 200 of them it is
# {glue:text}`measuring_few_value:.2f`, and the interval, from
# {glue:text}`measuring_few_low:.2f` to {glue:text}`measuring_few_high:.2f`,
# lies below. An interval that misses its own score is a warning. Counted over
# few points every latent looks informed, the runner-up more than the best, so
# gaps shrink; and a sample drawn with replacement has fewer different points
# still, some 63%. Two hundred are too few for MIG with twenty bins. Note also
# what the interval leaves out: how far another seed would have moved a trained
# model, only another training can tell.

# %% [markdown]
# ## When is one method better than another?
#
# A training starts from random weights, and a method with another seed ends
# elsewhere; a score of one training says little about the method. So train
# each with several seeds, and ask of the two samples of scores whether their
# *means* differ by more than seeds make them differ. With $n_a$ scores of mean
# $\bar a$ and variance $s_a^2$, and $n_b$ of the other, Welch's interval for
# the difference is
#
# ```{math}
# :label: measuring-welch
# \bar a - \bar b \pm t_{.975,\,\nu}
#     \sqrt{\frac{s_a^2}{n_a} + \frac{s_b^2}{n_b}} ,
# ```
#
# where $t$ is Student's quantile for $\nu$ degrees of freedom, of which a few
# noisy seeds leave few. A claim that the first is higher has **held** if the
# interval lies above zero whole, **did not hold** if it lies below, and is
# **too close to call** if it lies across. With one seed a side there is no
# variance to go by, and every claim is too close to call.

# %%
from scipy import stats

from dlib import recipes


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
# Nothing is trained here, so let five draws of 120 points stand in for five
# trainings, and noise for the methods: is MIG higher where noise has a share
# of .5 than where it has .51, or 1 (nothing but noise), or .25?


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

# %% tags=["remove-input"]
assert list(decided.values()) == ["too close to call", "held", "did not hold"]

# %% [markdown]
# In brackets: in how many of the seeds, taken by themselves, the claim holds.
# Between .5 and .51 there is a difference, but five draws of 120 points can't
# show it; between .5 and 1 they can. The third claim is false, and the seeds
# say so. Every claim of a paper in this book is decided like this; where a
# claim has several parts, all must hold, and one that does not is enough.
# Claims about curves, score against error, are decided at matched error: on
# the range of errors that both methods reach with every seed.

# %% [markdown]
# ## Protocols
#
# What `dlib` does by default. *R* marks a constant of disentanglement_lib
# {cite:p}`locatello2019`, the reference implementation; *P* one of the paper
# that proposed the metric; two numbers are points to fit on and to test on.
# *Useless* is what noise gets with K factors.
#
# | metric | points | bins, predictor | perfect | useless | variants |
# |---|---|---|---|---|---|
# | MIG | 10,000 (R) | 20 bins a code, factors as they are (R) | 1 | 0 | P integrates over $q(z \mid x)$; binned means are R's |
# | SAP | all given; P: the test set | $R^2$ of a line, thresholds for classes (P) | 1 from $R^2$ on linear codes, less from accuracies | 0 | `reference_continuous`: $R^2$ for all (R); `reference_discrete`: linear SVM, C = .01, 10,000/5,000 (R) |
# | Z-diff | 10,000/5,000, 64 pairs each | linear SVM, C = .01, as {cite:t}`kumar2018` | 1 | 1/K | logistic regression: R and {cite:t}`higgins2017` |
# | FactorVAE score | 10,000/5,000 votes of 64 (R) | majority vote; drops latents of deviation under .05 (R) | 1 | 1/K | P drops latents whose KL is near 0 |
# | DCI | 10,000/5,000 (R) | boosted trees (R) | 1 | 0 | `forest`, depths as stated: {cite:t}`eastwood2018` and later papers |
# | IRS | 10,000 (R) | 20 bins a factor, .99 quantile (R) | 1 | far from 0, see above | P: the maximum, `quantile=1.0` |
# | modularity | 10,000 (R) | 20 bins a code (R) | 1 | far from 0, and other factors give another floor | none |
# | explicitness | 10,000/5,000 (R) | logistic regression, area under the curve | near 1 | .5 | P rescales to 0 by 2 AUC − 1 |
# | InfoMEC | all given (P) | 10 nearest neighbours; logistic regression | 1 | InfoM, InfoC: not 0; InfoE: 0 | `discrete_codes` counts instead |
#
# Here we took {glue:text}`measuring_points` points; where a metric fits, two
# thirds of them to fit on, and the pairs and votes to fit on come from these;
# the others to test on. No point is in both: codes of 600 pictures that say
# nothing about a factor still tell it on points that were fitted on. Codes are
# always the posterior's *means*: a sample adds noise, and you saw what that
# does.
#
# What each metric takes, and which options change its protocol, `dlib` keeps
# in one table. An option is given beside the name, as in
# `which=["dci", ("dci_forest", {"max_depth": [4, 2, 2]})]`, and a score with
# an option has it in its name in the report.

# %%
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
pd.DataFrame(about).T

# %% [markdown]
# ## What held
#
# What this chapter was to show, asked of the numbers above:


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
    "merging leaves MIG almost alone": abs(moved("merge", "MIG")) < 0.1,
    "merging costs DCI's latents": moved("merge", trees) < -0.3,
    "a copy leaves the FactorVAE score": abs(moved("duplicate", vote)) < 0.01,
    "the predictor moves DCI by over .3": max(spread) - min(spread) > 0.3,
}
verdict = {c: "held" if held else "did not" for c, held in claims.items()}
pd.DataFrame({"on these codes": verdict})

# %% tags=["remove-input"]
_ = viz.glue("measuring_held", sum(claims.values()))
_ = viz.glue("measuring_claims", len(claims))
sizes = (3, 6, 40, 32, 32)  # dSprites': shape, scale, orientation, x, y
sprites = [torch.randint(size, (N,), generator=draw) for size in sizes]
floor = metrics.noise_floor(
    metrics.modularity,
    torch.randn(N, 10, generator=draw),
    torch.stack(sprites, dim=1),
)
_ = viz.glue("measuring_floor_dsprites", floor)

# %% [markdown]
# {glue:}`measuring_held` of {glue:}`measuring_claims`. All of it is about
# three factors, four latents and codes made by hand. Trained codes bend in
# several of these ways at once, and floors lie elsewhere for other factors:
# with dSprites' five, of 3 to 40 values, and ten latents, noise gets a
# modularity of {glue:text}`measuring_floor_dsprites:.2f`. That is why a score
# in `dlib` brings its own.

# %% [markdown]
# ## Exercises
#
# **1. Implement MIG.** From a blank page, and without a loop over pairs: a
# product of two one-hot matrices counts every bin of every latent against
# every value of a factor at once. The checker has codes of its own.
# (Pasting `our_mig` would please it, and teach you nothing.)


# %%
def your_mig(codes, factors, bins=20):
    return metrics.modularity(codes, factors, bins=bins).value  # yours here


# %% tags=["hide-input"]
def check_mig(function):
    """Says what is missing, as far as it can tell."""
    bent = merge(rotate(start, 0.2), 0.7)
    want, got = metrics.mig(bent, factors), function(bent, factors)
    down = want["information"].topk(2, 0).values
    across = want["information"].topk(2, 1).values
    if math.isclose(got, float((down[0] - down[1]).mean()), abs_tol=1e-6):
        return "nearly: divide each gap by its factor's entropy"
    if math.isclose(
        got, float((across[:, 0] - across[:, 1]).mean()), abs_tol=1e-6
    ):
        return "nearly: the gap is between latents, not between factors"
    if not math.isclose(got, want.value, abs_tol=1e-6):
        return f"not yet: {got:.4f} where {want.value:.4f} is wanted"
    eight = metrics.mig(bent, factors, bins=8).value
    if not math.isclose(function(bent, factors, 8), eight, abs_tol=1e-6):
        return "nearly: with 8 bins it should be another number"
    return "right"


print(check_mig(your_mig))

# %% [markdown]
# :::{admonition} Solution
# :class: dropdown
# ```python
# def your_mig(codes, factors, bins=20):
#     low, high = codes.min(0).values, codes.max(0).values
#     place = ((codes - low) / (high - low) * bins).long().clamp(max=bins - 1)
#     hot = torch.nn.functional.one_hot(place, bins).double()  # (n, d, bins)
#     gaps = []
#     for v in factors.T:
#         values = torch.nn.functional.one_hot(v).double()  # (n, values)
#         joint = torch.einsum("ndb,nv->dbv", hot, values) / len(v)
#         margins = joint.sum(2, keepdim=True) * joint.sum(1, keepdim=True)
#         known = torch.xlogy(joint, joint / margins.clamp_min(1e-300))
#         best = known.sum((1, 2)).topk(2).values
#         p = values.mean(0)
#         gaps.append((best[0] - best[1]) / -torch.xlogy(p, p).sum())
#     return float(torch.stack(gaps).mean())
# ```
# :::
#
# **2. Cheat.** Make codes with a FactorVAE score of at least .99 and a MIG
# below .05. Nothing need be lost from them. Would you call the result
# disentangled?


# %%
def cheat(codes):
    return codes  # yours here


def check_cheat(function):
    bent = function(start)
    score = metrics.factor_vae(bent, factors).value
    gap = metrics.mig(bent, factors).value
    done = score >= 0.99 and gap < 0.05
    verdict = "right" if done else "not yet"
    modular = metrics.modularity(bent, factors).value
    rest = f"MIG {gap:.2f}, modularity {modular:.2f}"
    return f"{verdict}: FactorVAE {score:.2f}, {rest}"


print(check_cheat(cheat))

# %% [markdown]
# :::{admonition} Solution
# :class: dropdown
# ```python
# def cheat(codes):
#     return torch.cat([codes, codes], dim=1)
# ```
# Every latent twice. Each factor's best latent has a twin, so every gap is 0;
# the vote finds *a* latent that varies least, and any twin will do. Whether
# these codes are disentangled depends on which of the three wishes you have:
# modularity is as high as before.
# :::
#
# **3. A score without a unit.** Write `fair_factor_vae(codes, factors)`, which
# gives `start` and `rescale(start, 1)` the same FactorVAE score. What does
# your version do with the silent latent, and why may the constant .05 have
# been put there?


# %%
def fair_factor_vae(codes, factors):
    return metrics.factor_vae(codes, factors)  # yours here


def check_fair(function):
    small = function(rescale(start, 1), factors).value
    score = function(start, factors).value
    done = score >= 0.99 and math.isclose(score, small, abs_tol=0.01)
    return f"{'right' if done else 'not yet'}: {score:.2f} and {small:.2f}"


print(check_fair(fair_factor_vae))

# %% [markdown]
# :::{admonition} Solution
# :class: dropdown
# ```python
# def fair_factor_vae(codes, factors):
#     largest = codes.std(0).max()
#     return metrics.factor_vae(codes / largest, factors)
# ```
# One unit for all latents, that of the loudest. Dividing each latent by its
# *own* deviation would be free of units too, but gives a silent latent a voice
# as loud as the others': rounding errors would vote. The constant keeps those
# out, and it was chosen for VAEs, whose prior sets the unit.
# :::
#
# ## Further reading
#
# {cite:t}`higgins2017` proposed Z-diff, {cite:t}`kim2018` and
# {cite:t}`chen2018` answered with the FactorVAE score and MIG,
# {cite:t}`kumar2018` with SAP. {cite:t}`eastwood2018` and
# {cite:t}`ridgeway2018` separated the three wishes; {cite:t}`suter2019` asked
# about interventions. {cite:t}`locatello2019` compared the metrics over
# thousands of models, and {cite:t}`hsu2023` is the most recent attempt to
# measure the three wishes with one ruler. From here, take any chapter on a
# paper: [DIP-VAE](../papers/dip_vae.ipynb) trains the models that SAP was made
# for.
