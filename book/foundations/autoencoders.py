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
# # Autoencoders
#
# [Open in Colab](https://colab.research.google.com/github/untangled-book/untangled/blob/main/book/foundations/autoencoders.ipynb)
#
# **The promise.** After this chapter you can derive the evidence lower bound,
# write a variational autoencoder from it and train it, tell an active latent
# from an idle one, draw a traversal, and say what $\beta$ buys and what it costs.
#
# **You need** [Factors and data](factors_and_data.ipynb), the KL divergence, and
# to have trained a network before.
#
# **It costs** about three minutes on two CPU cores at the `book` budget. One
# minute of that is training that really runs in the page; three longer runs are
# loaded, because they are shipped with the library.

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

import matplotlib.pyplot as plt
import pandas as pd
import torch
from torch.nn import functional

from dlib import budget, recipes, viz

viz.use()
print("budget:", budget.current())

# %% [markdown]
# ## A code with holes
#
# An *autoencoder* is two networks that face each other. The encoder squeezes a
# picture into a *code* of ten numbers, the decoder makes a picture of the code,
# and both are trained until the second picture resembles the first. Nobody says
# what the ten numbers should mean. On dSprites five would do, as
# [the last chapter](factors_and_data.ipynb) showed.
#
# Here is one, trained at length. `run` finds the run that was finished for exactly
# this recipe, and says where it comes from; a page never trains it in silence.

# %% tags=["remove-stderr"]
experiment = recipes.load("autoencoders")
trained = {}
for entry in experiment.entries:
    trained[entry.title] = experiment.run(entry)
    print(entry.title, trained[entry.title], sep="\n  ")
ae, vae, beta_vae = (run.trained for run in trained.values())
data, held_out = entry.recipe.parts()

# %% mystnb={"image": {"alt": "Three rows of ten pictures. Top, sprites that were held out; middle, the autoencoder's reconstructions of them; bottom, what its decoder makes of ten random codes."}}
from dlib.inference import to_float


def batch(n, seed=0, dataset=held_out):
    images, _ = dataset.sample(n, torch.Generator().manual_seed(seed))
    return to_float(images)


with torch.no_grad():
    noise = torch.randn(10, 10, generator=torch.Generator().manual_seed(3))
    rebuilt = ae.decode(ae.encode(batch(10)))
    sheet = torch.cat([batch(10), rebuilt, ae.decode(noise)])
titles = ["picture", "rebuilt", "random code"]
figure = viz.image_grid(sheet, columns=10, row_titles=titles)

# %% [markdown]
# The top row are pictures that were held out, the middle row is what the
# autoencoder makes of them, and the bottom row is what its decoder makes of codes
# that we invented: ten draws from a standard normal distribution. The decoder has
# learned to answer for the codes that the encoder uses, and those lie in some
# odd-shaped part of a ten-dimensional space. About the space between them,
# nothing was ever asked of it.
#
# Such a code is hard to use. We can't draw new pictures from it, and we can't move
# one number and trust that a picture comes out. It would help to know *where*
# codes may lie, and to have the decoder answer for every place there. That is
# what the variational autoencoder {cite:p}`kingma2013,rezende2014` arranges, and
# it does so by asking a question about probability.

