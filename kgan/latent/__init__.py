"""The latent space: drawing noise, interpolating, and projecting samples back to noise."""

from kgan.latent.noise import sample
from kgan.latent.paths import arithmetic, interpolate, slerp
from kgan.latent.projection import project
from kgan.utils.packages import shown

__all__ = ["arithmetic", "interpolate", "project", "sample", "slerp"]
__dir__ = shown(__all__)
