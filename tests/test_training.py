"""The training loop: it learns, records, stops clearly, and resumes exactly."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from dlib import networks
from dlib.data.batch import Batch
from dlib.data.dataset import Dataset
from dlib.data.dsprites import TwinDSprites
from dlib.inference import to_float
from dlib.models import DIPVAE, VAE, BetaVAE, Loss, Player, Posterior
from dlib.networks import Networks
from dlib.training import (
    History,
    NonFiniteLoss,
    fit,
    step_generator,
)

SIZE = 16


def small_mlp(latent_dim: int = 3) -> Networks:
    """A table small enough for a test; its layers are those of the real ones."""
    encoder = nn.Sequential(
        nn.Flatten(),
        nn.Linear(SIZE * SIZE, 64),
        nn.ReLU(),
        networks.FullPrecisionLinear(64, 2 * latent_dim),
    )
    decoder = nn.Sequential(
        networks.FullPrecisionLinear(latent_dim, 64),
        nn.Tanh(),
        nn.Linear(64, SIZE * SIZE),
        nn.Unflatten(1, (1, SIZE, SIZE)),
    )
    return Networks(encoder, decoder, latent_dim, 1, SIZE)


def make(kind: type[VAE] = VAE, net: str = "mlp", seed: int = 0, **options) -> VAE:
    built = small_mlp() if net == "mlp" else networks.build(net, 3, size=SIZE)
    method = kind(built, **options)
    networks.initialise(method, torch.Generator().manual_seed(seed))
    return method


def train(method, steps: int, data: Dataset | None = None, **options) -> History:
    given = {"batch_size": 16, "device": "cpu", "progress": False, **options}
    return fit(
        method, TwinDSprites(SIZE) if data is None else data, steps=steps, **given
    )


def assert_same_weights(first: nn.Module, second: nn.Module) -> None:
    wanted = second.state_dict()
    for name, value in first.state_dict().items():
        assert torch.equal(value, wanted[name]), name


class Dying(TwinDSprites):
    """Breaks when a given batch is asked for."""

    def __init__(self, at: int, error: BaseException) -> None:
        super().__init__(SIZE)
        self.at, self.error, self.drawn = at, error, 0

    def batch(self, n: int, generator: torch.Generator, step: int = 0) -> Batch:
        self.drawn += 1
        if self.drawn == self.at:
            raise self.error
        return super().batch(n, generator, step)


def test_training_improves_the_elbo(device: torch.device) -> None:
    method = make()
    data = TwinDSprites(SIZE, device=device)
    history = train(method, 150, data, device=device.type, learning_rate=3e-3)
    nll, kl = history.terms["nll"], history.terms["kl"]
    elbo = [a + b for a, b in zip(nll, kl, strict=True)]
    assert elbo[-1] < elbo[0]
    # A decoder that knows nothing pays ln 2 for every pixel.
    assert elbo[-1] < 0.5 * math.log(2) * SIZE * SIZE
    assert not method.training
    assert next(method.parameters()).device.type == device.type


def test_history_has_a_mean_for_every_window() -> None:
    history = train(make(DIPVAE), 120)
    assert history.steps == [50, 100, 120]
    assert set(history.terms) == {"nll", "kl", "off_diagonal", "diagonal"}
    assert all(len(values) == 3 for values in history.terms.values())
    assert history.seconds > 0
    plain = history.to_dict()
    assert History(**plain) == history


def test_history_s_means_are_of_the_window_s_steps() -> None:
    seen: list[float] = []

    class Counting(VAE):
        def losses(self, batch: Batch, generator: torch.Generator) -> Iterator[Loss]:
            for loss in super().losses(batch, generator):
                seen.append(float(loss.logs["kl"]))
                yield loss

    history = train(make(Counting), 75)
    wanted = [sum(seen[:50]) / 50, sum(seen[50:]) / 25]
    assert history.terms["kl"] == pytest.approx(wanted, rel=1e-5)


def test_the_same_seed_gives_the_same_weights_and_another_others() -> None:
    first, second, other = make(), make(), make()
    torch.manual_seed(1)
    one = train(first, 20, seed=5)
    torch.manual_seed(2)
    two = train(second, 20, seed=5)
    train(other, 20, seed=6)
    assert_same_weights(first, second)
    assert one.terms == two.terms
    last = "decoder.2.weight"
    assert not torch.equal(first.get_parameter(last), other.get_parameter(last))


def test_global_random_state_is_neither_read_nor_moved() -> None:
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    train(make(), 3)
    built = torch.random.get_rng_state()
    torch.random.set_rng_state(before)
    make()
    after = torch.random.get_rng_state()
    assert torch.equal(built, after)  # only torch's own layers moved it


def test_steps_draw_streams_that_have_nothing_in_common() -> None:
    cpu = torch.device("cpu")
    draws = {
        tuple(torch.randint(2**31, (4,), generator=step_generator(s, t, cpu)).tolist())
        for s in range(20)
        for t in range(100)
    }
    assert len(draws) == 2000
    noise = torch.stack(
        [torch.randn(2000, generator=step_generator(0, t, cpu)) for t in range(8)]
    )
    off = torch.corrcoef(noise) - torch.eye(8)
    assert off.abs().max() < 0.1  # 4.5 standard errors
    again = torch.randn(2000, generator=step_generator(0, 3, cpu))
    assert torch.equal(again, noise[3])
    assert step_generator(-1, 1, cpu).initial_seed() >= 0


def test_to_float_leaves_its_input_as_it_was(device: torch.device) -> None:
    floats = torch.rand(2, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    before = floats.clone()
    seen = to_float(floats, device)
    assert torch.equal(floats, before) and torch.equal(seen.cpu(), before)


def test_to_float_is_between_zero_and_one(device: torch.device) -> None:
    images = torch.tensor([[[[0, 51, 255]]]], dtype=torch.uint8)
    floats = to_float(images, device)
    assert floats.dtype == torch.float32 and floats.device.type == device.type
    torch.testing.assert_close(floats.cpu(), torch.tensor([[[[0, 0.2, 1.0]]]]))
    assert images.flatten().tolist() == [0, 51, 255]


# Checkpoints.


@pytest.mark.parametrize("net", ["mlp", "conv"])
def test_interrupted_and_resumed_equals_never_interrupted(
    tmp_path: Path, device: torch.device, net: str
) -> None:
    """Convolutions too: their weights and Adam's moments lie channels-last."""
    path = tmp_path / "run.safetensors"
    options = {"device": device.type, "checkpoint_every": 50, "batch_size": 8}
    whole, part = make(net=net), make(net=net)
    history = train(whole, 70, **options)
    with pytest.raises(KeyboardInterrupt):
        train(part, 70, Dying(63, KeyboardInterrupt()), checkpoint=path, **options)
    resumed = make(net=net, seed=1)  # what it starts from must not matter
    told = train(resumed, 70, checkpoint=path, **options)
    assert_same_weights(resumed, whole)
    assert told.steps == history.steps and told.terms == history.terms
    assert told.seconds > 0


