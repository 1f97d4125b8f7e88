"""A trained network, loaded from its run's folder."""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import safetensors
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from overfitlab.config import PRECISIONS
from overfitlab.data import loading
from overfitlab.data.dataset import Images
from overfitlab.data.prepare.batches import BatchSource
from overfitlab.data.prepare.images import WHITE
from overfitlab.data.prepare.standardize import Standardization
from overfitlab.display import display_name
from overfitlab.errors import DamagedError, DivergedError, OverfitlabError, UsageError, unknown_name
from overfitlab.kernels import library
from overfitlab.methods import registry as methods
from overfitlab.models import registry as models
from overfitlab.models.handed import PYTHON, Handed, Model, is_own, taken
from overfitlab.models.model import Model as BuiltModel
from overfitlab.randomness import run_key
from overfitlab.records.run_folder import INSERTED, RECORD, WEIGHTS, RunFolder
from overfitlab.records.run_record import DIVERGED, FINISHED
from overfitlab.runs.run import Run
from overfitlab.training import compute
from overfitlab.training.compute import Compute
from overfitlab.values import check_whole

LARGEST_BATCH = 200  # images; large enough for full speed, small enough for the cache
PIXELS_IN_A_BATCH = LARGEST_BATCH * 32 * 32  # bounds the memory where images are larger
LARGEST_THREADS = 1024


