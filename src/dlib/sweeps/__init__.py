"""Many runs: in processes of this machine, or on a Ray cluster."""

from dlib.sweeps.sweep import Outcome, sweep

__all__ = ["Outcome", "sweep"]