KILLED = """
import os, signal, sys
from test_training import Dying, make, train
import torch
torch.set_num_threads(int(sys.argv[2]))
class Killed(Dying):
    def batch(self, n, generator, step=0):
        self.drawn += 1
        if self.drawn == self.at:
            os.kill(os.getpid(), signal.SIGKILL)
        return super(Dying, self).batch(n, generator, step)
train(make(net="conv"), 70, Killed(63, None), checkpoint=sys.argv[1],
      checkpoint_every=50)
"""


def test_a_killed_process_resumes_exactly(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    if "PYTHONPATH" in os.environ:
        environment["PYTHONPATH"] += os.pathsep + os.environ["PYTHONPATH"]
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, str(path), str(torch.get_num_threads())],
        env=environment,
        timeout=250,
    )
    assert ended.returncode == -signal.SIGKILL
    assert os.listdir(tmp_path) == [path.name]
    whole, resumed = make(net="conv"), make(net="conv")
    train(whole, 70)
    train(resumed, 70, checkpoint=path)
    assert_same_weights(resumed, whole)


def test_a_finished_training_is_only_loaded(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    first, second = make(), make(seed=1)
    history = train(first, 100, checkpoint=path, checkpoint_every=50)
    told = train(second, 100, Dying(1, AssertionError("drew")), checkpoint=path)
    assert_same_weights(first, second)
    assert told.terms == history.terms and not second.training


def test_a_training_can_go_on_for_longer(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    whole, part = make(), make()
    train(whole, 100)
    train(part, 50, checkpoint=path, checkpoint_every=50)
    train(part, 100, checkpoint=path, checkpoint_every=50)
    assert_same_weights(part, whole)


def test_a_checkpoint_past_the_last_step_is_refused(tmp_path: Path) -> None:
    """Weights after 100 steps are not what 50 steps would have given."""
    path = tmp_path / "run.safetensors"
    train(make(), 100, checkpoint=path, checkpoint_every=50)
    with pytest.raises(ValueError, match="100"):
        train(make(), 50, checkpoint=path)


def test_checkpoints_come_at_whole_windows(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    train(make(), 49, checkpoint=path, checkpoint_every=1)
    assert not path.exists()
    train(make(), 99, checkpoint=path, checkpoint_every=1)
    assert path.exists()
    with pytest.raises(AssertionError, match="drew"):  # resumes after step 50
        train(make(), 99, Dying(49, AssertionError("drew")), checkpoint=path)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "run.safetensors"
    train(make(BetaVAE, beta=4.0), 50, checkpoint=path, checkpoint_every=50)
    return path


@pytest.mark.parametrize(
    ("what", "options"),
    [
        ("seed", {"seed": 1}),
        ("batch_size", {"batch_size": 8}),
        ("learning_rate", {"learning_rate": 2e-3}),
        ("precision", {"precision": "bf16-mixed"}),
        ("data", {"data": TwinDSprites(8)}),
    ],
)
def test_a_checkpoint_of_other_settings_is_refused(
    checkpoint: Path, what: str, options: dict
) -> None:
    before = checkpoint.read_bytes()
    with pytest.raises(ValueError, match=rf"of another training: {what} differ"):
        train(make(BetaVAE, beta=4.0), 100, checkpoint=checkpoint, **options)
    assert checkpoint.read_bytes() == before


@pytest.mark.parametrize(
    "method",
    [
        lambda: make(VAE),
        lambda: make(BetaVAE, beta=16.0),
        lambda: make(BetaVAE, beta=4.0, likelihood="gaussian"),
        lambda: make(BetaVAE, beta=4.0, net="conv"),
        lambda: BetaVAE(small_mlp(latent_dim=5), beta=4.0),
    ],
    ids=["class", "beta", "likelihood", "networks", "latent_dim"],
)
def test_a_checkpoint_of_another_method_is_refused(checkpoint: Path, method) -> None:
    with pytest.raises(ValueError, match="of another training"):
        train(method(), 100, checkpoint=checkpoint)


def test_a_checkpoint_on_another_part_of_the_data_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    first, second = TwinDSprites(SIZE).split((0.5, 0.5))
    train(make(), 50, first, checkpoint=path, checkpoint_every=50)
    with pytest.raises(ValueError, match="of another training: data differ"):
        train(make(), 100, second, checkpoint=path)


@pytest.mark.parametrize("keep", [0.0, 0.01, 0.5, 0.99])
def test_a_truncated_checkpoint_is_refused(checkpoint: Path, keep: float) -> None:
    whole = checkpoint.read_bytes()
    checkpoint.write_bytes(whole[: int(keep * len(whole))])
    with pytest.raises(ValueError, match=r"run\.safetensors is not a checkpoint"):
        train(make(BetaVAE, beta=4.0), 100, checkpoint=checkpoint)


@pytest.mark.parametrize("where", [0.3, 0.6, 0.95])
def test_one_flipped_byte_of_a_checkpoint_is_noticed(
    checkpoint: Path, where: float
) -> None:
    """A weight that is off by a bit is as finite as any other."""
    content = bytearray(checkpoint.read_bytes())
    content[int(where * len(content))] ^= 1
    checkpoint.write_bytes(content)
    with pytest.raises(ValueError, match=r"run\.safetensors is not a checkpoint"):
        train(make(BetaVAE, beta=4.0), 100, checkpoint=checkpoint)


class Options(VAE):
    """Options of every plain kind."""

    def __init__(self, networks: Networks, **options: object) -> None:
        super().__init__(networks)
        self.options = options


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"a": (1, 2)}, {"a": (1, 3)}),
        ({"a": {"b": 1}}, {"a": {"b": 2}}),
        ({"a": [None]}, {"a": [True]}),
        ({"a": {1, 2}}, {"a": {1, 3}}),
        ({"a": torch.tensor([1.0])}, {"a": torch.tensor([2.0])}),
    ],
    ids=str,
)
def test_options_of_every_kind_tell_trainings_apart(
    tmp_path: Path, first: dict, second: dict
) -> None:
    path = tmp_path / "run.safetensors"
    train(make(Options, **first), 50, checkpoint=path, checkpoint_every=50)
    with pytest.raises(ValueError, match="of another training: method differ"):
        train(make(Options, **second), 60, checkpoint=path)
    train(make(Options, **first), 60, checkpoint=path)  # tuples came back as lists


