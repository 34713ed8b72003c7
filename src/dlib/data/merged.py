"""Several data sets as one, whose label is which of them a point is of."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from dlib.data.dataset import Dataset
from dlib.data.factors import Factor, FactorSpace


class Merged(Dataset):
    """The points of several domains.

    Each draw takes a domain first, all equally likely unless weighed, and then a
    point by the domain's own law. The label of a point is its domain; its factors
    are all domains' side by side, those of other domains unknown (-1).

    Parameters
    ----------
    domains : sequence of Dataset
        At least two, of one picture size, on one device. Grey pictures get the
        channels of coloured ones.
    weights : sequence of float, optional
        How likely each domain is, in any unit.

    Raises
    ------
    ValueError
        If there are fewer than two domains, their sizes or devices differ, their
        channels cannot be brought together, one draws groups of points, or the
        weights are not one positive number for each.
    """

    uniform = False

    def __init__(
        self, domains: Sequence[Dataset], weights: Sequence[float] | None = None
    ) -> None:
        if len(domains) < 2:
            raise ValueError(f"merging takes at least two domains, got {len(domains)}")
        if any(d.together for d in domains):
            raise ValueError(
                "domains must be drawn a picture at a time; merge first, and take "
                "pairs or views of the result"
            )
        if len({d.size for d in domains}) > 1:
            raise ValueError(
                "domains must have pictures of one size, got "
                f"{', '.join(str(d.size) for d in domains)} pixels"
            )
        if len({d.device for d in domains}) > 1:
            raise ValueError("domains must be on one device")
        channels = max(d.channels for d in domains)
        if any(d.channels not in (1, channels) for d in domains):
            raise ValueError(
                "domains must have one channel or the same number of them, got "
                f"{', '.join(str(d.channels) for d in domains)}"
            )
        given = [1.0] * len(domains) if weights is None else list(weights)
        if len(given) != len(domains) or not all(w > 0 for w in given):
            raise ValueError(
                f"weights must be {len(domains)} positive numbers, got {weights}"
            )
        labels = _labels([d.name for d in domains])
        super().__init__(
            " + ".join(labels),
            "several",
            FactorSpace(
                [
                    Factor(f"{label}.{f.name}", f.values, f.kind, f.labels)
                    for label, domain in zip(labels, domains, strict=True)
                    for f in domain.space.factors
                ]
            ),
            channels,
            domains[0].size,
            domains[0].device,
        )
        self.domains = tuple(domains)
        self.domain_names = tuple(labels)
        self.weights = torch.tensor(given, dtype=torch.float64)
        sizes = torch.tensor([len(d) for d in domains], device=self.device)
        self._ends = sizes.cumsum(0)
        self._starts = (self._ends - sizes).tolist()
        widths = [len(d.space.names) for d in domains]
        self._columns = [sum(widths[:j]) for j in range(len(domains))]

    def __len__(self) -> int:
        return int(self._ends[-1])

    def labels(self, index: Tensor) -> Tensor:
        """Which domain each point is of, int64 (n,)."""
        return torch.searchsorted(self._ends, index.contiguous(), right=True)

    def images(self, index: Tensor) -> Tensor:
        shape = (*index.shape, self.channels, self.size, self.size)
        out = torch.empty(shape, dtype=torch.uint8, device=self.device)

        def fill(j: int, here: Tensor, local: Tensor) -> None:
            pictures = self.domains[j].images(local)
            out[here] = pictures.expand(-1, self.channels, -1, -1)

        self._each(index, fill)
        return out

    def factors(self, index: Tensor) -> Tensor:
        shape = (*index.shape, len(self.space.names))
        out = torch.full(shape, -1, dtype=torch.long, device=index.device)

        def fill(j: int, here: Tensor, local: Tensor) -> None:
            first = self._columns[j]
            own = self.domains[j].factors(local)
            rows = out[here]
            rows[:, first : first + own.shape[1]] = own
            out[here] = rows

        self._each(index, fill)
        return out

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        weights = self.weights.to(generator.device)
        domain = torch.multinomial(weights, n, True, generator=generator)
        domain = domain.to(self.device)
        index = torch.empty(n, dtype=torch.long, device=self.device)
        counts = domain.bincount(minlength=len(self.domains)).tolist()
        for j, count in enumerate(counts):
            if count:
                local = self.domains[j].draw(count, generator)
                index[domain == j] = self._global(j, local)
        return index

    def sharing(
        self, index: Tensor, columns: Sequence[int], generator: torch.Generator
    ) -> Tensor:
        """A partner of the same domain, equal in those of the factors it has."""
        out = torch.empty_like(index)

        def fill(j: int, here: Tensor, local: Tensor) -> None:
            first, width = self._columns[j], len(self.domains[j].space.names)
            own = [c - first for c in columns if first <= c < first + width]
            other = self.domains[j].sharing(local, own, generator)
            out[here] = self._global(j, other)

        self._each(index, fill)
        return out

    def _global(self, j: int, local: Tensor) -> Tensor:
        return self.domains[j].positions(local) + self._starts[j]

    def _each(
        self, index: Tensor, visit: Callable[[int, Tensor, Tensor], None]
    ) -> None:
        """Visit each domain with where its points stand and their own index."""
        domain = self.labels(index)
        for j, start in enumerate(self._starts):
            here = domain == j
            if bool(here.any()):
                visit(j, here, self.domains[j].points(index[here] - start))


def _labels(names: Sequence[str]) -> list[str]:
    """The names, numbered where one comes twice."""
    return [
        f"{name} {names[:i].count(name) + 1}" if names.count(name) > 1 else name
        for i, name in enumerate(names)
    ]
