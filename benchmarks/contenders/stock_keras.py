"""The notebook's own code, in today's Keras: `python stock_keras.py float32|mixed_bfloat16 [--jit]`.

KERAS_BACKEND chooses what it runs on.
"""

import importlib
from importlib.metadata import packages_distributions, version

import keras
from common import CLASSES, LEARNING_RATE, options, serve, standardized
from keras.layers import Activation, BatchNormalization, Conv2D, Dense, Flatten, MaxPool2D


def network() -> keras.Sequential:
    """Return the notebook's network."""
    layers = [keras.Input((32, 32, 3))]
    for number, filters in enumerate((32, 32, 64, 64, 128, 128), start=1):
        layers += [Conv2D(filters, 3, padding="same"), BatchNormalization(), Activation("relu")]
        if number % 2 == 0:
            layers.append(MaxPool2D((2, 2), strides=2, padding="same"))
    layers += [Flatten(), Dense(256), BatchNormalization(), Activation("relu")]
    return keras.Sequential([*layers, Dense(CLASSES, activation="softmax", dtype="float32")])


def limit_tensorflow(threads: int) -> None:
    """Let TensorFlow use that many threads; it has to be said before its first operation."""
    threading = importlib.import_module("tensorflow").config.threading
    threading.set_intra_op_parallelism_threads(threads)
    threading.set_inter_op_parallelism_threads(threads)


def main() -> None:
    """Train with `fit`, evaluate with `evaluate`."""
    asked = options(
        jit="compile with XLA, which Keras does by itself on JAX alone",
        large="evaluate 500 images at once instead of Keras's 32",
    )
    if asked.threads:
        limit_tensorflow(asked.threads)
    keras.mixed_precision.set_global_policy(asked.precision)
    x, y = standardized(asked.images)
    model = network()
    model.compile(
        optimizer=keras.optimizers.Adam(LEARNING_RATE),
        loss="sparse_categorical_crossentropy",
        metrics=["acc"],
        jit_compile=True if asked.jit else "auto",
    )

    def train(steps: int) -> None:
        count = steps * asked.batch
        model.fit(x[:count], y[:count], epochs=1, batch_size=asked.batch, verbose=0)

    def evaluate(count: int) -> None:
        model.evaluate(x[:count], y[:count], batch_size=500 if asked.large else None, verbose=0)

    backend = keras.backend.backend()
    about = {"keras": keras.__version__, "backend": f"{backend} {version(package_of(backend))}"}
    serve(train, evaluate, about | {"precision": asked.precision})


def package_of(backend: str) -> str:
    """Return the name of the package that is the backend, as it is installed."""
    if backend != "tensorflow":
        return backend
    return packages_distributions()["tensorflow"][0]


main()
