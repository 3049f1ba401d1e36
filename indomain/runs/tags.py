"""Where a run stands in the table: its coordinates, and what made its scores."""

from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Method:
    """What made a row's scores; its words are made when it is printed.

    Attributes:
        strategy: of fine-tuning, where a network's own head answers.
        rule: of fusion, where several networks answer together.
        classifier: on the networks' features; "" where heads are fused.
        networks: how many networks answer.
        tuned: whether the classifier's settings were chosen inside the training images.
        calibrated: whether a temperature was fitted on the validation images.
        explanation: where the row is about explanations: which one, in words.
        whose: the class explained, "true" or "predicted".
    """

    strategy: str = ""
    rule: str = ""
    classifier: str = ""
    networks: int = 1
    tuned: bool = False
    calibrated: bool = False
    explanation: str = ""
    whose: str = ""

    def __str__(self) -> str:
        words = [self.strategy or self._of_features()]
        words += ["tuned"] if self.tuned else []
        words += ["calibrated"] if self.calibrated else []
        words += [self.explanation, f"of the {self.whose} class"] if self.explanation else []
        return ", ".join(words)

    def _of_features(self) -> str:
        how = "features" if self.networks == 1 else f"fusion by {self.rule}"
        return f"{'fusion' if how == 'fusion by concat' else how}: {self.classifier or 'own heads'}"

    @property
    def learns_from_validation(self) -> bool:
        """Whether validation images are learnt from: classifiers, unlike strategies, keep none to calibrate on."""
        return not self.strategy


@dataclass(frozen=True)
class Tags:
    """The coordinates of a run, for a person and for the table; no part of what it is named by.

    Attributes:
        recipe: of a report, the recipe's name.
        profile: "strict" or "paper".
        target, chain, backbone: the recipe's words.
        method: what made the scores.
        budget: the label budget, in words.
        fold, seed: their numbers.
        step, source, objective: of a pretraining: the step's number in its chain, and what it learns from.
        explained: whose class is explained, "true" or "predicted".
    """

    recipe: str | None = None
    profile: str | None = None
    target: str | None = None
    chain: str | None = None
    backbone: str | None = None
    method: Method | None = None
    budget: str | None = None
    fold: int | None = None
    seed: int | None = None
    step: int | None = None
    source: str | None = None
    objective: str | None = None
    explained: str | None = None

    def matches(self, **tags: Any) -> bool:
        """Whether all these tags are its own."""
        return all(getattr(self, name) == value for name, value in tags.items())

    def only(self, *names: str) -> "Tags":
        """The tags of these names, without the others."""
        return Tags(**{name: getattr(self, name) for name in names})

    def words(self) -> dict[str, Any]:
        """As JSON, those that are set; the method as it is printed."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: str(value) if name == "method" else value for name, value in found.items() if value is not None}

    def title(self) -> str:
        """One line for a person."""
        named = ("fold", "seed", "step")
        shown = {name: value for name, value in self.words().items() if name != "profile"}
        return " · ".join(f"{name} {value}" if name in named else str(value) for name, value in shown.items())

    def to_params(self) -> dict[str, Any]:
        """As JSON, for a task's parameters."""
        return {name: value for name, value in asdict(self).items() if value is not None}
