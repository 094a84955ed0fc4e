"""Reports: what a run left in its folder, on one page that needs nothing else."""

from kgan.report.page import write
from kgan.utils.packages import shown

__all__ = ["write"]
__dir__ = shown(__all__)
