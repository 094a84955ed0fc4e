"""What watches the training of a run: pictures, figures, a log and the checkpoint."""

import keras

from kgan.callbacks import Health, SampleGrid, TranslationStrips
from kgan.data.field_lookup import are_paired
from kgan.data.sampling import first_samples


def callbacks_of(run, model, data, picture_every):
    """The callbacks of a run, in the order in which they are called.

    Args:
        run: the `Run`.
        model: its model.
        data: what `fit` is given, checked.
        picture_every: integer, epochs from picture to picture; 0 for none.

    Returns:
        A list of `keras.callbacks.Callback`.
    """
    callbacks = [*_pictures(run, model, data, picture_every)] if picture_every else []
    if model.answers.imitation is not None:
        # Before the logger, which writes what it finds in the logs.
        callbacks.append(Health(folder=run.folder))
    # The model last: its file says how far the run is, and all else is made again from there.
    return [
        *callbacks,
        keras.callbacks.CSVLogger(str(run.history_file), append=True),
        keras.callbacks.ModelCheckpoint(str(run.model_file)),
    ]


def _pictures(run, model, data, every):
    """Pictures of what is made from noise, or else of the first samples."""
    if model.answers.generator is not None:
        return [SampleGrid(run.samples, every=every)]
    shown = first_samples(model.fields, data, 8)
    ways = {
        name: endpoint
        for name, endpoint in model.endpoints.items()
        if len(endpoint.inputs) == 1 and endpoint.imitates and endpoint.inputs[0].name in shown
    }
    if not ways:
        return []
    inputs = {name: shown[endpoint.inputs[0].name] for name, endpoint in ways.items()}
    # Of two collections, sample i of one is not the answer to sample i of the other.
    targets = {name: shown[way.imitates] for name, way in ways.items()}
    targets = targets if are_paired(model.fields) else {}
    return [TranslationStrips(run.samples, inputs, targets, every=every)]
