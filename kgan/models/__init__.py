"""Families of models, one per file."""

from kgan.models.conditional import AuxiliaryClassifierGAN, ConditionalGAN
from kgan.models.gan import GAN
from kgan.models.information import InfoGAN
from kgan.models.paired import PairedTranslator
from kgan.models.unpaired import UnpairedTranslator

__all__ = [
    "GAN",
    "AuxiliaryClassifierGAN",
    "ConditionalGAN",
    "InfoGAN",
    "PairedTranslator",
    "UnpairedTranslator",
]