# %% [markdown]
# ## The idea: a bound on the evidence
#
# Tell a story of how pictures come about. First nature draws a code $z$ from a
# *prior* $p(z)$, which we take to be $\mathcal N(0, I)$. Then it draws a picture
# from $p_\theta(x \mid z)$, the decoder. The probability of a picture, its
# *evidence*, is an average over all codes,
#
# $$p_\theta(x) = \int p(z)\, p_\theta(x \mid z)\, dz ,$$
#
# and we would like to choose $\theta$ so that our pictures become probable. The
# integral is hopeless: of all the codes that we might try, hardly any gives
# anything like $x$. We need to know which codes to try. The answer is the
# posterior $p_\theta(z \mid x)$, but that contains the same integral.
#
# So we guess. An encoder looks at $x$ and proposes codes $q_\phi(z \mid x)$. For
# *any* proposal, since $p_\theta(x)$ does not depend on $z$,
#
# $$
# \begin{aligned}
# \ln p_\theta(x)
# &= \mathbb{E}_{q}\!\left[\ln \frac{p_\theta(x \mid z)\, p(z)}
#    {p_\theta(z \mid x)}\right]
#    && \text{Bayes' rule, for every } z \\
# &= \mathbb{E}_{q}\!\left[\ln p_\theta(x \mid z)
#    - \ln \frac{q_\phi(z \mid x)}{p(z)}
#    + \ln \frac{q_\phi(z \mid x)}{p_\theta(z \mid x)}\right]
#    && \text{multiplied and divided by } q \\
# &= \underbrace{\mathbb{E}_{q}[\ln p_\theta(x \mid z)]
#    - \mathrm{KL}(q_\phi(z \mid x) \,\|\, p(z))}_{\text{ELBO}}
#    + \underbrace{\mathrm{KL}(q_\phi(z \mid x) \,\|\, p_\theta(z \mid x))}
#      _{\text{gap} \,\ge\, 0} .
# \end{aligned}
# $$
#
# The ELBO contains no hopeless integral, and it is a *lower bound* on the
# evidence because the gap cannot be negative. Push it up and one of two good
# things happens: the picture becomes more probable, or the proposal comes closer
# to the true posterior. With the decoder held fixed only the second can happen,
# and that is Eq. (1) of {cite:t}`kumar2018`:
#
# ```{math}
# :label: autoencoders-elbo
# \operatorname*{arg\,min}_\phi \mathbb{E}_x
# \mathrm{KL}\big(q_\phi(z \mid x) \,\|\, p_\theta(z \mid x)\big)
# = \operatorname*{arg\,max}_\phi \mathbb{E}_x \Big[
# \mathbb{E}_{z \sim q_\phi(z \mid x)} [\ln p_\theta(x \mid z)]
# - \mathrm{KL}\big(q_\phi(z \mid x) \,\|\, p(z)\big) \Big] .
# ```
#
# The first term asks for good reconstructions. The second asks that the codes of
# every picture lie where the prior expects codes: it closes the holes.
#
# You needn't take the derivation on trust. For a code of one number and a picture
# of one pixel, a coin that shows heads with probability $s(3z)$, every integral
# is a sum over a fine grid:

# %%
from torch.distributions import Normal

z = torch.linspace(-10, 10, 20_001, dtype=torch.float64)
dz = z[1] - z[0]
log_prior, log_q = Normal(0, 1).log_prob(z), Normal(0.5, 0.8).log_prob(z)
log_joint = functional.logsigmoid(3 * z) + log_prior
evidence = (log_joint.exp() * dz).sum().log()
log_posterior = log_joint - evidence
elbo = (log_q.exp() * (log_joint - log_q) * dz).sum()
gap = (log_q.exp() * (log_q - log_posterior) * dz).sum()
assert torch.isclose(evidence, elbo + gap) and gap > 0
print(f"evidence {evidence:.4f} = ELBO {elbo:.4f} + gap {gap:.4f}")

# %% [markdown]
# The evidence is $\ln \frac12$, as symmetry demands, and the bound falls short of
# it by the gap. Change the 0.5 and the 0.8: the sum stays, and the gap is
# smallest where the proposal resembles the posterior most.

# %% [markdown]
# ## The idea in a dozen lines
#
# Three pieces turn {eq}`autoencoders-elbo` into code.
#
# **The likelihood.** A pixel of dSprites is black or white, so the decoder gives
# each pixel a coin: a Bernoulli variable whose logit it puts out. The logarithm
# of a picture's probability is a *sum* over its pixels; a batch is averaged. We
# minimise, so we flip the sign.


# %%
def bernoulli_nll(logits, images):
    heads = functional.logsigmoid(logits)
    tails = functional.logsigmoid(-logits)
    return -(images * heads + (1 - images) * tails).sum((1, 2, 3))


# %% [markdown]
# **The divergence.** The encoder puts out a mean $\mu$ and a log-variance
# $\ln \sigma^2$ for each latent, and the latents are independent given the
# picture. The KL divergence of $\mathcal N(\mu, \sigma^2)$ from $\mathcal N(0, 1)$
# then is
# $\mathbb{E}_q\big[\tfrac12 z^2 - \tfrac12 (z - \mu)^2 / \sigma^2\big] - \ln \sigma$,
# and as $\mathbb{E}_q z^2 = \mu^2 + \sigma^2$, it is a closed form:


# %%
def kl_to_standard_normal(mean, logvar):
    return (mean**2 + logvar.exp() - logvar - 1) / 2  # one per latent


# %% [markdown]
# That is the bracket of Eq. (9) in {cite:t}`kumar2018`. Both must agree with the
# library's:

# %%
from dlib.losses import elbo as library

