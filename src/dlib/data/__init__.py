"""Data sets: factor spaces, twins that draw, official files that are looked up."""

from dlib.data.dataset import Dataset, Subset
from dlib.data.download import DataError
from dlib.data.dsprites import TwinDSprites
from dlib.data.factors import Factor, FactorSpace
from dlib.data.load import NAMES, load
from dlib.data.official import OfficialDSprites, OfficialShapes3D
from dlib.data.shapes3d import TwinShapes3D

__all__ = [
    "NAMES",
    "DataError",
    "Dataset",
    "Factor",
    "FactorSpace",
    "OfficialDSprites",
    "OfficialShapes3D",
    "Subset",
    "TwinDSprites",
    "TwinShapes3D",
    "load",
]
