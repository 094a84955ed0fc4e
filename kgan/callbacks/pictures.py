"""Pictures."""
import keras


class SampleGrid(keras.callbacks.Callback):
    """Grid."""
