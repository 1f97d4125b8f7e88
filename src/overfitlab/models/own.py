"""The user's own networks: a function in a file or module of theirs.

`path/to/net.py:function` or `package.module:function`, the latter importable from the working folder too. A function
whose first parameter is named `build` is called as `function(build, classes)` and describes the network to a
`Builder`; any other is called as `function(image_shape, classes)` and returns a `torch.nn.Module`.

This file imports no torch: what is spelled wrongly is answered at once.
"""

import contextlib
import hashlib
import importlib
import importlib.util
import inspect
import sys
import sysconfig
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from overfitlab.errors import OverfitlabError, UsageError, is_want_of_memory

LONGEST_REASON = 200  # characters of somebody else's error message


@dataclass(frozen=True)
class OwnNetwork:
    """Where a network of the user's is written: the function `function` in the source file `path`."""

    spec: str
    path: Path
    module: str | None  # None for a file that was named by its path
    function: str

    def source_hash(self) -> str:
        """Return the SHA-256 of the source file, in hexadecimal; of that file alone, not of what it imports."""
        return hashlib.sha256(self._source()).hexdigest()

    def load(self) -> Callable[..., Any]:
        """Run the file and return the function; raises `OverfitlabError` where its code fails, in one line."""
        with self.running():
            module = self._installed() or self._run_anew()
        found = getattr(module, self.function, None)
        if not callable(found):
            raise UsageError(
                "no_such_function", "{path} has no function {name!r}; write --model {file}:FUNCTION",
                path=self.path, name=self.function, file=self.spec.rpartition(":")[0],
            )  # fmt: skip
        return found  # type: ignore[no-any-return]

    def wants_builder(self, function: Callable[..., Any]) -> bool:
        """Return whether `function` describes its network to a builder.

        Raises `UsageError` where it takes neither (build, classes) nor (image_shape, classes).
        """
        try:
            signature = inspect.signature(function)
            signature.bind(None, None)
        except (TypeError, ValueError):
            raise UsageError(
                "function_takes_other_arguments",
                "{model} must take two arguments: (build, classes) or (image_shape, classes)",
                model=self.spec,
            ) from None
        return next(iter(signature.parameters)) == "build"

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Run the user's code: its folder can be imported from, what it prints goes to standard error.

        What it raises becomes an `OverfitlabError` that names its file and line.
        """
        folder = Path.cwd() if self.module else self.path.parent
        with _importable(folder.resolve()), contextlib.redirect_stdout(sys.stderr):
            try:
                yield
            except (Exception, SystemExit) as error:
                ours = isinstance(error, OverfitlabError) and _blamed(error) is None
                if ours or is_want_of_memory(error):
                    raise
                raise self.explain(error) from error

    def explain(self, error: BaseException) -> OverfitlabError:
        """Return `error` in one line: the user's file, the line in it, and what was wrong."""
        return _explained(error, self.path)

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
        if self.module is not None and _is_installed(self.path):
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


def find(spec: str) -> OwnNetwork:
    """Return where `spec` points; raises `UsageError` where there is no such file or module."""
    left, _, function = spec.rpartition(":")
    if not left or not function.isidentifier():
        raise _unreadable(spec)
    if left.endswith(".py") or "/" in left or "\\" in left:
        path = _existing(left)
        if path is None:
            raise UsageError("no_model_file", "there is no file {path}; check --model {model}", path=left, model=spec)
        return OwnNetwork(spec, path, None, function)
    if not all(part.isidentifier() for part in left.split(".")):
        raise _unreadable(spec)
    origin = _module_spec(left) if left != "__main__" else None  # which would start the program that runs again
    if origin is None or origin.origin is None or not origin.origin.endswith(".py"):
        raise UsageError(
            "no_model_module",
            "there is no Python source of a module {module!r}, neither installed nor in this folder; check --model "
            "{model}, or name its file: path/to/net.py:FUNCTION",
            module=left, model=spec,
        )  # fmt: skip
    return OwnNetwork(spec, Path(origin.origin), left, function)


def _unreadable(spec: str) -> UsageError:
    return UsageError(
        "model_unreadable", "cannot read --model {model!r}; write path/to/net.py:FUNCTION or MODULE:FUNCTION",
        model=spec,
    )  # fmt: skip


def _existing(text: str) -> Path | None:
    try:
        path = Path(text).expanduser()
        return path if path.is_file() else None
    except (OSError, RuntimeError, ValueError):  # too long; ~somebody who does not exist; a null character
        return None


def _module_spec(name: str) -> ModuleSpec | None:
    with _importable(Path.cwd()), contextlib.redirect_stdout(sys.stderr):
        try:
            return importlib.util.find_spec(name)
        except (ModuleNotFoundError, ValueError):  # no such package; a module without a spec, as __main__ is
            return None
        except (Exception, SystemExit) as error:  # the package that the module is in runs when it is looked for
            raise _explained(error, Path(*name.split(".")[:-1], "__init__.py")) from error


@contextlib.contextmanager
def _importable(folder: Path) -> Iterator[None]:
    added = str(folder) not in sys.path
    if added:
        sys.path.insert(0, str(folder))
    importlib.invalidate_caches()  # a file may be newer than the last look into its folder
    try:
        yield
    finally:
        if added:
            with contextlib.suppress(ValueError):  # the user's code may have taken it out
                sys.path.remove(str(folder))


def _explained(error: BaseException, path: Path) -> OverfitlabError:
    reason = " ".join(str(error).split())
    if isinstance(error, SyntaxError) and error.filename:
        return OverfitlabError(
            "model_file_is_misspelt", "{path}, line {line}: {type}: {reason}",
            path=error.filename, line=error.lineno, type=type(error).__name__, reason=error.msg,
        )  # fmt: skip
    if len(reason) > LONGEST_REASON:
        reason = f"{reason[:LONGEST_REASON]}..."
    where = _blamed(error) or str(path)
    if isinstance(error, OverfitlabError):  # a misused Builder
        said = error if reason == str(error) else reason
        return type(error)("builder_misused", "{place}: {reason}", place=where, reason=said)
    reason = reason.rstrip(": ")
    if not reason:
        return OverfitlabError("own_code_failed_silently", "{place}: {type}", place=where, type=type(error).__name__)
    return OverfitlabError(
        "own_code_failed", "{place}: {type}: {reason}", place=where, type=type(error).__name__, reason=reason
    )


def _blamed(error: BaseException) -> str | None:
    """Return the innermost place in a user's file that the error went through, "net.py, line 7"; None if it did not."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith("<") and not _is_installed(Path(frame.filename))]
    return f"{own[-1].filename}, line {own[-1].lineno}" if own else None


def _is_installed(path: Path) -> bool:
    """Return whether the file belongs to Python, to an installed package, or to this one."""
    folders = {Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "purelib", "platlib")}
    return not (folders | {Path(__file__).resolve().parent.parent}).isdisjoint(path.resolve().parents)
