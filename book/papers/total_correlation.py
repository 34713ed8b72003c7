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
# # Total correlation: pay for dependence itself
#
# [Open in Colab](https://colab.research.google.com/github/untangled-book/untangled/blob/main/book/papers/total_correlation.ipynb)
#
# **The promise.** After this chapter you can say what total correlation measures,
# estimate it in three ways, and say when each of them is wrong and by how much. You
# will have built FactorVAE and β-TCVAE, and you will not be startled when your
# training log says that a total correlation is negative.

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-cell"]
# Colab starts without the library: install it there, and only there.
import subprocess
import sys

if "google.colab" in sys.modules:
    source = "dlib-book @ git+https://github.com/untangled-book/untangled"
    pip = [sys.executable, "-m", "pip", "install", "-q"]
    subprocess.run([*pip, source], check=True)

# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title Imports
import math

import matplotlib.pyplot as plt
import pandas as pd
import torch

from dlib import budget, losses, metrics, networks, recipes, viz
from dlib.data import load
from dlib.inference import to_float
from dlib.models import BetaTCVAE, FactorVAE
from dlib.models.discriminator import code_discriminator
from dlib.models.vae import reparametrise
from dlib.training import fit
from dlib.viz.compare import compare

viz.use()

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-cell"]
# @title How much work: seconds in a test, minutes on the published page
N_CODES = budget.choose(smoke=500, book=5_000)  # codes that we look at
JUDGE_STEPS = budget.choose(smoke=10, book=600)  # of a discriminator
REPEATS = budget.choose(smoke=2, book=40)  # batches behind an average
BATCHES = budget.choose(smoke=(16, 64), book=(16, 64, 256, 1024))
DIMS = budget.choose(smoke=(2, 5), book=(2, 3, 5, 7, 10, 20))
STEPS = budget.choose(smoke=20, book=500)  # of the live trainings

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
dip = recipes.load("dip_vae", "showcase")
held_sprites = dip.entries[0].recipe.parts()[1]
sprites, _ = held_sprites.sample(N_CODES, torch.Generator().manual_seed(0))


@torch.no_grad()
def posteriors_of(method, images):
    batches = [method.posterior(to_float(part)) for part in images.split(500)]
    return [torch.cat(parts) for parts in zip(*batches)]  # mean, logvar


shell_posterior = posteriors_of(dip.run("dip_vae_ii_500").trained, sprites)
speak = shell_posterior[0].var(0).argsort(descending=True)[:3].sort().values
shell = shell_posterior[0][:, speak]  # (N_CODES, 3)
shuffled = losses.permute_codes(shell, torch.Generator().manual_seed(1))

# %% cellView="form" jupyter={"source_hidden": true} mystnb={"image": {"alt": "Two scatter plots of two latents where the third is near zero. Left a ring with an empty middle; right, after each latent was shuffled by itself, a filled square cloud."}} tags=["remove-input"]
figure, panels = plt.subplots(1, 2, figsize=(7.4, 3.6), sharey=True)
kinds = {"codes": shell, "each latent shuffled by itself": shuffled}
for axes, (title, z) in zip(panels, kinds.items()):
    cut = z[:, 2].abs() < 0.4
    axes.scatter(z[cut, 0], z[cut, 1], s=6)
    axes.set(title=title, xlabel=f"z{speak[0]}", aspect="equal")
_ = panels[0].set_ylabel(f"z{speak[1]}")

# %% [markdown]
# **Figure 1.** Left, codes of the last chapter's DIP-VAE-II: two of its active latents,
# where the third is near zero. Right, the same numbers, but each latent was shuffled
# among the pictures by itself.

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
inside = {
    name: float((z.norm(dim=1) < 1).float().mean())
    for name, z in kinds.items()
}
corr = torch.corrcoef(shell.T)
off = float((corr - corr.diag().diag()).abs().max())
if budget.current() == "book":
    assert off < 0.02 and inside["codes"] == 0
    assert inside["each latent shuffled by itself"] > 0.05
viz.say(f"""
You can tell them apart at a glance, and a correlation cannot: the largest
among the three latents is {off:.3f}. Shuffling changes no latent's own
distribution. All it destroys is what the latents know *of each other*, and
that is what keeps the middle empty: no code lies within a distance of 1 of the
centre, and {100 * inside["each latent shuffled by itself"]:.0f}% of the
shuffled ones do. How different the left cloud is from the right one is a
number, and this chapter is about paying for it.
""")

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
showcase = recipes.load("total_correlation", "showcase")
models = {entry.name: showcase.run(entry) for entry in showcase.entries}
titles = {entry.name: entry.title for entry in showcase.entries}
held_out = showcase.entries[0].recipe.parts()[1]
compare(
    {titles[n]: run.trained for n, run in models.items()},
    held_out,
    3,
    title="3DShapes under one set of sliders",
)

# %% [markdown]
# **Figure 2.** A VAE and the two methods of this chapter on
# [3DShapes](../foundations/factors_and_data.ipynb). A slider moves, in each model, the
# [latent](../reference/glossary.md#latent) that predicts the factor best. Slide a hue and
# watch what else changes with it; then slide one of the others.
#
# **You need** [Autoencoders](../foundations/autoencoders.ipynb) and
# [DIP-VAE](dip_vae.ipynb). **It costs** about three minutes on two CPU cores: the
# longer runs are shipped with the library, the discriminators and two short trainings
# in the text run for real.

# %% [markdown]
# ## What total correlation is
#
# Call $q(z)$ the distribution of codes over the whole data set, and $q(z_k)$ that of
# one latent. If the latents were independent, $q(z)$ would be the product of its
# margins. The **[total correlation](../reference/glossary.md#total-correlation)** of
# [Watanabe (1960)](https://doi.org/10.1147/rd.41.0066) is how far it is from that:
#
# $$\mathrm{TC}(z) = \mathrm{KL}\Big(q(z) \,\Big\|\, \prod_k q(z_k)\Big)
#   = \mathbb E_{q(z)}\Big[\log \frac{q(z)}{\prod_k q(z_k)}\Big]. \tag{A}$$
#
# It is never negative, and zero only when the latents are independent. For two latents
# it is their mutual information. It doesn't care how a latent is scaled or bent.
#
# For a Gaussian with covariance $\Sigma$ both densities are known, and it is
#
# $$\mathrm{TC} = \tfrac12 \Big(\sum_k \log \Sigma_{kk} - \log\det\Sigma\Big).
#   \tag{B}$$


# %%
def gaussian_tc(covariance):
    """Eq. (B), in nats."""
    own = covariance.diagonal().log().sum()
    return 0.5 * (own - torch.logdet(covariance))


