"""A small network as the regressor of learning by lookahead."""

import itertools

import numpy as np
import torch
from jaxtyping import Float


class TorchRegressor:
    """A network with two hidden layers, fitted to standardised features and targets.

    Args:
        hidden: Units of each hidden layer.
        n_steps: Steps of Adam, each over all rows.
        learning_rate: Of Adam.
        seed: Of the first weights.
    """

    def __init__(
        self,
        *,
        hidden: int = 64,
        n_steps: int = 200,
        learning_rate: float = 1e-2,
        seed: int = 0,
    ) -> None:
        self._hidden, self._n_steps = hidden, n_steps
        self._learning_rate, self._seed = learning_rate, seed
        self._shift, self._scale = np.zeros(1), np.ones(1)
        self._mean, self._spread = 0.0, 1.0
        self._net: torch.nn.Sequential | None = None

    def fit(
        self, features: Float[np.ndarray, "rows features"], targets: Float[np.ndarray, " rows"]
    ) -> "TorchRegressor":
        """Learn by squared error."""
        self._shift, self._scale = features.mean(axis=0), features.std(axis=0)
        self._scale = np.where(self._scale > 0, self._scale, 1.0)
        self._mean = float(targets.mean())
        self._spread = float(targets.std()) or 1.0
        self._net = self._made(features.shape[1])
        inputs = self._inputs(features)
        wanted = torch.as_tensor((targets - self._mean) / self._spread, dtype=torch.float32)
        optimiser = torch.optim.Adam(self._net.parameters(), lr=self._learning_rate)
        for _ in range(self._n_steps):
            optimiser.zero_grad()
            loss = ((self._net(inputs)[:, 0] - wanted) ** 2).mean()
            loss.backward()
            optimiser.step()
        return self

    def predict(self, features: Float[np.ndarray, "rows features"]) -> Float[np.ndarray, " rows"]:
        """Return a number for each row."""
        if self._net is None:
            return np.zeros(len(features))
        with torch.no_grad():
            scaled = self._net(self._inputs(features))[:, 0].numpy().astype(np.float64)
        return np.asarray(self._mean + self._spread * scaled)

    def _inputs(self, features: Float[np.ndarray, "rows features"]) -> torch.Tensor:
        return torch.as_tensor((features - self._shift) / self._scale, dtype=torch.float32)

    def _made(self, n_features: int) -> torch.nn.Sequential:
        # weights are drawn here and not by the layers, which use the global generator
        generator = torch.Generator().manual_seed(self._seed)
        sizes = (n_features, self._hidden, self._hidden, 1)
        parts: list[torch.nn.Module] = []
        for n_in, n_out in itertools.pairwise(sizes):
            # on the device without memory nothing is drawn
            layer = torch.nn.Linear(n_in, n_out, device="meta").to_empty(device="cpu")
            with torch.no_grad():
                layer.weight.normal_(0.0, n_in**-0.5, generator=generator)
                layer.bias.zero_()
            parts += [layer, torch.nn.Tanh()]
        return torch.nn.Sequential(*parts[:-1])