draw = torch.Generator().manual_seed(0)
images, logits = batch(5), torch.randn(batch(5).shape, generator=draw)
mean, logvar = torch.randn(2, 5, 10, generator=draw)
torch.testing.assert_close(
    bernoulli_nll(logits, images), library.bernoulli_nll(logits, images)
)
torch.testing.assert_close(
    kl_to_standard_normal(mean, logvar),
    library.kl_to_standard_normal(mean, logvar),
)

# %% [markdown]
# **The sample.** The likelihood's expectation is over codes drawn from
# $q_\phi(z \mid x)$, and we want its gradient with respect to $\phi$. But a draw
# has no gradient. The *reparametrisation trick* moves the randomness out of the
# way: draw noise $\varepsilon \sim \mathcal N(0, 1)$, which depends on nothing,
# and compute
#
# ```{math}
# :label: autoencoders-reparametrisation
# z = \mu + \sigma \varepsilon, \qquad
# \frac{\partial z}{\partial \mu} = 1, \qquad
# \frac{\partial z}{\partial \sigma} = \varepsilon .
# ```
#
# There is an older way that needs no such trick: the *score-function* estimator,
# $f(z)\, \partial \ln q / \partial \mu$. Both have the right mean. To see why
# nobody trains VAEs with it, take $f(z) = (z - 1)^2$ at $\mu = 0$, $\sigma = 0.5$,
# where the true gradient with respect to $\mu$ is $-2$:

# %%
noise = torch.randn(20_000, generator=draw)
z = 0 + 0.5 * noise  # samples of N(0, 0.25)
estimates = {
    "reparametrised": 2 * (z - 1),  # f'(z) times dz/dmu
    "score function": (z - 1) ** 2 * z / 0.25,  # f(z) times dlnq/dmu
}
spread = {name: float(v.std()) for name, v in estimates.items()}
assert all(abs(v.mean() + 2) < 0.2 for v in estimates.values())

# %% mystnb={"image": {"alt": "Left: eight noise values are carried by straight lines to samples of a wide and of a narrow distribution. Right: two histograms of gradient estimates around minus two; the reparametrised one is several times narrower than the score-function one."}}
figure, axes = plt.subplots(1, 2, figsize=(8, 2.6))
for i, (mu, sigma) in enumerate([(0, 1), (2, 0.4)]):
    ends = torch.stack([noise[:8], mu + sigma * noise[:8]])
    axes[0].plot([0, 1], ends, "o-", color=viz.COLOURS[i], lw=0.8)
axes[0].set_xticks([0, 1], ["noise ε", "z = μ + σε"])
bins = torch.linspace(-20, 10, 61)
for name, values in estimates.items():
    axes[1].hist(values, bins, alpha=0.6, density=True, label=name)
axes[1].legend()
label = axes[1].set_xlabel("estimate of the gradient")

# %% tags=["remove-cell"]
narrow, wide = spread.values()
viz.glue("autoencoders_spread", wide / narrow)

# %% [markdown]
# On the left, the same eight draws of noise become samples of two different
# distributions along straight lines; a gradient runs back along the lines. On
# the right, both estimators centre on $-2$, but the score function's estimates
# spread {glue:text}`autoencoders_spread:.1f` times as widely, for a single number.
# With ten latents and a picture in place of $f$, the difference decides.
#
# Now the method is complete. This is a whole training step's loss:


# %%
from dlib.data import Batch


def vae_loss(model, images, generator, beta=1.0):
    mean, logvar = model.encoder(images).chunk(2, dim=1)
    noise = torch.randn(mean.shape, generator=generator)
    codes = mean + (logvar / 2).exp() * noise
    nll = bernoulli_nll(model.decoder(codes), images).mean()
    kl = kl_to_standard_normal(mean, logvar).sum(1).mean()
    return nll + beta * kl


seeded = torch.Generator().manual_seed
wanted = next(beta_vae.losses(Batch(images), seeded(1))).value
torch.testing.assert_close(vae_loss(beta_vae, images, seeded(1), 4.0), wanted)

# %% [markdown]
# The assertion compares it with `dlib`'s method. The plain autoencoder keeps only
# the first term, and its encoder gives the code itself; the VAE is $\beta = 1$; the
# β-VAE is any other $\beta$. There are no further differences between the three.

# %% [markdown]
# ## Training, live
#
# A smaller VAE on pictures that are drawn at 32 pixels: a minute or less, here
# and now.

# %% tags=["remove-stderr"]
from dlib import networks
from dlib.data import load
from dlib.models import VAE
from dlib.training import fit

small, small_held_out = load("dsprites", source="twin", size=32).split()