def pair(rho, dims=2):
    """Two latents with correlation rho, and dims - 2 that go their own way."""
    covariance = torch.eye(dims)
    covariance[0, 1] = covariance[1, 0] = rho
    return covariance


# %% mystnb={"image": {"alt": "Three scatter plots of two Gaussian latents with correlations 0, 0.6 and 0.9; the cloud gets narrower and the total correlation in the title grows."}}
figure, panels = plt.subplots(1, 3, figsize=(8.4, 2.9), sharey=True)
noise = torch.randn(800, 2, generator=torch.Generator().manual_seed(0))
for axes, rho in zip(panels, (0.0, 0.6, 0.9)):
    z = noise @ torch.linalg.cholesky(pair(rho)).T
    axes.scatter(*z.T, s=4)
    amount = float(gaussian_tc(pair(rho)))
    axes.set(title=f"ρ = {rho}: {amount:.2f} nats", aspect="equal")

# %% [markdown]
# **Figure 3.** Total correlation of two Gaussian latents.
#
# From left to right, one latent says more and more about the other, and the number in
# the title grows: slowly at first, and without bound as the cloud becomes a line. A
# third latent that goes its own way would add nothing.
#
# Eq. (B) is also `metrics.gaussian_total_correlation`, which estimates $\Sigma$ from
# codes. It sees what a covariance sees, and on the shell it is blind:

# %%
blind = metrics.gaussian_total_correlation(shell).value
few = noise @ torch.linalg.cholesky(pair(0.9)).T
ours, library = (
    float(gaussian_tc(torch.cov(few.T))),
    metrics.gaussian_total_correlation(few).value,
)
assert abs(ours - library) < 1e-3, (ours, library)
print(f"the shell, taken for a Gaussian: {blind:.4f} nats")

# %% [markdown]
# ## Where it sits in the bound
#
# A β-VAE makes the whole KL term dearer. What is in that term? Averaged over the data
# it splits into three
# ([Chen et al. (2018)](https://arxiv.org/abs/1802.04942), their Eq. 2):
#
# $$\mathbb E_{p(x)}\,\mathrm{KL}\big(q(z|x)\,\|\,p(z)\big)
#   = I_q(z; x) + \mathrm{TC}(z)
#   + \textstyle\sum_k \mathrm{KL}\big(q(z_k)\,\|\,p(z_k)\big) : \tag{C}$$
#
# information, dependence, and each latent's own shape.
#
# The first part is what codes tell of their picture: we *want* it, and the β-VAE pays
# β for every nat of it. That is why its pictures blur. Only the middle part is about
# [disentanglement](../reference/glossary.md#disentangled). So leave the bound as it
# is, and subtract $\gamma$ times the middle part alone:
#
# $$\max_{\theta,\phi}\; \mathrm{ELBO} - \gamma\,\mathrm{TC}(z). \tag{D}$$
#
# Both methods of this chapter maximise Eq. (D). They differ in one thing: where they
# get the number from. Neither $q(z)$ nor its margins can be evaluated, since each is a
# mixture of as many Gaussians as there are pictures.

# %% [markdown]
# ## A place where the answer is known
#
# Before we train on an estimate, let us see it beside the truth. Here is an encoder
# that needs no pictures: its means are Gaussian, each posterior has the same small
# variance $s^2$, and the codes of the whole population then have covariance $\Sigma$
# exactly. Two latents are correlated with $\rho = 0.9$, the others are not, so Eq. (B)
# says the same for every number of latents.

# %%
POPULATION = 100_000  # pictures in the imagined data set
TRUTH = float(gaussian_tc(pair(0.9)))


def posteriors(n, covariance, generator, variance=0.08):
    """A batch of n posteriors whose codes have this covariance over all."""
    spread = covariance - variance * torch.eye(len(covariance))
    factor = torch.linalg.cholesky(spread)
    mean = torch.randn(n, len(factor), generator=generator) @ factor.T
    return mean, torch.full_like(mean, math.log(variance))


draw = torch.Generator().manual_seed(0)
mean, logvar = posteriors(10_000, pair(0.9, 4), draw)
codes = reparametrise((mean, logvar), draw)
found = torch.cov(codes.T)
print(found.numpy().round(2))
print(f"the truth is {TRUTH:.3f} nats; from these codes: "
      f"{float(gaussian_tc(found)):.3f}")  # fmt: skip

# %% [markdown]
# The sample's covariance is that of `pair`, up to sampling noise: codes whose truth we
# know. Now forget it, and look at them as a training would, a batch at a time.
#
# ## Estimate 1 and 2: count the batch
#
# [Chen et al. (2018)](https://arxiv.org/abs/1802.04942) take the other pictures of the
# minibatch for the population. A code $z_i$ was drawn from picture $i$; its density
# under all of $q(z)$ is about
#
# $$\log q(z_i) \approx \log \sum_{j=1}^{n} w_{ij}\, q(z_i | x_j), \tag{E}$$
#
# and the same for each latent alone, where $n$ is the batch and $N$ the data set.
# *Weighted* sampling takes $w_{ij} = 1/(nN)$. *Stratified* sampling (their appendix C)
# knows that the batch holds the code's own picture, which is one in $N$, and $n - 1$
# others that stand for the rest: $w_{ii} = 1/N$ and
# $w_{ij} = (1 - 1/N)/(n - 1)$.


# %%
def batch_tc(codes, mean, logvar, population, sampling):
    """Eq. (A) with the densities of Eq. (E)."""
    n = len(codes)
    weights = torch.full((n, n), 1 / (n * population))
    if sampling == "stratified":
        weights.fill_((1 - 1 / population) / (n - 1))
        weights.fill_diagonal_(1 / population)
    spread = torch.distributions.Normal(mean, (0.5 * logvar).exp())
    # (n, n, d): code i, under the posterior of picture j, latent by latent
    pairs = spread.log_prob(codes[:, None])
    joint = torch.logsumexp(weights.log() + pairs.sum(2), 1)
    margins = torch.logsumexp(weights.log()[:, :, None] + pairs, 1).sum(1)
    return (joint - margins).mean()


# %%
batch = posteriors(64, pair(0.9, 5), draw)
codes = reparametrise(batch, draw)
for sampling in ("weighted", "stratified"):
    ours = batch_tc(codes, *batch, POPULATION, sampling)
    library = losses.total_correlation(codes, *batch, POPULATION, sampling)
    assert torch.allclose(ours, library, atol=1e-3), (ours, library)
    print(f"{sampling:10}: {float(ours):6.2f} nats; the truth: {TRUTH:.2f}")

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
offset = 4 * math.log(POPULATION)
viz.say(f"""
Neither is near. The weighted one has a reason that is easy to name: its
weights add up to $1/N$ and not to one, in the joint density once and in the
margins once for each latent, so $(d - 1) \\log N = {offset:.1f}$ nats too many
stand in it. A constant has no gradient: training doesn't mind, a *printed*
value means nothing. From here on we take it off.
""")

