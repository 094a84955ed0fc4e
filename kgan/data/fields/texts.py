"""Text: strings on the host, token ids on the device."""

import collections
import unicodedata
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from keras import ops

from kgan.data.fields.field import Field
from kgan.data.inspection import received, to_numpy
from kgan.utils.arguments import check_count
from kgan.utils.hints import Config, Data, Limits, Scale, Shape, Tensor

PADDING, UNKNOWN = 0, 1
# Ids of words begin behind the padding and the unknown word.
_FIRST = 2
_SPECIAL = ("", "[UNK]")


class Text(Field):
    """Declares a field of text: strings for the user, ids of words on the device.

    Use this for captions. The vocabulary is part of the field, so it is saved with the model and
    goes with every export. Words are lower-cased runs of letters, digits and underscores; id 0
    fills up what is shorter than `max_length`, and id 1 stands for words that are not known. Longer
    texts are cut.

    Args:
        max_length: integer, words per text on the device.
        vocabulary: list of strings, the known words in the order of their ids, which begin with 2.
            Defaults to none: `describe` and `kgan.zoo.load(..., like=...)` make one of the data.
        name: string, in messages and as a key of dictionaries. Defaults to `"text"`.
        paired: boolean, as for `kgan.data.Field`. Defaults to `True`.

    Raises:
        TypeError: If `max_length` is no integer.
        ValueError: If a word of the vocabulary is twice there, or is none.

    Example:
        ```python
        import kgan

        field = kgan.data.Text(4, ["a", "red", "seven"])
        assert field.check(["A red nine!"]).tolist() == [[2, 3, 1, 0]]
        assert field.from_device([[2, 3, 4, 0]]) == ["a red seven"]
        ```
    """

    aliases = ("caption", "captions", "texts")
    plural = "texts"
    device_dtype = "int32"
    served_dtype = "string"
    is_encoded_on_host = True

    def __init__(
        self,
        max_length: int,
        vocabulary: Sequence[str] = (),
        name: str = "text",
        paired: bool = True,
    ) -> None:
        self.max_length = check_count("max_length", max_length)
        self.vocabulary = [str(word) for word in vocabulary]
        self.shape = (self.max_length,)
        self.name = name
        self.paired = bool(paired)
        odd = [word for word in self.vocabulary if words_of(word) != [word]]
        if odd or len(set(self.vocabulary)) < len(self.vocabulary):
            raise ValueError(
                "A vocabulary is a list of different words of lower-case letters, digits and "
                "underscores. Make one with kgan.data.Text.describe(texts). "
                f"Received: {odd[:3] or 'a word twice'} among {len(self.vocabulary)}"
            )

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """Makes the field from `get_config()`."""
        return cls(**config)

    @property
    def num_tokens(self) -> int:
        """How many different ids there are: words, the unknown word and the padding."""
        return len(self.vocabulary) + _FIRST

    @property
    def served_shape(self) -> Shape:
        """An endpoint takes one string per sample."""
        return ()

    def is_single(self, given: Shape) -> bool:
        """Whether a shape is that of one text."""
        return len(given) == 0

    def check(self, value: Data, name: str | None = None) -> np.ndarray:
        """Checks texts and returns their ids.

        Args:
            value: list or array of strings (n,), or ids (n, max_length) that `check` made.
            name: string, what to call it in messages. Defaults to the field's name.

        Returns:
            int32 NumPy array (n, max_length).

        Raises:
            TypeError: If it holds neither strings nor ids.
            ValueError: If there is no text, or an id is unknown.
        """
        name = name or self.name
        if isinstance(value, str | bytes):
            raise TypeError(
                f"{name} is one string. Expected a list or an array of strings, one per sample. "
                f"Put it into a list: [{value!r}]. Received: {name}={value!r}"
            )
        if isinstance(value, list | tuple):
            _check_all_strings(value, name)
        array = to_numpy(value, name)
        if array.dtype.kind in "iu" and array.shape[1:] == self.shape:
            if array.size and not 0 <= array.min() <= array.max() < self.num_tokens:
                raise ValueError(
                    f"{name} holds ids that are no words. Expected ids below {self.num_tokens}, as "
                    f"`check` makes them, or strings. {received(name, array)}"
                )
            return array.astype("int32")
        is_text = array.dtype.kind in "SU" or (
            array.dtype.kind == "O" and all(isinstance(entry, str | bytes) for entry in array.flat)
        )
        if array.size and not is_text:
            raise TypeError(
                f"{name} holds no strings. Expected a list or an array of strings, one per sample. "
                f"Write them out, for example with `[str(entry) for entry in x]`. "
                f"{received(name, array)}"
            )
        if array.ndim == 2 and array.shape[1] == 1:
            array = array[:, 0]
        if array.ndim != 1 or not array.size:
            raise ValueError(
                f"{name} has no texts, or more than one axis. Expected one string per sample, "
                f"shape (n,). {received(name, array)}"
            )
        return self._encoded(array)

    def _encoded(self, array):
        ids = {word: place for place, word in enumerate(self.vocabulary, _FIRST)}
        rows = np.full((len(array), self.max_length), PADDING, "int32")
        for row, text in zip(rows, array, strict=True):
            found = [ids.get(word, UNKNOWN) for word in words_of(text)][: self.max_length]
            row[: len(found)] = found
        return rows

    def to_device(self, x: Data) -> Tensor:
        """Ids, int32 of shape `(batch, max_length)`."""
        return ops.cast(self._with_declared_shape(ops.convert_to_tensor(x)), "int32")

    def from_device(self, array: Data) -> Data:
        """Ids as strings, words with a space between them."""
        words = [*_SPECIAL, *self.vocabulary]
        rows = np.asarray(array).astype("int64")
        return [" ".join(words[place] for place in row if place != PADDING) for row in rows]

    def examples(self, n: int, seed: int = 0) -> Data:
        """Random words of the vocabulary."""
        words = np.array(self.vocabulary or ["word"])
        drawn = np.random.default_rng(seed).integers(0, len(words), (n, self.max_length))
        return np.array([" ".join(row) for row in words[drawn]])

    def for_each(self, value: Data, n: int) -> Data:
        """One text for all, or one for each."""
        return [value] * n if isinstance(value, str) else super().for_each(value, n)

    @classmethod
    def claims(cls, array: np.ndarray) -> bool:
        """Strings, at least one of which has several words."""
        if array.ndim != 1 or array.dtype.kind not in "SUO" or not array.size:
            return False
        return any(len(words_of(entry)) > 1 for entry in array if isinstance(entry, str | bytes))

    @classmethod
    def describe(cls, array: np.ndarray, name: str = "text", max_words: int = 20_000) -> Self:
        """The field of texts: their words, the commonest first, and the length of the longest.

        Args:
            array: strings (n,).
            name: string, the field's name. Defaults to `"text"`.
            max_words: integer, words at most; rarer ones are unknown. Defaults to 20,000.
        """
        array = to_numpy(array, name)
        if array.dtype.kind not in "SUO" or not array.size:
            raise TypeError(
                "Texts are strings, one per sample. Give a list or an array of them. "
                f"{received(name, array)}"
            )
        texts = [words_of(entry) for entry in array.ravel()]
        counts = collections.Counter(word for words in texts for word in words)
        # Of equal counts in alphabetical order: the same data gives the same ids.
        known = sorted(counts, key=lambda word: (-counts[word], word))[:max_words]
        return cls(max(1, *(len(words) for words in texts)), known, name=name)

    @classmethod
    def describe_shape(cls, shape: Shape, name: str = "text") -> Self | None:
        """A shape does not tell a vocabulary: `None`."""
        return None

    def served_asset(self) -> Any:
        """The table of ids, which a SavedModel must know of."""
        import tensorflow as tf

        words = tf.constant(self.vocabulary or [_SPECIAL[UNKNOWN]])
        ids = tf.range(_FIRST, _FIRST + tf.shape(words)[0], dtype=tf.int32)
        entries = tf.lookup.KeyValueTensorInitializer(words, ids)
        return tf.lookup.StaticHashTable(entries, default_value=UNKNOWN)

    def from_served(self, x: Data, asset: Any = None) -> Tensor:
        """Strings to ids, as `check` does it, in TensorFlow's graph."""
        import tensorflow as tf

        lowered = tf.strings.lower(x, encoding="utf-8")
        spaced = tf.strings.regex_replace(lowered, r"[^\pL\pM\pN_]+", " ")
        words = tf.strings.split(tf.strings.strip(spaced))
        known = tf.ragged.map_flat_values(asset.lookup, words)
        return known.to_tensor(PADDING, shape=(None, self.max_length))

    def to_served(self, x: Data) -> Tensor:
        """Ids to strings, as `from_device` does it, in TensorFlow's graph."""
        import tensorflow as tf

        words = tf.constant([*_SPECIAL, *self.vocabulary])
        texts = tf.strings.reduce_join(tf.gather(words, x), axis=-1, separator=" ")
        return tf.strings.strip(texts)

    def draw(
        self,
        values: Data,
        columns: int | None = None,
        real: Data = None,
        labels: Data = None,
        scale: Scale = "auto",
        limits: Limits | None = None,
    ) -> np.ndarray:
        """The texts, one per line."""
        from kgan import drawing

        return drawing.lines(self.captions(values))

    def captions(self, values: Data) -> list[str] | None:
        """The texts themselves."""
        array = to_numpy(values, self.name)
        return self.from_device(array) if array.dtype.kind in "iu" else [str(t) for t in array]


def _check_all_strings(entries, name):
    """Raises `TypeError` where a list holds strings and something else."""
    other = [entry for entry in entries if not isinstance(entry, str | bytes)]
    if other and len(other) < len(entries):
        raise TypeError(
            f"{name} holds strings and something else. Expected a string per sample. Give samples "
            f"without a text an empty string. Received: {other[0]!r} among {len(entries)} of {name}"
        )


def words_of(text):
    """The words of a text: lower-cased runs of letters with their marks, digits, underscores."""
    text = text.decode() if isinstance(text, bytes) else str(text)
    kept = (c if c == "_" or unicodedata.category(c)[0] in "LMN" else " " for c in text.lower())
    return "".join(kept).split()
