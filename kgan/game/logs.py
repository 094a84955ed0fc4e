"""What is logged for each player."""

from keras import ops

from kgan.utils.hints import Batch, Tensor, Terms


class Logs:
    """The part of an `AdversarialModel` that logs losses and terms."""

    def track(self, player: str, loss: Tensor, terms: Terms, batch: Batch) -> None:
        """Logs a player's loss and terms, each batch by its size: called by the engine only."""
        num_samples = ops.shape(batch[0])[0]
        self.trackers[f"{player}_loss"].update_state(loss, sample_weight=num_samples)
        for name, value in terms.items():
            self.trackers[f"{player}_{name}"].update_state(value, sample_weight=num_samples)

    def get_metrics_result(self) -> dict[str, Tensor]:
        """The logs: each player's loss and terms, and `loss`, the sum of the players' losses.

        `loss` is for callbacks that watch it by default, such as `TerminateOnNaN`: in a game it
        says nothing about quality.
        """
        logs = super().get_metrics_result()
        if self.trackers:
            logs["loss"] = sum(logs[f"{player}_loss"] for player in self.players)
        return logs
