"""The private names of Keras that kgan uses, each in one function.

Keras promises nothing about them, so setup.cfg admits the minor release that they were read in,
and `tests/backend/keras_internals_test.py` checks each in the Keras that is installed. For the next
release: raise the bound, run that test, change what fails. No other file may use such a name.

Called or read, each through the function on its left:

| function | private name | instead of |
|---|---|---|
| `all_layers` | `Layer._flatten_layers` | `Model.layers`, which holds the outermost layers only |
| `could_train` | `Layer._trainable_variables` | `Layer.trainable_variables`, empty while frozen |
| `forget` | `Layer._tracker` | a layer that is replaced is still counted among its model's |
| `in_inference` | `Layer._get_call_context` | `layer(x, training=False)`, which holds on after it |
| `last_input` | `Operation._inbound_nodes` | `Layer.input`, which is that of the first call |
| `drop_loss_tracker` | `Trainer._loss_tracker` | an option of `compile` to track no loss |
| `require_compiled` | `Trainer._assert_compile_called` | a message of our own beside Keras's |
| `is_state_of_a_step` | `Trainer._jax_state` | Keras would track it after each step |
| `in_order` | `Trainer._flatten_metrics_in_order` | another order than that of Keras's `evaluate` |
| `is_called_by_fit` | `_use_cached_eval_dataset` of `evaluate` | nothing public says who calls |
| `variables_of` | `Optimizer._trainable_variables` | `Optimizer.variables`, which holds its state |
| `averages_of` | `Optimizer._model_variables_moving_average` | the same |
| `state_of` | `saving_lib._save_state` and its `H5IOStore` | `save_weights`, which takes a path |
| `begin_at` | `Trainer._initial_epoch` | `initial_epoch` of `fit`, known before a backup is read |
| `whole_file` | `H5IOStore.h5_file` | `load_model` tells a model of its own variables only |

Overridden:

| file | private name | what for |
|---|---|---|
| `tensorflow.py` | `Trainer._maybe_symbolic_build` | Keras would call the built model on a batch |
| `jax_functions.py` | `Trainer._symbolic_build` | an unbuilt layer would take a batch away |
| `torch.py` | `Trainer._symbolic_build` | the same |
"""

import io


def all_layers(layer):
    """A layer or model and all layers within it, at any depth, each once."""
    return list(layer._flatten_layers())


def could_train(layer):
    """The variables that a layer or model trains, frozen ones among them, in the layer's order."""
    made = {id(v) for each in all_layers(layer) for v in each._trainable_variables}
    return [variable for variable in layer.variables if id(variable) in made]


def forget(model, layer):
    """Takes a layer out of a model, which counts each that was ever an attribute of it."""
    model._tracker.untrack(layer)


def is_state_of_a_step(name):
    """Whether a model's attribute of this name is what JAX hands from one step to the next."""
    return name == "_jax_state"


def in_inference(layer, x):
    """What a layer makes of `x` in inference mode, within a call in whatever mode."""
    # Keras takes the `training` of a call for that of all that follow within the same outer call.
    context = layer._get_call_context()
    mode = context.get_value("training")
    made = layer(x, training=False)
    context.set_value("training", mode)
    return made


def last_input(layer):
    """The symbolic tensor that a layer was last called on, the first where it takes several."""
    return layer._inbound_nodes[-1].input_tensors[0]


def drop_loss_tracker(model):
    """Takes away the mean of one loss that `compile` gives a model: a game logs its own sum."""
    model._loss_tracker = None


def require_compiled(model, method):
    """Raises Keras's own `ValueError` when a model that is not compiled is asked for `method`."""
    model._assert_compile_called(method)


def in_order(model, logs):
    """The values of `logs`, a dict, in the order in which Keras's `evaluate` lists them."""
    return model._flatten_metrics_in_order(logs)


def is_called_by_fit(arguments):
    """Whether the keyword arguments of `evaluate` come from `fit`, which caches validation data."""
    return arguments.get("_use_cached_eval_dataset", False)


def begin_at(model, epoch):
    """Lets a `fit` whose callbacks begin start at an epoch; `None` for that of its caller."""
    model._initial_epoch = epoch


def variables_of(optimizer):
    """The list of variables that an optimizer was built on, in its own order."""
    return optimizer._trainable_variables


def averages_of(optimizer):
    """The moving average of each of `variables_of(optimizer)`, which has `use_ema=True`."""
    return optimizer._model_variables_moving_average


def state_of(model, skipped=()):
    """All state of a model, but for skipped layers, as Keras writes it to a `.weights.h5` file.

    An `io.BytesIO`: HDF5 can't close a file on a full disk, and ends the process when it is asked
    to again.
    """
    from keras.src.saving import saving_lib

    buffer = io.BytesIO()
    store = saving_lib.H5IOStore(buffer, mode="w")
    saving_lib._save_state(
        model,
        weights_store=store,
        assets_store=None,
        inner_path="",
        visited_saveables={id(layer) for layer in skipped},
    )
    store.close()
    return buffer


def whole_file(store):
    """The HDF5 file that Keras loads from, where it does; `store` is what a layer is given."""
    return getattr(store, "h5_file", None)
