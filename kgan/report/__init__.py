"""Reports: what a run left in its folder, on one page that needs nothing else."""

from kgan.report.page import write

__all__ = ["write"]
