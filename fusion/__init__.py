"""Stage 3: features of several networks, their fusion, and classical classifiers on them."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fusion.concatenation import FeatureFusion

__all__ = ["FeatureFusion"]


def __getattr__(name: str) -> Any:
    # scikit-learn takes more than a second to import, which planning a recipe need not wait for.
    if name == "FeatureFusion":
        from fusion.concatenation import FeatureFusion

        return FeatureFusion
    raise AttributeError(f"module 'fusion' has no attribute {name!r}")
