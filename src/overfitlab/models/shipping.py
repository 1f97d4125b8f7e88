"""A network that was handed over in Python, on its way to the processes of a study.

It travels as a pickle of cloudpickle, in a folder that only this user can look into and that is gone afterwards; a
process takes it only if its SHA-256 is the one that it was told. No folder of a run or a study ever holds one, and none
that is found there is opened: to open a pickle is to run a program.
"""

import contextlib
import hashlib
import pickle
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from overfitlab.errors import DamagedError, OverfitlabError, UsageError, is_want_of_memory
from overfitlab.files import read_whole
from overfitlab.models.handed import PYTHON, Handed
from overfitlab.models.own_code import is_installed_module

LARGEST = 2**36  # bytes: that of a checkpoint


class Shipment(Struct, frozen=True):
    """Where a network lies for the processes of a study, and how it is recognised."""

    spec: str
    source: str | None
    start: str | None
    file: str
    sha256: str  # of the file
    folders: list[str]  # to import from, last


@contextlib.contextmanager
def shipped(network: Handed | None) -> Iterator[Shipment | None]:
    """Put a network where the processes of a study find it; None where it has a file or a name, which is enough.

    Raises `UsageError` where it cannot be pickled.
    """
    if network is None or not network.spec.startswith(PYTHON):
        yield None
        return
    content = _pickled(network)
    with tempfile.TemporaryDirectory(prefix="overfitlab-") as folder:
        file = Path(folder) / "network.pickle"
        file.write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        yield Shipment(
            network.spec, network.source, network.start, str(file), digest, [each for each in sys.path if each]
        )


def received(shipment: Shipment | None) -> Handed | None:
    """Return the network that the process which leads the study has put there; raises `DamagedError` for another."""
    if shipment is None:
        return None
    content = read_whole(Path(shipment.file), LARGEST)
    if hashlib.sha256(content).hexdigest() != shipment.sha256:
        raise DamagedError(
            "network_changed_on_its_way", "{file} is not the network that the study put there; start it again",
            file=shipment.file,
        )  # fmt: skip
    sys.path.extend(folder for folder in shipment.folders if folder not in sys.path)  # last: nothing of ours is hidden
    try:
        network = _unpacked(content)
    except Exception as error:  # a module of theirs that is not to be found from here, for one
        if is_want_of_memory(error):
            raise
        raise OverfitlabError(
            "network_not_unpacked",
            "{model} cannot be loaded in the processes of the study ({reason}); write it to a file: "
            "model='net.py:{name}'",
            model=shipment.spec.removeprefix(PYTHON), name=shipment.spec.removeprefix(PYTHON),
            reason=" ".join(str(error).split())[:200] or type(error).__name__,
        ) from error  # fmt: skip
    return Handed(shipment.spec, shipment.source, shipment.start, network)


def _unpacked(content: bytes) -> object:
    try:
        return pickle.loads(content)  # noqa: S301 - made by the process that leads this study, by its hash
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
    from overfitlab.models import timm_models

    timm_models.import_timm()  # whose torchvision can be built for another PyTorch: what it misses is declared
    return pickle.loads(content)  # noqa: S301 - the same


def _pickled(network: Handed) -> bytes:
    """Return the pickle of a network with the user's own code in it, or with the names of where that can be imported.

    The code is what the user's process runs now, whatever their files say by then; where it holds what has no pickle
    (an open file in a module of theirs), names have to do.
    """
    import cloudpickle

    theirs = [module for name, module in list(sys.modules.items()) if _is_theirs(name, module)]
    for by_value in (theirs, []):
        registered = [module for module in by_value if not _is_registered(module)]
        for module in registered:
            cloudpickle.register_pickle_by_value(module)
        try:
            return bytes(cloudpickle.dumps(network.network))
        except Exception as error:  # whatever somebody's objects do
            if is_want_of_memory(error):
                raise
            said = error
        finally:
            for module in registered:
                cloudpickle.unregister_pickle_by_value(module)
    raise UsageError(
        "network_has_no_pickle",
        "{model} cannot be sent to the processes of a study ({reason}); write it to a file: model='net.py:{name}'",
        model=network.spec.removeprefix(PYTHON), name=network.spec.removeprefix(PYTHON),
        reason=" ".join(str(said).split())[:200] or type(said).__name__,
    )  # fmt: skip


def _is_theirs(name: str, module: object) -> bool:
    here = getattr(module, "__file__", None) is not None and getattr(module, "__name__", None) == name
    return here and name != "__main__" and not is_installed_module(name)


def _is_registered(module: object) -> bool:
    import cloudpickle

    return getattr(module, "__name__", None) in cloudpickle.list_registry_pickle_by_value()
