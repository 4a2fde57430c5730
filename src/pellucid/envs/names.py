"""Names and units of inputs and actions."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Names:
    """Names and units, in the order of the flattened observation and of the action outputs.

    Args:
        inputs: One per input.
        input_units: One per input; empty string if unknown.
        actions: One per discrete action, or one per action dimension.
        action_units: One per action; empty string if unknown.
        reward_unit: What one unit of return is called.
        source: Where they come from: `table`, `file`, `environment`, `none`.
    """

    inputs: tuple[str, ...]
    input_units: tuple[str, ...]
    actions: tuple[str, ...]
    action_units: tuple[str, ...]
    reward_unit: str = "points"
    source: str = "none"
