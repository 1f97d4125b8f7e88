"""What was asked for: frozen, validated, and with one canonical JSON form that gives it its identity."""

import hashlib
import json
import math
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any, Literal

from overfitlab import optimization
from overfitlab.errors import UsageError
from overfitlab.values import check_one_of, check_whole, number, shown

DEVICES = ("cpu", "cuda", "mps")
OTHER_DEVICES = {"gpu": "cuda", "nvidia": "cuda", "apple": "mps", "metal": "mps"}  # what people call them
PRECISIONS = ("auto", "bfloat16", "float32", "float64")
LARGEST_SEED = 2**63 - 1
LARGEST_SPLIT_SEED = 2**32 - 1  # scikit-learn's
STANDARDIZATIONS = ("all", "training")
KEPT = ("last", "best")  # epoch whose weights are handed over
ALSO_BEST = ("lowest", "onset", "min", "minimum", "lowest_loss", "lowest-loss", "val_loss")  # what people call it
METRICS = ("accuracy", "balanced_accuracy", "f1", "loss")  # what a study can compare its methods by
MOST_EPOCHS = 100_000  # more of them are a mistake, or an attack on the memory of who reads the record
VARIED = ("split", "init", "order")  # split of the images; initial weights; order of the images, masks, augmentation
SMALLEST_IMAGE, LARGEST_IMAGE = 8, 224  # pixels a side
FEWEST_SEEDS, MOST_SEEDS = 3, 1000  # of a study
LARGEST_MARGIN = 100  # points
LEAST_ALPHA, LARGEST_ALPHA = 1e-6, 0.5
SHORTEST_ROUNDS, LONGEST_ROUNDS = 6, 100  # planned maxima of seeds that are added until all is decided
UNTIL = 12  # the maximum unless one is given


def _check_bare(value: object) -> None:
    if not isinstance(value, bool):
        raise UsageError("bare_is_no_yes_or_no", "bare must be True or False, not {value}", value=shown(value))


def _settle(config: object, name: str, value: object) -> None:
    """Put a value into its one form: what is frozen can be set only so."""
    object.__setattr__(config, name, value)


@dataclass(frozen=True)
class Protocol:
    """Everything that is held fixed while methods are compared.

    Raises `UsageError` for a value that cannot be trained with.
    """

    name: str
    epochs: int
    batch_size: int  # images a step; the last, partial batch of an epoch is kept
    learning_rate: float
    validation_fraction: float  # of the images that are not for testing
    stratified: bool  # whether training and validation have the classes in equal shares
    standardization: str  # the images that mean and deviation come from: "all" (but the test images), or "training"
    vary: tuple[str, ...]  # what the seed of a run decides, of VARIED; the rest is the same for every seed
    split_seed: int  # scikit-learn's random_state, where the split does not vary
    batch_norm_warm_up: bool  # whether a new batch weighs max(1 - momentum, 1/t) in the moving averages
    clean_metrics: bool  # whether training images are measured in evaluation mode, and the test set opened at the end
    schedule: str = "constant"  # of the learning rate: `optimization.schedule`
    training_images: int | None = None  # at most so many of the split's training part; None for all of them
    validation_images: int | None = None  # likewise of its validation part
    optimizer: str = "adam"  # `optimization.optimizer`
    keep: str = KEPT[
        0
    ]  # "last", or "best": the weights of the epoch with the lowest validation loss, whatever the method

    def __post_init__(self) -> None:
        _settle(self, "epochs", check_whole("epochs", self.epochs, low=1, high=MOST_EPOCHS))
        _settle(self, "batch_size", check_whole("batch size", self.batch_size, low=1))
        for field, read in (("schedule", optimization.schedule), ("optimizer", optimization.optimizer)):
            _settle(self, field, read(getattr(self, field)).recorded)
        also_best = isinstance(self.keep, str) and self.keep in ALSO_BEST
        check_one_of("word after --keep:", self.keep, KEPT, "best" if also_best else None)
        for what, most in (("training", self.training_images), ("validation", self.validation_images)):
            if most is not None:
                _settle(self, f"{what}_images", check_whole(f"number of {what} images", most, low=1))
        rate = number(self.learning_rate)
        if rate is None or not math.isfinite(rate) or rate <= 0:
            raise UsageError(
                "no_learning_rate", "learning rate must be a finite number above 0, not {value}",
                value=shown(self.learning_rate),
            )  # fmt: skip
        _settle(self, "learning_rate", rate)  # 1 and 1.0 are one configuration
        check_one_of("standardization", self.standardization, STANDARDIZATIONS)
        if not 0 <= self.validation_fraction < 1:
            raise UsageError(
                "no_validation_fraction", "validation fraction must be from 0 to below 1, not {value}",
                value=self.validation_fraction
            )  # fmt: skip
        _settle(self, "split_seed", check_whole("split seed", self.split_seed, low=0, high=LARGEST_SPLIT_SEED))
        for word in self.vary:
            check_one_of("word after --vary:", word, VARIED)
        # order and repetitions say nothing: one configuration has one form
        object.__setattr__(self, "vary", tuple(word for word in VARIED if word in self.vary))