# %% [markdown]
# ## Estimate 3: ask a discriminator
#
# [Kim and Mnih (2018)](https://arxiv.org/abs/1802.05983) need no density. They need
# *samples* of the two clouds of Figure 1, and shuffling makes the second from the
# first.


# %%
def permute(codes, generator):
    """Each latent in an order of its own: samples of the margins' product."""
    order = torch.rand(codes.shape, generator=generator).argsort(0)
    return codes.gather(0, order)


codes = torch.randn(6, 3, generator=draw)
seeded = [torch.Generator().manual_seed(2) for _ in range(2)]
assert torch.equal(
    permute(codes, seeded[0]), losses.permute_codes(codes, seeded[1])
)

# %% [markdown]
# A classifier $D(z)$ learns the probability that a code is real and not shuffled. The
# best possible one knows $D / (1 - D) = q(z) / \prod_k q(z_k)$, which is what stands
# in Eq. (A), so that
#
# $$\mathrm{TC}(z) \approx \mathbb E_{q(z)}\big[\log D(z) - \log(1 - D(z))\big],
#   \tag{F}$$
#
# the mean difference of its two logits on real codes.


# %%
def judge_of(draw_codes, dims, shuffle=permute):
    """A discriminator trained on fresh codes; it returns its two logits."""
    generator = torch.Generator().manual_seed(0)
    judge = code_discriminator(dims, width=64, depth=2)
    networks.initialise(judge, generator)
    optimiser = torch.optim.Adam(judge.parameters(), 2e-3, betas=(0.5, 0.9))
    for _ in range(JUDGE_STEPS):
        real, other = draw_codes(generator), draw_codes(generator)
        wrong = losses.discriminator_loss(
            judge(real), judge(shuffle(other, generator))
        )
        optimiser.zero_grad()
        wrong.backward()
        optimiser.step()
    return judge.eval()


def gaussian_codes(n, covariance):
    def drawn(generator):
        return reparametrise(posteriors(n, covariance, generator), generator)

    return drawn


@torch.no_grad()
def judged_tc(judge, codes):
    """Eq. (F)."""
    logits = judge(codes)
    ours = (logits.softmax(1).log() @ torch.tensor([1.0, -1.0])).mean()
    assert torch.allclose(ours, losses.density_ratio(logits), atol=1e-3)
    return float(ours)


judge = judge_of(gaussian_codes(256, pair(0.9, 5)), 5)
fresh = gaussian_codes(10_000, pair(0.9, 5))(draw)
asked = judged_tc(judge, fresh)
print(f"the discriminator: {asked:.2f} nats; the truth: {TRUTH:.2f}")

# %% [markdown]
# It came close without a density, and it took a training to do so.
#
# ## Three estimates against the truth
#
# Now the sizes that one meets in training: batches from 16 to 1,024, codes of 2 to 20
# latents.


