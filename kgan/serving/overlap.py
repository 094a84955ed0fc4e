"""Long signals, window by window: windows overlap, and one fades into the next."""

import numpy as np


def in_windows(function, signal, window, overlap):
    """What a function makes of a signal, window by window, in memory that stays flat.

    All windows have one length: nothing is compiled twice. The last one ends where the signal does
    and overlaps more. Where two overlap, the weight of the first falls along half a cosine and that
    of the second rises, so that no edge is heard.

    Args:
        function: from array (time,) to array (time,), of `window` samples or of a whole shorter
            signal.
        signal: array (time,).
        window: integer, samples of a window.
        overlap: integer, below `window`.

    Returns:
        Array (time,).
    """
    if len(signal) <= window:
        return function(signal)
    made = np.zeros(len(signal), "float32")
    step = window - overlap
    starts = [*range(0, len(signal) - window, step), len(signal) - window]
    done = 0
    for start in starts:
        part = function(signal[start : start + window])
        shared = done - start
        rise = 0.5 - 0.5 * np.cos(np.pi * (np.arange(max(shared, 0)) + 0.5) / max(shared, 1))
        made[start:done] = (1 - rise) * made[start:done] + rise * part[: len(rise)]
        made[done : start + window] = part[len(rise) :]
        done = start + window
    return made
