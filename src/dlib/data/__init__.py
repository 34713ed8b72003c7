"""Data sets: points with a law, twins that draw, files that are looked up."""

from dlib.data.batch import Batch
from dlib.data.chairs import TwinChairs
from dlib.data.chairs_sample import real_chairs
from dlib.data.coloured import Coloured
from dlib.data.correlated import Correlated, gaussian_law, line_law
from dlib.data.dataset import Dataset, Grid
from dlib.data.download import DataError
from dlib.data.dsprites import TwinDSprites
from dlib.data.faces import FaceLooks, TwinFaces
from dlib.data.factors import Factor, FactorSpace
from dlib.data.flowers import BySpecies, FlowerLooks, TwinFlowers
from dlib.data.folder import Pictures, folder
from dlib.data.kept import Kept
from dlib.data.load import NAMES, load
from dlib.data.merged import Merged
from dlib.data.mnist import Digits
from dlib.data.mpi3d import TwinMPI3D
from dlib.data.mpi3d_frames import real_frames
from dlib.data.painted import Painted
from dlib.data.pairs import Pairs
from dlib.data.part import Part
from dlib.data.resampled import Resampled
from dlib.data.shapes3d import TwinShapes3D
from dlib.data.silhouettes import Silhouettes
from dlib.data.sprites import SpriteLooks, TwinSprites
from dlib.data.sprites_sheet import real_sheet
from dlib.data.views import Views

__all__ = [
    "NAMES",
    "Batch",
    "BySpecies",
    "Coloured",
    "Correlated",
    "DataError",
    "Dataset",
    "Digits",
    "FaceLooks",
    "Factor",
    "FactorSpace",
    "FlowerLooks",
    "Grid",
    "Kept",
    "Merged",
    "Painted",
    "Pairs",
    "Part",
    "Pictures",
    "Resampled",
    "Silhouettes",
    "SpriteLooks",
    "TwinChairs",
    "TwinDSprites",
    "TwinFaces",
    "TwinFlowers",
    "TwinMPI3D",
    "TwinShapes3D",
    "TwinSprites",
    "Views",
    "folder",
    "gaussian_law",
    "line_law",
    "load",
    "real_chairs",
    "real_frames",
    "real_sheet",
]
