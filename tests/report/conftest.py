"""What the tests of reports have in common: the evidence of a small study, and of one with many methods."""

from dataclasses import replace

import pytest

import overfitlab
from overfitlab.study.evidence import Evidence

MIDDLING = "dropout:rate=0.{}+label_smoothing"
LONG = "batch_norm:momentum=0.9+dropout:rate=0.3{}+l2:rate=0.0005+augment:flip=0.0,shift=0.2"


@pytest.fixture(scope="session")
def evidence(small_study) -> Evidence:
    """What a report of the small study is made from."""
    return overfitlab.load_study(small_study).evidence()


@pytest.fixture(scope="session")
def crowded(evidence) -> Evidence:
    """Fourteen methods, two of which have long names that differ in the middle, and two others ones less long."""
    [like] = [each for each in evidence.contrasts if (each.label, each.against_label) == ("dropout", "none")]
    [method] = [each for each in evidence.methods if each.label == "dropout"]
    contrasts, methods = [], [evidence.methods[0]]
    curves, predictions = dict(evidence.curves), dict(evidence.predictions)
    for number in range(13):
        label = LONG.format(number) if number in (5, 6) else MIDDLING.format(number) if number > 10 else f"m{number}"
        name = f"method{number}"
        accuracy = replace(like.metric, mean=like.metric.mean + 0.01 * number)
        contrasts.append(replace(like, method=name, label=label, metric=accuracy))
        methods.append(replace(method, method=name, label=label))
        curves[name], predictions[name] = curves[method.method], predictions[method.method]
    return replace(
        evidence, contrasts=tuple(contrasts), methods=tuple(methods), curves=curves, predictions=predictions,
        recommended=None, disputed=(),
    )  # fmt: skip
