"""Families of models, one per file."""

from kgan.models.autoencoder import Autoencoder, VariationalAutoencoder
from kgan.models.captions import CaptionCondition
from kgan.models.conditional import (
    AuxiliaryClassifierGAN,
    ClassifierCondition,
    ConditionalGAN,
    LabelCondition,
)
from kgan.models.conditions import Condition, MatchingCondition
from kgan.models.domain_transfer import DomainTransfer
from kgan.models.energy import MaximumEntropyGAN
from kgan.models.gan import GAN
from kgan.models.information import CodeCondition, InfoGAN
from kgan.models.paired import PairedTranslator
from kgan.models.shared_latent import SharedLatentTranslator
from kgan.models.speech_enhancement import SpeechEnhancement
from kgan.models.stackgan import StackGAN
from kgan.models.super_resolution import SuperResolution
from kgan.models.text_to_image import TextToImageGAN
from kgan.models.unpaired import UnpairedTranslator
from kgan.models.vae_gan import VAEGAN
from kgan.models.video_prediction import VideoPredictor

__all__ = [
    "GAN",
    "VAEGAN",
    "Autoencoder",
    "AuxiliaryClassifierGAN",
    "CaptionCondition",
    "ClassifierCondition",
    "CodeCondition",
    "Condition",
    "ConditionalGAN",
    "DomainTransfer",
    "InfoGAN",
    "LabelCondition",
    "MatchingCondition",
    "MaximumEntropyGAN",
    "PairedTranslator",
    "SharedLatentTranslator",
    "SpeechEnhancement",
    "StackGAN",
    "SuperResolution",
    "TextToImageGAN",
    "UnpairedTranslator",
    "VariationalAutoencoder",
    "VideoPredictor",
]