# %%
def estimates_of(sampling, n, dims, rho=0.9, variance=0.08, repeats=None):
    """One estimate a batch; weighted sampling's constant is taken off."""
    values = []
    for _ in range(repeats or max(2, min(REPEATS, 10_000 // n))):
        batch = posteriors(n, pair(rho, dims), draw, variance)
        args = (reparametrise(batch, draw), *batch, POPULATION, sampling)
        values.append(losses.total_correlation(*args))
    constant = (dims - 1) * math.log(POPULATION)
    return torch.stack(values) - (constant if sampling == "weighted" else 0)


rows = []
for dims in DIMS:
    for n in BATCHES:
        row = {"latents": dims, "batch": n}
        for sampling in ("weighted", "stratified"):
            row[sampling] = float(estimates_of(sampling, n, dims).mean())
        rows.append(row)
estimates = pd.DataFrame(rows).set_index(["latents", "batch"])
by_judge = {5: asked}
for dims in DIMS:
    if dims not in by_judge:
        judge = judge_of(gaussian_codes(256, pair(0.9, dims)), dims)
        fresh = gaussian_codes(10_000, pair(0.9, dims))(draw)
        by_judge[dims] = judged_tc(judge, fresh)

# %% mystnb={"image": {"alt": "Two panels of estimates against the number of latents and against the batch size, with the truth as a dashed line. The discriminator stays on it; weighted sampling rises far above it with the number of latents; stratified sampling falls below zero at five to seven latents and rises at twenty."}}
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
some = 64
for sampling, marker in (("weighted", "o"), ("stratified", "s")):
    line = estimates[sampling].xs(some, level="batch")
    left.plot(line.index, line, marker=marker, label=sampling)
    line = estimates[sampling].xs(5, level="latents")
    right.plot(line.index, line, marker=marker, label=sampling)
left.plot(*zip(*sorted(by_judge.items())), marker="^", label="discriminator")
right.axhline(by_judge[5], color=viz.COLOURS[2], label="discriminator")
for axes in (left, right):
    axes.axhline(TRUTH, color=viz.style.INK, linestyle="--", label="truth")
    axes.set(ylabel="nats")
    axes.grid(True)
left.set(xlabel=f"latents, at a batch of {some}", xscale="log")
left.set_yscale("symlog", linthresh=1)
left.set_yticks([-2, -1, 0, 1, 2, 5, 10, 20])
right.set(xlabel="batch, at 5 latents", xscale="log")
for axis, ticks in ((left.xaxis, DIMS), (right.xaxis, BATCHES)):
    axis.set_ticks(ticks, [f"{tick:,}" for tick in ticks])
    axis.set_ticks([], minor=True)
left.yaxis.set_major_formatter("{x:g}")
_ = left.legend()

# %% [markdown]
# **Figure 4.** Three estimates of the same total correlation: two correlated latents,
# and more and more that are independent of everything. On the left, nats are linear
# between −1 and 1 and logarithmic beyond.

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
errors = (estimates - TRUTH).round(2)
far, near = max(DIMS), min(DIMS)
big, small = max(BATCHES), min(BATCHES)
worst = max(abs(v - TRUTH) for v in by_judge.values())
low = estimates["stratified"].min()
where = estimates["stratified"].idxmin()
if budget.current() == "book":
    assert errors.loc[near].abs().max().max() < 0.2
    assert errors.loc[(far, 64), "weighted"] > 10 and low < -0.5
    assert abs(errors.loc[(5, big), "stratified"]) < 0.4 and worst < 0.15
viz.say(f"""
With {near} latents all three are right (errors of at most
{errors.loc[near].abs().max().max():.2f} nats at any batch). With {far} latents
and a batch of 64, weighted sampling is off by
{errors.loc[(far, 64), "weighted"]:+.1f} nats, its constant already taken off;
stratified sampling by {errors.loc[(far, 64), "stratified"]:+.1f}. In between,
stratified sampling falls *below zero*: to {low:.2f} nats with {where[0]}
latents and a batch of {where[1]}. A larger batch mends it slowly: at 5 latents
its error is {errors.loc[(5, small), "stratified"]:+.2f} nats for {small}
pictures and {errors.loc[(5, big), "stratified"]:+.2f} for {big:,}. The
discriminator, trained on {JUDGE_STEPS} batches of 256, is never further off
than {worst:.2f}.
""")

# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title Every error, in nats (estimate minus truth)
shown = errors.unstack("batch")
shown["discriminator", "256"] = pd.Series(by_judge).sub(TRUTH).round(2)
shown

# %% [markdown]
# Why? A logarithm of a mean is dominated by its largest term. In *one* latent, a
# handful of the batch's posteriors overlap with the code, and the margins come out
# right. In *ten* latents none does but the code's own: the batch is too sparse to fill
# the space, and the joint density is the own term and little else. What is then left
# of Eq. (A)? The own term is $\log q(z_i|x_i)$ plus a constant, so the "total
# correlation" has become, up to a constant,
#
# $$\mathbb E\big[\log q(z|x)\big] - \sum_k \mathbb E\big[\log q(z_k)\big]
#   = \sum_k I_q(z_k; x), \tag{G}$$
#
# the *information* in each latent, which is what we set out to leave alone. The constant
# is $-\log n$ for weighted sampling (its own taken off) and $-\log N$ for stratified.
# Is that what Figure 4 shows for twenty latents?

# %%
each_latent = -0.5 * math.log(0.08)  # I(z_k; x), from a posterior's variance
for sampling, size in (("weighted", 64), ("stratified", POPULATION)):
    says = far * each_latent - math.log(size)
    found = estimates.loc[(far, 64), sampling]
    print(f"{sampling:10} Eq. (G): {says:5.1f} nats; estimate: {found:5.1f}")
    if budget.current() == "book":
        assert abs(says - found) < 1.5

# %% [markdown]
# It does. We can also see the change happen. First let the dependence grow and hold the
# information; then hold the dependence at zero and let the information grow.


# %%
def average(rho, dims, variance):
    found = estimates_of("weighted", 64, dims, rho, variance, REPEATS)
    return float(found.mean())


RHOS = (0.0, 0.3, 0.5, 0.7, 0.8, 0.9)
VARIANCES = (0.05, 0.1, 0.2, 0.4, 0.8)
rise, leak = {}, {}
for dims in (2, 10):
    base = average(0.0, dims, 0.08)
    rise[dims] = [average(rho, dims, 0.08) - base for rho in RHOS]
    base = average(0.0, dims, VARIANCES[-1])
    leak[dims] = [average(0.0, dims, v) - base for v in VARIANCES]

# %% mystnb={"image": {"alt": "Left: the estimate's rise against the true total correlation; with two latents it follows the diagonal, with ten it stays near zero. Right: the estimate's rise against the information of the codes while the truth is zero; with two latents it stays flat, with ten it climbs."}}
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4))
true = [float(gaussian_tc(pair(rho))) for rho in RHOS]
told = [-0.5 * math.log(v) for v in VARIANCES]  # nats a latent
for dims, marker in ((2, "o"), (10, "s")):
    left.plot(true, rise[dims], marker=marker, label=f"{dims} latents")
    right.plot(told, leak[dims], marker=marker, label=f"{dims} latents")
left.plot(true, true, "--", color=viz.style.INK, label="truth")
right.axhline(0, color=viz.style.INK, linestyle="--")
left.set(xlabel="total correlation, nats", ylabel="rise of the estimate")
right.set(xlabel="information, nats a latent", ylabel="rise of the estimate")
for axes in (left, right):
    axes.grid(True)
_ = left.legend()

# %% [markdown]
# **Figure 5.** Weighted sampling on batches of 64: what the estimate answers to. Left,
# dependence grows. Right, there is none, and codes say more and more of their picture
# (smaller posteriors).

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
if budget.current() == "book":
    assert abs(rise[2][-1] - true[-1]) < 0.2 and rise[10][-1] < 0.5 * true[-1]
    assert abs(leak[2][0]) < 0.3 and leak[10][0] > 3
viz.say(f"""
With two latents the estimate does its duty: it rises by {rise[2][-1]:.2f} nats
where the truth rises by {true[-1]:.2f}, and hardly moves
({leak[2][0]:+.2f}) where only the information grows. With ten tight latents it
is the other way round: {rise[10][-1]:+.2f} for the dependence, and
{leak[10][0]:+.1f} for information that is no dependence at all. A β-TCVAE
with a small batch and many talkative latents is, in part, a β-VAE. Trained
models are kinder than this test: their silent latents have wide posteriors and
don't count, so that "ten latents" are often three or five.
""")

# %% [markdown]
# ### Negative total correlation
#
# A KL divergence is never negative; *estimates* are. There are two ways to get there.
# One is **stratified sampling**: its density is right on average, the logarithm of it is
# too low on average, and that of the joint density by more than those of the margins.
# Take two latents that are independent, so that the truth is zero:

# %%
below = {}
for sampling in ("weighted", "stratified"):
    found = estimates_of(sampling, 64, dims=2, rho=0.0, repeats=100)
    below[sampling] = int((found < 0).sum())
    print(f"{sampling:10} below zero in {below[sampling]} of 100 batches")

assert below["weighted"] < 20 and below["stratified"] > 80

# %% [markdown]
# The other is **a lagging discriminator**: Eq. (F) is a divergence for the best $D$ only.
# One that takes real codes for shuffled ones reports less than nothing.

# %%
fresh = gaussian_codes(10_000, pair(0.9, 5))(draw)
old = judge_of(gaussian_codes(256, pair(-0.9, 5)), 5)
yesterday = judged_tc(old, fresh)
print(f"a discriminator of yesterday's codes: {yesterday:+.2f}")

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
if budget.current() == "book":
    assert yesterday < -1
viz.say(f"""
This discriminator had learned codes whose two latents fall together where
now one falls as the other rises; it is sure of the wrong thing, at
{yesterday:.1f} nats. In FactorVAE the encoder moves at every step, so the
discriminator's knowledge is always a little old.
""")

# %% [markdown]
# ## FactorVAE and β-TCVAE, trained
#
# In the library each is a VAE with one more line in its loss. FactorVAE has two
# players: the VAE moves first, then the
# discriminator learns from the same codes (its own loss, its own optimiser). Here are
# both, live, on sprites of 32×32, with the same weight on the same term:
# $\gamma = 3$ is $\beta = 4$.

# %%
train, small = load("dsprites", source="twin", size=32).split()


def live(make, **options):
    pair_of_nets = networks.conv(latent_dim=10, channels=1, size=32)
    method = make(pair_of_nets, **options)
    networks.initialise(method, torch.Generator().manual_seed(0))
    batch = 128 if make is FactorVAE else 64  # FactorVAE halves its batch
    past = fit(method, train, steps=STEPS, batch_size=batch, progress=False)
    return method, past


factor, factor_past = live(
    FactorVAE, gamma=3.0, width=128, depth=3, discriminator_rate=1e-3
)
btc, btc_past = live(BetaTCVAE, beta=4.0, sampling="stratified")
print(f"{factor_past.seconds:.0f} s and {btc_past.seconds:.0f} s")

# %% mystnb={"image": {"alt": "Left: the total correlation that each method saw during training. Right: the discriminator's loss beside log 2."}}
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2))
left.plot(factor_past.steps, factor_past.terms["tc"], label="FactorVAE")
left.plot(btc_past.steps, btc_past.terms["tc"], label="β-TCVAE, stratified")
left.axhline(0, color=viz.style.INK, linewidth=1)
left.set(xlabel="step", ylabel="its own estimate of TC, nats")
right.plot(factor_past.steps, factor_past.terms["discriminator"])
right.axhline(math.log(2), color=viz.style.INK, linestyle="--")
right.set(xlabel="step", ylabel="the discriminator's loss")
for axes in (left, right):
    axes.grid(True)
