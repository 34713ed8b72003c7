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
# write a variational autoencoder from it, train it and watch it learn, tell an
# active latent from an idle one, and say what $\beta$ buys and what it costs.

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-cell"]
# Colab starts without the library: install it there, and only there.
import subprocess
import sys

if "google.colab" in sys.modules:
    source = "dlib-book @ git+https://github.com/untangled-book/untangled"
    pip = [sys.executable, "-m", "pip", "install", "-q"]
    subprocess.run([*pip, source], check=True)

# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input", "remove-output"]
# @title Imports, how much work each budget does, and three trained runs
import math
import tempfile
from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import torch
from torch.nn import functional

from dlib import budget, recipes, viz
from dlib.inference import to_float

viz.use()
stops = budget.choose([0, 50, 100], [0, 50, 100, 200, 400, 700])
short = budget.choose(30, 300)
seeded = torch.Generator().manual_seed

experiment = recipes.load("autoencoders")
trained = {entry.title: experiment.run(entry) for entry in experiment.entries}
methods = {title: run.trained for title, run in trained.items()}
ae, vae, beta_vae = methods.values()
_, held_out = experiment.entries[0].recipe.parts()
heart = held_out.of.render(torch.tensor([[2, 4, 6, 14, 18]]))[0]


def batch(n, seed=0, dataset=held_out):
    images, _ = dataset.sample(n, seeded(seed))
    return to_float(images)


# %% [markdown]
# ## A code with holes

# %% cellView="form" jupyter={"source_hidden": true} mystnb={"image": {"alt": "Three rows of ten pictures. Top, sprites that were held out; middle, the autoencoder's reconstructions, in place and of the right size but with rounded corners; bottom, smears and fragments that its decoder makes of ten random codes."}} tags=["hide-input"]
# @title Figure 1
with torch.no_grad():
    pictures = batch(10)
    rebuilt = ae.decode(ae.encode(pictures))
    invented = ae.decode(torch.randn(10, 10, generator=seeded(3)))
sheet = torch.cat([pictures, rebuilt, invented])
titles = ["picture", "rebuilt", "random code"]
figure = viz.image_grid(sheet, columns=10, row_titles=titles)

# %% [markdown]
# **Figure 1.** What an autoencoder makes of pictures that it has not seen, and of
# codes that we invented.
#
# Top, ten sprites. Middle, what came back after each was squeezed into ten numbers:
# place and size are kept, corners are lost. Bottom, the same decoder on ten draws
# from a standard normal distribution: smears and fragments.
#
# **You need** [Factors and data](factors_and_data.ipynb), the
# [KL divergence](../reference/glossary.md#kl-divergence), and to have trained a
# network before. **It costs** about three minutes on two CPU cores: four short
# trainings really run in the page, and three longer ones come with the library.

# %% [markdown]
# An *autoencoder* is two networks that face each other. The
# [encoder](../reference/glossary.md#encoder) squeezes a picture into a
# [code](../reference/glossary.md#code) of ten numbers, its
# [latents](../reference/glossary.md#latent); the
# [decoder](../reference/glossary.md#decoder) makes a picture of the code; both are
# trained until the second picture resembles the first. Nobody says what the ten
# numbers should mean. For dSprites five would do, one for each
# [factor](../reference/glossary.md#factor-of-variation).

# %% mystnb={"image": {"alt": "Diagram of two columns. Left, the encoder from the top down: a picture of 1 by 64 by 64, four convolutions that halve it, a layer of 256, a layer of 10. Right, the decoder from the bottom up, its mirror image. Between them, at the bottom, a small box: the code, 10 latents."}}
figure = viz.network(ae)

# %% [markdown]
# **Figure 2.** The network, drawn from the modules: a box for each layer with
# weights, as high as its maps are large and as wide as it has channels (both on a
# log scale).
#
# Whatever the right side knows of the picture has passed the small box at the
# bottom. It is the network of the CelebA row of the table in
# [Higgins et al. (2017)](https://openreview.net/forum?id=Sy2fzU9gl).
#
# Below, the ten latents have a slider each. The decoder runs in your browser.

# %%
from dlib.viz.explorer import explorer

with torch.no_grad():
    spread = ae.encode(batch(2000)).std(0)
    start = ae.encode(to_float(heart[None]))
reach = 2 * float(spread.mean())
explorer(ae, start, limits=(-reach, reach), title="The autoencoder's code")

# %% [markdown]
# **Figure 3.** The autoencoder's decoder, live. The sliders start from the code of a
# heart, which comes back as a blob.
#
# Move one slider from end to end: several things change at once. Move three or four
# to their ends, and the sprite becomes a wedge, a sliver or nothing. The decoder has
# learned to answer for the codes that the encoder uses, and those lie in some odd-shaped part
# of a ten-dimensional space. About the rest nothing was ever asked of it.
#
# Such a code is hard to use. It would help to know *where* codes may lie, and to have
# the decoder answer for every place there. That is what the
# variational autoencoder of
# [Kingma and Welling (2013)](https://arxiv.org/abs/1312.6114) and
# [Rezende et al. (2014)](https://arxiv.org/abs/1401.4082) arranges, and it does so
# by asking a question about probability.

