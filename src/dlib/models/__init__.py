"""Methods: one file each, an ``nn.Module`` that yields its losses."""

from typing import Any

from dlib.models.autoencoder import Autoencoder
from dlib.models.beta_tc_vae import BetaTCVAE
from dlib.models.beta_vae import BetaVAE
from dlib.models.dip_vae import DIPVAE
from dlib.models.factor_group_vae import FactorGroupVAE
from dlib.models.factor_vae import FactorVAE
from dlib.models.group_tc_vae import GroupTCVAE
from dlib.models.group_vae import GVAE, MLVAE, AdaGVAE, AdaMLVAE, GroupVAE
from dlib.models.info_gan_cr import InfoGANCR
from dlib.models.info_vae import InfoVAE
from dlib.models.intervention import InterventionAutoencoder
from dlib.models.method import Loss, Method, Player, Posterior
from dlib.models.mixing import MixingAutoencoder
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
    "ml_vae": MLVAE,
    "gvae": GVAE,
    "ada_ml_vae": AdaMLVAE,
    "ada_gvae": AdaGVAE,
    "group_tc_vae": GroupTCVAE,
    "info_gan_cr": InfoGANCR,
    "intervention": InterventionAutoencoder,
    "mixing": MixingAutoencoder,
}

__all__ = [
    "DIPVAE",
    "GVAE",
    "METHODS",
    "MLVAE",
    "VAE",
    "AdaGVAE",
    "AdaMLVAE",
    "Autoencoder",
    "BetaTCVAE",
    "BetaVAE",
    "FactorGroupVAE",
    "FactorVAE",
    "GroupTCVAE",
    "GroupVAE",
    "InfoGANCR",
    "InfoVAE",
    "InterventionAutoencoder",
    "Loss",
    "Method",
    "MixingAutoencoder",
    "PageDecoder",
    "Player",
    "Posterior",
    "page_decoder",
]
