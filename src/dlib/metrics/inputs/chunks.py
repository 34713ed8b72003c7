"""How a method cuts its codes."""

from __future__ import annotations

from typing import Any


def chunk_widths(method: Any, latent_dim: int) -> list[int]:
    """Widths of a method's chunks, or all 1 if it has none.

    Raises
    ------
    ValueError
        If they are not positive or do not add up to the width of its codes.
    """
    widths = [int(width) for width in getattr(method, "chunks", ())]
    widths = widths or [1] * latent_dim
    if sum(widths) != latent_dim or min(widths) < 1:
        raise ValueError(
            f"the method's chunks {tuple(widths)} must add up to the width of its "
            f"codes, {latent_dim}"
        )
    return widths
