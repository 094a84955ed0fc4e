"""What the figures of a run mean, in a sentence each."""

# By the end of a name: the sentence, and what is better where the name alone does not say it.
_MEANINGS = {
    "frechet_distance": (
        "How far the means and spreads of generated features are from real ones.",
    ),
    "kernel_distance": (
        "How far generated features are from real ones; without bias, so near 0 it may be below.",
    ),
    "sliced_wasserstein": ("How far generated samples must be moved to become the real ones.",),
    "f1": ("High only if samples look real and the real ones are covered; 1 is the most.",),
    "coverage": ("Share of the real samples that have a generated one near them.", "max"),
    "precision": ("Share of generated samples near a real one; blurred images can fool it.",),
    "recall": ("Share of real samples that the generated ones surround.",),
    "density": ("How many real neighbourhoods hold a generated sample; smudges can fool it.",),
    "multi_scale_structural_similarity": (
        "How alike two generated images are; noise is unlike, so it is no measure of quality.",
    ),
    "energy": (
        "Distance of generated samples to real ones, 0 for none, 1 for nothing in common.",
        "min",
    ),
    "jensen_shannon": ("What the discriminator can tell apart, in nats; 0.693 is the most.",),
    "accuracy_real": ("Share of the real samples that the discriminator takes for real.",),
    "accuracy_fake": ("Share of the generated samples that the discriminator takes for fake.",),
    "gradient_norm": (
        "How strongly this player is still moved: 0 is stuck, ever larger diverges.",
    ),
    "loss": ("What this player lowers, against the others: it does not say how good samples are.",),
}


def meaning_of(name):
    """What a figure means.

    Args:
        name: string, a column of a history, without `val_` where it is a metric.

    Returns:
        A pair: a sentence, empty where none is known; and `"min"`, `"max"` or `None`.
    """
    for end, (sentence, *better) in _MEANINGS.items():
        if name == end != "loss" or name.endswith(f"_{end}"):
            return sentence, better[0] if better else None
    return "", None
