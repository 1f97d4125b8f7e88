"""What does each regularization method do to overfitting on your images?

The public API. Everything is imported when it is first used, so that `import overfitlab` is quick.
"""

import importlib
from typing import TYPE_CHECKING, Any

from overfitlab._version import __version__

if TYPE_CHECKING:
    from overfitlab.api.comparing import compare
    from overfitlab.api.describing import describe_method
    from overfitlab.api.diagnosing import diagnose
    from overfitlab.api.evaluating import evaluate
    from overfitlab.api.explaining import explain
    from overfitlab.api.judging import judge
    from overfitlab.api.predicting import predict
    from overfitlab.api.runs import Run, find_run, load_run
    from overfitlab.api.studies import Study, find_study, load_study
    from overfitlab.api.training import train
    from overfitlab.errors import (
        BusyError,
        CancelledError,
        DamagedError,
        DataError,
        DivergedError,
        DownloadError,
        OutOfMemoryError,
        OverfitlabError,
        UsageError,
    )
    from overfitlab.events import Listener
    from overfitlab.methods.base import Method
    from overfitlab.methods.registry import make as method
    from overfitlab.methods.registry import names as method_names

_HOMES = {  # where a name is defined, and after a colon what it is called there
    "BusyError": "overfitlab.errors",
    "CancelledError": "overfitlab.errors",
    "DamagedError": "overfitlab.errors",
    "DataError": "overfitlab.errors",
    "DivergedError": "overfitlab.errors",
    "DownloadError": "overfitlab.errors",
    "Listener": "overfitlab.events",
    "Method": "overfitlab.methods.base",
    "OutOfMemoryError": "overfitlab.errors",
    "OverfitlabError": "overfitlab.errors",
    "Run": "overfitlab.api.runs",
    "Study": "overfitlab.api.studies",
    "UsageError": "overfitlab.errors",
    "compare": "overfitlab.api.comparing",
    "diagnose": "overfitlab.api.diagnosing",
    "describe_method": "overfitlab.api.describing",
    "evaluate": "overfitlab.api.evaluating",
    "explain": "overfitlab.api.explaining",
    "find_run": "overfitlab.api.runs",
    "find_study": "overfitlab.api.studies",
    "judge": "overfitlab.api.judging",
    "load_run": "overfitlab.api.runs",
    "load_study": "overfitlab.api.studies",
    "method": "overfitlab.methods.registry:make",
    "method_names": "overfitlab.methods.registry:names",
    "predict": "overfitlab.api.predicting",
    "train": "overfitlab.api.training",
}

__all__ = [
    "BusyError",
    "CancelledError",
    "DamagedError",
    "DataError",
    "DivergedError",
    "DownloadError",
    "Listener",
    "Method",
    "OutOfMemoryError",
    "OverfitlabError",
    "Run",
    "Study",
    "UsageError",
    "__version__",
    "compare",
    "describe_method",
    "diagnose",
    "evaluate",
    "explain",
    "find_run",
    "find_study",
    "judge",
    "load_run",
    "load_study",
    "method",
    "method_names",
    "predict",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home, _, called = _HOMES[name].partition(":")
    return getattr(importlib.import_module(home), called or name)


def __dir__() -> list[str]:
    return __all__
