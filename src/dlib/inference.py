"""Trained methods at work: pictures as floats, devices, and the one encoding loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor


def to_float(images: Tensor, device: torch.device | str | None = None) -> Tensor:
    """Pictures as floats in [0, 1], same shape.

    Parameters
    ----------
    images : Tensor
        ``uint8``, 0 to 255, or floats, which pass through as they are.
    device : torch.device or str, optional
        Where to; where they are by default.

    Returns
    -------
    Tensor
        float32 for ``uint8`` input. The input is never changed.
    """
    if device is not None:
        images = images.to(device, non_blocking=True)
    if images.is_floating_point():
        return images
    return images.float().div_(255)


def device_of(method: Any) -> torch.device:
    """Where a method's parameters live; the CPU if it has none."""
    parameter = next(iter(method.parameters()), None)
    return torch.device("cpu") if parameter is None else parameter.device


@contextmanager
def evaluating(method: Any) -> Iterator[None]:
    """Evaluation mode without gradients; the method's mode is put back."""
    was_training = bool(getattr(method, "training", False))
    if was_training:
        method.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        if was_training:
            method.train()


def encode(
    method: Any,
    images_of: Callable[[Tensor], Tensor],
    index: Tensor,
    *,
    batch_size: int = 512,
    seen: Callable[[Tensor, Tensor], object] | None = None,
    progress: Callable[[int], object] | None = None,
) -> Tensor:
    """Codes of many points, batch by batch, without gradients.

    Parameters
    ----------
    method : Method
        With ``encode``.
    images_of : callable
        Gives the pictures of some points, such as ``dataset.images`` or
        ``grid.render``.
    index : Tensor
        The points, first axis first.
    batch_size : int
        Points at a time.
    seen : callable, optional
        Is given each batch's pictures, floats on the method's device, and codes.
    progress : callable, optional
        Is told how many points are done by now.

    Returns
    -------
    Tensor
        float32, shape (len(index), latent_dim), on the method's device.

    Raises
    ------
    TypeError
        If the method's ``encode`` gives anything but a tensor, such as a posterior.
    """
    where = device_of(method)
    codes: list[Tensor] = []
    done = 0
    with evaluating(method):
        for part in index.split(batch_size):
            images = to_float(images_of(part), where)
            found = method.encode(images)
            if not isinstance(found, Tensor):
                raise TypeError(
                    f"{type(method).__name__}.encode must return codes, one tensor; it "
                    f"returned a {type(found).__name__}: give its mean"
                )
            found = found.float()
            codes.append(found)
            if seen is not None:
                seen(images, found)
            done += len(part)
            if progress is not None:
                progress(done)
    return torch.cat(codes)
