"""The notebook's own code, in today's Keras: `python stock_keras.py float32|mixed_bfloat16`; KERAS_BACKEND chooses."""

import sys

import keras
from common import BATCH, CLASSES, LEARNING_RATE, serve, standardized
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


def main() -> None:
    """Train with `fit`."""
    policy = sys.argv[1]
    keras.mixed_precision.set_global_policy(policy)
    x, y = standardized()
    model = network()
    model.compile(
        optimizer=keras.optimizers.Adam(LEARNING_RATE), loss="sparse_categorical_crossentropy", metrics=["acc"]
    )

    def train(steps: int) -> None:
        model.fit(x[: steps * BATCH], y[: steps * BATCH], epochs=1, batch_size=BATCH, verbose=0)

    serve(train, {"keras": keras.__version__, "backend": keras.backend.backend(), "precision": policy})


main()
