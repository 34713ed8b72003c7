"""Training steps a second: ``fit`` beside a bare torch loop.

    python benchmarks/training.py
    python benchmarks/training.py --size 64 --data dsprites --steps 100
    python benchmarks/training.py --against ../older-checkout
    python benchmarks/training.py --jobs 2

Everybody trains a VAE with the convolutional networks on a twin, in batches of 64:
draw, to float, forward, ELBO, backward, a step of Adam. The bare loops take the twin
and the networks from ``dlib`` and write out the rest: the plain one is what one would
write down, the tuned one has channels-last and fused Adam. ``--against`` adds the
``fit`` of another checkout. ``--jobs N`` compares one process with N of one thread
each, their rates added up. On a CPU without units for bfloat16, mixed precision is
left out unless ``--precision`` asks for it: there it only costs.

Each has a process of its own, since what ``fit`` tells the C library holds for a
whole process. They take turns, a few steps each, so that whatever else the machine
does hits all alike; ratios are taken within a round. The median of the rounds is
printed, with the least and the most.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

DATA = ("dsprites", "shapes3d")
PRECISIONS = ("32-true", "bf16-mixed")
BATCH, LATENT_DIM = 64, 10
WARM = 3  # steps before anything is measured

PLAIN, TUNED, FIT, OLDER = "plain loop", "tuned loop", "fit", "fit, against"

# A twin, a size and a precision.
Setting = tuple[str, int, str]
Rates = dict[str, list[float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", nargs="+", choices=DATA, default=list(DATA))
    parser.add_argument("--size", nargs="+", type=int, default=[64, 32])
    parser.add_argument("--precision", nargs="+", choices=PRECISIONS)
    parser.add_argument(
        "--steps", type=int, help="each, in a round; as many as take a second"
    )
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--jobs", type=int, help="processes of one thread")
    parser.add_argument("--against", type=Path, help="another checkout, or its src")
    parser.add_argument("--json", type=Path, help="where to write every round")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(options.worker, options.device)
        return
    units = bfloat16_units()
    fast = units or options.device == "cuda"
    precisions = options.precision or (PRECISIONS if fast else PRECISIONS[:1])
    length = f"{options.steps} steps" if options.steps else "a second each"
    print(
        f"{BATCH} pictures a batch, {options.rounds} rounds of {length}, "
        f"{options.threads} threads; {options.device}, {os.cpu_count()} cores "
        f"({platform.machine()}, {units or 'no bfloat16 units'})",
        flush=True,
    )
    settings = itertools.product(options.data, options.size, precisions)
    rounds = compare_jobs if options.jobs else compare_loops
    found = []
    for setting, rates, beside in rounds(options, settings):
        data, size, precision = setting
        found.append({"setting": setting, "steps a second": rates})
        print(f"\n{data} at {size}x{size}, {precision}")
        for name, values in rates.items():
            ratios = ", ".join(
                f"{middle(over(values, rates[other]), 2)} of {other}"
                for other in beside.get(name, ())
            )
            print(f"  {name:<18} {middle(values):>22} steps/s   {ratios}".rstrip())
        sys.stdout.flush()
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


Compared = Iterator[tuple[Setting, Rates, dict[str, list[str]]]]


def compare_loops(options: argparse.Namespace, settings: Iterable[Setting]) -> Compared:
    """Each contestant in turn, one at a time."""
    names = [PLAIN, TUNED, FIT, *([OLDER] if options.against else [])]
    workers = {name: Worker(name, options, options.threads) for name in names}
    for setting in settings:
        steps = {name: w.warm(setting, options.steps) for name, w in workers.items()}
        rates: Rates = {name: [] for name in names}
        for _ in range(options.rounds):
            for name, worker in workers.items():
                rates[name].append(worker.rate(setting, steps[name]))
        yield setting, rates, {TUNED: [PLAIN], FIT: [n for n in names if n != FIT]}
    for worker in workers.values():
        worker.end()


def compare_jobs(options: argparse.Namespace, settings: Iterable[Setting]) -> Compared:
    """One process with all threads, then several of one thread at once."""
    one = f"1 process of {options.threads}"
    many = f"{options.jobs} processes of 1"
    alone = Worker(FIT, options, options.threads)
    together = [Worker(FIT, options, 1) for _ in range(options.jobs)]
    for setting in settings:
        steps = [w.warm(setting, options.steps) for w in (alone, *together)]
        rates: Rates = {one: [], many: []}
        for _ in range(options.rounds):
            rates[one].append(alone.rate(setting, steps[0]))
            for worker in together:
                worker.ask(setting, steps[1])
            rates[many].append(sum(worker.answer() for worker in together))
        yield setting, rates, {many: [one]}
    for worker in (alone, *together):
        worker.end()


class Worker:
    """A contestant in a process of its own, told through pipes how much to do."""

    def __init__(self, name: str, options: argparse.Namespace, threads: int) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
        if name == OLDER:
            source = options.against.resolve()
            source = source / "src" if (source / "src").is_dir() else source
            environment["PYTHONPATH"] = str(source)
            # Two versions may keep different things under one name.
            environment["DLIB_CACHE"] = str(own_cache() / "benchmark-against")
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--worker", name, "--device", options.device],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, setting: Setting, steps: int) -> None:
        """Begin; another worker may be asked before this one answers."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([*setting, steps]) + "\n")
        self._process.stdin.flush()

    def answer(self) -> float:
        """Steps a second."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("a contestant failed: see above")
        return float(json.loads(line))

    def rate(self, setting: Setting, steps: int) -> float:
        """Ask and wait."""
        self.ask(setting, steps)
        return self.answer()

    def warm(self, setting: Setting, steps: int | None) -> int:
        """Get going; the steps of a round, as many as take a second by default."""
        self.rate(setting, WARM)
        return steps or max(WARM, round(self.rate(setting, WARM)))

    def end(self) -> None:
        """Close the pipe, which ends the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def work(name: str, device: str) -> None:
    """Train as often as standard input asks for it, and say how fast."""
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    loops: dict[Setting, Callable[[int], object]] = {}
    for line in sys.stdin:
        data, size, precision, steps = json.loads(line)
        setting = (data, size, precision)
        if setting not in loops:
            loops[setting] = (
                bare_loop(setting, device, tuned=name == TUNED)
                if name in (PLAIN, TUNED)
                else fit_loop(setting, device)
            )
        wait(device)
        began = time.perf_counter()
        loops[setting](steps)
        wait(device)
        print(json.dumps(steps / (time.perf_counter() - began)), flush=True)


