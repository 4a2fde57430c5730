"""Adapter for estimators of scikit-learn: classifiers choose actions, regressors are mean actions.

A file is read through skops, from a closed list of types (`io.estimator_schema`); joblib and pickle
files are never opened.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import sklearn
from jaxtyping import Float
from sklearn.utils import get_tags

from pellucid.agents.acting import check_actions, draw, forward_in_chunks, raised
from pellucid.agents.adapter import LoadRequest, StoredAgent, adapter
from pellucid.agents.flatten import n_inputs
from pellucid.agents.fronting import lacking
from pellucid.agents.spaces import Spaces, describe, to_json
from pellucid.errors import AgentError, ArtifactError, CapabilityError, InputError, PellucidError
from pellucid.io.artifacts import open_skops
from pellucid.io.estimator_schema import ESTIMATORS
from pellucid.io.imports import optional_import
from pellucid.types import Actions, Categorical, Observations

NAME = "scikit-learn"
FILE = "estimator.skops"
_HINT = "fit it on observations (one row of numbers each) and on the actions of this environment"


@dataclass(frozen=True, eq=False)
class EstimatorAgent:
    """An agent made of a fitted estimator.

    Args:
        name: Short name for people.
        estimator: A classifier of discrete actions, or a regressor of continuous ones.
        spaces: The environment's spaces.
        card: What is known of the agent, as plain JSON values.
        content: Of its skops file; empty if it came from memory.
        sha256: Of that file; empty if it came from memory.
    """

    name: str
    estimator: Any
    spaces: Spaces
    card: Mapping[str, Any]
    content: bytes = b""
    sha256: str = ""

    n_parameters = 0

    @property
    def framework(self) -> str:
        """The library and the class."""
        return f"{NAME} {type(self.estimator).__name__}"

    @property
    def observation_space(self) -> Any:
        """The space of one observation."""
        return self.spaces.observation

    @property
    def action_space(self) -> Any:
        """The space of one action."""
        return self.spaces.action

    @property
    def capabilities(self) -> frozenset[str]:
        """`distribution` and `sampling` of a classifier that tells probabilities, else none."""
        discrete = isinstance(self.action_space, gymnasium.spaces.Discrete)
        tells = discrete and hasattr(self.estimator, "predict_proba")
        return frozenset({"distribution", "sampling"}) if tells else frozenset()

    # --- what it answers ---

    def act(self, observations: Observations) -> Actions:
        """Return the most probable action, the predicted class, or the prediction clipped.

        Raises:
            AgentError: It raised, or predicted something that is not an action.
        """
        space = self.action_space
        if "distribution" in self.capabilities:
            # the first of equally probable ones, whatever the library's own rule is
            chosen = self.distribution(observations).probabilities.argmax(axis=1)
            actions: Any = chosen + int(space.start)
        elif isinstance(space, gymnasium.spaces.Discrete):
            actions = self._predicted(observations).astype(np.int64)
        else:
            shape = (len(observations), *space.shape)
            rows = np.asarray(self._predicted(observations), dtype=np.float64).reshape(shape)
            actions = np.clip(rows, space.low, space.high).astype(space.dtype)
        return check_actions(actions, space, len(observations), who=self.name)

    def distribution(self, observations: Observations) -> Categorical:
        """Return the probability of each action; zero for those that it never saw."""
        if "distribution" not in self.capabilities:
            raise lacking(self, "distribution")
        told = self._asked(self.estimator.predict_proba, observations)
        columns = np.asarray(self.estimator.classes_).astype(np.int64) - self._start
        probabilities: Float[np.ndarray, "batch actions"] = np.zeros(
            (len(told), int(self.action_space.n))
        )
        probabilities[:, columns] = told
        if not np.allclose(probabilities.sum(axis=1), 1.0, atol=1e-6):
            raise AgentError(f"{self.name} tells probabilities that do not add up to one")
        return Categorical(probabilities, self._start)

    def sample(self, observations: Observations, rngs: Sequence[np.random.Generator]) -> Actions:
        """Return one drawn action per row, using only that row's generator."""
        if "sampling" not in self.capabilities:
            raise lacking(self, "sampling")
        return draw(self.distribution(observations), rngs).astype(self.action_space.dtype)

    # --- how it is stored ---

    @property
    def file_name(self) -> str:
        """Name of its file in a folder."""
        return FILE

    def file_content(self) -> bytes:
        """Return its skops file.

        Raises:
            CapabilityError: It came from memory, and cannot be stored so that it can be read.
        """
        if self.content:
            return self.content
        try:
            dumped: bytes = optional_import("skops.io", extra="skops").dumps(self.estimator)
        except InputError as error:
            raise CapabilityError(str(error), hint=error.hint) from None
        except Exception as error:  # a class that skops does not know
            raise CapabilityError(f"{self.name} cannot be stored: {error!s:.200}") from error
        return dumped

    # --- how ---

    @property
    def _start(self) -> int:
        return int(getattr(self.action_space, "start", 0))

    def _predicted(self, observations: Observations) -> Any:
        return self._asked(self.estimator.predict, observations)

    def _asked(self, predict: Any, observations: Observations) -> Any:
        # in the type of the space, as its maker would have asked it
        batch = np.asarray(observations)
        inputs = batch.reshape(len(batch), math.prod(batch.shape[1:]))
        try:
            return forward_in_chunks(lambda rows: np.asarray(predict(rows)), inputs)
        except PellucidError:
            raise
        except Exception as error:  # an estimator that was not fitted, or a damaged one
            raise raised(self.name, error) from error


