"""Untangled's library: models, losses, metrics and data for disentanglement.

The distribution is called ``dlib-book``; the package ``dlib`` on PyPI is an
unrelated C++ toolkit.
"""

__version__ = "0.2.0"