_ = left.legend()

# %% [markdown]
# **Figure 6.** Left, the total correlation as each method sees it while it trains.
# Right, the discriminator's loss; at the dashed line, $\log 2$, it can't tell.


# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title What a fresh discriminator says of the two, after training
def fresh_tc(posterior):
    """Eq. (F) by a discriminator that learns from half of the pictures."""
    first, second = zip(*(part.chunk(2) for part in posterior))

    def drawn(generator):
        some = torch.randint(len(first[0]), (256,), generator=generator)
        return reparametrise([part[some] for part in first], generator)

    judge = judge_of(drawn, first[0].shape[1])
    return judged_tc(judge, reparametrise(second, draw))


def nats(value):
    return f"{round(value, 2) + 0.0:.2f}"  # no "-0.00"


pictures, _ = small.sample(N_CODES, torch.Generator().manual_seed(1))
after = {
    name: fresh_tc(posteriors_of(method, pictures))
    for name, method in (("FactorVAE", factor), ("β-TCVAE", btc))
}

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
seen = factor_past.terms["tc"]
strat = btc_past.terms["tc"]
if budget.current() == "book":
    assert strat[-1] < -1 and abs(after["β-TCVAE"]) < 0.3
    assert after["FactorVAE"] > 2 * seen[-1]
viz.say(f"""
Each curve is an opinion, and each method is paid to change its judge's
opinion. The stratified estimate is driven to {strat[-1]:.2f} nats, which no
total correlation can be: the model has learned to please the estimate.
FactorVAE's discriminator ends at {seen[-1]:.2f} nats, after {max(seen):.2f} at
its highest. Is it right, or is it late? To know, we train one *fresh*
discriminator for each method on codes that have stopped moving, and ask it
about pictures that it hasn't seen. It finds {nats(after["β-TCVAE"])} nats in
the codes of β-TCVAE, and {nats(after["FactorVAE"])} in those of FactorVAE,
early as it is in its training: more than its own discriminator had noticed.
""")

# %% [markdown]
# ## The shell, once more
#
# The codes of Figure 1 have a covariance that DIP-VAE can't object to. What do the
# three estimates say? And of the codes of the models in Figure 2?

# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title Three estimates of trained models' codes
rooms, room_factors = held_out.sample(
    N_CODES, torch.Generator().manual_seed(0)
)
cases = {"DIP-VAE-II (500), sprites": (shell_posterior, len(held_sprites))}
for name, run in models.items():
    cases[f"{titles[name]}, 3DShapes"] = (
        posteriors_of(run.trained, rooms),
        len(held_out),
    )
table = {}
for title, (posterior, population) in cases.items():
    codes = reparametrise(posterior, draw)
    width = codes.shape[1]
    some = torch.arange(min(1_000, N_CODES))
    batch = [part[some] for part in posterior]
    args = (codes[some], *batch, population)
    table[title] = {
        "as if Gaussian": metrics.gaussian_total_correlation(codes).value,
        "weighted": float(losses.total_correlation(*args, "weighted"))
        - (width - 1) * math.log(population),
        "stratified": float(losses.total_correlation(*args, "stratified")),
        "discriminator": fresh_tc(posterior),
    }
tcs = pd.DataFrame(table).T
tcs.round(2)

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
d = tcs["discriminator"]
dip_row, vae_row, tc_row, factor_row = d.index
if budget.current() == "book":
    assert d[dip_row] > 3 * max(tcs["as if Gaussian"][dip_row], 0.05)
    assert d[vae_row] > max(d[tc_row], d[factor_row]) + 0.2
    assert tcs["weighted"][vae_row] == tcs["weighted"].max() > 5 * d[vae_row]
viz.say(f"""
Taken for a Gaussian, the shell costs {nats(tcs["as if Gaussian"][dip_row])}
nats. The discriminator sees {nats(d[dip_row])}: the empty middle is not hidden
from a method that looks at samples. Of the models on 3DShapes the VAE has
{nats(d[vae_row])}, β-TCVAE {nats(d[tc_row])} and FactorVAE
{nats(d[factor_row])}: what both methods were paid to lower is lower. The batch
estimates, on {min(1_000, N_CODES):,} pictures at once, tell another story: to
believe weighted sampling, the VAE has {nats(tcs["weighted"][vae_row])} nats.
It has the most latents that speak, and that is what the estimate answers to.
""")

# %% [markdown]
# ## Look
#
# One room, each row moves one latent, those first that carry most nats. A row that
# speaks has the name of the factor that its latent knows most about.


# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title The traversals' rows, and what each latent knows
space = held_out.space
known, order = {}, {}
for name, run in models.items():
    posterior = posteriors_of(run.trained, rooms)
    carried = losses.kl_to_standard_normal(*posterior).mean(0)
    score = metrics.mig(posterior[0], room_factors)
    share = torch.as_tensor(score["information"] / score["entropy"])
    share[carried < 0.1] = 0  # silent: what is left is noise
    known[name] = share  # latents x factors, 0 to 1
    order[name] = carried.argsort(descending=True)[:5].tolist()


def traverse(name):
    best = known[name].max(1)
    labels = [
        f"z{i} {space.names[best.indices[i]]}"
        if best.values[i] > 0
        else f"z{i}"
        for i in order[name]
    ]
    return viz.traversals(
        models[name].trained,
        held_out[3][0],
        order=order[name],
        labels=labels,
    )


# %% mystnb={"image": {"alt": "Traversals of the VAE on 3DShapes: five rows, and in most of them two colours of the room change together."}}
figure = traverse("vae")

# %% [markdown]
# **Figure 7.** The VAE. The first row turns the wall's colour and tints the object; the
# second and third turn floor and object together, each in its own way. The last two
# grow a second piece on the object.

# %% mystnb={"image": {"alt": "Traversals of beta-TCVAE on 3DShapes: the first three rows change the wall's, the floor's and the object's colour, one each; the rest repeat one picture."}}
figure = traverse("beta_tc_vae")

# %% [markdown]
# **Figure 8.** β-TCVAE with β = 6. A row for the wall, a row for the floor, a row for
# the object; the others repeat one picture. In the middle of the first two the wall
# and the floor are mottled: there is a gap in the code there, as on the shell.

# %% mystnb={"image": {"alt": "Traversals of FactorVAE on 3DShapes: the first three rows change the floor's, the wall's and the object's colour, one each; the rest repeat one picture."}}
figure = traverse("factor_vae")

# %% [markdown]
# **Figure 9.** FactorVAE with γ = 5. The same three things, one a row.

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
hues = [space.position(f"{what}_hue") for what in ("floor", "wall", "object")]
rest = [i for i in range(6) if i not in hues]
top = {name: share.max(0).values for name, share in known.items()}
awake = {n: int((k.sum(1) > 0).sum()) for n, k in known.items()}
error = {name: run.metrics["reconstruction"] for name, run in models.items()}
if budget.current() == "book":
    for name in ("beta_tc_vae", "factor_vae"):
        assert awake[name] == 3 and top[name][hues].min() > 0.6
        assert top[name][rest].max() < 0.1
        owners = known[name][:, hues].argmax(0)
        assert len(set(owners.tolist())) == 3
    assert top["vae"][hues].max() < 0.8 and top["vae"][hues].min() < 0.3
    assert error["vae"] < 0.7 * min(error["beta_tc_vae"], error["factor_vae"])


most = max(float(top[n][rest].max()) for n in ("beta_tc_vae", "factor_vae"))


def in_percent(name, which):
    return ", ".join(f"{100 * float(top[name][i]):.0f}" for i in which)


viz.say(f"""
How much of each hue's entropy does the latent know that knows it best? For
floor, wall and object: {in_percent("vae", hues)} per cent in the VAE,
{in_percent("beta_tc_vae", hues)} in β-TCVAE and
{in_percent("factor_vae", hues)} in FactorVAE. This is what paying for
dependence buys, without a label. The bill is in the same pictures:
{awake["beta_tc_vae"]} and {awake["factor_vae"]} latents speak where the VAE
has {awake["vae"]}, and none of them knows more than
{100 * most:.0f}% of scale, shape or orientation. The object is a blur
whatever it was, and the error is {error["beta_tc_vae"]:.4f} and
{error["factor_vae"]:.4f} against {error["vae"]:.4f}.
""")

# %% [markdown]
# ## Measure: is the middle part the right one to pay for?
#
# Pay $\beta$ for all three parts of Eq. (C), or for the middle one: at the same price,
# which gets more for it? Sprites of 32×32, the same networks, seeds, and settings that
# weigh the total correlation alike ($\beta = 1 + \gamma$). As a score of
# [disentanglement](../reference/glossary.md#disentangled) we take the MIG of
# [Chen et al. (2018)](https://arxiv.org/abs/1802.04942) and the FactorVAE score of
# [Kim and Mnih (2018)](https://arxiv.org/abs/1802.05983), as
# [Measuring](../foundations/measuring.ipynb) explains them.

# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title Median and range over seeds
experiment = recipes.load("total_correlation", "tradeoff")
columns = {
    "mig": ("MIG", 3),
    "factor_vae": ("FactorVAE score", 3),
    "reconstruction": ("error", 4),
    "active_units": ("active latents", 0),
}
rows = []
for entry in experiment.entries:
    run = experiment.run(entry)
    weight = entry.setting - (entry.line != "factor_vae")
    letter = "γ" if entry.line == "factor_vae" else "β"
    rows.append(
        {
            "method": entry.title,
            "row": f"{entry.title}, {letter} = {entry.setting:g}",
            "weight": weight,  # what is added on the total correlation
            "minutes": run.record["minutes"],
            "tc": run.history.terms.get("tc", [math.nan])[-1],
            **{key: run.metrics[key] for key in columns},
        }
    )
runs = pd.DataFrame(rows)
pd.DataFrame(
    {
        row: {
            title: recipes.median_and_range(list(found[key]), digits)
            for key, (title, digits) in columns.items()
        }
        for row, found in runs.groupby("row", sort=False)
    }
).T

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
seeds = len({entry.recipe.seed for entry in experiment.entries})
steps = experiment.entries[0].recipe.steps
many = "one training" if seeds == 1 else f"{seeds} trainings"
viz.say(f"""
Each row is {many} of {steps:,} steps, which took
{runs["minutes"].min():.1f} to {runs["minutes"].max():.1f} minutes each, two at
a time on two cores.
""")

# %% mystnb={"image": {"alt": "MIG on the left and the FactorVAE score on the right against reconstruction error; a curve each for beta-VAE, beta-TCVAE and FactorVAE."}}
figure, both = plt.subplots(1, 2, figsize=(9, 3.8))
for axes, (key, label) in zip(
    both, [("mig", "MIG"), ("factor_vae", "FactorVAE score")]
):
    curves = {
        method: list(zip(some["weight"], some["reconstruction"], some[key]))
        for method, some in runs.groupby("method", sort=False)
    }
    viz.trade_off(
        curves, xlabel="reconstruction error", ylabel=label, axes=axes
    )
both[1].get_legend().remove()

