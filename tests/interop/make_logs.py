"""Make the logs that the tests of interop/ read, each by the program itself: `make interop` (.venv-interop).

They are small on purpose: some epochs of a network with a dozen weights on random numbers. `python make_logs.py NAME`
makes one of them again; `versions.txt` says which versions wrote them. `older/NAME` is the same by an older version
(`OLDER`), whose packages are laid over those of the environment for that one process.
"""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

LOGS = Path(__file__).resolve().parent / "logs"
HERE = Path(os.environ.get("LOGS_PLACE", LOGS))  # of older versions: a folder of their own
PACKAGES = (
    "keras",
    "pytorch-lightning",
    "fastai",
    "transformers",
    "tensorboard",
    "mlflow",
    "trackio",
    "pyarrow",
    "torch",
)
OLDER = {  # what wrote another format, or another shape of it, than today's version
    "mlflow": (
        "mlflow-skinny==2.3.2", "sqlalchemy==2.0.36", "alembic==1.13.3", "sqlparse==0.5.1", "mako==1.3.5",
        "click==8.1.7", "cloudpickle==3.0.0", "databricks-cli==0.18.0", "entrypoints==0.4", "gitpython==3.1.43",
        "gitdb==4.0.11", "smmap==5.0.1", "pytz==2024.2", "packaging==23.2", "protobuf==4.25.5",
        "importlib-metadata==6.11.0", "zipp==3.20.2", "setuptools==69.5.1", "six==1.16.0", "requests==2.32.3",
        "urllib3==2.2.3", "tabulate==0.9.0", "oauthlib==3.2.2", "pyjwt==2.9.0",
    ),
    "lightning": ("pytorch-lightning==1.9.5", "setuptools==69.5.1"),
    "huggingface": ("transformers==4.44.2", "tokenizers==0.19.1", "huggingface-hub==0.24.7", "accelerate==0.34.2"),
}  # fmt: skip
EPOCHS = 6


def numbers(seed, images=60):
    """Return inputs [images, 4] and labels of three classes that depend on them."""
    import numpy as np

    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(images, 4)).astype("float32")
    return inputs, (inputs[:, :3] + rng.normal(0, 0.7, (images, 3))).argmax(1).astype("int64")


def keras():
    """`CSVLogger`, a log that was appended to, and `History.history` as JSON."""
    os.environ["KERAS_BACKEND"] = "torch"
    import keras as library

    x, y = numbers(0)
    for method, rate in (("none", 0.0), ("dropout", 0.5)):
        for seed in range(3):
            library.utils.set_random_seed(seed)
            layers = library.layers
            network = library.Sequential([layers.Input((4,)), layers.Dense(16, "relu"), layers.Dropout(rate),
                                          layers.Dense(3, "softmax")])  # fmt: skip
            network.compile("adam", "sparse_categorical_crossentropy", metrics=["acc"])
            folder = HERE / "keras" / method / str(seed)
            folder.mkdir(parents=True, exist_ok=True)
            log = library.callbacks.CSVLogger(str(folder / "history.csv"))
            found = network.fit(x, y, validation_split=0.5, epochs=EPOCHS, verbose=0, callbacks=[log])
            (HERE / "keras_json" / method).mkdir(parents=True, exist_ok=True)
            (HERE / "keras_json" / method / f"history-{seed}.json").write_text(json.dumps(found.history))
            if (method, seed) == ("none", 2):  # resumed: the header is not written again
                log = library.callbacks.CSVLogger(str(folder / "history.csv"), append=True)
                network.fit(
                    x, y, validation_split=0.5, epochs=EPOCHS + 2, initial_epoch=EPOCHS, verbose=0, callbacks=[log]
                )


def lightning():
    """`metrics.csv` and `hparams.yaml` of Lightning's `CSVLogger`: sparse rows, and a test at the end."""
    import pytorch_lightning as library
    import torch
    from pytorch_lightning.loggers import CSVLogger
    from torch.utils.data import DataLoader, TensorDataset

    class Network(library.LightningModule):
        def __init__(self, method, seed):
            super().__init__()
            self.save_hyperparameters()
            self.layers = torch.nn.Sequential(
                torch.nn.Linear(4, 16), torch.nn.ReLU(), torch.nn.Dropout(0.5 if method == "dropout" else 0.0),
                torch.nn.Linear(16, 3),
            )  # fmt: skip

        def step(self, batch, part):
            x, y = batch
            said = self.layers(x)
            loss = torch.nn.functional.cross_entropy(said, y)
            self.log(f"{part}_loss", loss, on_step=part == "train", on_epoch=True)
            self.log(f"{part}_acc", (said.argmax(1) == y).float().mean(), on_step=False, on_epoch=True)
            return loss

        def training_step(self, batch, index):
            return self.step(batch, "train")

        def validation_step(self, batch, index):
            self.step(batch, "val")

        def test_step(self, batch, index):
            self.step(batch, "test")

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), 0.01)

    data = [TensorDataset(*map(torch.tensor, numbers(seed))) for seed in range(3)]
    loaders = [DataLoader(each, batch_size=20) for each in data]
    for method in ("none", "dropout"):
        for seed in range(2):
            library.seed_everything(seed)
            logger = CSVLogger(str(HERE / "lightning"), name=method)
            trainer = library.Trainer(max_epochs=EPOCHS, logger=logger, enable_checkpointing=False, accelerator="cpu",
                                      enable_progress_bar=False, enable_model_summary=False,
                                      log_every_n_steps=1)  # fmt: skip
            network = Network(method, seed)
            trainer.fit(network, loaders[0], loaders[1])
            trainer.test(network, loaders[2], verbose=False)


