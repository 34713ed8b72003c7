"""Small seeded codes and factors that the metric tests share."""

from __future__ import annotations

import numpy as np

from dlib.data.factors import Factor, FactorSpace

SIZES = (3, 5, 8)
SPACE = FactorSpace([Factor(f"f{s}", tuple(range(s))) for s in SIZES])


def factors(n: int = 600, seed: int = 0) -> np.ndarray:
    """Independent uniform factors, int64 (n, 3)."""
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(0, size, n) for size in SIZES], axis=1)


def axis_codes(table: np.ndarray, noise: float = 0.05, seed: int = 1) -> np.ndarray:
    """One code a factor and two of noise, float32 (n, 5): nearly perfect."""
    rng = np.random.default_rng(seed)
    scaled = table / (np.array(SIZES) - 1.0) - 0.5
    codes = np.concatenate([scaled * 3.0, rng.normal(size=(len(table), 2))], axis=1)
    codes[:, :3] += noise * rng.normal(size=scaled.shape)
    return codes.astype(np.float32)


def mixed_codes(table: np.ndarray, seed: int = 2) -> np.ndarray:
    """The same, rotated: every code knows a little of everything."""
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    return (axis_codes(table, 0.2) @ rotation).astype(np.float32)


def noise_codes(n: int = 600, seed: int = 3) -> np.ndarray:
    """Standard normal, float32 (n, 5)."""
    return np.random.default_rng(seed).normal(size=(n, 5)).astype(np.float32)
