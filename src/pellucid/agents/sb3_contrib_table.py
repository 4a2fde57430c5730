"""What is known of sb3-contrib's policies, in the form of `sb3_table`."""

from collections.abc import Mapping

from pellucid.agents.sb3_arguments import PolicyArguments
from pellucid.agents.sb3_extractors import FLATTEN, policy_classes
from pellucid.agents.sb3_table import ALGORITHMS, Algorithm
from pellucid.errors import ArtifactError

LIBRARY = "sb3-contrib"
MASKABLE = "MaskableActorCriticPolicy"
RECURRENT = "RecurrentActorCriticPolicy"
QUANTILES = "QRDQNPolicy"
_ON_POLICY = frozenset({"share_features_extractor", "normalize_images"})
_LSTM = frozenset({"lstm_hidden_size", "n_lstm_layers", "shared_lstm", "enable_critic_lstm"})
_CLIPPED = frozenset({"clip_range", "n_epochs", "gae_lambda"})

CONTRIB: Mapping[str, Algorithm] = {
    known.name: known
    for known in (
        Algorithm(
            "QRDQN",
            "sb3_contrib.qrdqn.qrdqn.QRDQN",
            "sb3_contrib.qrdqn.policies",
            QUANTILES,
            needs=frozenset({"exploration_fraction", "target_update_interval"}),
            lacks=frozenset(),
            branches=(),
            activation="ReLU",
            actions=("Discrete",),
            options=frozenset({"n_quantiles", "normalize_images"}),
            policies=policy_classes(QUANTILES),
            library=LIBRARY,
        ),
        Algorithm(
            "TQC",
            "sb3_contrib.tqc.tqc.TQC",
            "sb3_contrib.tqc.policies",
            "TQCPolicy",
            needs=frozenset({"target_entropy", "top_quantiles_to_drop_per_net"}),
            lacks=frozenset(),
            branches=("pi", "qf"),
            activation="ReLU",
            actions=("Box",),
            options=_ON_POLICY | {"n_quantiles", "n_critics"},
            sde_options=frozenset({"use_expln", "clip_mean"}),
            policies=policy_classes("TQCPolicy"),
            library=LIBRARY,
        ),
        Algorithm(
            "MaskablePPO",
            "sb3_contrib.ppo_mask.ppo_mask.MaskablePPO",
            "sb3_contrib.common.maskable.policies",
            MASKABLE,
            needs=_CLIPPED,
            lacks=frozenset(),
            branches=("pi", "vf"),
            activation="Tanh",
            actions=("Discrete",),
            options=_ON_POLICY,
            policies={MASKABLE: FLATTEN},
            library=LIBRARY,
        ),
        Algorithm(
            "RecurrentPPO",
            "sb3_contrib.ppo_recurrent.ppo_recurrent.RecurrentPPO",
            "sb3_contrib.common.recurrent.policies",
            RECURRENT,
            needs=_CLIPPED,
            lacks=frozenset(),
            branches=("pi", "vf"),
            activation="Tanh",
            actions=("Discrete", "Box"),
            options=_ON_POLICY | _LSTM,
            policies={RECURRENT: FLATTEN},
            library=LIBRARY,
        ),
    )
}
KNOWN: Mapping[str, Algorithm] = {**ALGORITHMS, **CONTRIB}
"""Every algorithm of both libraries, by name."""


def check_sizes(arguments: PolicyArguments, n_stored: int, where: str) -> None:
    """Refuse sizes that the stored weights do not fill, before memory is set aside.

    Args:
        arguments: From the file.
        n_stored: Numbers in its weights.
        where: The file, for the message.

    Raises:
        ArtifactError: A part would be larger than everything that is stored.
    """
    given = arguments.options
    hidden, layers = int(given.get("lstm_hidden_size", 0)), int(given.get("n_lstm_layers", 1))
    # four gates, each of which reads the hidden state
    wanted = {"lstm_hidden_size": 4 * layers * hidden**2, "n_lstm_layers": layers}
    wanted["n_quantiles"] = int(given.get("n_quantiles", 0))
    for name, size in wanted.items():
        if name in given and size > n_stored:
            raise ArtifactError(
                f"{where} names {name} = {given[name]}, but holds {n_stored} weights only"
            )