def fastai():
    """fastai's `history.csv`, one training, and one that was appended to."""
    import torch
    from fastai.callback.progress import CSVLogger
    from fastai.data.core import DataLoaders
    from fastai.learner import Learner
    from fastai.metrics import accuracy
    from torch.utils.data import DataLoader, TensorDataset

    parts = [DataLoader(TensorDataset(*map(torch.tensor, numbers(seed))), batch_size=20) for seed in range(2)]
    for method in ("none", "dropout"):
        for seed in range(2):
            torch.manual_seed(seed)
            network = torch.nn.Sequential(torch.nn.Linear(4, 16), torch.nn.ReLU(),
                                          torch.nn.Dropout(0.5 if method == "dropout" else 0.0),
                                          torch.nn.Linear(16, 3))  # fmt: skip
            folder = HERE / "fastai" / method / f"seed{seed}"
            folder.mkdir(parents=True, exist_ok=True)
            learner = Learner(DataLoaders(*parts), network, loss_func=torch.nn.CrossEntropyLoss(), metrics=accuracy,
                              path=folder, cbs=[])  # fmt: skip
            with learner.no_bar(), learner.no_logging():
                learner.fit(EPOCHS, cbs=CSVLogger())
                if (method, seed) == ("none", 1):
                    learner.fit(EPOCHS, cbs=CSVLogger(append=True))


def huggingface():
    """`trainer_state.json` of the Trainer."""
    import torch
    from transformers import Trainer, TrainingArguments

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = torch.nn.Sequential(torch.nn.Linear(4, 16), torch.nn.ReLU(), torch.nn.Linear(16, 3))

        def forward(self, x, labels=None):
            said = self.layers(x)
            return {"loss": torch.nn.functional.cross_entropy(said, labels), "logits": said}

    def rows(seed):
        x, y = numbers(seed)
        return [{"x": torch.tensor(one), "labels": int(label)} for one, label in zip(x, y, strict=True)]

    def metrics(found):
        return {"accuracy": float((found.predictions.argmax(1) == found.label_ids).mean())}

    for seed in range(2):
        torch.manual_seed(seed)
        with tempfile.TemporaryDirectory() as folder:
            given = TrainingArguments(folder, num_train_epochs=EPOCHS, eval_strategy="epoch", logging_strategy="epoch",
                                      save_strategy="no", report_to=[], use_cpu=True, disable_tqdm=True, seed=seed,
                                      remove_unused_columns=False)  # fmt: skip
            trainer = Trainer(Network(), given, train_dataset=rows(0), eval_dataset=rows(1), compute_metrics=metrics)
            trainer.train()
            place = HERE / "huggingface" / "none" / f"seed-{seed}"
            place.mkdir(parents=True, exist_ok=True)
            trainer.state.save_to_json(str(place / "trainer_state.json"))