# %% [markdown]
# ## The idea: a bound on the evidence
#
# Tell a story of how pictures come about. First nature draws a code $z$ from a
# [prior](../reference/glossary.md#prior) $p(z)$, which we take to be
# $\mathcal N(0, I)$. Then it draws a picture from $p_\theta(x \mid z)$, the decoder.
# The probability of a picture, its *evidence*, is an average over all codes,
#
# $$
# p_\theta(x) = \int p(z)\, p_\theta(x \mid z)\, dz ,
# \tag{A}
# $$
#
# and we would like to choose $\theta$ so that our pictures become probable. The
# integral is hopeless: of all the codes that we might try, hardly any gives
# anything like $x$. We need to know which codes to try. The answer is the
# [posterior](../reference/glossary.md#posterior) $p_\theta(z \mid x)$, but that
# contains the same integral.
#
# So we guess. An encoder looks at $x$ and proposes codes $q_\phi(z \mid x)$; write
# $q$ for it. For *any* proposal, since $p_\theta(x)$ does not depend on $z$,
#
# $$
# \begin{aligned}
# &\ln p_\theta(x) \cr
# &= \mathbb{E}_{q}\!\left[\ln \frac{p_\theta(x|z)\, p(z)}
#    {p_\theta(z|x)}\right] \cr
# &= \mathbb{E}_{q}\Big[\ln p_\theta(x|z)
#    - \ln \frac{q}{p(z)} \cr
# &\qquad + \ln \frac{q}{p_\theta(z|x)}\Big] \cr
# &= \underbrace{\mathbb{E}_{q}\ln p_\theta(x|z)
#    - \mathrm{KL}(q\|p(z))}_{\text{ELBO}} \cr
# &\quad + \underbrace{\mathrm{KL}(q\|p_\theta(z|x))}
#      _{\text{gap} \,\ge\, 0} .
# \end{aligned}
# \tag{B}
# $$
#
# First Bayes' rule, which holds for every $z$; then we multiply and divide by $q$;
# then the parts get their names.
#
# The [ELBO](../reference/glossary.md#elbo) contains no hopeless integral, and it is
# a *lower bound* on the evidence because the gap cannot be negative. Push it up, and
# the picture becomes more probable or the proposal comes closer to the true
# posterior. With the decoder held fixed only the second can happen, and that is
# Eq. (1) of [Kumar et al. (2018)](https://arxiv.org/abs/1711.00848):
#
# $$
# \begin{aligned}
# &\operatorname*{argmin}_\phi \mathbb{E}_x
# \mathrm{KL}(q_\phi(z|x) \| p_\theta(z|x)) \cr
# &= \operatorname*{argmax}_\phi \mathbb{E}_x \Big[ \cr
# &\quad \mathbb{E}_{z \sim q_\phi(z|x)} [\ln p_\theta(x|z)] \cr
# &\quad - \mathrm{KL}(q_\phi(z|x) \| p(z)) \Big] .
# \end{aligned}
# \tag{1}
# $$
#
# The first term of the bracket asks for good reconstructions. The second asks that
# the codes of every picture lie where the prior expects codes: it closes the holes.
#
# You needn't take the derivation on trust. For a code of one number and a picture
# of one pixel, a coin that shows heads with probability $s(3z)$ ($s$ is the
# logistic function), every integral is a sum over a fine grid:

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
# Three pieces turn Eq. (1) into code.
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
# is the mean of $\ln q(z) - \ln p(z)$ under $q$, and as $z^2$ has the mean
# $\mu^2 + \sigma^2$ there, it has a closed form:


# %%
def kl_to_standard_normal(mean, logvar):
    return (mean**2 + logvar.exp() - logvar - 1) / 2  # one per latent


# %% [markdown]
# That is the bracket after $\beta / 2$ in Eq. (9) of
# [Kumar et al. (2018)](https://arxiv.org/abs/1711.00848), but for the constant
# $-1$. Both functions must agree with the library's:

# %%
from dlib.losses import elbo as library

draw = seeded(0)
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
# has no gradient. The
# [reparametrisation](../reference/glossary.md#reparametrisation) trick moves the
# randomness out of the way: draw noise $\varepsilon \sim \mathcal N(0, 1)$, which
# depends on nothing, and compute
#
# $$
# \begin{aligned}
# &z = \mu + \sigma \varepsilon, \cr
# &\frac{\partial z}{\partial \mu} = 1, \qquad
# \frac{\partial z}{\partial \sigma} = \varepsilon .
# \end{aligned}
# \tag{C}
# $$
#
# There is another way, which needs no such trick: the *score-function* estimator,
# $f(z)\, \partial \ln q / \partial \mu$. Both have the right mean.
# [Kingma and Welling (2013)](https://arxiv.org/abs/1312.6114) call the second
# "impractical for our purposes". To see why, take $f(z) = (z - 1)^2$ at $\mu = 0$,
# $\sigma = 0.5$, where the true gradient with respect to $\mu$ is $-2$:

# %%
noise = torch.randn(20_000, generator=draw)
z = 0 + 0.5 * noise  # samples of N(0, 0.25)
estimates = {
    "reparametrised": 2 * (z - 1),  # f'(z) times dz/dmu
    "score function": (z - 1) ** 2 * z / 0.25,  # f(z) times dlnq/dmu
}

