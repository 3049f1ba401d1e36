"""The coordinates of a run in the table, and the method behind its scores."""

from dataclasses import asdict, dataclass, fields
from typing import Any

# The controls of adaptation: without it, and with the labels that it does not see.
SOURCE_ONLY, TARGET_TRAINED = "source-only", "target-trained"
# The control of synthesis: the training images, repeated for as many steps.
OVERSAMPLED = "oversampled"


@dataclass(frozen=True)
class Method:
    """The method that produced the scores of a row; converted to text only when it is printed.

    Attributes:
        strategy: the fine-tuning strategy, if the scores are those of a network's own head.
        rule: the fusion rule, if several networks are combined.
        classifier: the classifier on the networks' features; "" if the scores of heads are combined.
        networks: number of networks.
        tuned: whether the classifier's settings were chosen on the training images.
        calibrated: whether a temperature was fitted on the validation images.
        explanation: the explanation's name, if the row is about explanations.
        whose: the class that is explained, "true" or "predicted".
        fitted_by: the strategy that fitted the networks whose features or heads are used; "" for "full".
        layer: the layer, or the number of layers, that the features come from, if several are compared.
        mixture: what is learnt from beside the classic training images: "oversampled", "dcgan 0.5", "dcgan only".
        adaptation: the method of domain adaptation, or its control, if the classifier has learnt from other sets.
    """

    strategy: str = ""
    rule: str = ""
    classifier: str = ""
    networks: int = 1
    tuned: bool = False
    calibrated: bool = False
    explanation: str = ""
    whose: str = ""
    fitted_by: str = ""
    layer: str = ""
    mixture: str = ""
    adaptation: str = ""

    def to_params(self) -> dict[str, Any]:
        """The attributes as JSON; those that came later are left out where they say nothing, so that digests stay."""
        return {name: value for name, value in asdict(self).items() if value or name not in ("mixture", "adaptation")}

    def __str__(self) -> str:
        words = [self.strategy or self._of_features()]
        words += [self.mixture] if self.mixture else []
        words += [self.adaptation] if self.adaptation and self.strategy else []
        words += ["tuned"] if self.tuned else []
        words += ["calibrated"] if self.calibrated else []
        words += [self.explanation, f"of the {self.whose} class"] if self.explanation else []
        return ", ".join(words)

    def _of_features(self) -> str:
        name = "features" if self.networks == 1 else "fusion"
        name += f" by {self.rule}" if self.rule not in ("", "concat") else ""
        name += f" of {self.layer}" if self.layer else ""
        name += f", {self.adaptation}" if self.adaptation else ""
        return f"{f'{self.fitted_by} ' if self.fitted_by else ''}{name}: {self.classifier or 'own heads'}"

    @property
    def learns_from_validation(self) -> bool:
        """Whether validation images are learnt from, and none are kept for calibration, as by classifiers and adaptation.

        Off the shelf they are learnt from, too, but the scores of a fit without them are kept.
        """
        return not self.strategy or bool(self.adaptation)


@dataclass(frozen=True)
class Tags:
    """The coordinates of a run, for people and for the table; not part of the run's identity.

    Attributes:
        recipe: name of the recipe (reports only).
        profile: "strict" or "paper".
        target: name of the target in the recipe.
        chain: name of the chain in the recipe.
        backbone: label of the backbone.
        method: the method that produced the scores.
        budget: the label budget, as text.
        fold: number of the fold.
        seed: the seed.
        step: number of the step in its chain (pretraining only).
        source: name of the source that the step learns from (pretraining only).
        objective: name of the step's objective (pretraining only).
        explained: the class that is explained, "true" or "predicted".
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
        """Whether all given tags have the given values.

        Args:
            **tags: attribute name -> value.
        """
        return all(getattr(self, name) == value for name, value in tags.items())

    def only(self, *names: str) -> "Tags":
        """A copy with only the named tags set.

        Args:
            *names: attribute names.
        """
        return Tags(**{name: getattr(self, name) for name in names})

    def words(self) -> dict[str, Any]:
        """The tags that are set, as JSON; the method as text."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: str(value) if name == "method" else value for name, value in values.items() if value is not None}

    def title(self) -> str:
        """One line that describes the run."""
        labelled = ("fold", "seed", "step")
        shown = {name: value for name, value in self.words().items() if name != "profile"}
        return " · ".join(f"{name} {value}" if name in labelled else str(value) for name, value in shown.items())

    def to_params(self) -> dict[str, Any]:
        """The tags that are set, as JSON for a task's parameters; the method as a table."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        if self.method:
            values["method"] = self.method.to_params()
        return {name: value for name, value in values.items() if value is not None}
