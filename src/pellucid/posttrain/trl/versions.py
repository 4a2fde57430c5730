"""What this adapter was tested with, and the checks that say so before anything is trained."""

import importlib.metadata
import inspect
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from pellucid.errors import CapabilityError

TESTED_TRL = ("1.16",)
"""Minor releases of TRL that the tests of this folder passed with."""

TESTED_VLLM = ((0, 22), (0, 31))
"""First and last minor release of vLLM that this TRL declares, both included."""

HOOKS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "_calculate_rewards": ("inputs", "prompts", "completions", "completion_ids_list"),
        "_generate_and_score_completions": ("inputs",),
        "_compute_loss": ("model", "inputs"),
    }
)
"""The only methods of TRL's trainer that are overridden, with their parameters."""

OUTPUT_KEYS = (
    "prompt_ids",
    "prompt_mask",
    "completion_ids",
    "completion_mask",
    "advantages",
    "num_items_in_batch",
)
"""What `_generate_and_score_completions` must return."""


def installed_version(package: str) -> str | None:
    """Return the version of an installed package, None if it is not there."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def check_trl() -> None:
    """Check that the installed TRL is one that the tests passed with.

    Raises:
        CapabilityError: It is missing, or of another minor release.
    """
    found = installed_version("trl")
    if found is None:
        raise CapabilityError("trl is needed and not installed", hint="pip install 'pellucid[llm]'")
    if ".".join(found.split(".")[:2]) not in TESTED_TRL:
        listed = ", ".join(TESTED_TRL)
        raise CapabilityError(
            f"trl {found} is installed, and this adapter was tested with {listed}",
            hint=f"pip install 'trl=={TESTED_TRL[-1]}.*', or train with the native engine",
        )


def check_vllm() -> None:
    """Check that vLLM is installed and in the range that TRL declares.

    Raises:
        CapabilityError: It is missing or outside.
    """
    (first, last), found = TESTED_VLLM, installed_version("vllm")
    wanted = f"vllm>={first[0]}.{first[1]},<{last[0]}.{last[1] + 1}"
    if found is None:
        raise CapabilityError(
            "generation with vLLM was asked for, and vllm is not installed",
            hint=f"pip install '{wanted}' on a machine with a GPU, or generate without it",
        )
    digits = tuple(int(part) for part in found.split(".")[:2] if part.isdigit())
    if not first <= digits <= last:
        raise CapabilityError(
            f"vllm {found} is installed, and TRL {TESTED_TRL[-1]} takes {wanted}",
            hint=f"pip install '{wanted}'",
        )


def check_hooks(trainer_class: type) -> None:
    """Check that a trainer class has the methods that are overridden, with the same parameters.

    Raises:
        CapabilityError: One is missing or has other parameters.
    """
    for name, wanted in HOOKS.items():
        method = getattr(trainer_class, name, None)
        found = () if method is None else tuple(inspect.signature(method).parameters)[1:]
        if found != wanted:
            raise CapabilityError(
                f"{trainer_class.__name__}.{name} takes {_listed(found)}, expected {wanted}",
                hint=f"this adapter was tested with trl {', '.join(TESTED_TRL)}",
            )


def check_output(output: Mapping[str, object], n_rows: int) -> None:
    """Check what TRL's trainer returned for a batch of prompts.

    Raises:
        CapabilityError: A key is missing, or there is not one completion per prompt.
    """
    missing = [key for key in OUTPUT_KEYS if key not in output]
    if missing:
        raise CapabilityError(
            f"TRL's trainer returned no {', '.join(missing)} for its completions",
            hint=f"this adapter was tested with trl {', '.join(TESTED_TRL)}",
        )
    completions = output["completion_ids"]
    n_found = len(completions) if hasattr(completions, "__len__") else -1
    if n_found != n_rows:
        raise CapabilityError(
            f"expected one completion for each of {n_rows} prompts, got {n_found}",
            hint="TRL repeats each prompt: a rollout_func returns one completion per item",
        )


def _listed(names: Sequence[str]) -> str:
    return f"({', '.join(names)})" if names else "no such parameters"
