"""Similarity of images: PSNR and SSIM of pairs, and MS-SSIM as a measure of diversity."""

import keras
import numpy as np

from kgan.metrics.base import SampleMetric
from kgan.metrics.extractors import Extractor
from kgan.utils.arguments import check_count
from kgan.utils.hints import Config, Data

# Of floats in [-1, 1].
_RANGE = 2.0
# Wang et al. 2004: a Gaussian window of 11 pixels and sigma 1.5, K1 = 0.01, K2 = 0.03.
_SIGMA, _RADIUS = 1.5, 5
_C1, _C2 = (0.01 * _RANGE) ** 2, (0.03 * _RANGE) ** 2
# Wang et al. 2003, the weights of the five scales, from fine to coarse.
_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
# Luminance of ITU-R BT.601 as MATLAB's rgb2ycbcr has it, from 16 to 235 of 0 to 255.
_LUMINANCE = np.array([65.481, 128.553, 24.966]) / 255


class _PairedMetric(SampleMetric):
    """Mean over pairs of images of the values that `_values` computes."""

    paired = True
    mode = "max"

    def __init__(self, luminance: bool, crop: int, name: str) -> None:
        super().__init__(extractor=Extractor(head="images"), name=name)
        self.luminance, self.crop = bool(luminance), check_count("crop", crop, minimum=0)

    def update_features(self, real: Data = None, fake: Data = None) -> None:
        """Adds pairs of images, row by row, as float arrays (n, h, w, channels)."""
        if real is None and fake is None:
            return
        if real is None or fake is None or real.shape != fake.shape:
            shapes = [None if x is None else x.shape for x in (real, fake)]
            raise ValueError(
                f"{type(self).__name__} compares image by image: each generated image, such as a "
                "translation, with its target, in the same order and shape. Received: targets of "
                f"shape {shapes[0]}, generated images of shape {shapes[1]}"
            )
        values = self._values(self._compared(real), self._compared(fake))
        for side in (self._real, self._fake):
            side.add(values)

    def result(self) -> float:
        """The mean over all pairs, a float."""
        self._check_counts(minimum=1)
        return self._fake.total / self._fake.seen

    def reset_fake(self) -> None:
        """Discards all pairs: a target is useless without its generated image."""
        self._real, self._fake = self._new_side(), self._new_side()

    def get_config(self) -> Config:
        """The arguments of `__init__`."""
        return {"luminance": self.luminance, "crop": self.crop, "name": self.name}

    def _compared(self, images):
        """What is compared of images: without their border, in grey where that was asked for."""
        if 2 * self.crop >= min(images.shape[1:3]):
            raise ValueError(
                "Nothing is left of the images without their border. Pass a smaller `crop`. "
                f"Received: crop={self.crop} for images of shape {images.shape}"
            )
        inside = slice(self.crop, -self.crop or None)
        images = images[:, inside, inside].astype("float64")
        if not self.luminance or images.shape[-1] == 1:
            return images
        if images.shape[-1] != 3:
            raise ValueError(
                "The luminance is that of images in red, green and blue. Leave `luminance` out. "
                f"Received: images of shape {images.shape}"
            )
        return (images + 1) @ _LUMINANCE[:, None] + (16 / 127.5 - 1)

    def _details(self):
        kind = "of luminance (BT.601, 16 to 235)" if self.luminance else "of all channels"
        return [kind, f"a border of {self.crop} pixels left out" if self.crop else "whole images"]

    def _new_side(self):
        return _Sum()

    def _values(self, real, fake):
        raise NotImplementedError


class _Sum:
    def __init__(self):
        self.seen, self.total, self.shape = 0, 0.0, None

    @property
    def words(self):
        return str(self.seen)

    def add(self, values):
        self.seen += len(values)
        self.total += float(values.sum())