def tensorboard():
    """Event files: simple values of PyTorch's writer, and scalars as tensors, as TensorFlow 2 and Keras write them."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.summary.writer.event_file_writer import EventFileWriter
    from tensorboard.util.tensor_util import make_tensor_proto
    from torch.utils.tensorboard import SummaryWriter

    of_scalars = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="scalars"))
    for seed in range(2):
        folder = HERE / "tensorboard" / "none" / str(seed)
        with SummaryWriter(str(folder)) as writer:
            for epoch in range(EPOCHS):
                writer.add_scalar("train/loss", 1.0 / (1 + epoch) + 0.01 * seed, epoch)
                writer.add_scalar("val/loss", 1.0 / (1 + epoch) + 0.05 * epoch, epoch)
                writer.add_scalar("val/acc", 0.5 + 0.05 * epoch + 0.01 * seed, epoch)
    for seed in range(2):
        for part in ("train", "validation"):
            writer = EventFileWriter(str(HERE / "tensorboard" / "dropout" / str(seed) / part))
            for epoch in range(EPOCHS):
                for tag, value in (("epoch_loss", 2.0 / (1 + epoch)), ("epoch_accuracy", 0.5 + 0.06 * epoch)):
                    entry = Summary.Value(
                        tag=tag, tensor=make_tensor_proto(value, dtype="float32"), metadata=of_scalars
                    )
                    writer.add_event(Event(step=epoch, wall_time=1.0, summary=Summary(value=[entry])))
            writer.close()


def mlflow():
    """MLflow's stores: a database, and a folder of files."""
    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
    from mlflow.tracking import MlflowClient

    place = HERE / "mlflow"
    place.mkdir(parents=True, exist_ok=True)
    for uri in (f"sqlite:///{place}/mlflow.db", f"file://{place}/files"):
        client = MlflowClient(uri)
        experiment = client.create_experiment("judge")
        for method in ("none", "dropout"):
            for seed in range(2):
                run = client.create_run(experiment, run_name=f"{method}-{seed}").info.run_id
                client.log_param(run, "method", method)
                client.log_param(run, "seed", seed)
                for epoch in range(EPOCHS):
                    client.log_metric(
                        run, "val_acc", 0.5 + 0.04 * epoch + 0.01 * seed + 0.02 * (method == "dropout"), step=epoch
                    )
                    client.log_metric(run, "val_loss", 1.0 / (1 + epoch), step=epoch)
                client.log_metric(run, "test_acc", 0.7 + 0.01 * seed)
                client.set_terminated(run)
    small(place / "mlflow.db")


def trackio():
    """Trackio's database of a project."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TRACKIO_DIR"] = folder
        os.environ["HF_HUB_OFFLINE"] = "1"
        import trackio as library

        for method in ("none", "dropout"):
            for seed in range(2):
                library.init(project="judge", name=f"{method}-{seed}", config={"method": method, "seed": seed})
                for epoch in range(EPOCHS):
                    library.log(
                        {"val_acc": 0.5 + 0.04 * epoch + 0.01 * seed, "val_loss": 1.0 / (1 + epoch)}, step=epoch
                    )
                library.finish()
        (HERE / "trackio").mkdir(parents=True, exist_ok=True)
        for found in Path(folder).rglob("*.db"):
            shutil.copy(found, HERE / "trackio" / "judge.db")
    small(HERE / "trackio" / "judge.db")


def small(database):
    """Make a database small enough to be kept: most of its tables are empty."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA page_size = 512")
        connection.execute("VACUUM")


def parquet():
    """A table as pandas writes it."""
    import pandas

    rows = [{"method": method, "seed": seed, "test_acc": 0.7 + 0.01 * seed + 0.02 * (method == "dropout")}
            for method in ("none", "dropout") for seed in range(4)]  # fmt: skip
    (HERE / "tables").mkdir(parents=True, exist_ok=True)
    pandas.DataFrame(rows).to_parquet(HERE / "tables" / "runs.parquet")


MAKERS = {
    maker.__name__: maker for maker in (keras, lightning, fastai, huggingface, tensorboard, mlflow, trackio, parquet)
}


def made(name):
    """Make the logs of a name in a process of its own, and return whether that succeeded."""
    maker = name.removeprefix("older/")
    command = [sys.executable, __file__, "--inside", maker]
    if maker == name:
        shutil.rmtree(HERE / ("tables" if name == "parquet" else name), ignore_errors=True)
        return not subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode
    shutil.rmtree(LOGS / "older" / maker, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        fetch = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder, *OLDER[maker]]
        environment = os.environ | {"PYTHONPATH": folder, "LOGS_PLACE": str(LOGS / "older")}
        return not (
            subprocess.run(fetch, check=False).returncode
            or subprocess.run(command, check=False, stdout=subprocess.DEVNULL, env=environment).returncode
        )


def versions():
    """Yield which versions wrote the logs: of the packages that are here, and of the older ones."""
    for package in PACKAGES:
        try:
            yield f"{package} {version(package)}"
        except PackageNotFoundError:
            continue
    yield from (f"older/{name}: {packages[0].replace('==', ' ')}" for name, packages in OLDER.items())


def main():
    """Make what was named; all of it where nothing was named."""
    if len(sys.argv) == 3 and sys.argv[1] == "--inside":
        MAKERS[sys.argv[2]]()
        return
    for name in sys.argv[1:] or (*MAKERS, *(f"older/{name}" for name in OLDER)):
        sys.stdout.write(f"{name}: {'made' if made(name) else 'FAILED'}\n")
    (LOGS / "versions.txt").write_text("\n".join(versions()) + "\n")


if __name__ == "__main__":
    main()