class Signalled(TwinDSprites):
    """A signal comes while a given step is under way."""

    def __init__(self, at: int, number: signal.Signals) -> None:
        super().__init__(SIZE)
        self.at, self.number = at, number

    def batch(self, n: int, generator: torch.Generator, step: int = 0) -> Batch:
        if step == self.at:
            os.kill(os.getpid(), self.number)
        return super().batch(n, generator, step)


@pytest.mark.parametrize("at", [1, 63, 100, 120])
@pytest.mark.parametrize(
    ("number", "error"),
    [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)],
)
def test_a_signal_loses_nothing(
    tmp_path: Path, caplog, number: signal.Signals, error: type, at: int
) -> None:
    path = tmp_path / "run.safetensors"
    whole, part, resumed = make(), make(), make(seed=1)
    history = train(whole, 120)
    handler = signal.getsignal(number)
    with pytest.raises(error):
        train(part, 120, Signalled(at, number), checkpoint=path)
    assert signal.getsignal(number) is handler
    assert f"stopped after step {at} of 120" in caplog.text and str(path) in caplog.text
    told = train(resumed, 120, Dying(121 - at, AssertionError()), checkpoint=path)
    assert_same_weights(resumed, whole)
    assert (told.steps, told.terms) == (history.steps, history.terms)