@keras.saving.register_keras_serializable(package="kgan")
class PeakSignalToNoiseRatio(_PairedMetric):
    """Mean over pairs of the ratio of the peak to the squared error, in decibels.

    Use this for translators whose target is known pixel by pixel, as in super-resolution. It
    favours blur where the target is uncertain: look at `StructuralSimilarity` and at pictures too.
    Equal images have an infinite ratio.

    Args:
        luminance: boolean, whether the luminance of colour images is compared, as papers on
            super-resolution do, and not all three channels. The two do not compare: state which.
            Defaults to `False`.
        crop: integer, pixels at each border that are left out; in super-resolution as many as
            images are enlarged times. Defaults to 0.
        name: string, the key in logs. Defaults to `"peak_signal_to_noise_ratio"`.

    Raises:
        ValueError: when targets and generated images of a batch differ in number or shape.

    Example:

    ```python
    import numpy as np

    import kgan

    metric = kgan.metrics.PeakSignalToNoiseRatio()
    metric.update_state(np.zeros((4, 8, 8, 1)), np.full((4, 8, 8, 1), 0.2))
    print(metric.result())  # 20 decibels: an error of a tenth of the range of 2
    ```
    """

    title = "PSNR in decibels, peak 2 of [-1, 1]"

    def __init__(
        self,
        *,
        luminance: bool = False,
        crop: int = 0,
        name: str = "peak_signal_to_noise_ratio",
    ) -> None:
        super().__init__(luminance, crop, name)

    def _values(self, real, fake):
        errors = np.square(real - fake).mean(axis=(1, 2, 3))
        with np.errstate(divide="ignore"):
            return 10 * np.log10(_RANGE**2 / errors)


@keras.saving.register_keras_serializable(package="kgan")
class StructuralSimilarity(_PairedMetric):
    """Mean over pairs of the similarity of small windows: 1 for equal images, about 0 for others.

    Use this with `PeakSignalToNoiseRatio` for translators: it compares structure, and tolerates a
    shift of brightness.

    Reference: Wang et al. 2004, "Image quality assessment: from error visibility to structural
    similarity", equation 13: a Gaussian window of 11 pixels with sigma 1.5, K1 = 0.01, K2 = 0.03,
    windows that lie entirely inside; the mean over windows and channels.

    Args:
        luminance: boolean, whether the luminance of colour images is compared, as papers on
            super-resolution do, and not all three channels. The two do not compare: state which.
            Defaults to `False`.
        crop: integer, pixels at each border that are left out; in super-resolution as many as
            images are enlarged times. Defaults to 0.
        name: string, the key in logs. Defaults to `"structural_similarity"`.

    Raises:
        ValueError: when targets and generated images of a batch differ in number or shape, or are
            smaller than 11x11 pixels.

    Example:

    ```python
    import kgan

    images = kgan.data.load("digits", size=28)[:10]
    metric = kgan.metrics.StructuralSimilarity()
    metric.update_state(images, images)
    assert abs(metric.result() - 1) < 1e-12
    ```
    """

    title = "SSIM, Gaussian window of 11x11 pixels"

    def __init__(
        self,
        *,
        luminance: bool = False,
        crop: int = 0,
        name: str = "structural_similarity",
    ) -> None:
        super().__init__(luminance, crop, name)

    def _values(self, real, fake):
        similarity, _ = _similarity(real, fake)
        return similarity.mean(axis=-1)


