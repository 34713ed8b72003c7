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
# # Untangled
#
# *Disentangled representation learning, from the equation to a running model.*
#
# Two networks have seen the same pictures and nothing else. Each slider moves the
# one number that knows most about a factor, in both at once.

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-cell"]
# Colab starts without the library: install it there, and only there.
import subprocess
import sys

if "google.colab" in sys.modules:
    source = "dlib-book @ git+https://github.com/untangled-book/untangled"
    pip = [sys.executable, "-m", "pip", "install", "-q"]
    subprocess.run([*pip, source], check=True)

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
from dlib import recipes, viz
from dlib.viz.compare import compare

showcase = recipes.load("dip_vae", "showcase")
pair = {"VAE": "vae", "β-VAE (β = 60)": "beta_vae_60"}
trained = {title: showcase.run(name).trained for title, name in pair.items()}
held_out = showcase["vae"].recipe.parts()[1]
compare(
    trained,
    held_out,
    points=1_000,
    title="One slider a factor, two networks",
)

# %% [markdown]
# **Figure 1.** The decoders of a VAE and of a β-VAE, both trained on dSprites, run in
# this page. Below a factor's name: which number of each network is moved, and how well
# it predicts the factor ($R^2$ of a straight line).
#
# In the VAE each slider also turns one shape into another. In the β-VAE the spot
# slides, or grows, and hardly changes otherwise: its representation is closer to
# [disentangled](reference/glossary.md#disentangled). The price is in the picture too,
# for the β-VAE has forgotten which shape it saw. How such a representation is learned,
# how it is measured, and how far the published claims hold when you run them yourself:
# that is what this book is about.

# %% [markdown]
# ## The chapters
#
# Each takes one subject from its equation to a running model: the problem as a
# picture, the idea in a dozen lines of code, a training that really runs, the paper's
# numbers beside ours, a verdict on each of its claims, and the
# failure that the paper warns about, provoked.
#
# [Factors and data](foundations/factors_and_data.ipynb)<br>
# Say what a picture is made of, and draw any of it on demand: nothing is downloaded.
#
# [Autoencoders](foundations/autoencoders.ipynb)<br>
# Go from the evidence lower bound to a VAE, a β-VAE, and a first traversal.
#
# [Measuring](foundations/measuring.ipynb)<br>
# Tell with a number how far a representation is disentangled, and see the numbers
# disagree.
#
# [Faces and chairs](foundations/faces_and_chairs.ipynb)<br>
# What two sets of pictures with attributes hold, what our drawn twins of them can stand
# for, and why 95% may be nothing.
#
# [DIP-VAE](papers/dip_vae.ipynb)<br>
# Regularise the inferred prior as
# [Kumar et al. (2018)](https://arxiv.org/abs/1711.00848) do, and reproduce the paper's
# tables and its trade-off curves, on sprites, faces and chairs.
#
# [Total correlation](papers/total_correlation.ipynb)<br>
# Pay for dependence itself: three estimates of it held against the truth, and
# FactorVAE and β-TCVAE built on them.
#
# [Latent groups](papers/latent_groups.ipynb)<br>
# Train on several worlds at once, as
# [Inoue et al. (2021)](https://rc.signalprocessingsociety.org/conferences/icip-2021/spsicip21vid654)
# do, with a header that tells them apart, and ask whether it was needed.
#
# [Groups from pairs](papers/group_tcvae.ipynb)<br>
# Learn from pairs of pictures that share something: ML-VAE, GVAE, their adaptive kin
# and group-tcVAE, which keeps two groups of latents independent.
#
# [Correlated factors](papers/intervention.ipynb)<br>
# What happens to all of these when factors come together in the data, and a method that
# changes codes, decodes them, and looks.
#
# [Mixing](papers/mixing.ipynb)<br>
# Put chunks of two pictures' codes together, decode, encode, and take them apart again:
# what comes of asking for the first picture back.
#
# Beside them stand the [notation](reference/notation.md), a
# [glossary](reference/glossary.md), the library's [API](reference/api.md), the
# [bibliography](reference/bibliography.md), and the [status](reference/status.md) of
# this build: when each chapter ran, and on what.
#
# You need Python, some calculus and probability, and to have trained a network
# before. You don't need a GPU.

# %% [markdown]
# ## How to run it
#
# Every chapter is a notebook, and so is this page. Its buttons, at the top of the
# page, open it in Colab or on Binder; its first cell installs the library there.
#
# [Open in Colab](https://colab.research.google.com/github/untangled-book/untangled/blob/main/book/index.ipynb)
#
# On your own machine, with Python 3.11 or newer, git and make:
#
# ```sh
# git clone https://github.com/untangled-book/untangled && cd untangled
# make lab     # open the chapters in JupyterLab
# make book    # execute every chapter and build these pages
# ```
#
# How much work a chapter does is set by the environment variable `DLIB_BUDGET`:
#
# | `DLIB_BUDGET` | What it is for | Where |
# |---|---|---|
# | `smoke` | every line of every chapter runs, on tiny work: for tests | any CPU |
# | `book` | what these pages show: finished runs are loaded, short trainings really run (the default) | a laptop |
# | `paper` | the paper's own sizes, steps and seeds | one GPU |
#
# The numbers in the text were put there by the cells that computed them, in the run
# that made this page.

# %% cellView="form" jupyter={"source_hidden": true} tags=["remove-input"]
viz.colophon()
