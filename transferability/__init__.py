"""Transferability: measures that claim to foretell which source will help a target, and how far they do.

Measures look at features of the target's training images; distances compare sets of features. How far any of them can be
believed is judged by what training gave, beside rankings that look at no image. Recipes do not call this room yet.

measures     from features and labels: nearest neighbours, linear probe, H-score, LogME, NLEEP, LEEP, NCE
distances    between sets of features: Fréchet, KID, debiased CKA, OTDD
evaluation   scores of sources against the gains that they gave
"""

from transferability.distances import debiased_cka, frechet, kid, otdd
from transferability.evaluation import Judgement, judged, null_band, regret_of, static_ranks
from transferability.measures import h_score, knn, leep, linear_probe, log_me, nce, nleep

__all__ = [
    "Judgement",
    "debiased_cka",
    "frechet",
    "h_score",
    "judged",
    "kid",
    "knn",
    "leep",
    "linear_probe",
    "log_me",
    "nce",
    "nleep",
    "null_band",
    "otdd",
    "regret_of",
    "static_ranks",
]
