"""The zoo: one file per model. `kgan.zoo.load(name)` builds one, `list_models()` names them."""

from kgan.catalog.registry import describe, list_models, load, register
from kgan.zoo import (
    acgan,
    conditional,
    cyclegan,
    dcgan,
    gan_qp,
    infogan,
    lsgan,
    minibatch_discrimination,
    pacgan,
    pix2pix,
    r3gan,
    sngan,
    vanilla,
    wgan,
    wgan_gp,
)

__all__ = ["describe", "list_models", "load", "register"]

# `load` finds the builders by name; their modules only have to be imported.
del (
    acgan,
    conditional,
    cyclegan,
    dcgan,
    gan_qp,
    infogan,
    lsgan,
    minibatch_discrimination,
    pacgan,
    pix2pix,
    r3gan,
    sngan,
    vanilla,
    wgan,
    wgan_gp,
)