def test_without_a_checkpoint_ctrl_c_acts_at_once() -> None:
    with pytest.raises(KeyboardInterrupt) as caught:
        train(make(), 120, Signalled(5, signal.SIGINT))
    assert not str(caught.value)


def test_a_loss_for_nobody_is_refused() -> None:
    class Stray(VAE):
        def losses(self, batch: Batch, generator: torch.Generator) -> Iterator[Loss]:
            for loss in super().losses(batch, generator):
                yield loss._replace(player="critic")

    with pytest.raises(ValueError, match=r"a loss for 'critic'; its players are vae"):
        train(make(Stray), 1)


@pytest.mark.parametrize("metadata", [None, {"state": "{}"}, {"state": "no json"}])
def test_a_file_of_something_else_is_refused(tmp_path: Path, metadata) -> None:
    path = tmp_path / "run.safetensors"
    save_file({"weights": torch.zeros(2)}, path, metadata)
    with pytest.raises(ValueError, match="not a checkpoint of this library"):
        train(make(), 100, checkpoint=path)


# Losses that are not finite.


class Breaking(VAE):
    """Its third term breaks at a given step."""

    at, value, step = 63, float("nan"), 0

    def penalties(self, posterior: Posterior, codes: Tensor) -> dict[str, Tensor]:
        self.step += 1
        extra = codes.square().mean()
        return {"extra": extra * self.value if self.step == self.at else extra}


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_a_term_that_is_not_finite_is_named_with_its_step(value: str) -> None:
    method = make(Breaking)
    method.value = float(value)
    with pytest.raises(NonFiniteLoss, match=rf"'extra' became {value} at step 63;"):
        train(method, 100)


def test_a_non_finite_loss_leaves_the_last_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    with pytest.raises(NonFiniteLoss):
        train(make(Breaking), 120, checkpoint=path, checkpoint_every=50)
    tensors = load_file(path)
    assert all(t.isfinite().all() for t in tensors.values())
    good = make(Breaking)
    good.at = 10**6
    train(good, 50)
    for name, value in good.state_dict().items():
        assert torch.equal(value, tensors[f"method.{name}"]), name


def test_broken_weights_are_never_saved(tmp_path: Path) -> None:
    """A loss may be finite where its gradient is not: a root at zero."""

    class Root(VAE):
        step = 0

        def penalties(self, posterior: Posterior, codes: Tensor) -> dict[str, Tensor]:
            self.step += 1
            root = (codes - codes if self.step == 100 else codes.square()).sqrt()
            return {"root": root.mean()}

    path = tmp_path / "run.safetensors"
    with pytest.raises(NonFiniteLoss):
        train(make(Root), 150, checkpoint=path, checkpoint_every=50)
    assert all(t.isfinite().all() for t in load_file(path).values())


# More players than one.


