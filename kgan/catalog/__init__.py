"""What the zoo knows of its models: registry, cards, weights."""
