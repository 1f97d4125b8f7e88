"""What a study would take, and could decide: said before it is begun, from what is asked for in a form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from overfitlab import machine
from overfitlab.arguments import looks, seconds, until_decided
from overfitlab.config import UNTIL, StudyConfig, fitted, protocol_named
from overfitlab.data import loading
from overfitlab.data.dataset import Dataset
from overfitlab.data.prepare.splits import available_for_training
from overfitlab.describe import costs
from overfitlab.errors import UsageError
from overfitlab.files import file_name
from overfitlab.methods import registry
from overfitlab.models.handed import BUILT_IN
from overfitlab.reasons import Reason
from overfitlab.records.study_record import PartSizes, StudyPlan
from overfitlab.study.budget import fit
from overfitlab.study.cost import plan_seconds, reduced, whole_study
from overfitlab.study.estimate import Estimate, estimated
from overfitlab.study.evidence import Power, Runs
from overfitlab.study.plan import looks_for, power, runs_in_rounds, typical_deviations
from overfitlab.study.question import Question, question
from overfitlab.values import check_one_of

PROTOCOLS = ("quick", "clean")
MODELS = tuple(BUILT_IN)


@dataclass(frozen=True)
class Images:
    """What there is to know of images without having them in memory."""

    name: str  # what they are called
    given: str  # what stands after --data
    source: str
    shape: tuple[int, int, int]  # height, width, channels
    classes: tuple[str, ...]
    content_hash: str
    available: Mapping[str, int]  # that can train, by protocol
    learning: int
    own_validation: int | None
    test: int

    @classmethod
    def of(cls, dataset: Dataset, given: str) -> "Images":
        """Return what there is to know of a dataset that was loaded by that name."""
        return cls(
            name=dataset.name,
            given=given,
            source=dataset.source,
            shape=dataset.image_shape,
            classes=dataset.class_names,
            content_hash=dataset.content_hash,
            available={name: available_for_training(dataset, protocol_named(name)) for name in PROTOCOLS},
            learning=len(dataset.learning),
            own_validation=None if dataset.validation is None else len(dataset.validation),
            test=len(dataset.test),
        )

    def parts(self, protocol: str) -> PartSizes:
        """Return how many images train, validate and test, before a protocol takes some of them."""
        training = self.available[protocol]
        validation = self.learning - training if self.own_validation is None else self.own_validation
        return PartSizes(training, validation, self.test)


@dataclass(frozen=True)
class Wish:
    """What somebody asks for in a form; texts are as they were typed, empty where nothing was."""

    data: str
    methods: tuple[str, ...] = ()
    model: str = StudyConfig.model
    protocol: str = "quick"
    epochs: str = ""
    seeds: str = ""
    until_decided: str | None = None  # the most seeds; None for a fixed number
    budget: str = ""

    def arguments(self) -> list[str]:
        """Return what stands after `overfitlab compare` for it, without a name."""
        words = [*self.methods, "--data", self.data, "--protocol", self.protocol]
        if self.model != StudyConfig.model:
            words += ["--model", self.model]
        for option, text in (("--epochs", self.epochs), ("--seeds", self.seeds), ("--budget", self.budget)):
            if text and not (option == "--seeds" and self.until_decided is not None):
                words += [option, text]
        if self.until_decided is not None:
            words += ["--until-decided", self.until_decided or str(UNTIL)]
        return words


@dataclass(frozen=True)
class Outlook:
    """What a wish amounts to."""

    name: str  # that its folder would have
    config: StudyConfig
    labels: Mapping[str, str]
    plan: StudyPlan
    jobs: int  # runs at once
    seconds: float
    estimate: Estimate
    power: Power
    rounds: Runs | None  # of a study until all is decided


def outlook(wish: Wish, images: Images, runs: Path) -> Outlook:
    """Return what a study would be, about how long it would take, and what it could decide; nothing is trained.

    Raises `UsageError` where it cannot be.
    """
    check_one_of("protocol", wish.protocol, PROTOCOLS)
    check_one_of("model", wish.model, MODELS)
    asked = question(wish.methods, None, ())
    epochs = _whole(wish.epochs)
    until = None if wish.until_decided is None else until_decided(wish.until_decided or str(UNTIL))
    config = StudyConfig(
        protocol_named(wish.protocol, epochs=epochs),
        tuple(asked.methods),
        tuple(asked.contrasts),
        images.name,
        looks=looks(wish.seeds) if wish.seeds and until is None else None,
        until_decided=until,
        budget=seconds(wish.budget) if wish.budget else None,
        given=() if epochs is None else ("epochs",),
        model=wish.model,
    )
    parts = images.parts(wish.protocol)
    protocol = fitted(config.protocol, images.source, parts.training, config.given)
    table = {name: each.step_ms for name, each in costs.measured().items() if each.step_ms is not None}
    measured_on = next((each.machine for each in costs.measured().values()), "")
    found = estimated(config, protocol, images.shape, _names(asked), table, measured_on, runs)
    deviation, gap_deviation = typical_deviations(config.data, config.metric)
    planned = looks_for(config, deviation)
    cores = machine.usable_cores()
    count = len(config.methods) * planned[-1]
    threads = machine.plan(count).threads
    jobs = max(1, min(cores // threads, count))
    gave_up: tuple[Reason, ...] = ()
    if config.budget is not None:
        chosen = fit(protocol, parts, len(images.classes), config.budget,
                     lambda each: whole_study(found.costs, each, parts, planned[-1], jobs), config.given,
                     "overfitlab compare")  # fmt: skip
        protocol, gave_up = chosen.protocol, chosen.gave_up
    plan = StudyPlan(protocol, planned, threads, reduced(protocol, parts), gave_up, dict(found.costs), deviation,
                     gap_deviation)  # fmt: skip
    study_id = config.study_id(images.content_hash)
    return Outlook(
        name=file_name(f"study-{images.name}", f"-{study_id[:6]}"),
        config=config,
        labels=asked.labels,
        plan=plan,
        jobs=jobs,
        seconds=plan_seconds(plan, jobs),
        estimate=found,
        power=power(config, plan),
        rounds=runs_in_rounds(config, plan),
    )


def look_at(given: str) -> Dataset:
    """Return the images of that name, folder or file, where they are on this machine: nothing is downloaded."""
    return loading.load(given, fetch=False)


def _names(asked: Question) -> dict[str, Sequence[str]]:
    return {spec: [part.name for part in registry.parse(spec).parts] for spec in asked.methods}


def _whole(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise UsageError("no_number_of_epochs", "epochs must be a whole number, not {text!r}", text=text)
    return int(text)
