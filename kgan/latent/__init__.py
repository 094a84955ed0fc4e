"""The latent space: drawing noise, interpolating, refining, and projecting samples to noise."""

from kgan.latent.langevin import langevin
from kgan.latent.noise import sample
from kgan.latent.paths import arithmetic, interpolate, slerp
from kgan.latent.projection import project
from kgan.utils.packages import shown

__all__ = ["arithmetic", "interpolate", "langevin", "project", "sample", "slerp"]
__dir__ = shown(__all__)
