"""Networks on images with windows changed: equal to whole passes, whatever the geometry."""

import pytest
import torch
from torch import nn

from pellucid.agents.local_forward import LocalForward, split_network


def nature(channels=2, side=36):
    torch.manual_seed(0)
    front = nn.Sequential(
        nn.Conv2d(channels, 8, 8, 4), nn.ReLU(), nn.Conv2d(8, 8, 4, 2), nn.Tanh(),
        nn.Conv2d(8, 8, 2), nn.ReLU(),
    )  # fmt: skip
    n_units = front(torch.zeros(1, channels, side, side)).numel()
    return nn.Sequential(*front, nn.Flatten(), nn.Linear(n_units, 5))


def padded():
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, 2, padding=1), nn.ReLU(), nn.Conv2d(4, 4, (3, 1), padding=(1, 0)),
        nn.ReLU(), nn.Conv2d(4, 4, 3, (1, 2), padding=2), nn.Flatten(), nn.LazyLinear(3),
    )  # fmt: skip


def whole(network, image, windows, tops, lefts):
    height, width = windows.shape[2:]
    rows = image.expand(len(windows), *image.shape).clone()
    for row, window, top, left in zip(rows, windows, tops.tolist(), lefts.tolist(), strict=True):
        row[:, top : top + height, left : left + width] = window
    with torch.no_grad():
        return network(rows)


@pytest.mark.parametrize("make", [nature, padded])
@pytest.mark.parametrize("size", [(1, 1), (5, 5), (3, 11), (36, 36), (36, 2)])
def test_every_window_anywhere_gives_what_whole_passes_give(make, size):
    network = make()
    generator = torch.Generator().manual_seed(2)
    image = torch.rand(2, 36, 36, generator=generator)
    network(image[None])
    places = [
        (top, left) for top in range(0, 37 - size[0], 3) for left in range(0, 37 - size[1], 2)
    ]
    tops, lefts = torch.tensor(places).T
    windows = torch.rand(len(places), 2, *size, generator=generator)
    front, back = split_network([network])
    found = LocalForward(front, back, image)(windows, tops, lefts)
    expected = whole(network, image, windows, tops, lefts)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_many_windows_are_taken_in_parts(monkeypatch):
    network = nature()
    image = torch.rand(2, 36, 36)
    tops = torch.arange(0, 30)
    windows = torch.rand(30, 2, 4, 4)
    one = LocalForward(*split_network([network]), image)(windows, tops, tops)
    monkeypatch.setattr("pellucid.agents.local_forward.WINDOWS_AT_ONCE", 7)
    parts = LocalForward(*split_network([network]), image)(windows, tops, tops)
    torch.testing.assert_close(one, parts)


def test_only_plain_convolutions_at_the_start_are_split_off():
    front, back = split_network([nature()])
    assert [type(layer) for layer in front] == [
        nn.Conv2d,
        nn.ReLU,
        nn.Conv2d,
        nn.Tanh,
        nn.Conv2d,
        nn.ReLU,
    ]
    assert [type(layer) for layer in back] == [nn.Flatten, nn.Linear]
    assert split_network([nn.Linear(3, 2)]) is None
    assert split_network([nn.ReLU(), nn.Flatten()]) is None
    for conv in (
        nn.Conv2d(2, 4, 3, groups=2),
        nn.Conv2d(2, 4, 3, dilation=2),
        nn.Conv2d(2, 4, 3, padding="same"),
        nn.Conv2d(2, 4, 3, padding=1, padding_mode="reflect"),
    ):
        assert split_network([conv]) is None
    hooked = nn.Conv2d(2, 4, 3)
    hooked.register_forward_hook(lambda *_: None)
    assert split_network([hooked]) is None
