"""A cache of keys and values for `transformers` whose tensors are set aside once.

The one that ships copies all that it holds at every token. Importing this module imports
`transformers`.
"""

from typing import Any

from jaxtyping import Int
from torch import Tensor

from pellucid.io.imports import optional_import

_cache_utils: Any = optional_import("transformers.cache_utils", extra="llm")
_DynamicLayer: Any = _cache_utils.DynamicLayer
_Cache: Any = _cache_utils.Cache


class PreallocatedLayer(_DynamicLayer):  # type: ignore[misc]
    """Keys and values of one layer, of which a growing part is in use.

    Args:
        capacity: Most tokens that will be stored.
    """

    def __init__(self, capacity: int) -> None:
        super().__init__()
        self.capacity = capacity

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """Store new keys and values and return all that are in use."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            rows, heads, _, width = key_states.shape
            self._all_keys = key_states.new_empty(rows, heads, self.capacity, width)
            self._all_values = value_states.new_empty(
                rows, heads, self.capacity, value_states.shape[-1]
            )
        start = self.get_seq_length()
        stop = start + key_states.shape[-2]
        self._all_keys[:, :, start:stop] = key_states
        self._all_values[:, :, start:stop] = value_states
        self._use(stop)
        return self.keys, self.values

    def choose(self, rows: Int[Tensor, " rows"]) -> None:
        """Make the given rows, which may repeat, the rows of the cache."""
        self._all_keys, self._all_values = self._all_keys[rows], self._all_values[rows]
        self._use(self.get_seq_length())

    def _use(self, length: int) -> None:
        self.keys, self.values = self._all_keys[:, :, :length], self._all_values[:, :, :length]


class Preallocated(_Cache):  # type: ignore[misc]
    """The caches of all layers.

    Args:
        capacity: Most tokens that will be stored.
    """

    def __init__(self, capacity: int) -> None:
        super().__init__(layer_class_to_replicate=lambda: PreallocatedLayer(capacity))

    def choose(self, rows: Int[Tensor, " rows"]) -> None:
        """Make the given rows, which may repeat, the rows of every layer."""
        for layer in self.layers:
            layer.choose(rows)
