"""Layers for adversarial networks that Keras does not have, or implements differently."""

from kgan.layers.augmentation import DifferentiableAugmentation, get_augmentation
from kgan.layers.averaging import HistoricalAverage
from kgan.layers.beside import NoiseBeside
from kgan.layers.codes import LatentCodes
from kgan.layers.emphasis import PreEmphasis
from kgan.layers.lengths import CropToLength, PadToMultiple
from kgan.layers.minibatch import MinibatchDiscrimination, MinibatchStandardDeviation
from kgan.layers.normalization import InstanceNormalization, SpectralNormalization
from kgan.layers.packing import Pack
from kgan.layers.pool import HistoryPool
from kgan.layers.ramp import Ramp
from kgan.layers.resampling import LinearUpSampling2D, PixelShuffle, ReflectionPadding2D
from kgan.layers.spectra import InverseSpectrum, Spectrum
from kgan.layers.virtual_batch import (
    DropReference,
    ReferenceBatch,
    VirtualBatchNormalization,
)
from kgan.utils.packages import shown

__all__ = [
    "CropToLength",
    "DifferentiableAugmentation",
    "DropReference",
    "HistoricalAverage",
    "HistoryPool",
    "InstanceNormalization",
    "InverseSpectrum",
    "LatentCodes",
    "LinearUpSampling2D",
    "MinibatchDiscrimination",
    "MinibatchStandardDeviation",
    "NoiseBeside",
    "Pack",
    "PadToMultiple",
    "PixelShuffle",
    "Ramp",
    "PreEmphasis",
    "ReferenceBatch",
    "ReflectionPadding2D",
    "SpectralNormalization",
    "Spectrum",
    "VirtualBatchNormalization",
    "get_augmentation",
]
__dir__ = shown(__all__)
