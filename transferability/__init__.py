"""Stage 5, transferability: measures that claim to foretell which chain will help, and how far they do.

    python -m transferability RECIPE

Reads features of networks before they are fine-tuned, and the predictions of all networks. A `measure` run looks at the images of
one fold that are not tested; the one `judge` run compares all measures with what training gave, beside rankings that look at no
image, and writes `transferability.csv` and `matrix.csv`. The names in `__all__` can be used without recipes.

    options       the keys of [transferability]
    plan, run     the stage's tasks, and how one is run
    registry      the measures by name
    measures      from features and labels: nearest neighbours, linear probe, H-score, LogME, NLEEP, LEEP, NCE
    distances     between sets of features: Fréchet, debiased CKA, OTDD
    evaluation    scores of sources against the gains that they gave
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from indomain.networks.feature_sets import kid
    from transferability.distances import debiased_cka, frechet, otdd
    from transferability.evaluation import Judgement, judged, null_band, regret_of, static_ranks
    from transferability.measures import h_score, knn, leep, linear_probe, log_me, nce, nleep

__all__ = [
    "Judgement", "debiased_cka", "frechet", "h_score", "judged", "kid", "knn", "leep", "linear_probe", "log_me", "nce", "nleep",
    "null_band", "otdd", "regret_of", "static_ranks",
]  # fmt: skip
_MODULES = {
    "indomain.networks.feature_sets": ("kid",),
    "transferability.distances": ("debiased_cka", "frechet", "otdd"),
    "transferability.evaluation": ("Judgement", "judged", "null_band", "regret_of", "static_ranks"),
    "transferability.measures": ("h_score", "knn", "leep", "linear_probe", "log_me", "nce", "nleep"),
}


def __getattr__(name: str) -> Any:
    # Imported on first use: scikit-learn takes more than a second to import, which planning a recipe must not wait for.
    for module, names in _MODULES.items():
        if name in names:
            return getattr(importlib.import_module(module), name)
    raise AttributeError(f"module 'transferability' has no attribute {name!r}")
