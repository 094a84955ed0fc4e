"""How data becomes options: what `load(name, like=data)` fills."""

import dataclasses
from collections.abc import Callable
from typing import Any

from kgan.data.field_inference import describe_data
from kgan.data.fields import Clips, Images, Labels, Signals, Text, Vectors
from kgan.utils.hints import Data

# What most networks of the zoo make.
SAMPLES = (Images, Vectors)


@dataclasses.dataclass(frozen=True)
class Like:
    """How a user's data becomes the options of a model.

    Use this with `kgan.zoo.register(like=...)`. Each option is filled from one field of the data:
    a shape where the field has one, a number of classes from labels.

    Args:
        samples: string, the option that takes the shape of the first field's samples. Defaults to
            `None`.
        num_classes: string, the option that takes the number of classes of labels. Defaults to
            `None`.
        class_names: string, the option that takes their names, where labels are names. Defaults to
            `None`.
        kinds: tuple of the `kgan.data.Field` classes that the samples may be. Defaults to images
            and vectors.
        then: tuple with a tuple of field classes for each of the other fields, where they are
            others than labels. Defaults to none.
        paired: boolean, whether sample `i` of those belongs to sample `i` of the first, so that
            the command line matches the files of two folders by their names. Defaults to `True`.
        completed: boolean, whether the first field is made of the second where the data holds that
            one alone. Defaults to `False`.
        fill: function from the described fields to a dict of options, for what the other arguments
            can't say. Defaults to `None`.

    Example:

    ```python
    import kgan

    like = kgan.zoo.Like("sample_shape", num_classes="num_classes")
    labelled = kgan.data.load("digits", labels=True)
    assert like.options(labelled) == {"sample_shape": (8, 8, 1), "num_classes": 10}
    ```
    """

    samples: str | None = None
    num_classes: str | None = None
    class_names: str | None = None
    kinds: tuple = SAMPLES
    then: tuple = ()
    paired: bool = True
    completed: bool = False
    fill: Callable | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The options that it may fill, but for those of `fill`."""
        given = (self.samples, self.num_classes, self.class_names)
        return tuple(name for name in given if name is not None)

    @property
    def takes_labels(self) -> bool:
        """Whether labels are read with the samples."""
        return self.num_classes is not None

    def options(self, like: Data) -> dict[str, Any]:
        """The options of data: a dict.

        Args:
            like: what `kgan.data.describe_data` takes.

        Raises:
            TypeError, ValueError: when the data is not of the kinds that the model takes.
        """
        others = self.then or (((Labels,),) if self.takes_labels else ())
        fields = describe_data(like, (self.kinds, *others))
        options = {} if self.samples is None else {self.samples: fields[0].shape}
        for field in fields[1:]:
            if isinstance(field, Labels) and self.num_classes:
                options[self.num_classes] = field.num_classes
                if self.class_names and field.names:
                    options[self.class_names] = tuple(field.names)
        return options if self.fill is None else {**options, **self.fill(*fields)}


def image_pairs(name, paired=True):
    """How two kinds of images become `image_shape` and `target_channels`.

    Args:
        name: string, the model's name, for messages.
        paired: boolean, as for `Like`. Defaults to `True`.

    Returns:
        A `Like`.
    """

    def fill(source, target=None):
        if target is None:
            return {}
        if target.shape[:-1] != source.shape[:-1]:
            raise ValueError(
                f"The model '{name}' makes images of the size of those that it reads. "
                "Resize one side, for example with kgan.data.load(..., size=...). "
                f"Received: like of shapes {source.shape} and {target.shape}"
            )
        return {"target_channels": target.shape[-1]}

    return Like("image_shape", kinds=(Images,), then=((Images,),), paired=paired, fill=fill)


def captioned_images():
    """How images and captions become `image_shape` and `vocabulary`, or `embedding_dim`.

    Returns:
        A `Like`.
    """

    def fill(images, captions=None):
        if captions is None:
            return {}
        if isinstance(captions, Text):
            return {"vocabulary": tuple(captions.vocabulary), "max_length": captions.max_length}
        if captions.shape[1:]:
            raise ValueError(
                "Embeddings of captions are vectors, one per image. Average several captions of an "
                "image, for example with `embeddings.mean(axis=1)`. "
                f"Received: embeddings of shape {captions.shape}"
            )
        return {"vocabulary": None, "embedding_dim": captions.shape[0]}

    return Like("image_shape", kinds=(Images,), then=((Text, Vectors),), fill=fill)


def enlargements():
    """How large images, or pairs of small and large ones, become `image_shape` and `scale`.

    Returns:
        A `Like`.
    """

    def fill(first, second=None):
        if second is None:
            return {"image_shape": first.shape}
        factors = {large / small for small, large in zip(first.shape[:2], second.shape[:2])}
        if len(factors) != 1 or not (factor := factors.pop()).is_integer():
            raise ValueError(
                "Of pairs of images, the second are a whole number of times larger. Cut them to "
                f"that. Received: like of shapes {first.shape} and {second.shape}"
            )
        return {"image_shape": second.shape, "scale": int(factor)}

    return Like(kinds=(Images,), then=((Images,),), completed=True, fill=fill)


def next_frames():
    """How clips, or pairs of past frames and the next, become `image_shape` and `input_frames`.

    Returns:
        A `Like`.
    """

    def fill(clips, following=None):
        if following is None:
            return {"image_shape": clips.shape[1:]}
        if following.shape != clips.shape[1:]:
            raise ValueError(
                "Of pairs, the second are frames of the size of those in the first. "
                f"Received: like of shapes {clips.shape} and {following.shape}"
            )
        return {"image_shape": following.shape, "input_frames": clips.shape[0]}

    return Like(kinds=(Clips,), then=((Images,),), completed=True, fill=fill)


def noisy_signals():
    """How pairs of noisy and clean signals become `signal_shape`.

    Returns:
        A `Like`.
    """
    return Like("signal_shape", kinds=(Signals,), then=((Signals,),))