def fresh(seed=0):
    pair = networks.build("conv", latent_dim=10, channels=1, size=32)
    for network in (pair.encoder, pair.decoder):
        networks.initialise(network, torch.Generator().manual_seed(seed))
    return pair


# %% tags=["remove-stderr"]
live_steps = budget.choose(60, 700)
live = VAE(fresh())
history = fit(live, small, steps=live_steps, device="cpu", progress=False)
viz.glue("autoencoders_live_seconds", history.seconds)
print(f"{live_steps} steps in {history.seconds:.0f} s")

# %% mystnb={"image": {"alt": "Two curves over the training steps. Left, the negative log-likelihood falls steeply and flattens. Right, the KL divergence starts near zero and rises."}}
figure, axes = plt.subplots(1, 2, figsize=(8, 2.6))
titles = {"nll": "negative log-likelihood", "kl": "KL divergence"}
for axis, (term, title) in zip(axes, titles.items(), strict=True):
    axis.plot(history.steps, history.terms[term], color=viz.COLOURS[0])
    axis.set(xlabel="step", ylabel="nats a picture", title=title)
    axis.grid(True)
    axis.set_ylim(bottom=0)

# %% [markdown]
# Read the two curves together. Within the first steps the decoder learns to paint
# the average of all pictures, for which it needs no code. Then the likelihood
# improves because the KL divergence *rises*: a code that says nothing about the
# picture is free, and useless, and the network learns to spend nats of code where
# they save more nats of picture. What it buys first we know from the last chapter:
# position, the bargain.

# %% [markdown]
# ## Look: three codes side by side
#
# Back to the long runs. First, the reconstructions.

# %% mystnb={"image": {"alt": "Four rows of ten pictures: held-out sprites, and their reconstructions by the autoencoder, the VAE and the beta-VAE. The last row's outlines are the softest."}}
methods = {title: run.trained for title, run in trained.items()}
figure = viz.reconstructions(methods, held_out, n=10)

# %% [markdown]
# All three put the sprite in its place and give it about its size. Look at
# outlines and angles to tell them apart: the β-VAE's are the softest, and where
# it is unsure of an angle it paints several at once.
#
# Now the holes. Each decoder gets random codes. To be fair to the autoencoder,
# whose codes were never told how large to be, its second row uses codes with the
# mean and the standard deviation that its own codes have.

# %% mystnb={"image": {"alt": "Four rows of ten pictures decoded from random codes. The autoencoder's two rows show fragments and smears; the VAE's and the beta-VAE's rows show sprites, most of them whole."}}
with torch.no_grad():
    codes = {t: m.encode(batch(2000)) for t, m in methods.items()}
    noise = torch.randn(10, 10, generator=seeded(4))
    own = codes["autoencoder"]
    scaled = own.mean(0) + own.std(0) * noise
    rows = [ae.decode(noise), ae.decode(scaled)]
    rows += [vae.decode(noise), beta_vae.decode(noise)]
titles = ["autoencoder", "… own scale", "VAE", "β-VAE"]
figure = viz.image_grid(torch.cat(rows), columns=10, row_titles=titles)

# %%
scales = {title: code.std(0) for title, code in codes.items()}
viz.glue("autoencoders_ae_scale", float(scales["autoencoder"].mean()))
for title, scale in scales.items():
    print(f"{title:14}", " ".join(f"{s:6.2f}" for s in scale.tolist()))

# %% [markdown]
# The table gives the standard deviation of every latent over held-out pictures (a
# VAE's codes are the means of its posteriors). The autoencoder uses all ten, at a scale of its own choosing, about
# {glue:text}`autoencoders_ae_scale:.1f`; even codes of the right scale mostly miss
# the places that it knows. The other two keep to the prior's scale, and random
# codes give sprites, though not always whole ones: the codes of all pictures
# *together* still don't fill the prior evenly.
#
# The other two have also done something that nobody asked for: some of their
# latents hardly move.
#
# ### Active and idle latents
#
# The KL term is a sum over latents, so we can ask what each one spends.

# %%
with torch.no_grad():
    held = batch(2000)
    spent = {
        title: kl_to_standard_normal(*methods[title].posterior(held)).mean(0)
        for title in list(methods)[1:]
    }