# %% cellView="form" jupyter={"source_hidden": true} mystnb={"image": {"alt": "Left: eight noise values are carried by straight lines to samples of a wide and of a narrow distribution. Right: two histograms of gradient estimates. The reparametrised one is a narrow hump at minus two; the score function's has its peak near zero and a long tail to the left."}} tags=["hide-input"]
# @title Figure 4
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

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
means, widths = (
    [float(statistic) for statistic in statistics]
    for statistics in zip(*((v.mean(), v.std()) for v in estimates.values()))
)
assert all(
    abs(mean + 2) < 4 * width / math.sqrt(len(noise))
    for mean, width in zip(means, widths)
)
signed = [f"{mean:.2f}".replace("-", "−") for mean in means]
peak = torch.histogram(estimates["score function"], bins)[0].argmax()
assert abs(bins[peak]) < 1  # the peak lies at zero, not at the mean
viz.say(f"""
**Figure 4.** Left, the same eight draws of noise under two pairs of $\\mu$ and
$\\sigma$. Right, {len(noise):,} estimates of one gradient, by both ways.

On the left a gradient runs back along straight lines. On the right both ways
have the right mean within the accuracy of so many draws ({signed[0]} and
{signed[1]}). But the reparametrised estimates gather there, while most of the
score function's lie near zero and a few far to the left make up for them:
their standard deviation is {widths[1] / widths[0]:.1f} times as large, for a
single number.
""")

# %% [markdown]
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


wanted = next(beta_vae.losses(Batch(images), seeded(1))).value
torch.testing.assert_close(vae_loss(beta_vae, images, seeded(1), 4.0), wanted)

# %% [markdown]
# The assertion compares it with `dlib`'s method. The plain autoencoder keeps only
# the first term, and its encoder gives the code itself; the VAE is $\beta = 1$; the
# β-VAE is any other $\beta$.

# %% [markdown]
# ## Training, live
#
# A smaller VAE, on pictures that are drawn at 32 pixels, here and now. `fit` goes on
# from its checkpoint when it is called again with more steps, so that we can look in
# between: at nine held-out pictures, at what comes back, and at
# [traversals](../reference/glossary.md#traversal). A traversal encodes one
# picture, moves one latent, and decodes.

# %% tags=["remove-stderr"]
from dlib import networks
from dlib.data import load
from dlib.models import VAE
from dlib.training import fit

small, small_held_out = load("dsprites", source="twin", size=32).split()
small_heart = small_held_out.of.render(torch.tensor([[2, 4, 6, 14, 18]]))[0]


def fresh(seed=0):
    pair = networks.build("conv", latent_dim=10, channels=1, size=32)
    for network in (pair.encoder, pair.decoder):
        networks.initialise(network, seeded(seed))
    return pair


@torch.no_grad()
def look(model):
    nine = batch(9, dataset=small_held_out)
    rebuilt = model.decode(model.encode(nine))
    return torch.cat([nine, rebuilt, viz.traverse(model, small_heart)])


# %% tags=["remove-stderr"]
live, frames = VAE(fresh()), []
path = Path(tempfile.mkdtemp()) / "live.safetensors"
options = {"checkpoint": path, "checkpoint_every": 50, "progress": False}
for stop in stops:
    if stop > 0:
        history = fit(live, small, steps=stop, device="cpu", **options)
    frames.append(look(live))
print(f"{stops[-1]} steps in {history.seconds:.0f} s")

# %%
with torch.no_grad():
    nats = kl_to_standard_normal(
        *live.posterior(batch(2000, dataset=small_held_out))
    ).mean(0)
dearest = nats.argsort(descending=True)[:6].tolist()
rows = [0, 1, *(2 + latent for latent in dearest)]
viz.film(
    [frame.unflatten(0, (12, 9))[rows].flatten(0, 1) for frame in frames],
    [f"step {stop}" for stop in stops],
    columns=9,
    titles=["picture", "rebuilt", *(f"z{latent}" for latent in dearest)],
    title="A VAE learns",
    alt="Nine pictures, their reconstructions, and six traversals of a heart",
)


# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
def centres(pictures):
    """Of what is bright, in pixels: (n, 2)."""
    place = torch.arange(pictures.shape[-1], dtype=pictures.dtype)
    weight = pictures.sum((1, 2, 3))
    down = (pictures.sum((1, 3)) * place).sum(1) / weight
    right = (pictures.sum((1, 2)) * place).sum(1) / weight
    return torch.stack([down, right], 1)


off = [
    float((centres(frame[9:18]) - centres(frame[:9])).norm(dim=1).mean())
    for frame in frames
]
missed = ", ".join(
    f"{miss:.1f} (step {stop})" for miss, stop in zip(off, stops)
)
if budget.current() == "book":
    assert off[-2] < 1.5 and off[2] > 4
viz.say(f"""
**Figure 5.** A training as a film: move the slider, or press *Play*. Rows are
the six latents that spend most at the end, moved from −2.5 to 2.5.

Untrained, the network paints everything grey; at step
{stops[len(stops) // 2 - 1]} it paints the same dark average for every picture.
At step {stops[-3]} a rebuilt picture is a smear, already high or low as it
should be, and at step {stops[-2]} it has place and size. By how many pixels of
32 the centre of its brightness misses the true one: {missed}. Shape and angle
are not there at the end: every sprite is a round blob.
""")

# %% cellView="form" jupyter={"source_hidden": true} mystnb={"image": {"alt": "Two curves over the training steps. Left, the negative log-likelihood falls steeply and flattens. Right, the KL divergence starts near zero and rises."}} tags=["hide-input"]
# @title Figure 6
figure, axes = plt.subplots(1, 2, figsize=(8, 2.6))
titles = {"nll": "negative log-likelihood", "kl": "KL divergence"}
for axis, (term, title) in zip(axes, titles.items()):
    axis.plot(history.steps, history.terms[term], color=viz.COLOURS[0])
    axis.set(xlabel="step", ylabel="nats a picture", title=title)
    axis.grid(True)
    axis.set_ylim(bottom=0)

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
if budget.current() == "book":
    assert min(history.terms["kl"]) < 0.1 < 5 < history.terms["kl"][-1]
    assert history.terms["nll"][-1] < history.terms["nll"][1]
