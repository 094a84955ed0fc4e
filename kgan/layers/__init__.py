"""Layers that GANs need and Keras does not have."""
