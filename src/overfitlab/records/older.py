"""Records of before there were codes: the one reader that turns their prose into codes with values."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from overfitlab.errors import Value
from overfitlab.reasons import Reason

NUMBER = r"-?[\d,]+"
SENTENCES: tuple[tuple[str, str], ...] = (  # code, and the sentence with what its fields can hold
    ("gave_up_training_images", rf"training images: (?P<now>{NUMBER}) instead of (?P<before>{NUMBER})"),
    ("gave_up_validation_images", rf"validation images: (?P<now>{NUMBER}) instead of (?P<before>{NUMBER})"),
    ("gave_up_epochs", rf"epochs: (?P<now>{NUMBER}) instead of (?P<before>{NUMBER})"),
    (
        "seeds_seen_before",
        rf"The study (?P<study>.+) asked the same of seeds (?P<first>{NUMBER}) to (?P<last>{NUMBER}), so some of these "
        rf"were seen before; a new study needs fresh ones \(--first-seed (?P<fresh>{NUMBER})\)\.",
    ),
    (
        "trained_after_a_change",
        r"Some runs were trained after (?P<what>.+) had changed, so they may differ by more than the method\.",
    ),
    ("other_checksums", r"this copy of (?P<name>.+) has other checksums than the official release"),
    (
        "digits_instead",
        r"NOT CIFAR-10 but 1,797 small handwritten digits, so easy that hardly any overfitting shows\. (?P<why>.+)",
    ),
)
PATTERNS = tuple((code, re.compile(pattern, re.DOTALL)) for code, pattern in SENTENCES)


def reason_in(text: str) -> Reason:
    """Return the code of a sentence that an older version wrote down; what is not known keeps its words."""
    for code, pattern in PATTERNS:
        found = pattern.fullmatch(text)
        if found:
            return Reason(code, {name: _value(given) for name, given in found.groupdict().items()})
    return Reason("words_of_others", {"text": text}, text)


def _value(text: str) -> Value:
    return int(text.replace(",", "")) if re.fullmatch(NUMBER, text) else text


Values = dict[str, Any]  # of a JSON document, before it has types


def upgraded_run(values: Values) -> Values:
    """Return the values of a run's record of an older format in the shape of today."""
    _reasons(values.get("data"))
    for each in _entries(values.get("resumed")):
        if isinstance(each.get("note"), str):
            each["notes"] = [reason_in(each.pop("note"))]
    network = values.get("network")
    weights = network.get("weights") if isinstance(network, dict) else None
    if isinstance(weights, dict) and isinstance(weights.get("left_out"), dict):
        for name in weights["left_out"]:
            _replace(weights["left_out"], name)
    return _with_producer(values)


def upgraded_study(values: Values) -> Values:
    """Return the values of a study's record of an older format in the shape of today."""
    _reasons(values.get("data"))
    plan = values.get("plan")
    for holder, name in ((values, "notes"), (plan, "gave_up")):
        if isinstance(holder, dict) and isinstance(holder.get(name), list):
            holder[name] = [reason_in(text) if isinstance(text, str) else text for text in holder[name]]
    config = values.get("config")
    for before, now in (("accuracy_zone", "margin"), ("gap_zone", "gap_margin")):
        if isinstance(config, dict) and before in config:
            config[now] = config.pop(before)
    failures = values.get("failures")
    for failure in failures.values() if isinstance(failures, dict) else ():
        _replace(failure, "reason")
    return _with_producer(values)


def _with_producer(values: Values) -> Values:
    environment = values.get("environment")
    version = environment.get("overfitlab", "") if isinstance(environment, dict) else ""
    return values | {"producer": {"name": "overfitlab", "version": version}}


def _reasons(data: object) -> None:
    if isinstance(data, dict):
        if data.get("note") == "":
            data["note"] = None
        _replace(data, "note")
        for file in _entries(data.get("skipped")):
            _replace(file, "reason")


def _entries(found: object) -> Iterator[Values]:
    yield from (each for each in (found if isinstance(found, list) else ()) if isinstance(each, dict))


def _replace(holder: object, name: str, read: Callable[[str], Reason] = reason_in) -> None:
    if isinstance(holder, dict) and isinstance(holder.get(name), str):
        holder[name] = read(holder[name])