viz.say(f"""
**Figure 6.** The two terms of the loss over the same training, each the mean
of 50 steps.

Read the two together. The average of all pictures needs no code, and soon
costs none: the KL divergence goes down to {min(history.terms["kl"]):.2f} nats.
Then the likelihood improves because the KL divergence *rises*, to
{history.terms["kl"][-1]:.1f} nats at the end: a code that says nothing about
the picture is free, and useless, and the network learns to spend nats of code
where they save more nats of picture. Place is the bargain, and it is bought
first.
""")

# %% [markdown]
# ## Look: three codes side by side
#
# Back to the long runs at 64 pixels. First, the reconstructions.

# %% mystnb={"image": {"alt": "Four rows of ten pictures: held-out sprites, and their reconstructions by the autoencoder, the VAE and the beta-VAE. The VAE's keep corners; the others turn squares and hearts into discs."}}
figure = viz.reconstructions(methods, held_out, n=10)

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
steps = [run.recipe.steps for run in trained.values()]
viz.say(f"""
**Figure 7.** Held-out sprites and what the three methods make of them.

All three put the sprite in its place and give it about its size. Look at the
squares and hearts to tell them apart: the VAE keeps corners and angles, the
β-VAE turns them into discs, which is what the average over angles looks like.
The autoencoder rounds them too, for another reason: it was trained for
{steps[0]:,} steps, the other two for {steps[1]:,}.
""")

# %% [markdown]
# Now the holes. Each decoder gets random codes. To be fair to the autoencoder,
# whose codes were never told how large to be, its second row uses codes with the
# mean and the standard deviation that its own codes have.

# %% mystnb={"image": {"alt": "Four rows of ten pictures decoded from random codes. The autoencoder's first row shows smears, its second small fragments and black pictures; the VAE's shows sprites, some of them torn or double; the beta-VAE's shows ten round or oblong sprites."}}
with torch.no_grad():
    codes = {title: m.encode(batch(2000)) for title, m in methods.items()}
    noise = torch.randn(10, 10, generator=seeded(4))
    own = codes["autoencoder"]
    scaled = own.mean(0) + own.std(0) * noise
    rows = [ae.decode(noise), ae.decode(scaled)]
    rows += [vae.decode(noise), beta_vae.decode(noise)]
titles = ["autoencoder", "… own scale", "VAE", "β-VAE"]
figure = viz.image_grid(torch.cat(rows), columns=10, row_titles=titles)

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
scales = {title: code.std(0) for title, code in codes.items()}
moving = {title: int((scale > 0.5).sum()) for title, scale in scales.items()}
names = list(methods)
black = int((rows[1].amax((1, 2, 3)) < 0.5).sum())
if budget.current() == "book":
    assert moving[names[0]] == 10 and black > 0
    for title in names[1:]:
        assert all(s < 0.1 or 0.9 < s < 1.2 for s in scales[title])
viz.say(f"""
**Figure 8.** Random codes, decoded. The columns share their noise.

The autoencoder's codes have a scale of their own choosing, a standard
deviation of {scales[names[0]].mean():.1f} on average, and all ten latents
move. Even codes of the right mean and scale mostly miss the places that it
knows: {black} of ten are black, most others are slivers. The VAE's random
codes give sprites, though some are torn or double; all of the β-VAE's are
whole.

The two have also done something that nobody asked for. Of ten latents,
{moving[names[1]]} of the VAE's and {moving[names[2]]} of the β-VAE's have a
standard deviation near 1 over the pictures; the others hardly move.
""")

# %% [markdown]
# ### Active and idle latents
#
# The KL term is a sum over latents, so we can ask what each one spends.

# %% mystnb={"image": {"alt": "Bar chart of the KL divergence of each latent, sorted, for the VAE and the beta-VAE. The VAE has six bars of about the same height, the beta-VAE four lower ones; the rest are zero."}}
with torch.no_grad():
    held = batch(2000)
    spent = {
        title: kl_to_standard_normal(*methods[title].posterior(held)).mean(0)
        for title in names[1:]
    }
figure, axis = plt.subplots(figsize=(6, 2.6))
for i, (title, nats) in enumerate(spent.items()):
    places = torch.arange(10) + 0.4 * i - 0.2
    axis.bar(places, nats.sort(descending=True)[0], 0.38, label=title)
axis.legend()
axis.set_xticks(range(10), [])
axis.set_xlabel("latents, from the dearest")
label = axis.set_ylabel("nats a picture")

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
active = [int((nats > 0.1).sum()) for nats in spent.values()]
rates = [float(nats.sum()) for nats in spent.values()]
if budget.current() == "book":
    assert active == [moving[title] for title in names[1:]] == [6, 4]
    for nats in spent.values():
        assert all(n < 0.02 or n > 2 for n in nats)
viz.say(f"""
**Figure 9.** What each latent spends, over 2,000 held-out pictures.

There is nothing in between: a latent spends more than two nats or next to
none. The VAE has {active[0]} [active
latents](../reference/glossary.md#active-latent) and the β-VAE {active[1]}; in
all they spend {rates[0]:.1f} and {rates[1]:.1f} nats a picture. An idle latent
has $\\mu = 0$ and $\\sigma = 1$ for every picture: its code is the prior, pure
noise, and the decoder has learned to ignore it. Keep the idle ones in mind
when you read a metric: they are noise by design, and not a fault.
""")

