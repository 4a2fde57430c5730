"""An encoder whose cosines are known: bags of words, with one topic that all texts share."""

import re
import zlib
from collections.abc import Sequence

import numpy as np


def bag_of_words(texts: Sequence[str]) -> np.ndarray:
    rows = np.zeros((len(texts), 257), dtype=np.float32)
    rows[:, 256] = 1.0  # the floor that sentence encoders have
    for row, text in enumerate(texts):
        for word in re.findall(r"\w+", text.casefold()):
            rows[row, zlib.crc32(word.encode()) % 256] += 1.0
    return rows
