"""What a skops file may hold: a closed list of estimators that predict with plain arrays.

skops builds each object whose type is trusted and knows nothing of its content. Support vector
machines, nearest neighbours and boosting hand stored arrays to compiled code that does not check
them, so a crafted file could make it read anywhere. Those are left out; trees are let through and
checked node by node (`check_trees`) before anything is predicted.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from pellucid.errors import ArtifactError

MAX_PARTS = 2_000_000
_LINEAR = (
    "ElasticNet", "Lasso", "LinearRegression", "LogisticRegression", "MultiTaskElasticNet",
    "MultiTaskLasso", "Ridge", "RidgeClassifier", "SGDClassifier", "SGDRegressor",
)  # fmt: skip
_TREES = (
    "DecisionTreeClassifier", "DecisionTreeRegressor", "ExtraTreeClassifier", "ExtraTreeRegressor",
)  # fmt: skip
_FORESTS = (
    "ExtraTreesClassifier", "ExtraTreesRegressor", "RandomForestClassifier",
    "RandomForestRegressor",
)  # fmt: skip
_NETWORKS = ("MLPClassifier", "MLPRegressor")
_OTHERS = ("GaussianNB", "DummyClassifier", "DummyRegressor", "MultiOutputRegressor")
_IN_FRONT = (
    "Pipeline", "StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler",
    "PolynomialFeatures", "LabelEncoder", "LabelBinarizer",
)  # fmt: skip
ESTIMATORS = frozenset((*_LINEAR, *_TREES, *_FORESTS, *_NETWORKS, *_OTHERS, *_IN_FRONT))
"""Classes of scikit-learn that are read."""

_INSIDE = frozenset({"AdamOptimizer", "SGDOptimizer", "Tree"})
TRUSTED = (
    "sklearn.tree._tree.Tree",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
)
"""Types that skops does not trust by itself and that are read here."""
# the loader that skops picks for each stored part; each builds nothing but what its name says
_PLAIN = {
    "DictNode": {"builtins.dict", "sklearn.utils._bunch.Bunch"},
    "ListNode": {"builtins.list"},
    "TupleNode": {"builtins.tuple"},
    "JsonNode": {"builtins.str", "builtins.int", "builtins.float", "builtins.bool"},
    "CachedNode": None,
    "NdArrayNode": None,
    "RandomStateNode": {"numpy.random.mtrand.RandomState"},
    "RandomGeneratorNode": {"numpy.random._generator.Generator"},
    "TypeNode": None,
    "DTypeNode": None,
    "LossNode": None,
}
_LIBRARIES = ("numpy", "sklearn")


def check_schema(schema: Any, where: str) -> None:
    """Refuse a skops file that names anything beside what is read.

    Args:
        schema: Its `schema.json`, decoded.
        where: Names the file in messages.

    Raises:
        ArtifactError: It names another type; the message says which.
    """
    if not isinstance(schema, Mapping) or "__loader__" not in schema:
        raise ArtifactError(f"{where} does not describe an estimator", hint=_HINT)
    for part in _parts(schema, where):
        loader = str(part.get("__loader__"))
        module, name = str(part.get("__module__")), str(part.get("__class__"))
        if not _allowed(loader, module, name):
            raise ArtifactError(
                f"{where} holds a {module}.{name}, which is not read"[:300], hint=_HINT
            )


_HINT = f"read are, of scikit-learn: {', '.join(sorted(ESTIMATORS))}"


def check_trees(estimator: Any, where: str) -> None:
    """Refuse trees whose nodes lead anywhere but down and to inputs that there are.

    Args:
        estimator: An estimator that was just built and not yet used.
        where: Names the file in messages.

    Raises:
        ArtifactError: A tree is damaged or crafted.
    """
    for tree in _trees(estimator, where):
        # compiled code follows these numbers without looking: counts before arrays
        sound = 0 < tree.node_count <= tree.capacity and _leads_down(tree)
        if not sound:
            raise ArtifactError(f"{where} holds a damaged tree", hint="save the estimator again")


def _leads_down(tree: Any) -> bool:
    left, right = (np.asarray(side) for side in (tree.children_left, tree.children_right))
    nodes = np.arange(tree.node_count)
    leaves = left == -1
    inner = ~leaves
    feature = np.asarray(tree.feature)[inner]
    return bool(
        np.array_equal(leaves, right == -1)
        # a child comes after its parent, so that every path ends
        and np.all((left[inner] > nodes[inner]) & (left[inner] < tree.node_count))
        and np.all((right[inner] > nodes[inner]) & (right[inner] < tree.node_count))
        and np.all((feature >= 0) & (feature < tree.n_features))
    )


def _allowed(loader: str, module: str, name: str) -> bool:
    full = f"{module}.{name}"
    library = module.partition(".")[0]
    if loader == "ObjectNode":
        return library == "sklearn" and name in ESTIMATORS | (_INSIDE - {"Tree"})
    if loader == "TreeNode":
        return full == "sklearn.tree._tree.Tree"
    if loader == "LossNode":
        return module in ("sklearn._loss._loss", "sklearn.linear_model._sgd_fast")
    if loader == "TypeNode":
        return full in ("builtins.str", "builtins.int", "builtins.float", "builtins.bool") or (
            library == "numpy" and "." not in module
        )
    if loader not in _PLAIN:
        return False
    plain = _PLAIN[loader]
    return full in plain if plain is not None else library in _LIBRARIES


def _parts(schema: Any, where: str) -> Iterator[Mapping[str, Any]]:
    """Yield every table that names a loader, without recursion."""
    left, count = [schema], 0
    while left:
        item = left.pop()
        count += 1
        if count > MAX_PARTS:
            raise ArtifactError(f"{where} has more than {MAX_PARTS} parts")
        if isinstance(item, Mapping):
            if "__loader__" in item:
                yield item
            left += item.values()
        elif isinstance(item, list):
            left += item


def _trees(estimator: Any, where: str) -> Iterator[Any]:
    seen: set[int] = set()
    left: list[Any] = [estimator]
    while left:
        item = left.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if len(seen) > MAX_PARTS:
            raise ArtifactError(f"{where} has more than {MAX_PARTS} parts")
        if type(item).__name__ == "Tree":
            yield item
        elif isinstance(item, Mapping):
            left += item.values()
        elif isinstance(item, list | tuple):
            left += item
        elif isinstance(item, np.ndarray):
            left += item.ravel().tolist() if item.dtype == object else []
        elif hasattr(item, "__dict__"):
            left += vars(item).values()
