"""The user's own networks in files: `net.py`, `path/to/net.py:NAME`, or `package.module:NAME`.

NAME is a class, a function or a network; without a name it is the one in the file that is a network for the images.
Modules can be imported from the working folder too.

This file imports no torch: what is spelled wrongly is answered at once.
"""

import contextlib
import hashlib
import importlib
import importlib.util
import sys
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from overfitlab.errors import OverfitlabError, UsageError
from overfitlab.models.own_code import OwnCode, explained, importable, is_installed

WEIGHTS = (".safetensors", ".pt", ".pth", ".bin")  # files that hold no network
LISTED = 6  # names in a message


@dataclass(frozen=True)
class OwnFile:
    """Where a network of the user's is written: `name` in the source file `path`, or the only one that is there."""

    spec: str
    path: Path
    module: str | None  # None for a file that was named by its path
    name: str | None

    def source_hash(self) -> str:
        """Return the SHA-256 of the source file, in hexadecimal; of that file alone, not of what it imports."""
        return hashlib.sha256(self._source()).hexdigest()

    @property
    def code(self) -> OwnCode:
        """The code in it, to be run."""
        return OwnCode(str(self.path), Path.cwd() if self.module else self.path.parent)

    def load(self) -> ModuleType:
        """Run the file and return its module; raises `OverfitlabError` where its code fails, in one line."""
        with self.code.running():
            return self._installed() or self._run_anew()

    def named(self, name: str) -> "OwnFile":
        """Return the same file with that name in it."""
        return OwnFile(f"{self.spec}:{name}", self.path, self.module, name)

    def found_in(self, module: ModuleType) -> object:
        """Return what the name stands for; raises `UsageError` where there is no such thing, with what there is."""
        if self.name is None or not hasattr(module, self.name):
            here = [name for name, value in vars(module).items() if _could_be_meant(name, value, module)]
            file = self.spec.rpartition(":")[0]
            if here:
                raise UsageError(
                    "no_such_network", "{path} has no network {name!r}, but {names}; write --model {file}:NAME",
                    path=self.path, name=self.name, names=", ".join(here[:LISTED]), file=file,
                )  # fmt: skip
            raise UsageError(
                "no_network_at_all", "{path} has no network {name!r}, nor any other class or function of its own",
                path=self.path, name=self.name,
            )  # fmt: skip
        return getattr(module, self.name)

    def _source(self) -> bytes:
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise OverfitlabError(
                "model_file_unreadable", "{path} cannot be read ({reason}); check --model {model}",
                path=self.path, reason=error.strerror, model=self.spec,
            ) from error  # fmt: skip

    def _installed(self) -> ModuleType | None:
        """Return the module where it belongs to an installed package, which is imported once like any other."""
        if self.module is not None and is_installed(self.path):
            return importlib.import_module(self.module)
        return None

    def _run_anew(self) -> ModuleType:
        """Run the file as it is now: in a notebook it may have been edited since it was last imported."""
        name = self.module or f"overfitlab_own_{hashlib.sha256(str(self.path.resolve()).encode()).hexdigest()[:12]}"
        spec = _module_spec(name) if self.module else importlib.util.spec_from_file_location(name, self.path)
        if spec is None:
            raise OverfitlabError("model_file_is_no_code", "{path} cannot be imported as Python code", path=self.path)
        module = importlib.util.module_from_spec(spec)
        before = sys.modules.get(name)
        sys.modules[name] = module  # dataclasses and pickles look their module up by its name
        try:
            # not through the import system, whose cached bytecode can be older than the source
            exec(compile(self._source(), str(self.path), "exec"), module.__dict__)  # noqa: S102 - the user's own code
        except BaseException:
            del sys.modules[name]
            if before is not None:
                sys.modules[name] = before
            raise
        return module


def find(spec: str) -> OwnFile:
    """Return where `spec` points; raises `UsageError` where there is no such file or module."""
    if spec.endswith(".py"):
        return OwnFile(spec, _file(spec, spec), None, None)
    left, _, name = spec.rpartition(":")
    if not left or not name.isidentifier():
        raise _unreadable(spec)
    if left.endswith(".py") or "/" in left or "\\" in left:
        return OwnFile(spec, _file(left, spec), None, name)
    if not all(part.isidentifier() for part in left.split(".")):
        raise _unreadable(spec)
    origin = _module_spec(left) if left != "__main__" else None  # which would start the program that runs again
    if origin is None or origin.origin is None or not origin.origin.endswith(".py"):
        raise UsageError(
            "no_model_module",
            "there is no Python source of a module {module!r}, neither installed nor in this folder; check --model "
            "{model}, or give its file: path/to/net.py:NAME",
            module=left, model=spec,
        )  # fmt: skip
    return OwnFile(spec, Path(origin.origin), left, name)


def refuse_weights(spec: str) -> None:
    """Raise `UsageError` where that is a file of weights: they belong to a network, and are none."""
    if spec.lower().endswith(WEIGHTS):
        raise UsageError(
            "model_is_weights",
            "{file} holds weights, not a network; name the network, and start from them: --model net.py --weights "
            "{file}",
            file=spec,
        )  # fmt: skip


def _could_be_meant(name: str, value: object, module: ModuleType) -> bool:
    return not name.startswith("_") and callable(value) and getattr(value, "__module__", None) == module.__name__


def _unreadable(spec: str) -> UsageError:
    return UsageError(
        "model_unreadable", "cannot read --model {model!r}; write path/to/net.py, path/to/net.py:NAME or MODULE:NAME",
        model=spec,
    )  # fmt: skip


def _file(text: str, spec: str) -> Path:
    with contextlib.suppress(OSError, RuntimeError, ValueError):  # too long; ~somebody unknown; a null character
        path = Path(text).expanduser()
        if path.is_file():
            return path
    raise UsageError("no_model_file", "there is no file {path}; check --model {model}", path=text, model=spec)


def _module_spec(name: str) -> ModuleSpec | None:
    with importable(Path.cwd()), contextlib.redirect_stdout(sys.stderr):
        try:
            return importlib.util.find_spec(name)
        except (ModuleNotFoundError, ValueError):  # no such package; a module without a spec, as __main__ is
            return None
        except (Exception, SystemExit) as error:  # the package that the module is in runs when it is looked for
            raise explained(error, str(Path(*name.split(".")[:-1], "__init__.py"))) from error