# %% [markdown]
# ### Traversals
#
# Latents are ordered by what they spend (the autoencoder's by their spread, and
# moved over two standard deviations of it). Go down the rows and ask of each: *what
# changes, and is it one thing?*

# %%
order = {
    title: nats.argsort(descending=True).tolist()
    for title, nats in spent.items()
}
order[names[0]] = scales[names[0]].argsort(descending=True).tolist()

# %% mystnb={"image": {"alt": "Traversals of the autoencoder: ten rows of nine pictures. A blob in the middle column is stretched, bent, tilted or thinned towards the ends of every row."}}
figure = viz.traversals(ae, heart, order=order[names[0]], limit=reach)

# %% [markdown]
# **Figure 10.** The autoencoder, ten latents.
#
# Every row does something, and none does one thing: the blob is bent, stretched,
# tilted and thinned, and at several ends it is no sprite any more.

# %% mystnb={"image": {"alt": "Traversals of the VAE, the dearest latent on top. Six rows change the sprite; in the third there are two sprites at the left end. The four lowest rows show nine times the same picture."}}
figure = viz.traversals(vae, heart, order=order[names[1]])

# %% [markdown]
# **Figure 11.** The VAE, the dearest latent on top.
#
# Six rows are active, and four repeat one picture. An active row moves, resizes and
# reshapes at once: the heart becomes an ellipse, a square or a triangle on its way,
# and in the third row it splits in two. A code without holes is not yet a code
# without knots.

# %% mystnb={"image": {"alt": "Traversals of the beta-VAE, the dearest latent on top. Four rows change a soft sprite's place, size and tilt together; the six lowest rows show nine times the same picture."}}
figure = viz.traversals(beta_vae, heart, order=order[names[2]])

# %% [markdown]
# **Figure 12.** The β-VAE with $\beta = 4$, the dearest latent on top.
#
# Four rows are active. Shapes are gone, so there is less to change, but no row
# changes one thing only: the first slides the sprite from the upper left to the lower
# right and makes it smaller on the way and larger again, the second moves it down and
# lets it grow, the third moves it and turns it, the fourth lets it grow while it
# drifts. Nothing here is
# [disentangled](../reference/glossary.md#disentangled) yet.
#
# A table of pictures shows ten lines through a ten-dimensional space. Here is all
# of it.

# %%
with torch.no_grad():
    start = beta_vae.encode(to_float(heart[None]))
explorer(beta_vae, start=start, order=order[names[2]], title=names[2])

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
first, second = order[names[2]][:2]
moves = []
with torch.no_grad():
    for other in (-1.5, 1.5):
        ends = start.repeat(2, 1)
        ends[:, second], ends[0, first], ends[1, first] = other, -1, 1
        down, right = (centres(beta_vae.decode(ends)).diff(dim=0)[0]).tolist()
        moves.append((down, right))
if budget.current() == "book":
    assert abs(moves[0][0] - moves[1][0]) > 5
viz.say(f"""
**Figure 13.** The β-VAE's decoder, live.

Sliders have no order: any two of them moved, in either order, end in one
picture, in this decoder as in every other. What a disentangled code would have
is something else: a latent *does the same wherever the others stand*. Try it.
Put z{second} at −1.5 and move z{first} from −1 to 1: the sprite goes
{moves[0][0]:.0f} pixels down and {moves[0][1]:.0f} to the right. Now put
z{second} at 1.5 and move z{first} again: {moves[1][0]:.0f} down and
{moves[1][1]:.0f} to the right.
""")

# %% [markdown]
# ## What β costs
#
# [Higgins et al. (2017)](https://openreview.net/forum?id=Sy2fzU9gl) multiply the KL
# term by a number, Eq. (8) of
# [Kumar et al. (2018)](https://arxiv.org/abs/1711.00848):
#
# $$
# \begin{aligned}
# &\max_{\theta, \phi}\; \mathbb{E}_x \Big[ \cr
# &\quad \mathbb{E}_{z \sim q_\phi(z \mid x)} [\ln p_\theta(x \mid z)] \cr
# &\quad - \beta\, \mathrm{KL}\big(q_\phi(z \mid x) \,\|\, p(z)\big) \Big] .
# \end{aligned}
# \tag{8}
# $$
#
# Think of [β](../reference/glossary.md#beta) as a price. The KL term is a
# [rate](../reference/glossary.md#rate), the nats of code that are sent for a
# picture; the negative log-likelihood is a
# [distortion](../reference/glossary.md#distortion), what is still wrong when they
# have arrived. A nat of code is worth sending as long as it saves at least $\beta$
# nats of picture. The runs of the DIP-VAE paper's Figure 1, which
# [its own chapter](../papers/dip_vae.ipynb) uses, sweep $\beta$ at 32 pixels:

# %% tags=["remove-stderr"]
sweep = recipes.load("dip_vae", "sweep")
points, migs = [], {}
for entry in sweep.entries:
    if entry.line == "beta_vae":
        run = sweep.run(entry)
        ends = [run.history.terms[term][-10:] for term in ("kl", "nll")]
        rate, distortion = (sum(end) / len(end) for end in ends)
        points.append((entry.setting, rate, distortion))
        migs.setdefault(entry.setting, []).append(run.metrics["mig"])
print(len(points), "runs;", f"{run.recipe.steps:,} steps each")

