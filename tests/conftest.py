"""Settings that hold for all tests."""

import os

os.environ["KERAS_BACKEND"] = "torch"  # before anything imports Keras