NOTEBOOK = Protocol(
    name="notebook",
    epochs=30,
    batch_size=32,
    learning_rate=1e-4,
    validation_fraction=0.3,
    stratified=False,
    standardization="all",
    vary=("init", "order"),
    split_seed=777,
    batch_norm_warm_up=False,
    clean_metrics=False,
)
CLEAN = replace(
    NOTEBOOK,
    name="clean",
    stratified=True,
    standardization="training",
    vary=VARIED,
    batch_norm_warm_up=True,
    clean_metrics=True,
)
QUICK = replace(  # docs/defaults.md has the pilot that chose these numbers
    CLEAN, name="quick", epochs=12, learning_rate=1e-3, schedule="cosine", training_images=2000, validation_images=1000
)
QUICK_STEPS = 750  # about what 12 epochs of 2,000 images take; with fewer images there are more epochs, at most:
MOST_QUICK_EPOCHS = 60
QUICK_DIGITS = 200  # training images; with more of them hardly anything overfits
PILOT_SEEDS = range(10**9, 10**9 + 1000)  # used to choose defaults, so never for a verdict
PROTOCOLS = {protocol.name: protocol for protocol in (NOTEBOOK, CLEAN, QUICK)}


def protocol_named(name: str, **changes: Any) -> Protocol:
    """Return the protocol with that name, with the values in `changes` that are not None put in place."""
    check_one_of("protocol", name, tuple(PROTOCOLS))
    return changed(PROTOCOLS[name], **changes)


def changed(protocol: Protocol, **changes: Any) -> Protocol:
    """Return the protocol with the values in `changes` that are not None put in place.

    Raises `UsageError` where the optimizer becomes one for which the protocol's learning rate was not meant.
    """
    given: dict[str, Any] = {field: value for field, value in changes.items() if value is not None}
    found = replace(protocol, **given)
    before, now = (optimization.optimizer(each.optimizer) for each in (protocol, found))
    if before.usual_rate != now.usual_rate and "learning_rate" not in given:
        raise UsageError(
            "learning_rate_of_another_optimizer",
            "the learning rate {rate:g} of this protocol is for {before}; give one for {now} too, for example "
            "--learning-rate {usual:g}",
            rate=protocol.learning_rate, before=before.title, now=now.title, usual=now.usual_rate,
        )  # fmt: skip
    return found


def fitted(protocol: Protocol, source: str, available: int, given: Collection[str] = ()) -> Protocol:
    """Return the protocol as it is on data from that source, of which `available` images can train.

    More training images than there are is all of them. `quick` takes fewer images of the digits, and more epochs where
    there are few images; the other protocols are the same everywhere. The fields in `given` were asked for and stay.

    Raises `UsageError` where its schedule does not fit into its epochs.
    """
    found = _on_data(protocol, source, available, given)
    optimization.schedule(found.schedule).check(found.epochs)
    return found


def _on_data(protocol: Protocol, source: str, available: int, given: Collection[str]) -> Protocol:
    images = protocol.training_images
    if protocol.name != QUICK.name:
        return replace(protocol, training_images=None if images is None or images >= available else images)
    if source == "digits" and "training_images" not in given:
        images = QUICK_DIGITS
    images = min(images or available, available)
    changes: dict[str, Any] = {"training_images": images}
    if "epochs" not in given:
        steps = math.ceil(images / protocol.batch_size)
        changes["epochs"] = min(max(round(QUICK_STEPS / steps), protocol.epochs), MOST_QUICK_EPOCHS)
    return replace(protocol, **changes)


