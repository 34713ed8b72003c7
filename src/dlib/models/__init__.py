"""Methods: one file each, an ``nn.Module`` that yields its losses."""

from typing import Any

from dlib.models.autoencoder import Autoencoder
from dlib.models.beta_tc_vae import BetaTCVAE
from dlib.models.beta_vae import BetaVAE
from dlib.models.dip_vae import DIPVAE
from dlib.models.factor_group_vae import FactorGroupVAE
from dlib.models.factor_vae import FactorVAE
from dlib.models.info_vae import InfoVAE
from dlib.models.method import Loss, Method, Player, Posterior
from dlib.models.page import PageDecoder, page_decoder
from dlib.models.vae import VAE

# Each is a Method that is built from Networks and its own options.
METHODS: dict[str, Any] = {
    "autoencoder": Autoencoder,
    "vae": VAE,
    "beta_vae": BetaVAE,
    "dip_vae": DIPVAE,
    "factor_vae": FactorVAE,
    "beta_tc_vae": BetaTCVAE,
    "info_vae": InfoVAE,
    "factor_group_vae": FactorGroupVAE,
}

__all__ = [
    "DIPVAE",
    "METHODS",
    "VAE",
    "Autoencoder",
    "BetaTCVAE",
    "BetaVAE",
    "FactorGroupVAE",
    "FactorVAE",
    "InfoVAE",
    "Loss",
    "Method",
    "PageDecoder",
    "Player",
    "Posterior",
    "page_decoder",
]