def fit_loop(setting: Setting, device: str) -> Callable[[int], object]:
    """``dlib.training.fit``, all of it."""
    from dlib import networks
    from dlib.data import load
    from dlib.models import VAE
    from dlib.training import fit

    data, size, precision = setting
    dataset = load(data, source="twin", size=size, device=device)
    method = VAE(networks.conv(LATENT_DIM, dataset.channels, size))
    return lambda steps: fit(
        method,
        dataset,
        steps=steps,
        batch_size=BATCH,
        precision=precision,
        device=device,
        progress=False,
    )


def bare_loop(setting: Setting, device: str, tuned: bool) -> Callable[[int], object]:
    """The same training, written out in torch."""
    import torch
    from torch.nn import functional

    from dlib import networks
    from dlib.data import load

    data, size, precision = setting
    mixed = precision == "bf16-mixed"
    layout = torch.channels_last if tuned else torch.contiguous_format
    dataset = load(data, source="twin", size=size, device=device)
    nets = networks.conv(LATENT_DIM, dataset.channels, size)
    encoder = nets.encoder.to(device, memory_format=layout)
    decoder = nets.decoder.to(device, memory_format=layout)
    weights = [*encoder.parameters(), *decoder.parameters()]
    optimiser = torch.optim.Adam(weights, lr=1e-3, fused=tuned)
    generator = torch.Generator(device).manual_seed(0)

    def train(steps: int) -> None:
        for _ in range(steps):
            images = dataset.batch(BATCH, generator).images.float() / 255
            images = images.contiguous(memory_format=layout)
            with torch.autocast(device, torch.bfloat16, enabled=mixed):
                mean, logvar = encoder(images).chunk(2, dim=1)
                noise = torch.randn(mean.shape, generator=generator, device=device)
                logits = decoder(mean + (logvar / 2).exp() * noise).float()
                nll = functional.binary_cross_entropy_with_logits(
                    logits, images, reduction="sum"
                )
                kl = 0.5 * (mean**2 + logvar.exp() - 1 - logvar).sum()
            optimiser.zero_grad()
            ((nll + kl) / BATCH).backward()
            optimiser.step()

    return train


def wait(device: str) -> None:
    """For what was put to a GPU."""
    import torch

    if device == "cuda":
        torch.cuda.synchronize()


def own_cache() -> Path:
    from dlib.storage import cache_folder

    return cache_folder()


def bfloat16_units() -> str:
    """What this CPU has for bfloat16, where Linux tells."""
    try:
        flags = Path("/proc/cpuinfo").read_text().split()
    except OSError:
        return ""
    return " and ".join(u for u in ("amx_bf16", "avx512_bf16") if u in flags)


def over(values: list[float], others: list[float]) -> list[float]:
    """Ratios, round by round."""
    return [value / other for value, other in zip(values, others, strict=True)]


def middle(values: list[float], digits: int = 1) -> str:
    """The median, and between what it lies."""
    ends = f"{min(values):.{digits}f} to {max(values):.{digits}f}"
    return f"{statistics.median(values):.{digits}f} ({ends})"


if __name__ == "__main__":
    main()
