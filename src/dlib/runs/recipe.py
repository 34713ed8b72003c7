"""Everything that a run's result depends on, as validated data."""

from __future__ import annotations

import hashlib
import inspect
import json
from typing import Any, Literal, get_type_hints

import torch
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    create_model,
    field_validator,
    model_validator,
)

from dlib import networks
from dlib.data.dataset import Dataset
from dlib.data.spec import Data, NamedData, parts
from dlib.models import METHODS, Method

# Raised when the same words come to mean something else: every hash changes then.
SCHEMA = 2


class Recipe(BaseModel):
    """What to train, on what, for how long.

    Unknown fields, and values of the wrong type, are refused by pydantic with a
    message that names the field; options are held to the method's signature.

    Parameters
    ----------
    method : str
        One of :data:`dlib.models.METHODS`.
    options : dict
        Arguments of the method, other than its networks.
    data : str or dict
        What to train on: see :mod:`dlib.data.spec`.
    train_fraction : float
        Share of the points to train on; the others are held out.
    network : str
        One of :data:`dlib.networks.NETWORKS`.
    latent_dim : int
        Numbers in a code.
    steps, batch_size, learning_rate, precision, seed
        As :func:`dlib.training.fit` takes them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str
    options: dict[str, Any] = Field(default_factory=dict)
    data: Data = NamedData(kind="named", name="dsprites")
    train_fraction: float = Field(0.8, gt=0, le=1)
    network: str = "conv"
    latent_dim: PositiveInt = 10
    steps: PositiveInt = 20_000
    batch_size: PositiveInt = 64
    learning_rate: PositiveFloat = 1e-3
    precision: Literal["32-true", "bf16-mixed"] = "bf16-mixed"
    seed: int = Field(0, ge=0)

    @field_validator("method")
    @classmethod
    def _known_method(cls, name: str) -> str:
        if name not in METHODS:
            raise ValueError(f"no method {name!r}; there are {', '.join(METHODS)}")
        return name

    @field_validator("network")
    @classmethod
    def _known_network(cls, name: str) -> str:
        if name not in networks.NETWORKS:
            known = ", ".join(networks.NETWORKS)
            raise ValueError(f"no network {name!r}; there are {known}")
        return name

    @model_validator(mode="after")
    def _options_fit_the_method(self) -> Recipe:
        checked = check_options(self.method, self.options)
        given = {name: checked[name] for name in self.options}
        object.__setattr__(self, "options", given)
        return self

    def complete(self) -> dict[str, Any]:
        """Every field and every option, defaults too, as plain data."""
        plain = self.model_dump(mode="json")
        options = check_options(self.method, self.options)
        return {**plain, "options": json.loads(json.dumps(options))}

    def usual(self) -> dict[str, Any]:
        """Every option of the method with its default, as plain data."""
        usual: dict[str, Any] = json.loads(json.dumps(check_options(self.method, {})))
        return usual

    @property
    def hash(self) -> str:
        """Twelve hexadecimal digits that name the run.

        The SHA-256 of what differs from the defaults, and of a schema number: a
        new field or option with a default leaves the hashes as they are.
        """
        differing = self.model_dump(mode="json", exclude_defaults=True)
        usual = check_options(self.method, {})
        options = check_options(self.method, self.options)
        changed = {k: v for k, v in options.items() if v != usual[k]}
        differing = {**differing, "options": changed, "schema": SCHEMA}
        text = json.dumps(differing, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def parts(self, device: torch.device | str = "cpu") -> tuple[Dataset, Dataset]:
        """What is trained on and what is held out: the same for any seed."""
        return parts(self.data, self.train_fraction, device)

    def build(self) -> Method:
        """The method with fresh weights, a function of the seed alone.

        Raises
        ------
        ValueError
            If an option's value has no sense, or the network cannot make pictures
            of this size; the message says which.
        """
        kind = METHODS[self.method]
        channels, size = self.data.shape
        nets = networks.build(self.network, self.latent_dim, channels, size, kind.heads)
        method = kind(nets, **self.options)
        networks.initialise(method, torch.Generator().manual_seed(self.seed))
        return method


def check_options(method: str, options: dict[str, Any]) -> dict[str, Any]:
    """All options of a method, those given and the defaults of the others.

    They are held to the annotations of the method's signature without conversion:
    ``True`` is no number, ``"5"`` neither; 8 is taken where a float is asked for.

    Raises
    ------
    ValueError
        If there is no such option or its type is another; the message lists what
        there is.
    """
    kind = METHODS[method]
    hints = get_type_hints(kind.__init__)
    parameters = list(inspect.signature(kind.__init__).parameters.values())[2:]
    model = create_model(  # type: ignore[call-overload]
        f"{kind.__name__}Options",
        __config__=ConfigDict(extra="forbid"),
        **{p.name: (hints[p.name], p.default) for p in parameters},
    )
    try:
        checked = model.model_validate_json(json.dumps(options), strict=True)
    except (ValidationError, TypeError) as error:
        known = ", ".join(f"{p.name}: {p.annotation}" for p in parameters)
        raise ValueError(
            f"options of {method} are not as its signature has them ({known}): {error}"
        ) from None
    return {p.name: getattr(checked, p.name) for p in parameters}
