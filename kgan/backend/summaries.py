"""Pictures for TensorBoard, written with TensorFlow on every backend."""


class Summaries:
    """Writes pictures to a folder that TensorBoard shows.

    Args:
        log_dir: path of the folder.

    Raises:
        ValueError: when TensorFlow is not installed.
    """

    def __init__(self, log_dir):
        try:
            import tensorflow as tf
        except ImportError as error:
            raise ValueError(
                "TensorBoard's files are written with TensorFlow, which is not installed. Install "
                "it with `pip install tensorflow`, or leave log_dir out: the pictures are saved as "
                f"PNG anyway. Received: log_dir={str(log_dir)!r}"
            ) from error
        self._tensorflow = tf
        self._log_dir = str(log_dir)
        self._writer = None

    def open(self):
        """Opens a new file in the folder."""
        self._writer = self._tensorflow.summary.create_file_writer(self._log_dir)

    def image(self, tag, encoded, shape, step):
        """Writes one encoded picture of shape (height, width, channels)."""
        # Not tf.summary.image, which needs TensorBoard to be installed.
        summary = self._tensorflow.compat.v1.Summary()
        image = summary.value.add(tag=tag).image
        image.height, image.width, image.colorspace = shape
        image.encoded_image_string = encoded
        with self._writer.as_default():
            self._tensorflow.summary.experimental.write_raw_pb(
                summary.SerializeToString(), step=step
            )
        self._writer.flush()

    def close(self):
        """Closes the file."""
        self._writer.close()