# %% mystnb={"image": {"alt": "Bar chart of the KL divergence of each latent, sorted, for the VAE and the beta-VAE. A few latents spend nats, the others next to nothing; the beta-VAE spends less and on fewer."}}
figure, axis = plt.subplots(figsize=(6, 2.6))
for i, (title, nats) in enumerate(spent.items()):
    places = torch.arange(10) + 0.4 * i - 0.2
    axis.bar(places, nats.sort(descending=True)[0], 0.38, label=title)
axis.legend()
axis.set_xticks(range(10), [])
axis.set_xlabel("latents, from the dearest")
label = axis.set_ylabel("nats a picture")

# %% tags=["remove-cell"]
for name, nats in zip(("vae", "beta"), spent.values(), strict=True):
    viz.glue(f"autoencoders_{name}_active", int((nats > 0.1).sum()))
    viz.glue(f"autoencoders_{name}_rate", float(nats.sum()))

# %% [markdown]
# A latent that spends nothing has $\mu = 0$ and $\sigma = 1$ for every picture:
# its code is the prior, pure noise, and the decoder has learned to ignore it.
# Counting those above a tenth of a nat, the VAE has
# {glue:}`autoencoders_vae_active` *active* latents and the β-VAE
# {glue:}`autoencoders_beta_active`; in all they spend
# {glue:text}`autoencoders_vae_rate:.1f` and
# {glue:text}`autoencoders_beta_rate:.1f` nats a picture. Keep the idle ones in
# mind when you read a metric: they are noise by design, and not a fault.
#
# ### The first traversals
#
# Encode one picture, move one latent, decode: a *latent traversal*. Latents are
# ordered by what they spend (the autoencoder's by their spread, and moved over
# two standard deviations of it).

# %%
order = {title: nats.argsort(descending=True) for title, nats in spent.items()}
order["autoencoder"] = scales["autoencoder"].argsort(descending=True)
heart = held_out.of.render(torch.tensor([[2, 4, 6, 14, 18]]))[0]

# %% mystnb={"image": {"alt": "Traversals of the autoencoder: ten rows of nine pictures. Most rows change several things at once, and at the ends sprites break up."}}
wide = 2 * float(scales["autoencoder"].mean())
rows = order["autoencoder"].tolist()
figure = viz.traversals(ae, heart, order=rows, limit=wide)

# %% mystnb={"image": {"alt": "Traversals of the VAE, the dearest latent on top: the upper rows move and change the sprite, the lowest rows show nine times the same picture."}}
figure = viz.traversals(vae, heart, order=order["VAE"].tolist())

# %% mystnb={"image": {"alt": "Traversals of the beta-VAE, the dearest latent on top: the first rows move the sprite along one direction each or change its size; the lowest rows don't change."}}
title = list(methods)[2]
figure = viz.traversals(beta_vae, heart, order=order[title].tolist())

# %% [markdown]
# Go down the rows and ask of each: *what changes, and is it one thing?* In the
# autoencoder's rows, several things do, and the picture may fall apart before the
# row ends. The VAE's active rows stay closer to sprites, but a row still moves,
# resizes and reshapes at once, and at its ends there may be two sprites: a code
# without holes is not yet a code without knots. In the β-VAE's, look for a row
# that only slides the sprite along a line, and for one that only changes its
# size. Rows at the bottom repeat one picture: those are the idle latents.
#
# A table of pictures shows ten lines through a ten-dimensional space. Here is all
# of it: move the sliders. The decoder runs in your browser, on this page.

# %%
from dlib.viz.explorer import explorer

with torch.no_grad():
    start = beta_vae.encode(to_float(heart[None]))
explorer(beta_vae, start=start, order=order[title].tolist(), title=title)

# %% [markdown]
# Try two latents at once. Where they are independent, the order in which you move
# them doesn't matter, and each does the same wherever the other stands. Orientation
# is a good place to see that fail.

# %% [markdown]
# ## What β costs
#
# {cite:t}`higgins2017` multiply the KL term by a number, Eq. (8) of
# {cite:t}`kumar2018`:
#
# ```{math}
# :label: autoencoders-beta
# \max_{\theta, \phi} \mathbb{E}_x \Big[
# \mathbb{E}_{z \sim q_\phi(z \mid x)} [\ln p_\theta(x \mid z)]
# - \beta\, \mathrm{KL}\big(q_\phi(z \mid x) \,\|\, p(z)\big) \Big] .
# ```
#
# Think of $\beta$ as a price. The KL term is a *rate*, the nats of code that are
# sent for a picture; the negative log-likelihood is a *distortion*, what is still
# wrong when they have arrived. A nat of code is worth sending as long as it saves
# at least $\beta$ nats of picture. At $\beta = 4$ whatever saves less is dropped,
# and for a large $\beta$ only the bargains are left. The runs of the DIP-VAE
# paper's Figure 1, which [its own chapter](../papers/dip_vae.ipynb) uses, sweep
# $\beta$ at 32 pixels:

# %% tags=["remove-stderr"]
sweep = recipes.load("dip_vae", "sweep")
points = []
for entry in sweep.entries:
    if entry.line == "beta_vae":
        run = sweep.run(entry)
        ends = [run.history.terms[term][-10:] for term in ("kl", "nll")]
        rate, distortion = (sum(end) / len(end) for end in ends)
        points.append((entry.setting, rate, distortion))
print(len(points), "runs;", f"{entry.recipe.steps:,} steps each")

# %% mystnb={"image": {"alt": "Distortion against rate, one point for each beta: from few nats of rate and a large distortion at a high beta, the curve falls to more nats and a small distortion at beta 1."}}
names = {"xlabel": "rate: KL (nats)", "ylabel": "distortion: NLL (nats)"}
figure = viz.trade_off({"β-VAE": points}, **names)

# %% [markdown]
# One curve, walked by one number. From right to left β grows, the code becomes
# shorter and the pictures worse. The slope is the price: where the curve is steep,
# a nat of code saves many nats of picture. What makes it interesting for *this*
# book is not the saving. A code that must be short has reasons to be tidy: a
# latent that carries one bargain cleanly wastes less than two that share it. That
# is an argument, not a proof, and the paper's authors object to its price.
#
# ## Measure
#
# The scores are explained in [the next chapter](measuring.ipynb); roughly, SAP
# and MIG ask whether each factor has one latent of its own, and the
# reconstruction error is per pixel. *Paper* is Table 1 of {cite:t}`kumar2018`,
# which has no plain autoencoder.

# %%
paper = {e.title: e.paper for e in recipes.load("dip_vae").entries}
rows = {}
for title, run in trained.items():
    printed = paper.get(title, {})
    for metric in experiment.metrics:
        theirs = printed.get(metric, math.nan)
        rows.setdefault(title, {})[metric, "paper"] = theirs
        rows[title][metric, "ours"] = run.metrics[metric]
table = pd.DataFrame.from_dict(rows, orient="index")
table.columns = pd.MultiIndex.from_tuples(table.columns)
table.round(4).astype(object).where(table.notna(), "–")

# %% tags=["remove-cell"]
for key, run in zip(("ae", "vae", "beta"), trained.values(), strict=True):
    for metric in experiment.metrics:
        viz.glue(f"autoencoders_{key}_{metric}", run.metrics[metric])
viz.glue("autoencoders_table_steps", trained["VAE"].recipe.steps)

# %% [markdown]
# SAP and MIG run from 0 to 1, and none of the three gets far: MIG is
# {glue:text}`autoencoders_ae_mig:.3f`, {glue:text}`autoencoders_vae_mig:.3f` and
# {glue:text}`autoencoders_beta_mig:.3f`. The reconstruction error tells
# the price: {glue:text}`autoencoders_vae_reconstruction:.4f` for the VAE,
# {glue:text}`autoencoders_beta_reconstruction:.4f` for the β-VAE. Don't read too
# much into one seed. The paper trained other networks in larger batches for an
# unstated number of steps; ours took {glue:}`autoencoders_table_steps` steps, and
# the autoencoder, which has nothing to balance, a third of that.

# %% [markdown]
# ## Break it: the scale of the loss
#
# The question that users of VAE code ask most often is why their VAE draws the
# same grey blob for every picture. Here is the most common reason. It is one word:
# the library function for the likelihood takes a *mean over pixels* by default,
# and nobody notices, since the curves look fine.

# %%
from dlib.models.method import Loss
from dlib.models.vae import reparametrise


class MeanVAE(VAE):
    def losses(self, batch, generator):
        posterior = self.posterior(batch.images)
        logits = self.decoder(reparametrise(posterior, generator))
        nll = functional.binary_cross_entropy_with_logits(logits, batch.images)
        kl = kl_to_standard_normal(*posterior).sum(1).mean()
        logs = {"nll": nll.detach(), "kl": kl.detach()}
        yield Loss("vae", nll + kl, logs)  # a mean plus a sum: the mistake


# %% [markdown]
# Divided by the number of pixels, the likelihood is so small that the KL term
# drowns it. Multiply the whole loss by that number and you see what is really
# being trained: a β-VAE with $\beta$ = the number of pixels, times the number of
# channels.