@dataclass(frozen=True)
class RunConfig:
    """One training as it was asked for: protocol x method x seed, and how to compute it."""

    protocol: Protocol
    method: str  # canonical, with every hyperparameter: "batch_norm:momentum=0.99,epsilon=0.001"
    data: str  # the name of a published set, or what its folder or file is called
    seed: int = 0
    model: str = "notebook_cnn"
    model_source: str | None = None  # SHA-256 of the file or the code of the user's own network
    model_start: str | None = None  # SHA-256 of the weights of a network that was handed over as an object
    image_size: tuple[int, int] | None = None  # height and width in pixels; None for the size that the images have
    weights: str | None = None  # SHA-256 of the file with the weights to begin with; None for fresh ones
    precision: str = "auto"
    threads: int | None = None  # None: one a core
    device: str = "cpu"
    groups: str | None = None  # SHA-256 of what belongs together and stays in one part; None where nothing does
    bare: bool = False  # without the regularization that the network brings

    def __post_init__(self) -> None:
        _settle(self, "seed", check_whole("seed", self.seed, low=0, high=LARGEST_SEED))
        check_one_of("precision", self.precision, PRECISIONS)
        check_one_of("device", self.device, DEVICES, OTHER_DEVICES.get(str(self.device).lower()))
        _check_bare(self.bare)
        if self.threads is not None:
            _settle(self, "threads", check_whole("threads", self.threads, low=1, high=1024))
        for side in self.image_size or ():
            check_whole("image size", side, low=SMALLEST_IMAGE, high=LARGEST_IMAGE)

    def as_dict(self) -> dict[str, Any]:
        """Return the configuration as plain JSON values."""
        values = _plain(self)  # tuples become lists, as in a record
        defaults = {"device": "cpu", "groups": None, "bare": False, "model_start": None}
        for name, default in defaults.items():
            if values[name] == default:  # as records of before there was a choice: the same run keeps its identity
                del values[name]
        return values

    def run_id(self, data_hash: str) -> str:
        """Return the identity of this run on data of that content hash: 12 hexadecimal digits."""
        return _identity(self.as_dict(), data_hash)


