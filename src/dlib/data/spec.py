"""Data as validated data: what a recipe says of the pictures it trains on.

A name stands for a data set; wrappers are tables around one another::

    data = "dsprites"
    data = { kind = "correlated", of = "dsprites", factors = ["posX", "posY"],
             strength = 0.2 }

Each says how to build what is trained on, and what is tested on: the same points'
rest, without what bends the law or the look for training's sake.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import torch
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    field_validator,
    model_validator,
)

from dlib.data.augment import Augmentation
from dlib.data.coloured import Coloured
from dlib.data.correlated import Correlated, gaussian_law, line_law
from dlib.data.dataset import Dataset
from dlib.data.flowers import BySpecies, TwinFlowers
from dlib.data.folder import folder
from dlib.data.kept import Kept
from dlib.data.load import KINDS, NAMES, load
from dlib.data.merged import Merged
from dlib.data.pairs import Pairs
from dlib.data.resampled import Resampled
from dlib.data.silhouettes import Silhouettes
from dlib.data.views import Views

LAWS: dict[str, Callable[..., torch.Tensor]] = {
    "gaussian": gaussian_law,
    "line": line_law,
}


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    def build(
        self, device: torch.device | str = "cpu", start: float = 0.0, end: float = 1.0
    ) -> Dataset:
        """The data set, of the points between two fractions of a random order."""
        raise TypeError(f"{type(self).__name__} must define build")

    def tested(self) -> Data:
        """What to test on: without laws, pairs and views."""
        raise TypeError(f"{type(self).__name__} must define tested")

    @property
    def shape(self) -> tuple[int, int]:
        """Channels and size of its pictures, without making any."""
        raise TypeError(f"{type(self).__name__} must define shape")

    @property
    def versions(self) -> dict[str, int]:
        """The version of each twin or sample in it: of how its pictures look."""
        return {}


def _part(dataset: Dataset, start: float, end: float) -> Dataset:
    return dataset if (start, end) == (0.0, 1.0) else dataset.part(start, end)


class NamedData(_Data):
    """A data set by its name, as :func:`dlib.data.load` takes it."""

    kind: Literal["named"]
    name: str
    source: Literal["twin", "sample", "official"] = "twin"
    size: PositiveInt = 64

    @model_validator(mode="before")
    @classmethod
    def _its_own(cls, given: Any) -> Any:
        """What is not said is as the data set has it: its first size, and no file."""
        name = given.get("name") if isinstance(given, dict) else None
        if not isinstance(name, str) or name not in KINDS:
            return given
        return {"source": KINDS[name].own, "size": KINDS[name].sizes[0], **given}

    @model_validator(mode="after")
    def _has_the_source(self) -> NamedData:
        own = KINDS[self.name].own
        if self.source not in (own, "official"):
            raise ValueError(
                f"{self.name} has no {self.source}; its source is {own} or official"
            )
        return self

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in NAMES:
            raise ValueError(f"no data set {name!r}; there are {', '.join(NAMES)}")
        return name

    def build(
        self, device: torch.device | str = "cpu", start: float = 0.0, end: float = 1.0
    ) -> Dataset:
        whole = load(self.name, source=self.source, size=self.size, device=device)
        return _part(whole, start, end)

    def tested(self) -> Data:
        return IndependentData(kind="independent", of=self) if self.confounded else self

    @property
    def confounded(self) -> bool:
        """Whether its factors come together, and could be drawn each by itself."""
        kind = KINDS[self.name]
        return self.source == kind.own and kind.make is TwinFlowers

    @property
    def shape(self) -> tuple[int, int]:
        return KINDS[self.name].channels, self.size

    @property
    def versions(self) -> dict[str, int]:
        kind = KINDS[self.name]
        return {self.name: kind.version} if self.source == kind.own else {}


class FolderData(_Data):
    """A folder of pictures, as :func:`dlib.data.folder` takes it."""

    kind: Literal["folder"]
    path: str
    size: PositiveInt = 64
    channels: Literal[1, 3] = 3

    def build(
        self, device: torch.device | str = "cpu", start: float = 0.0, end: float = 1.0
    ) -> Dataset:
        whole = folder(self.path, self.size, self.channels, device)
        return _part(whole, start, end)

    def tested(self) -> FolderData:
        return self

    @property
    def shape(self) -> tuple[int, int]:
        return self.channels, self.size


class _Wrapping(_Data):
    """What bends another data set for training's sake; tested on the other."""

    of: Data

    def tested(self) -> Data:
        return self.of.tested()

    @property
    def shape(self) -> tuple[int, int]:
        return self.of.shape

    @property
    def versions(self) -> dict[str, int]:
        return self.of.versions


