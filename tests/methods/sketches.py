"""Two methods to come, written down tersely: do the interfaces carry them?

They are sketches: networks are tiny and constants are not the papers'. What they
have of the real ones is their shape: two players, swapped chunks, an inner loop that is
differentiated through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dlib.data.batch import Batch
from dlib.losses import bernoulli_nll
from dlib.models import Loss, Player
from dlib.models.page import PageDecoder, page_decoder
from dlib.networks import Networks


def mlp(inputs: int, outputs: int, hidden: int = 32) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, outputs)
    )


def detached(**terms: Tensor) -> dict[str, Tensor]:
    return {name: term.detach() for name, term in terms.items()}


class Chunked(nn.Module):
    """Codes in chunks, without a posterior: what three of the six share."""

    heads = 1
    shipped = ("encoder", "decoder")

    def __init__(self, networks: Networks, chunks: int) -> None:
        super().__init__()
        self.encoder, self.decoder = networks.encoder, networks.decoder
        self.latent_dim = networks.latent_dim
        self.chunks = (networks.latent_dim // chunks,) * chunks
        self.pixels = networks.channels * networks.size**2

    def encode(self, images: Tensor) -> Tensor:
        return self.encoder(images)

    def decode(self, codes: Tensor) -> Tensor:
        return self.decoder(codes).float().sigmoid()

    def page_decoder(self) -> PageDecoder:
        return page_decoder(self.decoder, "sigmoid")


class Mixing(Chunked):
    """Mix, decode, encode, unmix, decode; an adversary, and a classifier of masks."""

    def __init__(self, networks: Networks) -> None:
        super().__init__(networks, chunks=4)
        self.adversary = nn.Sequential(nn.Flatten(), mlp(self.pixels, 1))
        self.classifier = nn.Sequential(nn.Flatten(), mlp(3 * self.pixels, 4))

    def players(self) -> dict[str, Player]:
        codec = [self.encoder, self.decoder, self.classifier]
        mine = [p for module in codec for p in module.parameters()]
        return {
            "codec": Player(mine, 2e-4, (0.5, 0.999)),
            "adversary": Player([*self.adversary.parameters()], 2e-4, (0.5, 0.999)),
        }

    def losses(self, batch: Batch, generator: torch.Generator) -> Iterator[Loss]:
        x1, x2 = batch.images.chunk(2)
        f1, f2 = self.encode(x1), self.encode(x2)
        shape, width = (len(x1), len(self.chunks)), self.chunks[0]
        mask = torch.rand(shape, generator=generator, device=generator.device)
        mask = (mask < 0.5).float().to(f1)
        wide = mask.repeat_interleave(width, 1)
        x3 = self.decode(wide * f1 + (1 - wide) * f2)
        x4 = self.decode(wide * self.encode(x3) + (1 - wide) * f1)
        back = (x4 - x1).square().flatten(1).sum(1).mean()
        masks = self.classifier(torch.cat([x1, x2, x3], dim=1))
        told = F.binary_cross_entropy_with_logits(masks, mask)
        fooled = F.softplus(-self.adversary(x3)).mean()
        logs = detached(back=back, classifier=told, fooled=fooled)
        yield Loss("codec", back + told + fooled, logs)
        real, fake = self.adversary(x1), self.adversary(x3.detach())
        yield Loss("adversary", (F.softplus(-real) + F.softplus(fake)).mean(), {})


class Intervention(Chunked):
    """Interventions weighed by plausibility, and an inner loop of translations."""

    def __init__(self, networks: Networks, inner: int = 2, rate: float = 0.1) -> None:
        super().__init__(networks, chunks=networks.latent_dim // 2)
        self.inner, self.rate = inner, rate
        self.adversary = nn.Sequential(nn.Flatten(), mlp(self.pixels, 1))
        self.weigh = nn.Sequential(nn.Flatten(), mlp(self.pixels, 1), nn.Softplus())
        self.translate = mlp(self.pixels, self.pixels, 8)

    def players(self) -> dict[str, Player]:
        mine = [self.encoder, self.decoder, self.weigh]
        # The translator is learned anew in every step: nobody owns it.
        return {
            "codec": Player([p for module in mine for p in module.parameters()]),
            "adversary": Player([*self.adversary.parameters()]),
        }

    def losses(self, batch: Batch, generator: torch.Generator) -> Iterator[Loss]:
        x, other = batch.images.chunk(2)
        z, source = self.encode(x), self.encode(other)
        k = int(torch.randint(len(self.chunks), (), generator=generator,
                              device=generator.device))  # fmt: skip
        part = slice(2 * k, 2 * k + 2)

        def do(codes: Tensor, value: Tensor) -> Tensor:
            changed = codes.clone()
            changed[:, part] = value
            return self.decode(changed)

        changed = do(z, source[:, part])
        nll = bernoulli_nll(self.decoder(z), x).mean()
        weight = self.weigh(changed)
        weight = weight / weight.mean()
        fooled = (weight * F.softplus(-self.adversary(changed))).mean()
        u, v = (do(z, source[i, part]).flatten(1) for i in (0, 1))
        hard = self.difficulty(u, v)
        logs = detached(nll=nll, fooled=fooled, difficulty=hard)
        yield Loss("codec", nll + fooled + hard, logs)
        real, fake = self.adversary(x), self.adversary(changed.detach())
        value = (F.softplus(-real) + weight.detach() * F.softplus(fake)).mean()
        yield Loss("adversary", value, {})

    def difficulty(self, u: Tensor, v: Tensor) -> Tensor:
        half, net = len(u) // 2, self.translate
        theta = {
            name: p.detach().requires_grad_() for name, p in net.named_parameters()
        }

        def loss(theta: dict[str, Tensor], rows: slice) -> Tensor:
            made = torch.func.functional_call(net, theta, (u[rows],))
            return F.binary_cross_entropy_with_logits(made, v[rows])

        for _ in range(self.inner):
            slope = torch.autograd.grad(
                loss(theta, slice(half)), list(theta.values()), create_graph=True
            )
            theta = {
                name: p - self.rate * g
                for (name, p), g in zip(theta.items(), slope, strict=True)
            }
        return loss(theta, slice(half, None))


Make = Callable[[Networks], nn.Module]
