"""Where there is something: the binary masks of what stands before a white ground."""

from __future__ import annotations

import torch
from torch import Tensor

from dlib.data.dataset import Dataset, Wrapper

THRESHOLD = 225


class Silhouettes(Wrapper):
    """Each picture as a mask: 255 where it is darker than the ground, 0 elsewhere.

    "We use the binary masks of the chairs as the observed data in our experiments",
    write Kumar et al. (2018) of 3D Chairs, and not how they were made. Here a pixel
    belongs to the object if its darkest channel is below a threshold. The ground of
    chairs is white (255), JPEG leaves traces on it that are rarely below 230, and thin
    legs, which fill a part of a pixel, are light grey: so the threshold is close to
    white. A surface that is lighter than it leaves a hole, and at the outline a pixel
    that a dark thing fills in part may count where a light thing's does not. Where the
    ground is white throughout, a threshold of 255 counts every pixel that is touched,
    whatever the shade.

    Parameters
    ----------
    of : Dataset
        Pictures of dark things before a white ground.
    threshold : int
        Pixels below it belong to the object.

    Raises
    ------
    ValueError
        If the threshold is not between 1 and 255, or ``of`` draws groups of points;
        and when pictures are asked for, if the ground of the first ones is dark.
    """

    def __init__(self, of: Dataset, threshold: int = THRESHOLD) -> None:
        if not 1 <= threshold <= 255:
            raise ValueError(
                f"the threshold is a grey level between 1 and 255, got {threshold}"
            )
        super().__init__(of)
        self.name, self.channels = f"{of.name}-silhouettes", 1
        self.threshold = threshold
        self._ground_is_light = False

    def _difference(self) -> str:
        return f"silhouettes of what is darker than {self.threshold}"

    def images(self, index: Tensor) -> Tensor:
        darkest = self.of.images(index).amin(-3, keepdim=True)
        if not self._ground_is_light and darkest.numel():
            self._check(darkest)
        # A product of bytes, so that no comparison is copied to wider numbers.
        return (darkest < self.threshold).to(torch.uint8) * 255

    def _check(self, darkest: Tensor) -> None:
        """Once: another ground gives masks of nothing, which nobody might notice."""
        corners = darkest[..., [0, 0, -1, -1], [0, -1, 0, -1]]
        light = float((corners >= self.threshold).float().mean())
        if light < 0.5:
            raise ValueError(
                f"silhouettes need a ground that is lighter than {self.threshold}, and "
                f"{1 - light:.0%} of the corners of pictures of {self.of.name} are "
                "darker; lower the threshold if the ground is grey"
            )
        self._ground_is_light = True