class Duel(nn.Module):
    """Two numbers that pull at each other, and remember who moved when."""

    latent_dim = 1

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Parameter(torch.tensor(1.0))
        self.second = nn.Parameter(torch.tensor(-2.0))
        self.seen: list[tuple[str, float, float]] = []

    def encode(self, images: Tensor) -> Tensor:
        return images.flatten(1).mean(1, keepdim=True)

    def decode(self, codes: Tensor) -> Tensor:
        return codes[:, :, None, None].sigmoid()

    def players(self) -> dict[str, Player]:
        return {"first": Player([self.first]), "second": Player([self.second])}

    def note(self, when: str) -> None:
        self.seen.append((when, float(self.first), float(self.second)))

    def losses(self, batch: Batch, generator: torch.Generator) -> Iterator[Loss]:
        self.note("start")
        product = self.first * self.second
        yield Loss("first", product, {"product": product.detach()})
        self.note("first moved")
        # Both have a gradient in this one; only the second may follow it.
        other = (self.first - self.second).square() + self.first
        yield Loss("second", other, {"other": other.detach()})
        self.note("second moved")


def test_players_move_in_turn_each_by_its_own_loss() -> None:
    method = Duel()
    history = train(method, 2, learning_rate=0.1)
    assert [when for when, _, _ in method.seen] == [
        "start",
        "first moved",
        "second moved",
    ] * 2
    (_, a0, b0), (_, a1, b1), (_, a2, b2) = method.seen[:3]
    assert (a0, b0) == (1.0, -2.0)
    # Adam's first step has the length of the learning rate, against the gradient.
    assert a1 == pytest.approx(1.1) and b1 == b0
    assert a2 == a1 and b2 == pytest.approx(-1.9)
    assert set(history.terms) == {"product", "other"}


def test_players_losses_equal_two_adams_by_hand() -> None:
    """The second player's loss leaves nothing behind in the first's gradient."""
    method = Duel()
    train(method, 10, learning_rate=0.1)
    a = torch.tensor(1.0, requires_grad=True)
    b = torch.tensor(-2.0, requires_grad=True)
    one, two = (torch.optim.Adam([p], lr=0.1) for p in (a, b))
    for _ in range(10):
        (a.grad,) = torch.autograd.grad(a * b, a)
        one.step()
        (b.grad,) = torch.autograd.grad((a - b).square() + a, b)
        two.step()
    assert float(method.first) == pytest.approx(float(a), abs=1e-5)
    assert float(method.second) == pytest.approx(float(b), abs=1e-5)


def test_two_players_resume_exactly(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    whole, part = Duel(), Duel()
    train(whole, 100)
    train(part, 50, checkpoint=path, checkpoint_every=50)
    resumed = Duel()
    train(resumed, 100, checkpoint=path)
    assert_same_weights(resumed, whole)


# Precision and arguments.


@pytest.mark.parametrize("net", ["mlp", "conv"])
def test_mixed_precision_trains(device: torch.device, net: str) -> None:
    seen: set[torch.dtype] = set()

    class Watching(DIPVAE):
        def penalties(self, posterior: Posterior, codes: Tensor) -> dict[str, Tensor]:
            seen.update({posterior.mean.dtype, posterior.logvar.dtype, codes.dtype})
            return super().penalties(posterior, codes)

        def _nll(self, output: Tensor, images: Tensor) -> Tensor:
            seen.add(output.dtype)
            return super()._nll(output, images)

    method = make(Watching, net=net)
    history = train(method, 60, precision="bf16-mixed", device=device.type)
    assert history.terms["nll"][-1] < history.terms["nll"][0]
    # The networks ran in half precision, the codes did not.
    assert seen == {torch.float32, torch.bfloat16}
    assert all(p.dtype == torch.float32 for p in method.parameters())


def test_training_on_a_part_draws_only_from_it() -> None:
    """A part of one picture: its reconstruction must become perfect."""
    (part, _) = TwinDSprites(SIZE).split((1e-6, 0.5))
    assert len(part) == 1
    method = make()
    train(method, 150, part, learning_rate=1e-2)
    image = part[0][0][None] / 255
    drawn = method.decode(method.encode(image))
    assert (drawn - image).abs().mean() < 0.05


@pytest.mark.parametrize(
    "name", ["steps", "batch_size", "learning_rate", "checkpoint_every"]
)
@pytest.mark.parametrize("value", [0, -3])
def test_numbers_that_are_not_positive_are_refused(name: str, value: int) -> None:
    given = {"steps": 1, name: value}
    with pytest.raises(ValueError, match=f"{name} must be positive, got {value}"):
        train(make(), **given)


def test_a_method_that_is_no_module_is_refused() -> None:
    with pytest.raises(TypeError, match="method must be a torch module, got dict"):
        train({}, 1)
