"""The space of noises: drawing from it, moving in it, and finding the noise of a sample."""

from kgan.latent.noise import sample
from kgan.latent.paths import arithmetic, interpolate, slerp
from kgan.latent.projection import project

__all__ = ["arithmetic", "interpolate", "project", "sample", "slerp"]
