"""Losses: pure functions on tensors, one file per family.

One convention throughout: a likelihood or a divergence is *summed* within a
picture and *averaged* over the batch. Averaging over pixels instead would
change the meaning of every weight by a factor of thousands.
"""

from dlib.losses.dip import (
    covariance,
    dip_penalty,
    inferred_prior_covariance,
    third_central_moment_penalty,
)
from dlib.losses.elbo import bernoulli_nll, gaussian_nll, kl_to_standard_normal

__all__ = [
    "bernoulli_nll",
    "covariance",
    "dip_penalty",
    "gaussian_nll",
    "inferred_prior_covariance",
    "kl_to_standard_normal",
    "third_central_moment_penalty",
]
