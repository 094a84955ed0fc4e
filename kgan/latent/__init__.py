"""The latent space: drawing noise, interpolating, and projecting samples back to noise."""

from kgan.latent.noise import sample
from kgan.latent.paths import arithmetic, interpolate, slerp
from kgan.latent.projection import project

__all__ = ["arithmetic", "interpolate", "project", "sample", "slerp"]
