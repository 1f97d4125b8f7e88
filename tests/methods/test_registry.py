"""Methods are found by name, and described by text that makes them again."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import refused

from overfitlab.errors import OverfitlabError, UsageError
from overfitlab.methods import names, registry
from overfitlab.methods.base import Method, hyperparameter
from overfitlab.methods.composition import Composition


@pytest.mark.parametrize("name", registry.names())
def test_every_name_is_a_method_with_a_card(name):
    kind = registry.method_class(name)
    assert issubclass(kind, Method)
    assert kind.name == name
    for part in ("Equation:", "Helps:", "Hurts:", "Cost:"):
        assert part in kind.__doc__, f"the card of {name} lacks {part}"


def test_the_names_are_known():
    assert {"none", "batch_norm", "dropout"} <= set(registry.names())


@pytest.mark.slow
@given(st.floats(0, 0.99), st.floats(0, 1))
def test_a_spec_makes_the_same_method_again(rate, momentum):
    method = registry.parse(f"dropout:rate={rate!r}+batch_norm:momentum={momentum!r}")
    again = registry.parse(method.spec)
    assert again.spec == method.spec
    assert again.hyperparameters() == method.hyperparameters()


def test_order_and_spelling_do_not_matter():
    texts = ("batch_norm+dropout:rate=0.30", "dropout:rate=.3+batch_norm", " dropout : rate = 0.3 + batch_norm")
    assert len({registry.parse(text).spec for text in texts[:2]}) == 1
    assert registry.parse("batch_norm+dropout").label == "batch_norm+dropout"
    assert registry.parse("dropout:rate=0.2").label == "dropout"
    assert registry.parse("dropout:rate=0.2").spec == "dropout:rate=0.2"
    assert isinstance(registry.parse("dropout+batch_norm"), Composition)


@pytest.mark.parametrize(
    ("text", "code", "values"),
    [
        ("droput", "unknown_name_like", {"kind": "method", "name": "droput", "near": "dropout"}),
        ("batchnorm", "unknown_name_like", {"near": "batch_norm"}),
        ("xyzzy", "unknown_name", {}),
        ("base", "unknown_name", {"kind": "method", "name": "base"}),
        ("", "method_with_empty_part", {}),
        ("dropout+", "method_with_empty_part", {}),
        ("dropout:", "unknown_name_like", {"near": "dropout"}),
        ("none,", "written_otherwise", {"right": "none"}),
        ("dropout:rate", "setting_unreadable", {"method": "dropout", "setting": "rate"}),
        ("dropout:rate=0.3,rate=0.4", "setting_twice", {}),
        ("dropout:rat=0.3", "unknown_hyperparameter_like", {"method": "dropout", "name": "rat", "near": "rate"}),
        ("none:rate=1", "method_without_hyperparameters", {"method": "none"}),
        ("dropout:rate=high", "setting_is_no_number", {"parameter": "rate", "value": "high"}),
        ("dropout:rate=nan", "hyperparameter_not_between", {"high": 0.99, "parameter": "rate", "value": "nan"}),
        ("dropout:rate=1", "hyperparameter_not_between", {"high": 0.99, "parameter": "rate"}),
        ("dropout:rate=-0.1", "hyperparameter_not_between", {"high": 0.99, "parameter": "rate"}),
        ("dropout+dropout:rate=0.5", "method_given_twice", {}),
        ("../../etc/passwd", "unknown_name", {"kind": "method"}),
        (
            "early_stopping:patience=2.5",
            "hyperparameter_not_whole_from",
            {"parameter": "patience", "low": 1, "value": "2.5"},
        ),
        ("early_stopping:patience=0", "hyperparameter_not_whole_from", {"parameter": "patience", "low": 1}),
        (
            "early_stopping:patience=inf",
            "hyperparameter_not_whole_from",
            {"parameter": "patience", "low": 1, "value": "inf"},
        ),
        ("group_norm:groups=1.5", "hyperparameter_not_whole_from", {"parameter": "groups"}),
        ("l2:rate=-1", "hyperparameter_not_from", {"parameter": "rate", "value": "-1.0"}),
        ("layer_norm+group_norm", "methods_exclude_each_other", {"what": "normalization"}),
        ("weight_averaging+weight_averaging:decay=0.5", "method_given_twice", {}),
    ],
)
def test_bad_text_is_one_line_that_says_what_to_do(text, code, values):
    with refused(UsageError, code, **values) as caught:
        registry.parse(text)
    assert "\n" not in str(caught.value)


def test_none_adds_nothing_to_others():
    assert registry.parse("none+dropout").spec == registry.parse("dropout").spec
    assert registry.parse("none").spec == "none"


def test_two_normalizations_exclude_each_other():
    class Other(Method):
        name = "other"
        exclusive = "normalization"

        def hyperparameters(self):
            return {}

    with refused(UsageError, "methods_exclude_each_other", what="normalization"):
        Composition([registry.parse("batch_norm"), Other()])


class Entry:
    """A stand-in for an entry point of another package."""

    def __init__(self, name, load):
        self.name, self.load, self.value = name, load, f"other_package:{name}"


def test_a_method_of_another_package_is_found(monkeypatch):
    @dataclass(frozen=True)
    class Mine(Method):
        name = "mine"

    monkeypatch.setattr(registry, "entry_points", lambda group: [Entry("mine", lambda: Mine)])
    assert "mine" in registry.names()
    assert registry.method_class("mine") is Mine


def test_a_package_cannot_replace_a_built_in_method(monkeypatch):
    monkeypatch.setattr(registry, "entry_points", lambda group: [Entry("dropout", lambda: None)])
    with refused(OverfitlabError, "method_name_taken", name="dropout"):
        registry.parse("dropout")


@pytest.mark.parametrize("found", [int, "text", registry.method_class("none")])
def test_something_else_under_the_entry_point_is_one_line(monkeypatch, found):
    monkeypatch.setattr(registry, "entry_points", lambda group: [Entry("mine", lambda: found)])
    with refused(OverfitlabError, "no_method_of_that_name", place="other_package:mine", name="mine"):
        registry.method_class("mine")


def test_a_package_that_cannot_be_imported_is_one_line(monkeypatch):
    def fails():
        raise ImportError("no such library")

    monkeypatch.setattr(registry, "entry_points", lambda group: [Entry("mine", fails)])
    with refused(
        OverfitlabError, "method_cannot_be_imported", name="mine", place="other_package:mine", reason="no such library"
    ):
        registry.method_class("mine")


def test_whole_numbers_are_integers_however_they_are_written():
    for method in (
        registry.parse("early_stopping:patience=3"),
        registry.parse("early_stopping:patience=3.0"),
        registry.make("early_stopping", patience=3.0),
    ):
        assert type(method.patience) is int
        assert method.spec == "early_stopping:patience=3"
    assert type(registry.make("dropout", rate=0).rate) is float
    assert registry.make("dropout", rate=0).spec == "dropout:rate=0.0"


@pytest.mark.parametrize("name", registry.names())
def test_every_method_can_be_made_by_its_name_and_from_its_spec(name):
    method = registry.make(name)
    assert type(method) is registry.method_class(name)
    assert method == registry.parse(name) == registry.parse(method.spec) == registry.resolve(method)
    assert method.label == name


@pytest.mark.parametrize("name", registry.names())
def test_the_values_worth_trying_are_allowed_and_ascending(name):
    method = registry.make(name)
    for entry, value in method.hyperparameters().items():
        search = type(method).__dataclass_fields__[entry].metadata["search"]
        assert list(search) == sorted(set(search))
        assert value in search or not search, "the default is one of them"
        for other in search:
            assert getattr(registry.make(name, **{entry: other}), entry) == other


def test_methods_are_made_with_hyperparameters():
    assert registry.make("dropout", rate=0.3).spec == "dropout:rate=0.3"
    assert registry.make("group_norm", groups=4).label == "group_norm:groups=4"


@pytest.mark.parametrize(
    ("name", "values", "code", "told"),
    [
        ("droput", {}, "unknown_name_like", {"kind": "method", "name": "droput", "near": "dropout"}),
        ("dropout", {"rat": 0.3}, "unknown_hyperparameter_like", {"method": "dropout", "name": "rat", "near": "rate"}),
        ("none", {"rate": 1}, "method_without_hyperparameters", {"method": "none"}),
        (
            "dropout",
            {"rate": "0.3"},
            "hyperparameter_not_between",
            {"high": 0.99, "parameter": "rate", "value": "'0.3'"},
        ),
        ("dropout", {"rate": True}, "hyperparameter_not_between", {"high": 0.99, "parameter": "rate", "value": "True"}),
        ("dropout", {"rate": 1.0}, "hyperparameter_not_between", {"high": 0.99, "parameter": "rate"}),
        (
            "early_stopping",
            {"patience": 2.5},
            "hyperparameter_not_whole_from",
            {"parameter": "patience", "low": 1, "value": "2.5"},
        ),
    ],
)
def test_methods_that_cannot_be_made_are_one_line(name, values, code, told):
    with refused(UsageError, code, **told) as caught:
        registry.make(name, **values)
    assert "\n" not in str(caught.value)


def test_adding_methods_composes_them_in_any_order():
    dropout, norm, smoothing = (registry.make(name) for name in ("dropout", "batch_norm", "label_smoothing"))
    wanted = registry.parse("batch_norm+dropout+label_smoothing").spec
    for sum_ in (dropout + norm + smoothing, smoothing + (norm + dropout), (norm + smoothing) + dropout):
        assert isinstance(sum_, Composition)
        assert sum_.spec == registry.resolve(sum_).spec == wanted
        assert [part.name for part in sum_.parts] == ["batch_norm", "dropout", "label_smoothing"]


def test_batches_are_changed_in_the_order_of_the_stages():
    """Images move before they are mixed, and labels are smoothed last."""
    names = ["label_smoothing", "cutmix", "mixup", "random_erasing", "gaussian_noise", "augment"]
    method = registry.parse("+".join(names))
    assert [part.name for part in method.parts] == names[::-1]


@pytest.mark.parametrize(
    ("one", "other", "code", "values"),
    [
        ("dropout", "dropout:rate=0.5", "method_given_twice", {"first": "dropout", "second": "dropout"}),
        ("batch_norm", "group_norm", "methods_exclude_each_other", {"first": "batch_norm", "second": "group_norm"}),
        (
            "batch_norm+dropout",
            "layer_norm",
            "methods_exclude_each_other",
            {"first": "batch_norm", "second": "layer_norm", "what": "normalization"},
        ),
    ],
)
def test_sums_that_do_not_go_together_are_one_line(one, other, code, values):
    for first, second in ((one, other), (other, one)):
        with refused(UsageError, code, **values) as caught:
            registry.parse(first) + registry.parse(second)
        assert "\n" not in str(caught.value)


def test_only_methods_can_be_added():
    with pytest.raises(TypeError, match="unsupported operand"):
        registry.make("dropout") + "batch_norm"


def test_adding_none_changes_nothing():
    assert registry.resolve(registry.make("none") + registry.make("dropout")) == registry.make("dropout")


def test_resolve_takes_texts_and_methods_and_nothing_else():
    assert registry.resolve("dropout:rate=0.3") == registry.resolve(registry.make("dropout", rate=0.3))
    for wrong in (None, 3, registry.method_class("dropout"), ["dropout"]):
        with refused(UsageError, "no_method"):
            registry.resolve(wrong)


@dataclass(frozen=True)
class Unregistered(Method):
    name = "unregistered"
    strength: float = hyperparameter(1.0, low=0.0)


@dataclass(frozen=True)
class Nameless(Method):
    strength: float = hyperparameter(1.0, low=0.0)


class Impostor(type(registry.make("dropout"))):
    """Another class under the name of a built-in method, which a record could not tell apart from it."""


@pytest.mark.parametrize("kind", [Unregistered, Nameless, Impostor])
def test_a_class_that_no_record_could_name_is_refused_in_one_line(kind):
    with pytest.raises(UsageError, match=f"{kind.__name__} is not registered, so a record") as caught:
        registry.resolve(kind())
    assert "\n" not in str(caught.value)


def test_it_is_refused_as_a_part_of_a_sum_too():
    with refused(UsageError, "method_not_registered", type="Unregistered"):
        registry.resolve(registry.make("dropout") + Unregistered())


def test_a_registered_class_of_another_package_is_resolved(monkeypatch):
    monkeypatch.setattr(registry, "entry_points", lambda group: [Entry("unregistered", lambda: Unregistered)])
    assert (
        registry.resolve(Unregistered(2) + registry.make("dropout")).spec
        == "dropout:rate=0.2+unregistered:strength=2.0"
    )


def test_two_trackers_are_refused():
    @dataclass(frozen=True)
    class Snapshots(Method):
        name = "snapshots"

        def tracker(self, model):
            return None

    for sum_ in (lambda a, b: a + b, lambda a, b: b + a):
        with refused(UsageError, "methods_exclude_each_other", what="tracker of weights"):
            sum_(registry.make("weight_averaging"), Snapshots())


def declared(**body):
    return type("Mine", (Method,), {"name": "mine", **body})


@pytest.mark.parametrize(
    ("kind", "code", "values"),
    [
        (declared(), "method_not_frozen", {"place": "other_package:mine"}),
        (dataclass(declared()), "method_not_frozen", {"place": "other_package:mine"}),
        (
            dataclass(frozen=True)(declared(__annotations__={"strength": float}, strength=1.0)),
            "hyperparameter_undeclared",
            {"place": "other_package:mine", "name": "strength"},
        ),
    ],
)
def test_a_method_that_is_declared_wrongly_is_one_line(monkeypatch, kind, code, values):
    monkeypatch.setattr(registry, "entry_points", lambda group: [Entry("mine", lambda: kind)])
    with refused(OverfitlabError, code, **values):
        registry.parse("mine")


@pytest.mark.parametrize("text", ["weight_decay:rate=1e+1", "l2:rate=1e16", "dropout+l2:rate=1.e+16", "l1:rate=1e-07"])
def test_numbers_may_have_exponents(text):
    spec = registry.parse(text).spec
    assert registry.parse(spec).spec == spec
    assert registry.parse("weight_decay:rate=1e+1").hyperparameters() == {"rate": 10.0}


def test_none_adds_nothing_as_an_object_either():
    none, dropout = registry.make("none"), registry.make("dropout")
    assert none + dropout == dropout + none == dropout
    assert (none + none).spec == "none"


@pytest.mark.parametrize(
    ("text", "code", "values"),
    [
        ("dropout=0.5", "written_otherwise", {"right": "dropout:rate=0.5"}),
        ("dropout(0.5)", "written_otherwise", {"right": "dropout:rate=0.5"}),
        ("dropout:0.5", "written_otherwise", {"kind": "method", "right": "dropout:rate=0.5"}),
        ("dropout 0.5", "written_otherwise", {"right": "dropout:rate=0.5"}),
        ("Dropout(p=0.5)", "written_otherwise", {"right": "dropout:rate=0.5"}),
        ("nn.Dropout(0.5)", "written_otherwise", {"right": "dropout:rate=0.5"}),
        ("dropout:rate:0.5", "written_otherwise", {"right": "dropout:rate=0.5"}),
        ("dropout:rate=0.5,", "written_otherwise", {"right": "dropout:rate=0.5"}),
        ("EarlyStopping(patience=5)", "written_otherwise", {"right": "early_stopping:patience=5"}),
        ("weight decay 0.01", "written_otherwise", {"right": "weight_decay:rate=0.01"}),
        ("batch_norm(0.9, 0.001)", "written_otherwise", {"right": "batch_norm:momentum=0.9,epsilon=0.001"}),
        ("dropout(5)", "hyperparameter_not_between", {"method": "dropout", "parameter": "rate", "value": "5.0"}),
        ("dropout:p=0.5", "unknown_hyperparameter_like", {"near": "rate"}),
        ("dropout:lr=0.5", "learning_rate_is_an_option", {"method": "dropout"}),
        ("BatchNormalization", "unknown_name_like", {"near": "batch_norm"}),
        ("bn", "unknown_name_like", {"near": "batch_norm"}),
        ("early-stopping", "unknown_name_like", {"near": "early_stopping"}),
        ("Early Stopping", "unknown_name_like", {"near": "early_stopping"}),
        ("cutout", "unknown_name_like", {"near": "random_erasing"}),
        ("none,dropout", "several_methods_with_none", {"apart": "none dropout"}),
        ("none, dropout:rate=0.3, bn", "several_methods_with_none", {"apart": "none dropout:rate=0.3 batch_norm"}),
        ("dropout;l2(0.1)", "several_methods", {"apart": "dropout l2:rate=0.1", "together": "dropout+l2:rate=0.1"}),
        ("dropout and mixup", "several_methods", {"apart": "dropout mixup"}),
        ("augment:shift=0.1,zoom=0.2/l2", "several_methods", {"apart": "augment:shift=0.1,zoom=0.2 l2"}),
        ("0.5", "method_is_a_number", {}),
        ("dropout:rate=0.3,rate=0.3", "setting_twice", {"parameter": "rate"}),
    ],
)  # fmt: skip
def test_other_notations_are_told_how_they_are_written_here(text, code, values):
    with refused(UsageError, code, **values) as caught:
        registry.parse(text)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_what_is_advised_can_be_typed():
    for name in registry.built_in_names():
        values = ", ".join(map(repr, registry.make(name).hyperparameters().values()))
        for text in (f"{name}({values})", name.title(), name.replace("_", "-"), name.replace("_", " ")):
            assert registry.parse(registry.spelled(text)) == registry.make(name), text


def test_names_of_others_are_names_of_methods():
    assert set(names.OTHER_NAMES.values()) <= set(registry.built_in_names())
    assert not set(names.OTHER_NAMES) & set(registry.built_in_names())
