"""What a data set is here: a factor space, a renderer, and ways to draw from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from dlib.data.factors import FactorSpace

Source = Literal["twin", "official"]


class Dataset:
    """A factor space with a renderer.

    Subclasses implement :meth:`_render`; everything else is derived from it, so
    a twin, which draws, and an official file, which looks up, are used alike.

    Parameters
    ----------
    name : str
        Such as ``"dsprites"``.
    source : {"twin", "official"}
        Whether pictures are rendered afresh or read from the official file.
    space : FactorSpace
        The factors, in the official file's order.
    channels, size : int
        Pictures are ``uint8`` of shape (channels, size, size), 0 to 255.
    device : torch.device or str
        Where pictures are made.
    """

    def __init__(
        self,
        name: str,
        source: Source,
        space: FactorSpace,
        channels: int,
        size: int,
        device: torch.device | str = "cpu",
    ) -> None:
        self.name = name
        self.source = source
        self.space = space
        self.channels = channels
        self.size = size
        self.device = torch.device(device)

    def _render(self, factors: Tensor) -> Tensor:
        raise TypeError(f"{type(self).__name__} must define _render")

    def render(self, factors: Tensor) -> Tensor:
        """Pictures of the given factors.

        Parameters
        ----------
        factors : Tensor
            Integer indices, shape (n, k), columns as in ``self.space.names``.

        Returns
        -------
        Tensor
            ``uint8``, shape (n, channels, size, size), on ``self.device``.

        Raises
        ------
        TypeError, ValueError
            If ``factors`` is not an integer tensor of shape (n, k) in range.
        """
        return self._render(self.space.check(factors.to(self.device)))

    def sample(self, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """``n`` pictures drawn uniformly, and their factors.

        The same generator state gives the same batch on the same device.

        Returns
        -------
        images : Tensor
            ``uint8``, (n, channels, size, size).
        factors : Tensor
            int64, (n, k).
        """
        factors = self.sample_factors(n, generator)
        return self._render(factors), factors

    def sample_factors(self, n: int, generator: torch.Generator) -> Tensor:
        """Factors only, int64 (n, k), drawn as :meth:`sample` draws them."""
        return self.space.sample(n, generator).to(self.device)

    def __len__(self) -> int:
        return len(self.space)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} is outside a data set of {len(self)}")
        flat = torch.tensor([index % len(self)], device=self.device)
        factors = self.space.to_factors(self._flat_index(flat))
        return self._render(factors)[0], factors[0]

    def _flat_index(self, positions: Tensor) -> Tensor:
        return positions

    def split(
        self, fractions: Sequence[float] = (0.8, 0.2), seed: int = 0
    ) -> list[Subset]:
        """Disjoint random parts of the grid, the same on every machine.

        Parameters
        ----------
        fractions : sequence of float
            Positive, adding up to at most 1.
        seed : int
            Of the permutation, which is drawn on the CPU whatever the device.

        Raises
        ------
        ValueError
            If the fractions are not positive, add up to more than 1, or leave
            a part empty.
        """
        if min(fractions, default=0) <= 0 or sum(fractions) > 1 + 1e-9:
            raise ValueError(
                "fractions must be positive and add up to at most 1, "
                f"got {tuple(fractions)}"
            )
        generator = torch.Generator().manual_seed(seed)
        order = torch.randperm(len(self), generator=generator)
        parts, start, total = [], 0, 0.0
        for fraction in fractions:
            total += fraction
            end = round(total * len(self))
            if end == start:
                raise ValueError(
                    f"a fraction of {fraction} of {len(self)} images is none at all"
                )
            positions = order[start:end].to(self.device)
            parts.append(Subset(self, self._flat_index(positions)))
            start = end
        return parts

    def __repr__(self) -> str:
        return (
            f"{self.name} ({self.source}): {len(self):,} images, "
            f"{self.channels}x{self.size}x{self.size}, {self.space}"
        )


class Subset(Dataset):
    """Some points of a data set's grid, with the data set's own face.

    Parameters
    ----------
    parent : Dataset
        Draws the pictures.
    index : Tensor
        Flat indices into the parent's grid, int64, shape (n,).
    """

    def __init__(self, parent: Dataset, index: Tensor) -> None:
        super().__init__(
            parent.name,
            parent.source,
            parent.space,
            parent.channels,
            parent.size,
            parent.device,
        )
        self.parent = parent
        self.index = index

    def _render(self, factors: Tensor) -> Tensor:
        return self.parent._render(factors)

    def sample_factors(self, n: int, generator: torch.Generator) -> Tensor:
        positions = torch.randint(
            len(self), (n,), generator=generator, device=generator.device
        )
        return self.space.to_factors(self.index[positions.to(self.device)])

    def _flat_index(self, positions: Tensor) -> Tensor:
        return self.index[positions]

    def __len__(self) -> int:
        return len(self.index)
