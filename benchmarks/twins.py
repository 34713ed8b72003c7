"""Pictures a second that the twins draw, in batches of 256.

    python benchmarks/twins.py [--size 64] [--threads 2] [--device cpu]

Prints, for each twin, the seconds that making it takes (with the 3DShapes
buffers built afresh, and read back from disk), and pictures for each second of
the clock and of processor time. On a machine that does other work as well, the
second figure, times the number of cores, is the honest one.
"""

from __future__ import annotations

import argparse
import tempfile
import time

import torch

from dlib.data.dataset import Dataset
from dlib.data.dsprites import TwinDSprites
from dlib.data.mpi3d import TwinMPI3D
from dlib.data.shapes3d import TwinShapes3D

BATCH = 256


def speed(dataset: Dataset, seconds: float) -> tuple[float, float]:
    """Pictures for each second of the clock, and of processor time."""
    generator = torch.Generator(dataset.device).manual_seed(0)
    batches = [dataset.draw(BATCH, generator) for _ in range(8)]
    dataset.images(batches[0])
    drawn, wall, processor = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - wall < seconds:
        for index in batches:
            dataset.images(index)
            drawn += BATCH
        if dataset.device.type == "cuda":
            torch.cuda.synchronize(dataset.device)
    return (
        drawn / (time.perf_counter() - wall),
        drawn / (time.process_time() - processor),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seconds", type=float, default=3.0)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    with tempfile.TemporaryDirectory() as folder:
        for what in ("built", "read back"):
            wall, processor = time.perf_counter(), time.process_time()
            shapes3d = TwinShapes3D(options.size, options.device, root=folder)
            print(
                f"3DShapes buffers {what}: {time.perf_counter() - wall:.1f} s, "
                f"{time.process_time() - processor:.1f} s of processor time"
            )
    wall = time.perf_counter()
    mpi3d = TwinMPI3D(options.size, options.device)
    print(f"MPI3D painter made: {time.perf_counter() - wall:.1f} s")
    for dataset in (TwinDSprites(options.size, options.device), shapes3d, mpi3d):
        per_second, per_processor_second = speed(dataset, options.seconds)
        print(
            f"{dataset.name}, size {options.size}, batches of {BATCH}, "
            f"{options.threads} threads, {options.device}: {per_second:,.0f} a second, "
            f"{per_processor_second:,.0f} a second of processor time"
        )


if __name__ == "__main__":
    main()