# %% mystnb={"image": {"alt": "Distortion against rate, one point for each beta: from no rate and a large distortion at beta 60 and 200, the curve falls to about nine nats and a small distortion at beta 1."}}
labels = {"xlabel": "rate: KL (nats)", "ylabel": "distortion: NLL (nats)"}
figure = viz.trade_off({"β-VAE": points}, **labels)

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
mean_of = {
    beta: torch.tensor([p[1:] for p in points if p[0] == beta]).mean(0)
    for beta in migs
}
betas = sorted(mean_of)
gains = []
for low, high in pairwise(betas):
    rate, distortion = (mean_of[low] - mean_of[high]).tolist()
    gains.append(-distortion / rate if rate else 0.0)
lost = [beta for beta in betas if mean_of[beta][0] < 0.1]
kept = [
    (gain, low, high)
    for gain, low, high in zip(gains, betas, betas[1:])
    if low not in lost
]
told = ", ".join(
    f"{gain:.0f} between β = {low:g} and {high:g}" for gain, low, high in kept
)
empty = " and ".join(f"{beta:g}" for beta in lost)
if budget.current() == "book":
    assert all(low < gain < high for gain, low, high in kept)
    assert lost == [60, 200] and len(kept) == 3
    rates = [float(mean_of[beta][0]) for beta in betas if beta not in lost]
    assert rates == sorted(rates, reverse=True)
viz.say(f"""
**Figure 14.** Rate and distortion of the β-VAE. Numbers are β; small dots
are seeds, and the line goes through their mean.

One curve, walked by one number. From right to left β grows, the code becomes
shorter and the pictures worse. The slope is the price: a nat of code saves, in
nats of picture, {told}. Each is a number between its two β, as it should be.
At β = {empty} no latent was worth its nats within so few steps: the code is
empty.
""")

# %% [markdown]
# What makes it interesting for *this* book is not the saving. A code that must be
# short has reasons to be tidy: one latent that carries a bargain cleanly wastes less
# than two that share it. That is an argument, not a proof. Kumar et al. object to its
# price: "Higher β is argued to encourage disentanglement at the cost of
# reconstruction error".
#
# Try a price of your own:

# %%
from dlib.models import BetaVAE

viz.retrain(
    lambda beta: BetaVAE(fresh(), beta=beta),
    small,
    steps=short,
    limits=(0.25, 64),
    value=8,
    stand_in="""
*Where a kernel runs, a slider for β and a button that trains stand here, and
the results are kept, to compare. "Open in Colab", at the top, starts one.*
""",
)

# %% [markdown]
# ## Measure
#
# The scores are explained in [the next chapter](measuring.ipynb); roughly,
# [SAP](../reference/glossary.md#sap) and [MIG](../reference/glossary.md#mig) ask
# whether each factor has one latent of its own, from 0 to 1. *Paper* is Table 1 of
# [Kumar et al. (2018)](https://arxiv.org/abs/1711.00848), which has neither the
# plain autoencoder nor MIG. The last row is the
# [noise floor](../reference/glossary.md#noise-floor): what codes get that know
# nothing.

# %%
paper = {e.title: e.paper for e in recipes.load("dip_vae").entries}
rows = {}
for title, run in trained.items():
    theirs = paper.get(title, {})
    rows[title] = {
        "SAP, paper": theirs.get("sap"),
        "SAP, ours": run.metrics["sap"],
        "MIG, ours": run.metrics["mig"],
        "error a pixel, paper": theirs.get("reconstruction"),
        "error a pixel, ours": run.metrics["reconstruction"],
    }
scores = run.report.scores
rows["noise"] = {
    f"{name.upper()}, ours": scores[name].noise_floor
    for name in ("sap", "mig")
}
table = pd.DataFrame.from_dict(rows, orient="index").astype(float)
table.round(4).astype(object).where(table.notna(), "–")

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
mig = [run.metrics["mig"] for run in trained.values()]
sap = [run.metrics["sap"] for run in trained.values()]
error = [run.metrics["reconstruction"] for run in trained.values()]
if budget.current() == "book":
    assert mig[0] > mig[1] > mig[2] > 10 * scores["mig"].noise_floor
    assert sap[1] > sap[2] > sap[0] and error[1] < error[0] < error[2]
    theirs = [paper[title]["reconstruction"] for title in names[1:]]
    assert error[1] > theirs[0] and error[2] > theirs[1]
pairs = " and ".join(f"{value:.2f}" for value in migs[min(migs)])
viz.say(f"""
Read it as it stands. MIG *falls* where the argument would have it rise:
{mig[0]:.3f} for the autoencoder, {mig[1]:.3f} for the VAE, {mig[2]:.3f} for
the β-VAE. (It cuts each code between its own extremes, so that the
autoencoder's scale plays no part.) All three lie far above what noise gets,
{scores["mig"].noise_floor:.4f}, and close to 0 all the same, as the traversals
let us expect. SAP has another order: {sap[0]:.3f}, {sap[1]:.3f}, {sap[2]:.3f}.
And this is one seed of each. In the sweep, which is a smaller setting, the
runs with β = {min(migs):g} differ in their seed alone, and have a MIG of
{pairs}. So no order of the three is shown here, neither this one nor the
other.

What is shown is the price. The mean squared error of a pixel is {error[1]:.4f}
for the VAE and {error[2]:.4f} for the β-VAE. (The autoencoder's
{error[0]:.4f} is that of a third of the steps.) Both are larger than the
paper's, whose authors trained larger batches for a number of steps that they
don't state.
""")