@dataclass(frozen=True)
class Trained:
    """A finished run's network in evaluation mode, and what its inputs and outputs mean."""

    run: Run
    model: nn.Module  # standardized images [B, C, H, W] -> logits [B, K]
    compute: Compute
    standardization: Standardization

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the images that it was trained on."""
        height, width, channels = self.run.own.data.image_shape
        return height, width, channels

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of its K outputs."""
        return tuple(self.run.own.data.classes)

    @property
    def brightest(self) -> int:
        """The value of a white pixel: 255, and 16 for scikit-learn's digits."""
        return loading.brightest(self.run.own.data.source)

    @property
    def white(self) -> int:
        """The value of a white pixel in files of 16 bits, as the training images had it: 65535, or 4095 of 12 bits."""
        return self.run.own.data.white or WHITE

    @property
    def batch_size(self) -> int:
        """How many images to pass through the network at once: 200, fewer where they are larger than 32x32."""
        height, width, _ = self.image_shape
        return max(1, min(LARGEST_BATCH, PIXELS_IN_A_BATCH // (height * width)))

    def inputs(self, images: Images) -> Iterable[Tensor]:
        """Yield batches [B, C, H, W] of uint8 images [N, H, W, C], standardized as in training.

        A batch is valid until the next one is made.
        """
        if not len(images):
            return
        source = self.source(images, np.zeros(len(images), dtype=np.int64))
        for x, _ in source.in_order(np.arange(len(images), dtype=np.int64), self.batch_size):
            yield x

    def source(self, images: Images, labels: NDArray[np.int64]) -> BatchSource:
        """Return a source of batches of those images, standardized as in training."""
        return BatchSource(
            images,
            labels,
            self.standardization,
            largest_batch=max(1, min(self.batch_size, len(images))),
            dtype=self.compute.dtype,
        )

    @torch.inference_mode()
    def log_probabilities(self, x: Tensor) -> NDArray[np.float64]:
        """Return the log-softmax [B, K] of standardized images [B, C, H, W], in nats.

        It is taken in float64 from the logits of the run's network, whatever its precision. Raises `OverfitlabError`
        where they are not finite.
        """
        with self.compute.autocast():
            logits = self.model(x)
        self.refuse_not_finite(logits)
        found: NDArray[np.float64] = logits.double().log_softmax(1).numpy()
        return found

    def refuse_not_finite(self, computed: Tensor) -> None:
        """Raise `OverfitlabError` where not all of that is finite: no probability follows from it."""
        if not bool(computed.isfinite().all()):
            raise OverfitlabError(
                "network_computes_no_numbers",
                "the network of {folder} computes values that are not finite; train the run again",
                folder=self.run.folder,
            )


def load_trained(
    run: Run, *, precision: str = "float32", threads: int | None = None, model: Model | None = None
) -> Trained:
    """Return the network that `run` ended with, in evaluation mode.

    Args:
        run: a finished run.
        precision: of the computation: `"float32"`, `"float64"`, `"bfloat16"`, or `"auto"`, what a training would
            take on this machine. It need not be the training's own.
        threads: of the computation; None for one a core.
        model: the user's own network, as `train` takes it. A run with such a network that was read from its folder is
            not opened without, because that may come from anybody, and to build the network is to run a program.

    Raises:
        UsageError: a network of the user's own and no `model`, or another one; a precision or a number of threads that
            does not exist.
        DivergedError: the run diverged.
        DamagedError: its files are missing or damaged.
        OverfitlabError: it has not finished, or the user's own network is another one by now.
    """
    if precision not in PRECISIONS:
        raise unknown_name("precision", precision, PRECISIONS)
    if threads is not None:
        check_whole("threads", threads, low=1, high=LARGEST_THREADS)
    _refuse_unfinished(run)
    resolved = compute.resolve(precision, threads)
    network = _with_weights(run, model)
    record = run.own
    standardization = Standardization(
        mean=np.array(record.data.mean, dtype=np.float64),
        std=np.array(record.data.std, dtype=np.float64),
    )
    network = network.to(resolved.dtype).eval().requires_grad_(False)
    return Trained(run, network, resolved, standardization)


def trained_network(run: Run, model: Model | None = None) -> nn.Module:
    """Return the network that `run` ended with, in float32 and evaluation mode; raises as `load_trained`."""
    _refuse_unfinished(run)
    return _with_weights(run, model).to(torch.float32).eval()


def _with_weights(run: Run, model: Model | None) -> BuiltModel:
    """Return the network of a run with its weights, after checking them."""
    own, inserted = (_tensors(run, name) for name in (WEIGHTS, INSERTED))
    try:
        network = _network(run, model)
        network.load_tensors(own, inserted)
    except OverfitlabError:
        raise
    except (RuntimeError, TypeError, ValueError) as error:  # names or shapes of another network
        raise OverfitlabError(
            "weights_of_another_version",
            "{folder}: the weights do not fit the network that this version builds from the record; train the run "
            "again",
            folder=run.folder,
        ) from error
    return network


@contextlib.contextmanager
def computing(trained: Trained) -> Iterator[None]:
    """Compute with the threads that were asked for and their kernels, and with those of before afterwards."""
    threads, kernels = torch.get_num_threads(), library.library()
    compute.prepare(trained.compute)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        library.use(library.OFF if kernels is None else kernels.instructions)


def _consented(run: Run, model: Model | None) -> Handed:
    """Return the network to build: the record's where it is one of ours or of timm's, else the one that was named."""
    recorded: str = run.own.config.model
    shown = display_name(recorded)
    if not is_own(recorded):
        if model is not None and model != recorded:
            raise UsageError(
                "trained_with_another_model",
                "{folder} was trained with --model {recorded}, not {model}; leave --model out",
                folder=run.folder, recorded=shown, model=model if isinstance(model, str) else taken(model).spec,
            )  # fmt: skip
        return taken(recorded)
    if model is None and run.handed is not None:
        return run.handed
    if model is None and recorded.startswith(PYTHON):
        raise UsageError(
            "model_is_in_python",
            "{folder} was trained with {name}, a network that was passed in Python; pass it again there "
            "(model={name}), or write it to a file: --model net.py:{name}",
            folder=run.folder, name=shown.removeprefix(PYTHON),
        )  # fmt: skip
    if model is None:
        raise UsageError(
            "model_is_a_program",
            "{folder} was trained with the network in {model}, which is custom code. If you trust it, pass --model "
            "{model}",
            folder=run.folder, model=shown,
        )  # fmt: skip
    return taken(model)


def _refuse_unfinished(run: Run) -> None:
    status = run.record.status
    if status == DIVERGED:
        raise DivergedError(
            "run_diverged", "{folder} diverged, so its network cannot be used; train again with a lower "
                            "--learning-rate",
            folder=run.folder,
        )  # fmt: skip
    if status != FINISHED:
        raise OverfitlabError(
            "run_unfinished", "{folder} has not finished training; run its command again", folder=run.folder
        )


def _tensors(run: Run, name: str) -> dict[str, Tensor]:
    """Return the weights in a file of the run by name, after checking them; none where the run has no such file."""
    folder = RunFolder(run.folder)
    path = folder / name
    if name != WEIGHTS and name not in run.record.files:
        return {}
    if not path.is_file():
        raise DamagedError(
            "run_weights_missing", "{path} is missing; train the run again, or restore the file", path=path
        )
    if folder.checksums([name])[name] != run.record.files.get(name):
        raise DamagedError(
            "run_weights_changed",
            "{path} is not the file that the training wrote (its checksum differs); train the run again, or restore "
            "the file",
            path=path,
        )
    try:
        tensors = safetensors.torch.load(path.read_bytes())
    except (OSError, safetensors.SafetensorError) as error:
        raise DamagedError(
            "run_weights_unreadable", "{path} cannot be read ({reason}); train the run again, or restore the file",
            path=path, reason=error,
        ) from error  # fmt: skip
    if not all(bool(tensor.isfinite().all()) for tensor in tensors.values()):
        raise DamagedError(
            "run_weights_not_finite", "{path} holds weights that are not finite; train the run again", path=path
        )
    return tensors


def _network(run: Run, model: Model | None) -> BuiltModel:
    """Build the run's network anew, to the initial weights, in case something of them is not in its file."""
    config, data = run.own.config, run.own.data
    network = _consented(run, model).settled(data.image_shape, len(data.classes))
    if not _is_the_same(network, config.model_source, config.model_start):
        raise OverfitlabError(
            "model_file_changed",
            "{model} is not the network that {folder} was trained with (its code differs), so it cannot be built; "
            "restore it, or train again",
            model=network.spec, folder=run.folder,
        )  # fmt: skip
    try:
        method = methods.parse(config.method)
    except UsageError as error:
        raise DamagedError(
            "run_of_an_unknown_method", "{path} is damaged ({reason}); train the run again",
            path=run.folder / RECORD, reason=error
        ) from None  # fmt: skip
    key, warm_up = run_key(config.seed, config.protocol.vary), config.protocol.batch_norm_warm_up
    return models.build(network, data.image_shape, len(data.classes), method, key, warm_up=warm_up, bare=config.bare)


def _is_the_same(network: Handed, source: str | None, start: str | None) -> bool:
    """Return whether that is the network of a run, in a file or in Python, whichever it was when it was trained."""
    if network.source == source:
        return True
    known_as = {network.code_hash(), network.file_hash()}
    return source is not None and source in known_as and start == network.start
