"""Stage 3: features of several networks, their fusion, and classical classifiers on them."""

from fusion.concatenation import FeatureFusion

__all__ = ["FeatureFusion"]