@dataclass(frozen=True)
class StudyConfig:
    """A comparison as it was asked for: methods x seeds under one protocol. What it leaves open, the plan decides.

    Raises `UsageError` for a protocol without clean metrics, and for values out of range.
    """

    protocol: Protocol
    methods: tuple[str, ...]  # canonical, the baseline first
    contrasts: tuple[tuple[str, str], ...]  # each method with the baseline, and what else was asked for beforehand
    data: str
    looks: tuple[int, ...] | None = None  # after how many seeds the verdict is read; None: once, after enough of them
    first_seed: int = 0
    budget: int | None = None  # seconds
    margin: float = 0.5  # of the metric, in its unit: differences within it do not matter
    gap_margin: float = 1.0
    given: tuple[str, ...] = ()  # fields of the protocol that were asked for and stay as they are
    model: str = RunConfig.model
    model_source: str | None = None
    model_start: str | None = None
    image_size: tuple[int, int] | None = None
    weights: str | None = None
    precision: str = "auto"
    threads: int | None = None  # of each run
    alpha: float = 0.05  # level of the tests, of each axis
    # seeds are added in rounds until all is decided, up to so many; None: a fixed number of seeds, `looks`
    until_decided: int | Literal["none"] | None = None
    metric: str = METRICS[0]  # of METRICS: of the test images, and of the gap
    groups: str | None = None  # SHA-256 of what belongs together and stays in one part; None where nothing does
    bare: bool = False  # without the regularization that the network brings

    def __post_init__(self) -> None:
        if not self.protocol.clean_metrics:
            raise UsageError(
                "protocol_measures_too_little",
                "the protocol {protocol} measures neither training images in evaluation mode nor test images, "
                "which a comparison needs; use --protocol clean, which is the same without that flaw",
                protocol=self.protocol.name,
            )
        self._check_seeds()
        _check_bare(self.bare)
        check_one_of("metric", self.metric, METRICS)
        for what, margin in (("metric", self.margin), ("gap", self.gap_margin)):
            if not math.isfinite(margin) or not 0 <= margin <= LARGEST_MARGIN:
                raise UsageError(
                    "no_equivalence_margin",
                    "the margin of equivalence for the {what} must be from 0 to {most}, not {margin}",
                    what=what, most=LARGEST_MARGIN, margin=margin,
                )  # fmt: skip
        alpha = number(self.alpha)
        if alpha is None or not LEAST_ALPHA <= alpha <= LARGEST_ALPHA:
            raise UsageError(
                "no_level", "--alpha must be from {least} to {most}, not {alpha}",
                least=LEAST_ALPHA, most=LARGEST_ALPHA, alpha=shown(self.alpha),
            )  # fmt: skip
        _settle(self, "alpha", alpha)
        if self.budget is not None:
            _settle(self, "budget", check_whole("budget in seconds", self.budget, low=1))
        check_one_of("precision", self.precision, PRECISIONS)
        if self.threads is not None:
            _settle(self, "threads", check_whole("threads", self.threads, low=1, high=1024))
        if not self.protocol.vary:
            raise UsageError(
                "nothing_varies",
                "with --vary nothing every seed is the same run, so there is nothing to learn from comparing",
            )
        if self.model_start is not None and self.protocol.vary == ("init",):
            raise UsageError(
                "only_the_start_would_vary",
                "with --vary init every seed is the same run, because the weights of {model} are the start at "
                "every seed; pass its class, or vary more",
                model=self.model,
            )

    def _check_seeds(self) -> None:
        first = check_whole("first seed", self.first_seed, low=0, high=LARGEST_SEED - MOST_SEEDS)
        _settle(self, "first_seed", first)
        for before, look in pairwise((0, *(self.looks or ()))):
            check_whole("number of seeds", look, low=1, high=MOST_SEEDS)
            if look <= before:
                raise UsageError(
                    "looks_do_not_grow",
                    "each look at a study needs more seeds than the one before, not {look} after {before}",
                    look=look, before=before,
                )  # fmt: skip
        last = self.first_seed + (self.looks[-1] if self.looks else MOST_SEEDS)
        if self.first_seed < PILOT_SEEDS.stop and last > PILOT_SEEDS.start:
            raise UsageError(
                "seeds_of_the_pilot",
                "seeds {first} to {last} were used to choose the defaults, so no verdict may use them; choose "
                "another --first-seed",
                first=PILOT_SEEDS.start, last=PILOT_SEEDS.stop - 1,
            )  # fmt: skip
        if self.looks is not None and len(self.looks) > 1 and self.looks[0] < FEWEST_SEEDS:
            raise UsageError(
                "look_too_early", "a look at fewer than {fewest} seeds cannot decide anything; make the first one "
                                  "later",
                fewest=FEWEST_SEEDS,
            )  # fmt: skip
        if self.until_decided is not None and self.looks is not None:
            raise UsageError(
                "seeds_and_until_decided",
                "--seeds fixes the number of seeds and --until-decided leaves it open; give one of them",
            )
        if self.until_decided == "none" and self.budget is not None:
            raise UsageError("budget_without_a_maximum", "--budget needs a maximum number of seeds: --until-decided 12")
        if not self.contrasts and (self.until_decided is not None or len(self.looks or ()) > 1):
            raise UsageError(
                "nothing_to_decide", "with only one method there is nothing to decide; give a fixed number of --seeds"
            )
        if isinstance(self.until_decided, int):
            check_whole("largest number of seeds", self.until_decided, low=SHORTEST_ROUNDS, high=LONGEST_ROUNDS)

    def as_dict(self) -> dict[str, Any]:
        """Return the configuration as plain JSON values."""
        values = _plain(self)
        # as studies of before were asked: the same question keeps its identity
        values |= {"accuracy_zone": values.pop("margin"), "gap_zone": values.pop("gap_margin")}
        defaults = {
            "alpha": 0.05, "until_decided": None, "metric": METRICS[0], "groups": None, "bare": False,
            "model_start": None,
        }  # fmt: skip
        for name, default in defaults.items():
            if values[name] == default:
                del values[name]
        return values

    def study_id(self, data_hash: str) -> str:
        """Return the identity of this study on data of that content hash: 12 hexadecimal digits."""
        return _identity(self.as_dict(), data_hash)

    def run(self, protocol: Protocol, method: str, seed: int, threads: int) -> RunConfig:
        """Return one of its runs, under the protocol as the plan resolved it."""
        return RunConfig(
            protocol,
            method,
            self.data,
            seed=seed,
            model=self.model,
            model_source=self.model_source,
            model_start=self.model_start,
            image_size=self.image_size,
            weights=self.weights,
            precision=self.precision,
            threads=threads,
            groups=self.groups,
            bare=self.bare,
        )


def _plain(config: RunConfig | StudyConfig) -> dict[str, Any]:
    """Return a configuration as plain JSON values, without what nobody could ask for once, unless it is asked for."""
    values: dict[str, Any] = json.loads(canonical_json(asdict(config)))
    for name in ("optimizer", "keep"):
        if values["protocol"][name] == getattr(Protocol, name):
            del values["protocol"][name]
    return values


def _identity(config: dict[str, Any], data_hash: str) -> str:
    text = canonical_json({"config": config, "data": data_hash})
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def canonical_json(value: Any) -> str:
    """Return the one JSON text of `value`: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