class IndependentData(_Data):
    """A twin whose factors come together, each drawn by itself; tested alike."""

    kind: Literal["independent"]
    of: Data

    @field_validator("of")
    @classmethod
    def _confounded(cls, of: Data) -> Data:
        if not isinstance(of, NamedData) or not of.confounded:
            raise ValueError(
                "only a twin whose factors come together can be made independent: "
                'of = "flowers", whose source is the twin'
            )
        return of

    def build(
        self, device: torch.device | str = "cpu", start: float = 0.0, end: float = 1.0
    ) -> Dataset:
        confounded = self.of.build(device, start, end)
        assert isinstance(confounded, BySpecies)
        return confounded.independent

    def tested(self) -> IndependentData:
        return self

    @property
    def shape(self) -> tuple[int, int]:
        return self.of.shape

    @property
    def versions(self) -> dict[str, int]:
        return self.of.versions


class CorrelatedData(_Wrapping):
    """Two factors that come together; tested on the factors as they were."""

    kind: Literal["correlated"]
    factors: tuple[str, str]
    law: Literal["gaussian", "line"] = "gaussian"
    strength: PositiveFloat | None = None
    inverted: bool = False
    table: tuple[tuple[float, ...], ...] | None = None

    @model_validator(mode="after")
    def _one_law(self) -> CorrelatedData:
        if (self.strength is None) == (self.table is None):
            raise ValueError(
                "give either a table of weights, or a law and its strength: the sigma "
                "of gaussian, the width of line"
            )
        if self.inverted and (self.table is not None or self.law != "gaussian"):
            raise ValueError("only the gaussian law can be inverted")
        return self

    def build(
        self, device: torch.device | str = "cpu", start: float = 0.0, end: float = 1.0
    ) -> Dataset:
        of = self.of.build(device, start, end)
        if self.table is not None:
            return Correlated(of, self.factors, torch.tensor(self.table))
        first, second = (of.space.sizes[of.space.position(f)] for f in self.factors)
        options = {"inverted": True} if self.inverted else {}
        table = LAWS[self.law](first, second, self.strength, **options)
        return Correlated(of, self.factors, table)


class ResampledData(_Wrapping):
    """So many points drawn once by the law: a training set of a finite size."""

    kind: Literal["resampled"]
    n: PositiveInt

    def build(
        self, device: torch.device | str = "cpu", start: float = 0.0, end: float = 1.0
    ) -> Dataset:
        return Resampled(self.of.build(device, start, end), self.n)


class KeptData(_Wrapping):
    """All pictures made once and looked up from then on; tested as they come."""

    kind: Literal["kept"]

    def build(
        self, device: torch.device | str = "cpu", start: float = 0.0, end: float = 1.0
    ) -> Dataset:
        return Kept(self.of.build(device, start, end))


class SilhouettesData(_Wrapping):
    """What stands on a white ground, as binary masks; tested on masks too."""

    kind: Literal["silhouettes"]

    def build(
        self, device: torch.device | str = "cpu", start: float = 0.0, end: float = 1.0
    ) -> Dataset:
        return Silhouettes(self.of.build(device, start, end))

    def tested(self) -> SilhouettesData:
        return self.model_copy(update={"of": self.of.tested()})

    @property
    def shape(self) -> tuple[int, int]:
        return 1, self.of.shape[1]


class ColouredData(_Wrapping):
    """Grey pictures in a random colour; tested in random colours too."""

    kind: Literal["coloured"]

    def build(
        self, device: torch.device | str = "cpu", start: float = 0.0, end: float = 1.0
    ) -> Dataset:
        return Coloured(self.of.build(device, start, end))

    def tested(self) -> ColouredData:
        return self.model_copy(update={"of": self.of.tested()})

    @property
    def shape(self) -> tuple[int, int]:
        return 3, self.of.shape[1]