# %% [markdown]
# ## Break it: the scale of the loss
#
# A VAE that draws the same dark blob for every picture: here is one way to get it,
# and it is one word. torch's Bernoulli likelihood,
# `binary_cross_entropy_with_logits`, takes a *mean over pixels* unless told otherwise.

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
# Multiply the whole loss by the number of values in a picture and you see what is
# really being trained: a β-VAE whose $\beta$ is that number.

# %% tags=["remove-stderr"]
models = {"sum": VAE(fresh()), "mean": MeanVAE(fresh())}
curves = {
    name: fit(model, small, steps=short, device="cpu", progress=False)
    for name, model in models.items()
}

# %% mystnb={"image": {"alt": "Three rows of ten pictures: held-out sprites; soft blobs at the sprites' places by the VAE that sums over pixels; ten times the same dark, empty picture by the one that averages."}}
figure = viz.reconstructions(models, small_held_out, n=10)

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
ends = {name: curve.terms["kl"][-1] for name, curve in curves.items()}
falls = curves["mean"].terms["nll"]
assert ends["mean"] < 0.1
if budget.current() == "book":
    assert falls[-1] < falls[0] / 2 and ends["sum"] > 1
    assert ends["mean"] < 0.001
viz.say(f"""
**Figure 15.** Two VAEs after {short} steps. One sums the likelihood over
pixels, the other averages it.

The sum has begun to place its sprites, and spends {ends["sum"]:.1f} nats. The
mean spends less than a thousandth of one: every posterior equals the prior,
the decoder hears only noise, and so it paints the average of all pictures,
each time. That is [posterior
collapse](../reference/glossary.md#posterior-collapse). Its curve gives no
alarm: the likelihood falls from {falls[0]:.3f} to {falls[-1]:.3f} nats a
pixel. And no patience will cure it, because it is the optimum of the loss that
was written down: not even position is worth {small.size**2:,} times its nats.

The remedy is a convention, and this book has one: **the likelihood is summed
over a picture's pixels and averaged over the batch.** When you read a β in a
paper, ask for its convention first. A code that averages and says β = 4 means
{4 * 64**2:,} in this book, at 64 pixels and one channel.
""")

# %% [markdown]
# ### The other way to spoil it: a ReLU at the end of the encoder
#
# The encoder's other layers end in a ReLU (Figure 2); why not the last one? The prior
# is symmetric about zero, and a mean that has passed a ReLU is never negative; nor is
# a log-variance, so no posterior can be narrower than the prior.

# %% tags=["remove-stderr"]
from torch import nn

pair = fresh()
rectified = VAE(pair._replace(encoder=nn.Sequential(pair.encoder, nn.ReLU())))
_ = fit(rectified, small, steps=short, device="cpu", progress=False)

with torch.no_grad():
    few = batch(2000, dataset=small_held_out)
    drawn = {}
    for name, model in {"linear": models["sum"], "ReLU": rectified}.items():
        posterior = model.posterior(few)
        best = kl_to_standard_normal(*posterior).mean(0).argmax()
        drawn[name] = reparametrise(posterior, seeded(5))[:, best]
assert rectified.encode(few).min() >= 0

# %% cellView="form" jupyter={"source_hidden": true} mystnb={"image": {"alt": "Two histograms of the codes of the dearest latent over all pictures, each with the prior's bell curve. With a linear end the codes lie around zero; with a ReLU they are wider and lie to the right of it."}} tags=["hide-input"]
# @title Figure 16
figure, axes = plt.subplots(1, 2, figsize=(8, 2.4), sharex=True, sharey=True)
grid, bins = torch.linspace(-6, 10, 200), torch.linspace(-6, 10, 65)
for axis, (name, values) in zip(axes, drawn.items()):
    axis.hist(values, bins, density=True, label="codes of all pictures")
    axis.plot(grid, Normal(0, 1).log_prob(grid).exp(), label="the prior")
    axis.set(title=f"last layer: {name}", xlabel="code of the dearest latent")
legend = axes[1].legend()

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
at = {name: float(values.mean()) for name, values in drawn.items()}
if budget.current() == "book":
    assert abs(at["linear"]) < 0.3 < at["ReLU"]
viz.say(f"""
**Figure 16.** The codes of 2,000 held-out pictures in the dearest latent,
after {short} steps.

With a linear last layer, the codes of all pictures together (the [inferred
prior](../reference/glossary.md#inferred-prior) of the DIP-VAE paper) lie
around zero, at {at["linear"]:.2f} on average. Behind a ReLU the average is
{at["ReLU"]:.2f}. It can only be zero if every single mean is zero, that is, if
the means say nothing. Whatever such an encoder says, it pays for its distance
from the prior as well.
""")

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
viz.say(f"""
## Takeaways

- The ELBO is the evidence less a gap. A VAE is an autoencoder with noise in
  the code and a price on it.
- An autoencoder's code has holes, at its own scale too. A VAE's codes keep to
  the prior's scale, and it leaves idle what it doesn't need: {10 - active[0]}
  of ten latents, and {10 - active[1]} with β = 4.
- β walks a curve of rate and distortion whose slope is β. Whether a larger
  β also *disentangles*, one seed of three runs can't show, and these didn't.
- Sum over pixels, average over the batch; end the encoder with a linear layer.
- The live training took {history.seconds:.0f} s: enough to see place being
  learned, and nothing more.
""")

