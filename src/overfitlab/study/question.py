"""What a study compares with what."""

from collections.abc import Iterable, Mapping, Sequence

from overfitlab.errors import UsageError
from overfitlab.methods import registry
from overfitlab.methods.base import Method
from overfitlab.values import shown

NOTEBOOKS_QUESTION = ("none", "dropout", "batch_norm")
NOTEBOOKS_CONTRAST = ("batch_norm", "dropout")
BARE_QUESTION = ("none", "as_is", "dropout", "batch_norm")  # of a network that brings regularization, without it
BASELINE = "none"


class Question:
    """The methods of a study, by their canonical texts, and the contrasts between them."""

    def __init__(self) -> None:
        self.methods: list[str] = []
        self.labels: dict[str, str] = {}
        self.contrasts: list[tuple[str, str]] = []
        self.default = False  # nobody named a method or a contrast

    def add(self, method: str | Method) -> str:
        """Add a method, unless it is there already, and return its canonical text."""
        resolved = registry.resolve(method)
        if resolved.spec not in self.labels:
            self.methods.append(resolved.spec)
            self.labels[resolved.spec] = resolved.label
        return resolved.spec

    def compare(self, method: str, against: str) -> None:
        """Add a contrast, unless the pair is compared already."""
        if method == against:
            raise UsageError(
                "compared_with_itself", "{method} cannot be compared with itself", method=self.labels[method]
            )
        if (method, against) not in self.contrasts and (against, method) not in self.contrasts:
            self.contrasts.append((method, against))


def question(
    methods: Sequence[str | Method], baseline: str | Method | None, contrasts: Sequence[str], *, bare: bool = False
) -> Question:
    """Return what is compared with what: the baseline first, then each method with it, then what else was asked for.

    The baseline alone is a question too: how much one method varies from seed to seed. Of a `bare` network, which
    brings regularization and is without it here, the default asks for the network as it is, dropout and batch_norm,
    each against the bare one.
    """
    if isinstance(contrasts, str | bytes | Mapping) or not isinstance(contrasts, Iterable):
        raise UsageError("contrasts_are_a_list", "contrasts are a list, such as ['batch_norm:dropout']")
    if isinstance(methods, str | bytes | Mapping | Method) or not isinstance(methods, Iterable):
        raise UsageError("methods_are_a_list", "methods are a list, such as ['none', 'dropout']")
    found = Question()
    methods, pairs = list(methods), [_pair(text) for text in contrasts]
    found.default = not methods and not pairs
    usual = BARE_QUESTION if bare else NOTEBOOKS_QUESTION
    given = methods or (list(usual) if found.default else [])
    specs = [registry.resolve(method).spec for method in given]
    for position, spec in enumerate(specs):
        if spec in specs[:position]:
            raise UsageError(
                "method_listed_twice", "{method} is given twice; leave one of them out",
                method=registry.parse(spec).label
            )  # fmt: skip
    start = found.add(baseline if baseline is not None else BASELINE)
    for method in [*specs, *(side for pair in pairs for side in pair)]:
        found.add(method)
    for method in found.methods[1:]:
        found.compare(method, start)
    for method, against in [NOTEBOOKS_CONTRAST] if found.default and baseline is None and not bare else pairs:
        found.compare(found.add(method), found.add(against))
    return found


def _pair(text: str) -> tuple[str, str]:
    """Return both sides of `"A:B"`, or of `"A:rate=0.5 : B"`, each a method; raises `UsageError`."""
    if not isinstance(text, str):
        raise UsageError(
            "contrast_is_no_text", "a contrast is a string such as batch_norm:dropout, not {value}", value=shown(text)
        )
    sides = [side.strip() for side in text.split(" : " if " : " in text else ":")]
    if len(sides) != 2 or not all(sides):
        raise UsageError(
            "contrast_is_no_pair",
            "--contrast {text!r} is not a pair; write batch_norm:dropout, or with hyperparameters, with blanks "
            "around the middle colon, 'dropout:rate=0.5 : dropout:rate=0.2'",
            text=text,
        )
    return registry.parse(sides[0]).spec, registry.parse(sides[1]).spec