# %% [markdown]
# **Figure 10.** Up and to the left is better. A number is the extra weight on the total
# correlation, $\gamma$ or $\beta - 1$; faint dots are seeds, lines join their means.

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
heaviest = 7 if budget.current() == "book" else 1
means = runs[runs["weight"] == heaviest].groupby("method")
means = means[["reconstruction", "mig"]].mean()
error, mig = means["reconstruction"], means["mig"]
if budget.current() == "book":
    assert error["β-VAE"] > max(error["β-TCVAE"], error["FactorVAE"])
viz.say(f"""
Look at the largest weight. The β-VAE pays for it with the picture: an error
of {error["β-VAE"]:.4f} on average, where β-TCVAE has
{error["β-TCVAE"]:.4f} and FactorVAE {error["FactorVAE"]:.4f}. Its MIG there
is {mig["β-VAE"]:.2f}, theirs {mig["β-TCVAE"]:.2f} and
{mig["FactorVAE"]:.2f}. Then look at how far apart the dots of one number are
before you call any of it a difference.
""")

# %% [markdown]
# ### Does less total correlation mean more MIG?
#
# [Chen et al. (2018)](https://arxiv.org/abs/1802.04942) say that they "show a strong
# relation between total correlation and disentanglement, when the model is trained
# using our framework". Our β-TCVAE runs logged their estimate of it to the last step;
# its constant is the same for all of them, so their order can be compared.

# %% mystnb={"image": {"alt": "MIG of each beta-TCVAE run against the total correlation that it estimated at the end of its training, a marker each for beta 2, 4 and 8."}}
points = runs[runs["method"] == "β-TCVAE"].copy()
points["tc"] -= points["tc"].min()
figure, axes = plt.subplots(figsize=(5.2, 3.2))
for weight, group in points.groupby("weight"):
    label = f"β = {weight + 1:g}"
    axes.scatter(group["tc"], group["mig"], label=label, s=28)
axes.set(xlabel="total correlation above the lowest, nats", ylabel="MIG")
axes.grid(True)
_ = axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))

# %% [markdown]
# **Figure 11.** Every β-TCVAE run: the total correlation it ended with, and its MIG.

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
ranks = points[["tc", "mig"]].rank().corr().fillna(0.0)
rank = float(ranks.loc["tc", "mig"])
n_runs = len(points)
half = 1.96 / math.sqrt(max(n_runs - 3, 1))  # Fisher's z has this deviation
middle = math.atanh(max(min(rank, 0.999), -0.999))
ends = [math.tanh(middle + sign * half) for sign in (-1, 1)]
verdict = (
    "held"
    if ends[1] < 0
    else "did not hold"
    if ends[0] > 0
    else "too close to call"
)
each = [
    float(group[["tc", "mig"]].rank().corr().fillna(0.0).loc["tc", "mig"])
    for _, group in points.groupby("weight")
]
viz.say(f"""
The rank correlation over {n_runs} runs is {rank:+.2f}; the paper's relation
would make it negative. Its 95% interval goes from {ends[0]:+.2f} to
{ends[1]:+.2f}: **{verdict}**. Two cautions. The runs come in {len(each)}
clusters, one a weight, and the weight moves both axes; among runs of one
weight the mean rank correlation is {sum(each) / len(each):+.2f}. And part of
what the horizontal axis shows is information, as in Figure 5.
""")

# %% [markdown]
# ## Break it: shuffle the pictures
#
# The permutation is two lines, and easily written in one too few. Shuffle the *rows*
# of the batch, all latents together, and every shape is right, the loss is a proper
# cross-entropy, and nothing complains.


# %%
def shuffle_rows(codes, generator):
    return codes[torch.randperm(len(codes), generator=generator)]


told = {}
for shuffle in (permute, shuffle_rows):
    judge = judge_of(gaussian_codes(256, pair(0.9, 5)), 5, shuffle)
    with torch.no_grad():
        wrong = losses.discriminator_loss(
            judge(fresh), judge(shuffle(fresh, draw))
        )
    told[shuffle.__name__] = float(wrong), judged_tc(judge, fresh)
for name, (wrong, tc) in told.items():
    print(f"{name:13} loss {wrong:.3f}   total correlation {tc:+.2f}")

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
if budget.current() == "book":
    assert abs(told["shuffle_rows"][1]) < 0.1 < 0.6 < told["permute"][1]
viz.say(f"""
Rows in another order are still real codes, so there is nothing to tell apart:
the loss stays at $\\log 2 = {math.log(2):.3f}$ and the penalty at
{told["shuffle_rows"][1]:.2f} nats, for ever, while the truth is {TRUTH:.2f}.
A FactorVAE with this line is a VAE, and its log looks like a triumph of
independence. Feed your discriminator codes of known dependence first.
""")

# %% [markdown]
# The batch estimates have their own trap: the data set's size. Weighted sampling can
# do without $N$ (a constant), and many copies leave it out. In stratified sampling it
# is part of every weight. Put the batch size in its place and see where the gradient
# points:

# %%
batch = posteriors(64, pair(0.9, 5), draw)
noise = torch.randn(batch[0].shape, generator=draw)


def gradient(population, sampling):
    mean = batch[0].clone().requires_grad_(True)
    codes = mean + (0.5 * batch[1]).exp() * noise
    args = (codes, mean, batch[1], population, sampling)
    losses.total_correlation(*args).backward()
    return mean.grad.flatten()


cosines = {}
for sampling in ("weighted", "stratified"):
    right, wrong = gradient(POPULATION, sampling), gradient(64, sampling)
    cosines[sampling] = float(torch.cosine_similarity(right, wrong, dim=0))
    print(
        f"{sampling:10} cosine of the two gradients: {cosines[sampling]:.3f}"
    )

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
assert cosines["weighted"] > 0.9999 > 0.97 > cosines["stratified"]
viz.say(f"""
Weighted sampling doesn't mind; stratified sampling turns to another direction
(a cosine of {cosines["stratified"]:.2f}).
""")

# %% [markdown]
# ## What held, and what didn't
#
# What the two papers' abstracts claim, in their words, decided over seeds as
# [Measuring](../foundations/measuring.ipynb) describes. "At the same error" compares
# two curves of Figure 10 on the errors that they share.

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
decided = recipes.verdicts("total_correlation")
viz.claims(decided)

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
words = [verdict.word for _, verdict in decided]
counts = {w: words.count(w) for w in ("held", "did not hold")}
viz.say(f"""
Of {len(words)} claims {counts["held"]} held, {counts["did not hold"]} did not,
and {len(words) - sum(counts.values())} are too close to call, at {steps:,}
steps on small pictures.
""")

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
apart = [c for c, v in decided if not math.isfinite(v.margin)]
errors = runs.groupby("method")["reconstruction"].agg(["min", "max"])
middle = runs.groupby(["method", "weight"])["mig"].median()
ours, theirs = errors.loc["FactorVAE"], errors.loc["β-VAE"]
if apart:
    viz.say(f"""
{len(apart)} of them could not be compared at all: there is no error that every
seed's curve of both methods passes through. FactorVAE's runs have errors of
{ours["min"]:.4f} to {ours["max"]:.4f}, the β-VAE's {theirs["min"]:.4f} to
{theirs["max"]:.4f}: weights up to 7 hardly change its error. Nor do they
change its MIG by much at {steps:,} steps: medians of
{middle["FactorVAE"].min():.2f} to {middle["FactorVAE"].max():.2f}, where the
β-VAE without any extra weight has {middle["β-VAE", 0]:.2f}. The models of
Figure 9 had three times the steps, and another data set.
""")

