"""Losses: pure functions on tensors, one file per family.

One convention throughout: a likelihood or a divergence is *summed* within a
picture and *averaged* over the batch. Averaging over pixels instead would
change the meaning of every weight by a factor of thousands.
"""

from dlib.losses.began import autoencoding_error, next_balance
from dlib.losses.contrastive import contrastive_loss, cosface_loss, cosine_similarity
from dlib.losses.contrastive_regulariser import (
    CoupledCodes,
    contrastive_regulariser,
    coupled_codes,
)
from dlib.losses.dip import (
    covariance,
    dip_penalty,
    inferred_prior_covariance,
    third_central_moment_penalty,
)
from dlib.losses.elbo import bernoulli_nll, gaussian_nll, kl_to_standard_normal
from dlib.losses.groups import (
    average_of_gaussians,
    gaussian_kl,
    harmonic_gaussian,
    permute_groups,
    product_of_gaussians,
)
from dlib.losses.intervention import (
    intervene,
    picture_entropy,
    translate,
    translation_difficulty,
    translation_loss,
    translator,
    weighted_adversarial_loss,
)
from dlib.losses.mixing import (
    chunk_classification_loss,
    mix,
    random_masks,
    squared_distance,
)
from dlib.losses.mmd import mmd
from dlib.losses.total_correlation import (
    Decomposition,
    decompose_kl,
    density_ratio,
    discriminator_loss,
    permute_codes,
    total_correlation,
)

__all__ = [
    "CoupledCodes",
    "Decomposition",
    "autoencoding_error",
    "average_of_gaussians",
    "bernoulli_nll",
    "chunk_classification_loss",
    "contrastive_loss",
    "contrastive_regulariser",
    "cosface_loss",
    "cosine_similarity",
    "coupled_codes",
    "covariance",
    "decompose_kl",
    "density_ratio",
    "dip_penalty",
    "discriminator_loss",
    "gaussian_kl",
    "gaussian_nll",
    "harmonic_gaussian",
    "inferred_prior_covariance",
    "intervene",
    "kl_to_standard_normal",
    "mix",
    "mmd",
    "next_balance",
    "permute_codes",
    "permute_groups",
    "picture_entropy",
    "product_of_gaussians",
    "random_masks",
    "squared_distance",
    "third_central_moment_penalty",
    "total_correlation",
    "translate",
    "translation_difficulty",
    "translation_loss",
    "translator",
    "weighted_adversarial_loss",
]
