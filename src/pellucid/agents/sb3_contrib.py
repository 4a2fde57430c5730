"""Adapter for sb3-contrib: QR-DQN, TQC, MaskablePPO and RecurrentPPO.

Archives of both libraries have one form and are opened in one place, `agents.sb3`, with the table
of policies here added to its own.
"""

from pellucid.agents.adapter import LoadRequest, StoredAgent, adapter
from pellucid.agents.sb3 import StableBaselines3
from pellucid.agents.sb3_contrib_table import CONTRIB, LIBRARY
from pellucid.agents.torch_agent import TorchAgent
from pellucid.types import Capability

_ACTOR: tuple[Capability, ...] = ("sampling", "distribution", "latent", "gradients", "layers")


@adapter(
    LIBRARY,
    source="Raffin et al. 2021",
    accepts=(
        "file.zip of QRDQN, TQC or MaskablePPO with MlpPolicy",
        "file.zip of RecurrentPPO with MlpLstmPolicy",
        "such a model object",
    ),
    type_names=tuple(known.object_type for known in CONTRIB.values()),
    needs=("sb3-contrib",),
    capabilities={
        "QRDQN": ("q_values", "latent", "gradients", "layers"),
        "TQC": _ACTOR,
        # the held noise matrix ties the draws of successive steps together: no sampling
        "TQC with use_sde": _ACTOR[1:],
        "MaskablePPO": (*_ACTOR, "value", "masks"),
        "RecurrentPPO": (*_ACTOR, "value", "recurrent"),
    },
)
class SB3Contrib:
    """Loads archives and model objects, and rebuilds stored agents."""

    @staticmethod
    def load(request: LoadRequest) -> TorchAgent:
        """Return the agent in an archive or a model object; see `StableBaselines3.load`."""
        return StableBaselines3.load(request)

    @staticmethod
    def rebuild(stored: StoredAgent) -> TorchAgent:
        """Return an agent from its card and weights; see `StableBaselines3.rebuild`."""
        return StableBaselines3.rebuild(stored)