@adapter(
    NAME,
    source="Pedregosa et al. 2011",
    accepts=(
        "estimator.skops: linear models, trees, forests, MLP, naive Bayes, pipelines of these",
        "such an estimator",
    ),
    suffixes=(".skops",),
    type_names=("sklearn.base.BaseEstimator",),
    needs=("skops",),
    capabilities={
        "classifier with predict_proba": ("distribution", "sampling"),
        "other classifier": (),
        "regressor": (),
    },
)
class ScikitLearn:
    """Loads estimators, and rebuilds stored ones."""

    @staticmethod
    def load(request: LoadRequest) -> EstimatorAgent:
        """Return the agent in a skops file or an estimator.

        Raises:
            ArtifactError: The file is damaged, unsafe or holds something else.
            InputError: It does not fit the environment, or no environment was given.
        """
        source = request.source
        if isinstance(source, str | Path):
            path = Path(source)
            stored = open_skops(path)
            name = request.name or path.name
            origin = {"origin": {"file": path.name, "sha256": stored.sha256}}
            return _agent(
                stored.estimator, request.spaces, name, origin, stored.content, stored.sha256
            )
        name = request.name or type(source).__name__
        code = {} if request.code is None else {"source": request.code}
        return _agent(source, request.spaces, name, code)

    @staticmethod
    def rebuild(stored: StoredAgent) -> EstimatorAgent:
        """Return an agent from its card and the file beside it.

        Raises:
            ArtifactError: The file is missing, damaged, or another one than the card names.
        """
        found = open_skops(stored.folder / FILE)
        stated = stored.card.get("file")
        if not isinstance(stated, Mapping) or stated.get("sha256") != found.sha256:
            raise ArtifactError(f"{stored.folder / FILE} is not the file that its card names")
        name = str(stored.card["name"])
        return _agent(
            found.estimator, stored.spaces, name, stored.card, found.content, found.sha256
        )


def _agent(
    estimator: Any,
    spaces: Spaces | None,
    name: str,
    more: Mapping[str, Any],
    content: bytes = b"",
    sha256: str = "",
) -> EstimatorAgent:
    if spaces is None:
        raise InputError(
            f"{name} is an estimator and needs an environment, which tells its spaces",
            hint="give env=…, such as --env LunarLander-v3",
        )
    _check(estimator, spaces, name)
    card = {
        "name": name,
        "adapter": NAME,
        "framework": f"{NAME} {type(estimator).__name__}",
        "algorithm": type(estimator).__name__,
        "observation_space": to_json(spaces.observation),
        "action_space": to_json(spaces.action),
        "versions": {"scikit-learn": str(sklearn.__version__)},
        **more,
    }
    return EstimatorAgent(name, estimator, spaces, card, content, sha256)


def _check(estimator: Any, spaces: Spaces, name: str) -> None:
    """Refuse an estimator that cannot choose actions here.

    Raises:
        InputError: It is of another kind, was fitted on something else, or was not fitted.
    """
    if not hasattr(estimator, "predict"):
        raise InputError(f"{name} does not predict anything", hint=f"read are: {_LISTED}")
    try:
        features = int(estimator.n_features_in_)
    except (AttributeError, TypeError, ValueError):
        raise InputError(f"{name} was not fitted", hint=_HINT) from None
    if features != n_inputs(spaces.observation):
        raise InputError(
            f"{name} was fitted on {features} inputs; the environment has "
            f"{describe(spaces.observation)}",
            hint=_HINT,
        )
    kind = _kind(estimator)
    action = spaces.action
    if kind == "classifier" and isinstance(action, gymnasium.spaces.Discrete):
        _check_classes(estimator, action, name)
    elif kind != "regressor" or not isinstance(action, gymnasium.spaces.Box):
        raise InputError(
            f"{name} is a {kind or 'transformer'}; classifiers choose Discrete actions and "
            f"regressors continuous ones, and the environment has {describe(action)}",
            hint=_HINT,
        )
    else:
        _check_outputs(estimator, action, features, name)


def _check_classes(estimator: Any, action: gymnasium.spaces.Discrete, name: str) -> None:
    classes = np.asarray(getattr(estimator, "classes_", ()))
    low, high = int(action.start), int(action.start) + int(action.n)
    sound = classes.ndim == 1 and classes.dtype.kind in "iub" and len(classes)
    if not sound or classes.min() < low or classes.max() >= high:
        raise InputError(
            f"{name} tells the classes {classes.tolist()!s:.80}; actions are {low} to {high - 1}",
            hint=_HINT,
        )


def _check_outputs(estimator: Any, action: gymnasium.spaces.Box, features: int, name: str) -> None:
    try:
        size = np.asarray(estimator.predict(np.zeros((1, features)))).size
    except Exception as error:  # a damaged one
        raise InputError(f"{name} raised {type(error).__name__}: {error!s:.160}") from error
    if size != math.prod(action.shape):
        raise InputError(f"{name} predicts {size} numbers; actions are {describe(action)}")


def _kind(estimator: Any) -> str | None:
    try:
        kind: str | None = get_tags(estimator).estimator_type
    except (AttributeError, TypeError, ValueError):  # not made as the library's own are
        return None
    return kind


_LISTED = ", ".join(sorted(ESTIMATORS))
