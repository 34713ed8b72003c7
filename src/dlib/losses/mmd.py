"""Maximum mean discrepancy, for InfoVAE: Zhao, Song and Ermon (2019)."""

from __future__ import annotations

import torch
from torch import Tensor


def mmd(codes: Tensor, prior: Tensor, bandwidth: float | None = None) -> Tensor:
    """Squared maximum mean discrepancy of two samples, with a Gaussian kernel.

    ``mean k(z, z') + mean k(p, p') - 2 mean k(z, p)`` with
    ``k(a, b) = exp(-||a - b||^2 / bandwidth)``: Zhao et al. (2019), section 3.2
    (Gretton et al. 2012). All pairs count, a point with itself too, as in the
    authors' code, so that it is never negative and, of n points, too large by about
    1/n.

    Parameters
    ----------
    codes : Tensor
        Samples of q(z), shape (n, d).
    prior : Tensor
        Samples of p(z), shape (m, d).
    bandwidth : float, optional
        Left out: d^2, as in the authors' code.

    Returns
    -------
    Tensor
        One number between 0 and 2.

    Raises
    ------
    ValueError
        If the widths differ, a sample is no matrix or empty, or the bandwidth is
        not positive.

    Examples
    --------
    >>> import torch
    >>> from dlib import losses
    >>> losses.mmd(torch.zeros(2, 3), torch.zeros(4, 3))
    tensor(0.)
    >>> losses.mmd(torch.zeros(2, 1), torch.full((2, 1), 9.0))  # nothing in common
    tensor(2.)
    """
    if codes.ndim != 2 or prior.ndim != 2 or codes.shape[1] != prior.shape[1]:
        raise ValueError(
            "two samples must have shapes (n, d) and (m, d), got "
            f"{tuple(codes.shape)} and {tuple(prior.shape)}"
        )
    if 0 in (len(codes), len(prior)):
        raise ValueError("a sample must have at least one point, got none")
    width = float(codes.shape[1] ** 2) if bandwidth is None else bandwidth
    if not width > 0:
        raise ValueError(f"bandwidth must be positive, got {bandwidth}")
    # Under autocast the products that cdist may use would be rounded.
    with torch.autocast(codes.device.type, enabled=False):
        both = torch.cat([codes.float(), prior.float()])
        squared = (both[:, None] - both[None]).square().sum(2)
    kernel = (-squared / width).exp()
    n = len(codes)
    return kernel[:n, :n].mean() + kernel[n:, n:].mean() - 2 * kernel[:n, n:].mean()
