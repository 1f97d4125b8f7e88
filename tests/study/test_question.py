"""What a study compares with what."""

import pytest

import overfitlab
from overfitlab.errors import UsageError
from overfitlab.study.question import question


def labels(asked):
    return [asked.labels[method] for method in asked.methods]


def contrasts(asked):
    return [f"{asked.labels[method]} - {asked.labels[against]}" for method, against in asked.contrasts]


def test_nothing_asks_the_notebooks_question():
    asked = question([], None, [])
    assert labels(asked) == ["none", "dropout", "batch_norm"]
    assert contrasts(asked) == ["dropout - none", "batch_norm - none", "batch_norm - dropout"]


def test_nothing_asks_what_a_network_that_is_bare_here_had_from_its_regularization():
    asked = question([], None, [], bare=True)
    assert labels(asked) == ["none", "as_is", "dropout", "batch_norm"]
    assert contrasts(asked) == ["as_is - none", "dropout - none", "batch_norm - none"]
    assert asked.default
    assert labels(question(["l2"], None, [], bare=True)) == ["none", "l2"]


def test_the_baseline_is_none_and_comes_first():
    asked = question(["l2", "none", "augment"], None, [])
    assert labels(asked) == ["none", "l2", "augment"]
    assert contrasts(asked) == ["l2 - none", "augment - none"]
    assert labels(question(["dropout"], None, [])) == ["none", "dropout"]


def test_another_baseline():
    asked = question(["batch_norm", "dropout"], "dropout", [])
    assert labels(asked) == ["dropout", "batch_norm"]
    assert contrasts(asked) == ["batch_norm - dropout"]
    assert contrasts(question([], "dropout", [])) == ["none - dropout", "batch_norm - dropout"]


def test_more_contrasts_bring_their_methods_along():
    asked = question(["l2"], None, ["batch_norm:dropout", "dropout : batch_norm", "l2:none"])
    assert labels(asked) == ["none", "l2", "batch_norm", "dropout"]
    assert contrasts(asked) == ["l2 - none", "batch_norm - none", "dropout - none", "batch_norm - dropout"]


def test_contrasts_with_hyperparameters_and_compositions():
    asked = question([], None, ["dropout:rate=0.5 : dropout", "dropout+batch_norm : batch_norm"])
    assert contrasts(asked)[-2:] == ["dropout:rate=0.5 - dropout", "batch_norm+dropout - batch_norm"]


def test_objects_and_texts_are_the_same():
    method = overfitlab.method("dropout", rate=0.3) + overfitlab.method("batch_norm")
    assert question([method], None, []).methods == question(["batch_norm+dropout:rate=0.3"], None, []).methods


@pytest.mark.parametrize(
    ("methods", "baseline", "given", "message"),
    [
        (["dropout", "dropout:rate=0.2"], None, [], "dropout is given twice"),
        (["dropuot"], None, [], "did you mean 'dropout'"),
        ([], "nothing", [], "unknown method"),
        (["l2"], None, ["l2"], "is not a pair"),
        (["l2"], None, ["l2:none:dropout"], "is not a pair"),
        (["l2"], None, ["dropout:rate=0.5:dropout"], "is not a pair; write .* with blanks around"),
        (["l2"], None, ["l2:l2"], "cannot be compared with itself"),
        (["l2"], None, [":l2"], "is not a pair"),
        ("dropout", None, [], "methods are a list"),
    ],
)
def test_what_makes_no_sense(methods, baseline, given, message):
    with pytest.raises(UsageError, match=message):
        question(methods, baseline, given)


def test_contrasts_are_a_list():
    with pytest.raises(UsageError, match="contrasts are a list, such as"):
        question(["l2"], None, "l2:dropout")


def test_methods_and_contrasts_may_be_read_but_once():
    asked = question(iter(["l2", "dropout"]), None, iter(["l2:dropout"]))
    assert asked.methods == ["none", *question(["l2", "dropout"], None, []).methods[1:]]
    assert len(asked.contrasts) == 3