class MergedData(_Data):
    """Several domains; tested on all of them, each point with its domain."""

    kind: Literal["merged"]
    of: tuple[Data, ...] = Field(min_length=2)
    weights: tuple[PositiveFloat, ...] | None = None

    def build(
        self, device: torch.device | str = "cpu", start: float = 0.0, end: float = 1.0
    ) -> Dataset:
        domains = [data.build(device, start, end) for data in self.of]
        return Merged(domains, self.weights)

    def tested(self) -> MergedData:
        return self.model_copy(update={"of": tuple(d.tested() for d in self.of)})

    @property
    def shape(self) -> tuple[int, int]:
        return max(data.shape[0] for data in self.of), self.of[0].shape[1]

    @property
    def versions(self) -> dict[str, int]:
        return {k: v for data in self.of for k, v in data.versions.items()}


class PairsData(_Wrapping):
    """Groups of k pictures that share factors; tested one picture at a time."""

    kind: Literal["pairs"]
    shared: tuple[str, ...] | tuple[tuple[str, ...], ...]
    k: int = Field(2, ge=2)

    def build(
        self, device: torch.device | str = "cpu", start: float = 0.0, end: float = 1.0
    ) -> Dataset:
        return Pairs(self.of.build(device, start, end), self.shared, self.k)


class ViewsData(_Wrapping):
    """Each picture several times, augmented; tested as it is."""

    kind: Literal["views"]
    augment: tuple[Augmentation, ...] = Field(min_length=1)
    k: PositiveInt = 2
    keep_first: bool = False

    def build(
        self, device: torch.device | str = "cpu", start: float = 0.0, end: float = 1.0
    ) -> Dataset:
        of = self.of.build(device, start, end)
        return Views(of, self.augment, self.k, self.keep_first)


def _named(value: Any) -> Any:
    """A bare name is short for a table with nothing else in it.

    A wrapper's ``size`` is short for that of all it wraps, so that a budget can say
    ``"data.size" = 32`` whatever the data is.
    """
    if isinstance(value, str):
        return {"kind": "named", "name": value}
    if isinstance(value, dict) and "kind" not in value and "name" in value:
        return {"kind": "named", **value}
    if isinstance(value, dict) and "size" in value and "of" in value:
        of, size = value["of"], value["size"]
        inner = (
            [_sized(each, size) for each in of]
            if isinstance(of, (list, tuple))
            else _sized(of, size)
        )
        return {**{k: v for k, v in value.items() if k != "size"}, "of": inner}
    return value


def _sized(value: Any, size: Any) -> Any:
    """The same data at another size, which its own validation looks at."""
    table = {"name": value} if isinstance(value, str) else value
    return {**table, "size": size} if isinstance(table, dict) else value


Data = Annotated[
    NamedData
    | FolderData
    | IndependentData
    | CorrelatedData
    | ResampledData
    | KeptData
    | SilhouettesData
    | ColouredData
    | MergedData
    | PairsData
    | ViewsData,
    Field(discriminator="kind"),
    BeforeValidator(_named),
]

for _model in (
    _Wrapping,
    IndependentData,
    CorrelatedData,
    ResampledData,
    KeptData,
    SilhouettesData,
    ColouredData,
    MergedData,
    PairsData,
    ViewsData,
):
    _model.model_rebuild()


def parts(
    data: Data, fraction: float, device: torch.device | str = "cpu"
) -> tuple[Dataset, Dataset]:
    """What to train on and what is held out.

    Parameters
    ----------
    data : Data
        Any of this module's.
    fraction : float
        Share of the points to train on, 0 to 1. With 1, both have all of them.
    device : torch.device or str

    Returns
    -------
    train, held_out : Dataset
        Without a point in common, unless ``fraction`` is 1; the second without
        what bends the law or the look.
    """
    rest = fraction if fraction < 1 else 0.0
    return data.build(device, 0.0, fraction), data.tested().build(device, rest, 1.0)