@keras.saving.register_keras_serializable(package="kgan")
class MultiScaleStructuralSimilarity(SampleMetric):
    """Mean similarity of random pairs of generated images: the lower, the more diverse they are.

    Use this to detect collapse of images without countable classes or modes. Compare it with the
    value of the real data in `real_similarity`: it is a warning when generated images are more
    alike than real ones, and no merit when they are less alike, since noise is the least alike. It
    says more within a class: pass the samples of one.

    Reference: Odena et al. 2017, "Conditional image synthesis with auxiliary classifier GANs",
    section 4.2, on the MS-SSIM of Wang et al. 2003, "Multiscale structural similarity for image
    quality assessment". Five scales need images of at least 176x176; smaller images have as many
    as windows of 11x11 fit into (28x28: two), with weights that add up to 1 again. Negative
    contrast terms, whose powers are not real numbers, count as 0.

    Args:
        num_pairs: integer, the most pairs that are compared, of images drawn at random.
            Defaults to 500.
        scales: integer from 1 to 5. Defaults to `None`, as many as fit.
        seed: integer seed of the pairs. Defaults to 0.
        name: string, the key in logs. Defaults to `"multi_scale_structural_similarity"`.

    Raises:
        ValueError: when images are smaller than 11x11 or too small for the scales, or there are
            fewer than two.

    Example:

    ```python
    import kgan

    images = kgan.data.load("digits", size=28)
    metric = kgan.metrics.MultiScaleStructuralSimilarity(num_pairs=50)
    metric.update_state(images, images[:1].repeat(100, axis=0))  # collapse
    print(metric.result(), metric.real_similarity)
    ```
    """

    title = "MS-SSIM of random pairs (diversity)"

    def __init__(
        self,
        *,
        num_pairs: int = 500,
        scales: int | None = None,
        seed: int = 0,
        name: str = "multi_scale_structural_similarity",
    ) -> None:
        self.num_pairs = check_count("num_pairs", num_pairs)
        super().__init__(
            extractor=Extractor(head="images"), num_samples=2 * self.num_pairs, name=name
        )
        if scales is not None and check_count("scales", scales) > len(_WEIGHTS):
            raise ValueError(f"`scales` must be from one to five. Received: scales={scales}")
        self.scales, self.seed = scales, check_count("seed", seed, minimum=0)

    def result(self) -> float:
        """The mean of the generated pairs, a float. Sets `real_similarity` too."""
        _, fake = self._rows()
        self.real_similarity = None
        if len(self._real) > 1:
            self.real_similarity = float(self._of_pairs(self._real.rows()).mean())
        values = self._of_pairs(fake)
        # Pairs share no image, so they are independent.
        self.standard_error = (
            float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")
        )
        return float(values.mean())

    def reset_fake(self) -> None:
        """Discards the generated samples, and keeps the real ones."""
        super().reset_fake()
        self.real_similarity = None

    def get_config(self) -> Config:
        """The arguments of `__init__`."""
        return {
            "num_pairs": self.num_pairs,
            "scales": self.scales,
            "seed": self.seed,
            "name": self.name,
        }

    def _check_counts(self, minimum):
        if self._fake.seen < minimum:
            raise ValueError(
                "Pairs need at least two generated images. Call update_state(real, fake) "
                f"first. Received: {self._fake.seen} generated images"
            )

    def _of_pairs(self, images):
        images = np.asarray(images, "float64")
        order = np.random.default_rng(self.seed).permutation(len(images))
        half = len(images) // 2
        one, other = images[order[:half]], images[order[half : 2 * half]]
        scales = _scales(images.shape[1:3], self.scales)
        weights = np.array(_WEIGHTS[:scales]) / sum(_WEIGHTS[:scales])
        values = np.ones((half, images.shape[-1]))
        for scale, weight in enumerate(weights):
            similarity, contrast = _similarity(one, other)
            term = similarity if scale == scales - 1 else contrast
            values *= np.maximum(term, 0.0) ** weight
            if scale < scales - 1:
                one, other = _halved(one), _halved(other)
        return values.mean(axis=-1)

    def _details(self):
        shape = self._fake.shape or self._real.shape
        scales = "?" if shape is None else _scales(shape[:2], self.scales)
        details = [f"{len(self._fake) // 2} pairs", f"{scales} scales"]
        if self.real_similarity is not None:
            details.append(f"{self.real_similarity:.4g} for real pairs")
        return details


def _similarity(one, other):
    """Two arrays (n, channels): the mean over windows of SSIM, and of its contrast term alone."""
    from scipy import ndimage

    if min(one.shape[1:3]) <= 2 * _RADIUS:
        raise ValueError(
            "The window of the structural similarity has 11x11 pixels. Resize the images, or "
            f"use PeakSignalToNoiseRatio. Received: images of shape {one.shape}"
        )

    def blurred(images):
        for axis in (1, 2):
            images = ndimage.gaussian_filter1d(images, _SIGMA, axis=axis, radius=_RADIUS)
        inside = slice(_RADIUS, -_RADIUS)
        return images[:, inside, inside]

    # Shifted to start at 0: around a mean of 0 the luminance term would be meaningless.
    one, other = one + 1.0, other + 1.0
    mean, other_mean = blurred(one), blurred(other)
    variances = blurred(one**2) - mean**2 + blurred(other**2) - other_mean**2
    covariance = blurred(one * other) - mean * other_mean
    contrast = (2 * covariance + _C2) / (variances + _C2)
    luminance = (2 * mean * other_mean + _C1) / (mean**2 + other_mean**2 + _C1)
    return (luminance * contrast).mean(axis=(1, 2)), contrast.mean(axis=(1, 2))


def _halved(images):
    """The mean of each two by two pixels, without an odd last row or column."""
    height, width = (side // 2 * 2 for side in images.shape[1:3])
    images = images[:, :height, :width]
    return images.reshape(len(images), height // 2, 2, width // 2, 2, -1).mean(axis=(2, 4))


def _scales(size, wanted):
    """The number of scales whose windows fit, or `wanted` if it is given."""
    fit = [scale for scale in range(len(_WEIGHTS)) if min(size) >> scale > 2 * _RADIUS]
    found = len(fit) if wanted is None else wanted
    if not fit or found > len(fit):
        raise ValueError(
            "The window of the structural similarity has 11x11 pixels, and each scale halves the "
            f"images. Resize them, or use {len(fit) or 'no'} scale(s). Received: images of "
            f"{size[0]}x{size[1]}, scales={wanted}"
        )
    return found