# %% [markdown]
# **What is not here.** These two papers are stepping stones to
# [Inoue et al. (2021)](https://rc.signalprocessingsociety.org/conferences/icip-2021/spsicip21vid654),
# not among the five that this book goes through table by table: their own tables are
# not repeated. `dlib sweep total_correlation --group tradeoff --budget paper` trains
# at full size where there is a GPU.

# %% [markdown]
# ## What to take away
#
# - Total correlation is the price of pretending that latents are independent. It sees
#   what a covariance can't: the shell.
# - The KL term of a VAE is information, dependence, and shape. FactorVAE and β-TCVAE
#   make only the middle one dearer.
# - Batch estimates are right for two informative latents and nearly so for three. For
#   many they answer to information instead; the stratified one goes below zero on the
#   way.
# - A discriminator didn't mind many latents here, and is as good as its training is
#   recent.
# - A *value* of total correlation in a log compares runs of one estimator at best.
#   Train a fresh discriminator on held-out codes to compare methods.

# %% [markdown]
# ## Exercises
#
# **1. From correlations.** Write `from_correlation(matrix)` that gives Eq. (B) from the
# *correlation* matrix alone: rescaling a latent must not matter.


# %%
def from_correlation(matrix):
    return ...  # yours here


def check_correlation(function):
    found = function(torch.tensor([[1.0, 0.6], [0.6, 1.0]]))
    if found is ...:
        return "not tried yet"
    if abs(float(found) + 0.5 * math.log(1 - 0.36)) > 1e-4:
        return "not yet: for two latents it is -log(1 - ρ²) / 2"
    three = torch.tensor([[1.0, 0.3, 0.2], [0.3, 1.0, 0.1], [0.2, 0.1, 1.0]])
    if abs(float(function(three)) - float(gaussian_tc(three))) > 1e-4:
        return "nearly: two latents are right, three are not"
    return "right"


print(check_correlation(from_correlation))


# %% cellView="form" jupyter={"outputs_hidden": true, "source_hidden": true} mystnb={"code_prompt_hide": "Hide the solution", "code_prompt_show": "Show the solution"} tags=["hide-cell"]
# @title Solution 1
# The diagonal of a correlation matrix is one, and its logarithm zero.
def from_correlation(matrix):
    return -0.5 * torch.logdet(matrix)


assert check_correlation(from_correlation) == "right"

# %% [markdown]
# **2. How many bits does a perfect code have?** A data set of $N$ pictures that the
# encoder tells apart perfectly has $I_q(z; x) = \log N$. Weighted and stratified
# sampling also estimate this first part of Eq. (C) (`losses.decompose_kl`). Write
# `information(n, population, sampling)`: the estimate for $n$ pictures whose
# posteriors don't overlap at all, from two latents with means on a line and a tiny
# variance.


# %%
def information(n, population, sampling):
    return ...  # yours here


def check_information(function):
    found = function(16, 1_000, "stratified")
    if found is ...:
        return "not tried yet"
    if abs(float(found) - math.log(1_000)) > 0.01:
        return "not yet: stratified sampling should say log N here"
    if abs(float(function(16, 1_000, "weighted")) - math.log(16_000)) > 0.01:
        return "nearly: weighted sampling should say log(n N)"
    return "right"


print(check_information(information))


# %% cellView="form" jupyter={"outputs_hidden": true, "source_hidden": true} mystnb={"code_prompt_hide": "Hide the solution", "code_prompt_show": "Show the solution"} tags=["hide-cell"]
# @title Solution 2
# Only the own term is left. Stratified sampling gives it its true weight, 1/N.
def information(n, population, sampling):
    mean = torch.arange(float(n))[:, None].repeat(1, 2)
    logvar = torch.full_like(mean, -12.0)
    parts = losses.decompose_kl(mean, mean, logvar, population, sampling)
    return parts.mutual_information


assert check_information(information) == "right"

# %% [markdown]
# **3. Read the discriminator's loss.** If the best discriminator's loss (the mean of
# its two cross-entropies) is $L$, then $\log 2 - L$ is the Jensen–Shannon divergence of
# the two clouds, which is never more than $\log 2$. Write `seen(loss)` that turns a
# loss into a share: 0 for a discriminator that can't tell, 1 for one that always can.


# %%
def seen(loss):
    return ...  # yours here


def check_seen(function):
    if function(0.5) is ...:
        return "not tried yet"
    if abs(function(math.log(2))) > 1e-6:
        return "not yet: at log 2 nothing is seen"
    if abs(function(0.0) - 1) > 1e-6:
        return "nearly: a loss of zero sees everything"
    return "right" if function(0.6) > function(0.65) else "upside down"


print(check_seen(seen))


# %% cellView="form" jupyter={"outputs_hidden": true, "source_hidden": true} mystnb={"code_prompt_hide": "Hide the solution", "code_prompt_show": "Show the solution"} tags=["hide-cell"]
# @title Solution 3
# A discriminator can be above log 2 too: then it is worse than a coin.
def seen(loss):
    return 1 - loss / math.log(2)


assert check_seen(seen) == "right"
for name, (wrong, _) in told.items():
    print(f"{name:13} {100 * seen(wrong):.0f}%")

# %% [markdown]
# ## Further reading
#
# [Watanabe (1960)](https://doi.org/10.1147/rd.41.0066) has the quantity,
# [Chen et al. (2018)](https://arxiv.org/abs/1802.04942) the decomposition and β-TCVAE,
# [Kim and Mnih (2018)](https://arxiv.org/abs/1802.05983) FactorVAE.
# [Locatello et al. (2019)](https://arxiv.org/abs/1811.12359) trained thousands of both.
#
# What comes next, [Latent groups](latent_groups.ipynb), puts FactorVAE on a harder
# floor: a data set of several *domains*, each with factors of its own, and a header that
# learns which one a picture is from.

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
viz.colophon()