# %% [markdown]
# ## Exercises
#
# Replace the `...` and run the cell.
#
# **1. Any two Gaussians.** Write the KL divergence of
# $\mathcal N(m_1, s_1^2)$ from $\mathcal N(m_2, s_2^2)$.


# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
# @title The checker of exercise 1
def check_kl(answer):
    if answer(*torch.ones(4)) is ...:
        return "Not tried yet."
    a, b, c, d = torch.rand(4, 100, generator=seeded(2)) + 0.5
    ours = kl_to_standard_normal(a, 2 * b.log())
    if not torch.allclose(answer(a, b, 0 * a, b / b), ours, atol=1e-5):
        return "Not yet: it differs even where the second is N(0, 1)."
    right = torch.distributions.kl_divergence(Normal(a, b), Normal(c, d))
    if not torch.allclose(answer(a, b, c, d), right, atol=1e-5):
        return "Not yet: right from N(0, 1), but not from others."
    return "Right."


# %%
def kl(m1, s1, m2, s2):
    return ...


check_kl(kl)


# %% cellView="form" jupyter={"outputs_hidden": true, "source_hidden": true} mystnb={"code_prompt_hide": "Hide the solution", "code_prompt_show": "Show the solution"} tags=["hide-cell"]
# @title Solution 1
# A divergence does not change when both sides are shifted and stretched
# alike, so bring the second to N(0, 1).
def kl_solved(m1, s1, m2, s2):
    return kl_to_standard_normal((m1 - m2) / s2, 2 * (s1 / s2).log())


assert check_kl(kl_solved) == "Right."
check_kl(kl_solved)

# %% [markdown]
# **2. Somebody else's β.** A code averages the likelihood over pixels *and*
# channels, and multiplies the KL sum by `weight`. Which β is that in this book?


# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
# @title The checker of exercise 2
def check_beta(answer):
    if answer(1, 1, 1) is ...:
        return "Not tried yet."
    for asked, right in (
        ((1, 1, 32), 1024),
        ((1, 3, 32), 3072),
        ((0.001, 3, 64), 12.288),
    ):
        if not math.isclose(answer(*asked), right):
            return f"Not yet: another number is right for {asked}."
    return "Right."


# %%
def beta_of(weight, channels, size):
    return ...


check_beta(beta_of)


# %% cellView="form" jupyter={"outputs_hidden": true, "source_hidden": true} mystnb={"code_prompt_hide": "Hide the solution", "code_prompt_show": "Show the solution"} tags=["hide-cell"]
# @title Solution 2
# Only the ratio of the two terms matters, and the mean is the sum divided by
# the number of values in a picture.
def beta_solved(weight, channels, size):
    return weight * channels * size**2


assert check_beta(beta_solved) == "Right."
check_beta(beta_solved)

# %% [markdown]
# **3. More nats than there are pictures.** A code cannot tell more about a picture
# than there is to know, $\ln 737{,}280$ nats for dSprites. Averaged over pictures,
# the KL term is what it tells, the
# [mutual information](../reference/glossary.md#mutual-information) of $x$ and $z$,
# plus $\mathrm{KL}(q_\phi(z) \,\|\, p(z))$, the distance of the inferred prior from
# the prior. From a model's KL, what is the least that this distance can be?


# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
# @title The checker of exercise 3
def check_distance(answer):
    if answer(1.0, 1) is ...:
        return "Not tried yet."
    if not math.isclose(answer(30.0, 737_280), 16.489277, rel_tol=1e-6):
        return "Not yet: it is wrong for a KL of 30 nats on dSprites."
    if answer(1.0, 737_280) < 0:
        return "Not yet: a divergence is never negative."
    if answer(1.0, 737_280) > 0:
        return "Not yet: from 1 nat on dSprites, nothing follows."
    return "Right."


# %%
def least_distance(nats, pictures):
    return ...


check_distance(least_distance)


# %% cellView="form" jupyter={"outputs_hidden": true, "source_hidden": true} mystnb={"code_prompt_hide": "Hide the solution", "code_prompt_show": "Show the solution"} tags=["hide-cell"]
# @title Solution 3
def distance_solved(nats, pictures):
    return max(0.0, nats - math.log(pictures))


assert check_distance(distance_solved) == "Right."
found = [distance_solved(float(n.sum()), 737_280) for n in spent.values()]
viz.say(f"""
For the runs of Figure 9 that is {found[0]:.1f} nats (VAE) and {found[1]:.1f}
nats (β-VAE). Where it is above zero, the codes of all pictures together
demonstrably don't follow the prior. Penalising that distance, and not each
picture's KL, is the idea of [DIP-VAE](../papers/dip_vae.ipynb).
""")

# %% [markdown]
# ## Further reading
#
# - [Kingma and Welling (2013)](https://arxiv.org/abs/1312.6114) and
#   [Rezende et al. (2014)](https://arxiv.org/abs/1401.4082) found the estimator at
#   the same time; the first has the closed form of the KL term in its appendix B.
# - [Higgins et al. (2017)](https://openreview.net/forum?id=Sy2fzU9gl) propose β, and
#   argue for what it does.
# - [Chen et al. (2018)](https://arxiv.org/abs/1802.04942) split the averaged KL term
#   as exercise 3 does, and once more.
# - [Locatello et al. (2019)](https://arxiv.org/abs/1811.12359) ask how much of all
#   this survives many seeds.
#
# **Next.** Two scores disagreed about the same three codes.
# [Measuring](measuring.ipynb) takes the scores apart: what each asks of a code, what
# noise gets, and what a rotation of two latents does to them.

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
viz.colophon()
