"""What can be asked for today, in every field that has a choice: its identity is frozen.

`python tests/identity/identity_cases.py` prints the golden file anew; what stands there may only be added to.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from overfitlab.config import CLEAN, NOTEBOOK, PROTOCOLS, QUICK, RunConfig, StudyConfig, canonical_json, fitted
from overfitlab.methods import registry
from overfitlab.randomness import STREAMS, run_key
from overfitlab.study.question import question

DATA_HASH = "6c5f0b6b1d4c9b3a"


def runs() -> Iterator[tuple[str, RunConfig]]:
    """Yield runs, each with a name."""
    method = registry.resolve("batch_norm").spec
    plain = RunConfig(NOTEBOOK, method, "cifar10")
    for name in registry.names():
        if type(registry.make(name)).__module__.startswith("overfitlab."):
            yield f"method {name}", replace(plain, method=registry.resolve(name).spec)
    yield "composition", replace(plain, method=registry.resolve("dropout:rate=0.3+batch_norm").spec)
    for protocol in PROTOCOLS.values():
        yield f"protocol {protocol.name}", replace(plain, protocol=protocol)
    yield "quick on digits", replace(plain, protocol=fitted(QUICK, "digits", 1257), data="digits")
    yield "quick on few images", replace(plain, protocol=fitted(QUICK, "folder", 500), data="photos")
    yield "clean on fewer images", replace(plain, protocol=fitted(replace(CLEAN, training_images=99), "folder", 500))
    changes: dict[str, Any] = {
        "epochs": 3, "batch_size": 7, "learning_rate": 1, "validation_fraction": 0.25, "stratified": True,
        "standardization": "training", "vary": ("order", "split"), "split_seed": 3, "batch_norm_warm_up": True,
        "clean_metrics": True, "schedule": "cosine", "training_images": 10, "validation_images": 5,
    }  # fmt: skip
    for field, value in changes.items():
        yield f"protocol.{field}", replace(plain, protocol=replace(NOTEBOOK, **{field: value}))
    recipes = (
        ("optimizer", "adam:beta_1=0.8"), ("optimizer", "adamw"), ("optimizer", "sgd"),
        ("optimizer", "sgd:momentum=0.9,nesterov=true"), ("schedule", "constant:warm_up=2"),
        ("schedule", "cosine:warm_up=5"), ("schedule", "step"), ("schedule", "one-cycle"), ("keep", "best"),
    )  # fmt: skip
    for field, value in recipes:
        yield f"protocol.{field}={value}", replace(plain, protocol=replace(NOTEBOOK, **{field: value}))
    fields: dict[str, Any] = {
        "data": "사진", "seed": 2**63 - 1, "model": "net.py:net", "model_source": "0" * 64, "image_size": (48, 64),
        "model_start": "a" * 64, "weights": "f" * 64, "precision": "bfloat16", "threads": 2, "device": "cuda",
        "bare": True, "groups": "0" * 64,
    }  # fmt: skip
    for field, value in fields.items():
        yield field, replace(plain, **{field: value})


def studies() -> Iterator[tuple[str, StudyConfig]]:
    """Yield studies, each with a name."""
    asked = question([], None, [])
    plain = StudyConfig(CLEAN, tuple(asked.methods), tuple(asked.contrasts), "cifar10")
    yield "the notebook's question", plain
    yield "quick", replace(plain, protocol=QUICK)
    more = question(["l2", "dropout:rate=0.5"], "batch_norm", ["l2:dropout"])
    yield (
        "a baseline and a contrast",
        replace(plain, methods=tuple(more.methods), contrasts=tuple(more.contrasts), data="digits"),
    )
    fields: dict[str, Any] = {
        "looks": (6, 12), "first_seed": 100, "budget": 600, "margin": 1.0, "gap_margin": 2,
        "given": ("epochs", "vary"), "model": "resnet20", "model_source": "0" * 64, "image_size": (48, 64),
        "model_start": "a" * 64, "weights": "f" * 64, "precision": "float32", "threads": 1, "metric": "f1",
        "alpha": 0.01, "until_decided": 20, "bare": True, "groups": "0" * 64,
    }  # fmt: skip
    for field, value in fields.items():
        yield field, replace(plain, **{field: value})
    yield "a run of a study", replace(plain, looks=(3,))


def draws() -> dict[str, list[int]]:
    """Return the first draws of every stream, under a seed that varies it and under the one that does not."""
    found = {}
    for stream in STREAMS:
        for words in (("split", "init", "order"), ()):
            generator = (run_key(7, words) / stream / 3).generator()
            found[f"{stream}, {'varied' if words else 'fixed'}"] = generator.integers(0, 2**31, 3).tolist()
    return found


def golden() -> dict[str, Any]:
    """Return everything that must not change."""
    found: dict[str, Any] = {"runs": {}, "studies": {}, "runs of a study": {}, "draws": draws()}
    for name, run in runs():
        found["runs"][name] = {"id": run.run_id(DATA_HASH), "canonical": canonical_json(run.as_dict())}
    for name, study in studies():
        found["studies"][name] = {"id": study.study_id(DATA_HASH), "canonical": canonical_json(study.as_dict())}
        run = study.run(study.protocol, study.methods[-1], study.first_seed, 1)
        found["runs of a study"][name] = {"id": run.run_id(DATA_HASH), "canonical": canonical_json(run.as_dict())}
    return found


if __name__ == "__main__":
    print(json.dumps(golden(), indent=1, ensure_ascii=False, sort_keys=True))  # noqa: T201