# %% tags=["remove-stderr"]
short = budget.choose(30, 300)
models = {"sum": VAE(fresh()), "mean": MeanVAE(fresh())}
curves = {
    name: fit(model, small, steps=short, device="cpu", progress=False)
    for name, model in models.items()
}

# %% mystnb={"image": {"alt": "Three rows of ten pictures: held-out sprites; blurred but distinct reconstructions by the VAE that sums over pixels; ten times the same dark, empty picture by the one that averages."}}
figure = viz.reconstructions(models, small_held_out, n=10)

# %% tags=["remove-cell"]
ends = {name: curve.terms["kl"][-1] for name, curve in curves.items()}
viz.glue("autoencoders_pixels", small.size**2)
viz.glue("autoencoders_kl_sum", ends["sum"])
viz.glue("autoencoders_kl_mean", ends["mean"])
assert ends["mean"] < 0.1

# %% [markdown]
# After a few seconds of training the sum has begun to place its sprites and
# spends {glue:text}`autoencoders_kl_sum:.1f` nats. The mean spends
# {glue:text}`autoencoders_kl_mean:.3f`: every posterior equals the prior, the
# decoder hears only noise, and so it paints the average of all pictures, each
# time. That is *posterior collapse*, and no patience will cure it here, because
# it is the optimum of the loss that was written down: not even position is worth
# {glue:}`autoencoders_pixels` times its nats.
#
# The remedy is a convention, and this book has one: **the likelihood is summed
# over a picture's pixels and averaged over the batch.** When you read a β in a
# paper, ask for its convention first. A "$\beta = 4$" of one code may be a
# "$\beta = 16{,}384$" of another.
#
# ### The other way to spoil it: a ReLU at the end of the encoder
#
# Many encoders end each layer with a ReLU, and it is tempting to let the last one
# do so too. But the prior is symmetric about zero, and a mean that has passed a
# ReLU is never negative; nor is a log-variance, so no posterior can be narrower
# than the prior.

# %% tags=["remove-stderr"]
from torch import nn

pair = fresh()
rectified = VAE(pair._replace(encoder=nn.Sequential(pair.encoder, nn.ReLU())))
_ = fit(rectified, small, steps=short, device="cpu", progress=False)

with torch.no_grad():
    few = batch(2000, dataset=small_held_out)
    drawn = {}
    for name, model in {"linear": live, "ReLU": rectified}.items():
        posterior = model.posterior(few)
        best = kl_to_standard_normal(*posterior).mean(0).argmax()
        drawn[name] = reparametrise(posterior, seeded(5))[:, best]
assert rectified.encode(few).min() >= 0

# %% mystnb={"image": {"alt": "Histograms of the codes of the dearest latent over all pictures, with the prior's bell curve. With a linear end they fill the bell; with a ReLU they don't."}}
figure, axes = plt.subplots(1, 2, figsize=(8, 2.4), sharex=True, sharey=True)
grid, bins = torch.linspace(-6, 10, 200), torch.linspace(-6, 10, 65)
for axis, (name, values) in zip(axes, drawn.items(), strict=True):
    axis.hist(values, bins, density=True, label="codes of all pictures")
    axis.plot(grid, Normal(0, 1).log_prob(grid).exp(), label="the prior")
    axis.set(title=f"last layer: {name}", xlabel="code of the dearest latent")
legend = axes[1].legend()

# %% tags=["remove-cell"]
off = {name: float(values.mean()) for name, values in drawn.items()}
viz.glue("autoencoders_linear_mean", off["linear"])
viz.glue("autoencoders_relu_mean", off["ReLU"])

# %% [markdown]
# With a linear last layer, the codes of all pictures together (the *inferred
# prior* of the DIP-VAE paper) lie around zero, at
# {glue:text}`autoencoders_linear_mean:.2f` on average. Behind a ReLU the average is
# {glue:text}`autoencoders_relu_mean:.2f`. It can only be zero if every single mean
# is zero, that is, if the latent carries nothing. Whatever such an encoder says, it
# says at a distance from the prior, and pays for it.

# %% [markdown]
# ## What held
#
# - The bound is a bound: on a toy where everything can be summed, evidence, ELBO
#   and gap agreed.
# - Our dozen lines give the value of the library's VAE and β-VAE.
# - An autoencoder's code has holes, at its own scale too; a VAE's codes keep to the
#   prior's.
# - A larger β made a shorter code and a larger distortion, along one curve. Whether
#   it also made a better one, by scores and with more than one seed, is for the
#   chapters that follow.
# - The live training took {glue:text}`autoencoders_live_seconds:.0f` seconds, which
#   is enough to see the curves and the two failures, and nothing more.

