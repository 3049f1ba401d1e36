"""What the measures of transferability foretold, as their stage has judged it."""

import pandas as pd

from report.given import ReportInput

FILES = ("transferability.csv", "matrix.csv")
_KEYS = ["backbone", "outcome"]
# Rankings that look at no image, as the stage names them, and how a sentence does.
_BLIND = {
    "rank on other targets": "a chain's mean rank on the other targets",
    "ImageNet always": "ImageNet always",
    "random choice": "a random choice",
}


def read(given: ReportInput) -> dict[str, pd.DataFrame]:
    """File name -> table, of the judgement; empty if nothing was measured.

    Args:
        given: the input of the report.
    """
    for _, folder in given.of_kind("transferability/judge"):
        return {name: pd.read_csv(folder / name) for name in FILES if (folder / name).is_file()}
    return {}


def sentences(judged: dict[str, pd.DataFrame]) -> list[str]:
    """What the judgement says, one sentence for each network and outcome.

    Args:
        judged: as `read` returns it.
    """
    said = []
    for (backbone, outcome), part in judged.get("transferability.csv", pd.DataFrame(columns=_KEYS)).groupby(
        _KEYS, sort=False
    ):
        lines = part.set_index("measure")
        looking = lines[lines["looks_at_images"] & lines["regret"].notna()]
        # Measures that see some of the chains only are not set beside those that see all.
        looking = looking[looking["sources"] == lines["sources"].max()]
        if looking.empty:
            continue
        words = f"{backbone}, {outcome}, {part['sources'].max():.0f} chains: "
        if looking["tau"].notna().any():
            best = str(looking["tau"].astype(float).idxmax())
            words += (
                f"of {len(looking)} measures that look at images {best} has the highest τ, {_tau(looking.loc[best])}"
            )
            words += ", picked afterwards"
            static = next(iter(_BLIND))
            if static in lines.index and pd.notna(lines.loc[static, "tau"]):
                words += f"; {_BLIND[static]}, which looks at none, has {_tau(lines.loc[static])}"
        else:
            best = str(looking["regret"].astype(float).idxmin())
            words += f"with one target no order can be judged; of {len(looking)} measures {best} loses least, picked afterwards"
        known = lines["regret"].dropna()
        regrets = [f"{_BLIND.get(name, name)} {known[name]:.3f}" for name in (best, *_BLIND) if name in known]
        said.append(f"{words}. Lost against the best chain: {', '.join(regrets)}.")
    return said


def _tau(line: pd.Series) -> str:
    return f"{line['tau']:.2f} [{line['tau_low']:.2f}, {line['tau_high']:.2f}]".replace("-", "−")
