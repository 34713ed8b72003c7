"""Metrics of disentanglement: codes and factors in, a score with its parts out."""

from dlib.metrics.active_units import active_units
from dlib.metrics.attribute_classifier import attribute_classifier
from dlib.metrics.bootstrap import Interval, bootstrap
from dlib.metrics.chunk_use import chunk_use
from dlib.metrics.dci import dci
from dlib.metrics.evaluate import evaluate, evaluate_codes
from dlib.metrics.explicitness import explicitness
from dlib.metrics.factor_vae import factor_vae
from dlib.metrics.group_accuracy import cluster_accuracy, group_accuracy
from dlib.metrics.group_mig import group_mig
from dlib.metrics.infomec import infomec
from dlib.metrics.inputs import NotApplicable, bin_values
from dlib.metrics.inputs.population import Grid, Table, codes_of
from dlib.metrics.irs import irs
from dlib.metrics.mig import mig
from dlib.metrics.mixture_novelty import mixture_novelty
from dlib.metrics.modularity import modularity
from dlib.metrics.noise import noise_floor
from dlib.metrics.rank_correlation import RankCorrelation, rank_correlation
from dlib.metrics.reconstruction import reconstruction
from dlib.metrics.report import Report
from dlib.metrics.retrieval import retrieval
from dlib.metrics.sap import sap
from dlib.metrics.score import Score
from dlib.metrics.table import METRICS, PROTOCOL, Metric, label_of
from dlib.metrics.translation import translation
from dlib.metrics.unsupervised import (
    gaussian_total_correlation,
    gaussian_wasserstein_correlation,
    mean_code_mi,
)
from dlib.metrics.z_diff import z_diff

__all__ = [
    "METRICS",
    "PROTOCOL",
    "Grid",
    "Interval",
    "Metric",
    "NotApplicable",
    "RankCorrelation",
    "Report",
    "Score",
    "Table",
    "active_units",
    "attribute_classifier",
    "bin_values",
    "bootstrap",
    "chunk_use",
    "cluster_accuracy",
    "codes_of",
    "dci",
    "evaluate",
    "evaluate_codes",
    "explicitness",
    "factor_vae",
    "gaussian_total_correlation",
    "gaussian_wasserstein_correlation",
    "group_accuracy",
    "group_mig",
    "infomec",
    "irs",
    "label_of",
    "mean_code_mi",
    "mig",
    "mixture_novelty",
    "modularity",
    "noise_floor",
    "rank_correlation",
    "reconstruction",
    "retrieval",
    "sap",
    "translation",
    "z_diff",
]
