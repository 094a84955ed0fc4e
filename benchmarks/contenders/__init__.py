"""Other ways to train the same networks: what the benchmarks compare `fit` with."""
