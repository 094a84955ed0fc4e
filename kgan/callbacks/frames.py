"""What callbacks that save a picture after each epoch share."""

import pathlib

from kgan.backend.summaries import Summaries
from kgan.callbacks.cosmetic import Cosmetic
from kgan.drawing.films import epoch_of
from kgan.pictures import save_film, save_image
from kgan.utils.arguments import check_count
from kgan.utils.hints import Data, FilePath, Logs


class Frames(Cosmetic):
    """Saves what `draw` returns after each epoch, and a film of it all at the end.

    Subclasses check the model in `prepare`, before the first step, and draw.

    Args:
        folder: path of the folder for the pictures. It is made when missing; pictures there of
            later epochs, which another run left, are removed.
        every: integer. Saves a picture on every `every`-th epoch and on the last.
        gif: boolean, whether to make the film.
        log_dir: path for TensorBoard, or `None`.
        tag: string, what TensorBoard calls the pictures.
    """

    def __init__(
        self, folder: FilePath, every: int, gif: bool, log_dir: FilePath | None, tag: str
    ) -> None:
        super().__init__()
        self.every = check_count("every", every)
        self.folder = pathlib.Path(folder)
        self.gif = gif
        self.log_dir = log_dir
        self.tag = tag
        self._summaries = None if log_dir is None else Summaries(log_dir)

    def prepare(self) -> None:
        """Stops before the first step when something does not fit. Subclasses define it."""
        raise NotImplementedError(f"{type(self).__name__} does not define prepare().")

    def draw(self) -> Data:
        """The picture of now, a uint8 array. Subclasses define it."""
        raise NotImplementedError(f"{type(self).__name__} does not define draw().")

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Prepares, and makes the folder."""
        if self.folder.exists() and not self.folder.is_dir():
            raise ValueError(
                "The pictures need a folder, and there is a file of that name. Choose another. "
                f"Received: folder={str(self.folder)!r}"
            )
        self.prepare()
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._summaries is not None:
            self._summaries.open()
        self._epoch = None

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Removes what is later than where this run begins: it is of an earlier run."""
        if self._epoch is None:
            for path in self.folder.glob("epoch_*.png"):
                if (epoch_of(path) or 0) > epoch:
                    path.unlink()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Saves the picture of every `every`-th epoch."""
        self._epoch, self._saved = epoch, False
        if (epoch + 1) % self.every == 0:
            self._save()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Saves the last epoch's picture, and the film."""
        if self._epoch is not None and not self._saved:
            self._save()
        if self._summaries is not None:
            self._summaries.close()
        if self.gif and self._epoch is not None:
            save_film(self.folder / "training.gif", self.folder)

    def _save(self):
        picture = self.draw()
        path = self.folder / f"epoch_{self._epoch + 1:04d}.png"
        save_image(path, picture)
        if self._summaries is not None:
            self._summaries.image(self.tag, path.read_bytes(), picture.shape, self._epoch + 1)
        self._saved = True
