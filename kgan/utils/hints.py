"""Names of types for hints, which say what is meant where Python has no type for it."""

import os
from collections.abc import Callable
from typing import Any, Literal

# What a user may give: an array, a tensor, a list of samples, a dataset, as the function says.
Data = Any
# A tensor of the backend or a symbolic one, or what `keras.ops` takes in its place.
Tensor = Any
FilePath = str | os.PathLike[str]
# `None` in it stands for any size.
Shape = tuple[int | None, ...]
# The arguments of a constructor, as Keras saves them.
Config = dict[str, Any]
# What Keras hands to callbacks.
Logs = dict[str, Any]
# A batch, one tensor per field, and a player's terms by name.
Batch = tuple[Tensor, ...]
Terms = dict[str, Tensor]
# Lowest and highest number of an axis.
Limits = tuple[float, float]
# Pixels per pixel.
Scale = int | Literal["auto"]
Distribution = Literal["normal", "uniform"]
Interpolation = Literal["spherical", "linear"]
# What a metric compares samples by: a name, or a network, function or `kgan.metrics.Extractor`,
# all of which are called; or its config.
Features = str | Callable[..., Any] | Config | None
