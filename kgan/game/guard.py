"""The callback that stops a run whose numbers broke."""

import keras
import numpy as np
from keras import ops

from kgan.utils.arguments import check_count, check_rate
from kgan.utils.hints import Logs

_ADVICE = (
    "Load the last good checkpoint, or start again with a lower learning rate, with clipnorm=1.0 "
    "on that player's optimizer, or in float32."
)


class NaNGuard(keras.callbacks.Callback):
    """Stops training when a loss is no number or diverges, and names the player and the term.

    `fit` adds one. At the end of an epoch it raises before any later callback can save
    the broken model, so what is saved per epoch stays what it was. Use `every=1` with a
    checkpoint that is saved within epochs.

    Args:
        every: integer. Look at the logs on every `every`-th batch, and at the end of each epoch.
            Looking waits for the device; a loss that broke stays broken, so nothing is missed.
            Defaults to 10.
        limit: float, a loss or a term beyond it, up or down, has diverged. At 1e12 two neighbouring
            float32 numbers are 65,536 apart, so a loss no longer tells one step from the next, and
            optimizers that square gradients are about to overflow; critics of Wasserstein losses
            and sums over pixels stay far below. Defaults to 1e12.

    Raises:
        ValueError: from `fit`, when a term or a loss is NaN, infinite or beyond `limit`.

    Example:

    ```python
    import kgan

    model = kgan.zoo.load("vanilla", like=(2,))
    points = kgan.data.toys.ring(256, seed=0)
    model.fit(points, callbacks=[kgan.callbacks.NaNGuard(every=1)], verbose=0)
    ```
    """

    def __init__(self, every: int = 10, limit: float = 1e12) -> None:
        super().__init__()
        self.every = check_count("every", every)
        self.limit = check_rate("limit", limit)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Looks at the logs when `every` batches have passed since the last look."""
        # Not batch % every: with steps_per_execution only some batches end with a call.
        if batch >= self._next:
            self._next = batch + self.every
            self._look(logs, f"by batch {batch + 1} of epoch {self._epoch + 1}")

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Remembers which epoch runs, and who plays."""
        self._epoch, self._next = epoch, 0
        # JAX would put its state back each time that a callback asks for the model.
        self._players = self.model.players

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Looks at the epoch's logs, and at the weights that its last step left."""
        self._look(logs, f"by the end of epoch {epoch + 1}")
        for player, variables in self.model.player_variables.items():
            # One number per player: a sum is not finite where an entry is not.
            total = sum(ops.sum(ops.abs(ops.cast(v, "float32"))) for v in variables)
            if not np.isfinite(float(ops.convert_to_numpy(total))):
                raise ValueError(
                    f"A weight of player '{player}' became NaN or infinite by the end of epoch "
                    f"{epoch + 1}, so training stopped before the model was saved. {_ADVICE} "
                    f"Received: weights of '{player}' that are not finite"
                )

    def _look(self, logs, when):
        logs = logs or {}
        for player, description in self._players.items():
            # The terms first: a loss is broken because one of them is.
            for term in (*description.terms, "loss"):
                value = float(logs.get(f"{player}_{term}", 0.0))
                if abs(value) > self.limit and np.isfinite(value):
                    raise ValueError(
                        f"The term '{term}' of player '{player}' diverged: it became {value:.3g} "
                        f"{when}, beyond {self.limit:.0e}, so training stopped before the model "
                        f"was saved. {_ADVICE} Where losses are so large by nature, scale the "
                        "data, or pass kgan.callbacks.NaNGuard(limit=...). "
                        f"Received: {player}_{term}={value}"
                    )
                if not np.isfinite(value):
                    raise ValueError(
                        f"The term '{term}' of player '{player}' became {value} {when}, so "
                        f"training stopped. {_ADVICE} Received: {player}_{term}={value}"
                    )