# %% [markdown]
# ## Exercises
#
# Replace the `...` and run the cell.
#
# **1. Any two Gaussians.** Write the KL divergence of
# $\mathcal N(m_1, s_1^2)$ from $\mathcal N(m_2, s_2^2)$.


# %%
def kl(m1, s1, m2, s2):
    return ...


def check_kl(answer):
    if answer(*torch.ones(4)) is ...:
        return "Not tried yet."
    a, b, c, d = torch.rand(4, 100, generator=seeded(2)) + 0.5
    mine = answer(a, b, c, d)
    ours = kl_to_standard_normal(a, 2 * b.log())
    assert torch.allclose(answer(a, b, 0 * a, b / b), ours), "N(0, 1) is wrong"
    right = torch.distributions.kl_divergence(Normal(a, b), Normal(c, d))
    assert torch.allclose(mine, right, atol=1e-5), "shift both, stretch both"
    return "Right."


check_kl(kl)

# %% [markdown]
# :::{admonition} Solution
# :class: dropdown
# A divergence does not change when both sides are shifted and stretched alike, so
# bring the second to $\mathcal N(0, 1)$.
#
# ```python
# def kl(m1, s1, m2, s2):
#     return kl_to_standard_normal((m1 - m2) / s2, 2 * (s1 / s2).log())
#
#
# check_kl(kl)
# ```
# :::
#
# **2. Somebody else's β.** A code averages the likelihood over pixels *and*
# channels, and multiplies the KL sum by `weight`. Which β is that in this book?


# %%
def beta_of(weight, channels, size):
    return ...


def check_beta(answer):
    if answer(1, 1, 1) is ...:
        return "Not tried yet."
    assert answer(1, 1, 32) != 1, "divide the loss so that the NLL is a sum"
    assert answer(1, 1, 32) == small.size**2, "as in the section above"
    assert answer(0.001, 3, 64) == 0.001 * 3 * 64 * 64, "and the channels?"
    return "Right."


check_beta(beta_of)

# %% [markdown]
# :::{admonition} Solution
# :class: dropdown
# Only the ratio of the two terms matters, and the mean is the sum over
# $c \cdot h \cdot w$.
#
# ```python
# def beta_of(weight, channels, size):
#     return weight * channels * size**2
#
#
# check_beta(beta_of)
# ```
# :::
#
# **3. More nats than there are pictures.** A code cannot tell more about a picture
# than there is to know, $\ln 737{,}280$ nats. Averaged over pictures, the KL term
# is what it tells, the mutual information of $x$ and $z$, plus
# $\mathrm{KL}(q_\phi(z) \,\|\, p(z))$, the distance of the inferred prior from the
# prior. From a model's KL, what is the least that this distance can be?


# %%
def least_distance(nats, pictures):
    return ...


def check_distance(answer):
    if answer(1.0, 1) is ...:
        return "Not tried yet."
    assert math.isclose(answer(30.0, 737_280), 30 - math.log(737_280)), "a - b"
    assert answer(1.0, 737_280) == 0, "a divergence is never negative"
    found = [answer(float(n.sum()), 737_280) for n in spent.values()]
    return "Right: " + ", ".join(f"{value:.1f}" for value in found) + " nats."


check_distance(least_distance)

# %% [markdown]
# :::{admonition} Solution
# :class: dropdown
#
# ```python
# def least_distance(nats, pictures):
#     return max(0.0, nats - math.log(pictures))
#
#
# check_distance(least_distance)
# ```
#
# The VAE's value and the β-VAE's. Where it is above zero, the codes of all
# pictures together demonstrably don't follow the prior. Penalising that distance,
# and not each picture's KL, is the idea of
# [DIP-VAE](../papers/dip_vae.ipynb).
# :::

# %% [markdown]
# ## Further reading
#
# - {cite:t}`kingma2013` and {cite:t}`rezende2014` found the estimator at the same
#   time; the first has the closed form of the KL term in its appendix B.
# - {cite:t}`higgins2017` propose β, and argue for what it does.
# - {cite:t}`chen2018` split the averaged KL term as exercise 3 does, and once more:
#   that is the next step towards a better trade-off.
# - {cite:t}`locatello2019` ask how much of all this survives many seeds.
#
# Next: [Measuring](measuring.ipynb), which turns "look for a row that slides the
# sprite" into a number.
