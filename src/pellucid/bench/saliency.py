"""Saliency maps of images: a convolutional agent on 84 x 84 frames, one frame after another.

The unit of work is the map of one frame. The agent is the usual network of Atari games (three
convolutions and 512 units, six actions and a value) with random weights, on drawn frames of four
channels. The error is the largest difference from the map by whole passes, one row at a time,
relative to the largest value of that map.

*Discs* are the maps of Greydanus 2018: 289 soft discs, five pixels apart, blurred frame below, half
the squared distance of the outputs. The authors' program draws two maps of each frame, the policy's
and the value's. Its loop is the peer: for each map and disc, the disc, the newest frame (from a
screen of 210 x 160 pixels) and all blurred frames are made anew and the network is asked for one
row; the three older frames are taken as they are. One pass of ours gives both maps. Both ways have
two threads.

*Windows* are hard squares of 8 x 8 pixels, four apart, set to zero, as captum's Occlusion makes
them, whose `perturbations_per_eval` is chosen as the fastest of several first. captum asks for one
output at a time; the case *all actions* needs all of them, as an explanation does. *Whole passes
alone* pass as many rows in large batches and make no map.

A disc reaches most of the frame, so that only the first layer can do with less than a whole pass:
what it makes of all discs are sums of few convolutions. A window reaches little, and only that is
computed again.
"""

import importlib
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from PIL import Image
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn

from pellucid.agents.blended_forward import BlendedForward
from pellucid.agents.local_forward import LocalForward, split_network
from pellucid.bench.harness import Measured, NoteFn, Row, Scale, Work, compare
from pellucid.kernels.frame_blur import blurred_frames, disc_masks, stride_centres
from pellucid.provenance import package_version
from pellucid.seeds import stream

SUITE = "saliency"
CHANNELS, SIDE, N_ACTIONS = 4, 84, 6
SCREEN = (210, 160, 3)
PLAYED = slice(35, 195)
"""Rows of a screen that frames are made of."""
MAPS: Mapping[str, slice] = {"policy": slice(N_ACTIONS), "value": slice(N_ACTIONS, N_ACTIONS + 1)}
"""Outputs of the network that a map is of."""
STRIDE, DISC_SIGMA, BLUR_SIGMA = 5, 5.0, 3.0
WINDOW, WINDOW_STRIDE = 8, 4
AT_ONCE = 96
"""Rows of one whole pass; larger ones leave the processor's cache."""
PER_EVAL = (1, 8, 32, 64, 128, 256)
"""Settings of captum among which the fastest is taken."""
DISC_THREADS = 2
"""Of both ways to maps of discs; everything else is on the threads that torch is given."""
FASTER_LOOP, FASTER_OCCLUSION, IN_NETWORK = 50.0, 2.0, 0.6
LARGEST_ERROR = 1e-4

Frames: TypeAlias = Float[np.ndarray, "frames channels rows columns"]
Numbers: TypeAlias = Int[np.ndarray, " frames"]


@dataclass(frozen=True)
class Setting:
    """What is explained.

    Args:
        network: From (batch, channels, rows, columns) to (batch, actions and value).
        frames: Shape (frames, channels, rows, columns), from 0 to 1, single precision.
        screens: Shape (frames, *SCREEN), what the newest channel of each is made of.
        side: Rows and columns.
    """

    network: nn.Sequential
    frames: Frames
    screens: UInt8[np.ndarray, "frames rows columns colours"]
    side: int

    @property
    def blocks(self) -> list[Numbers]:
        """Numbers of frames, one each, so that both ways are timed in turn often."""
        return np.array_split(np.arange(len(self.frames)), len(self.frames))

    def passed(self, rows: Tensor) -> Tensor:
        """Return the outputs for many rows, in batches."""
        with torch.inference_mode():
            return torch.cat([self.network(part) for part in _batches(rows)])


def _batches(rows: Tensor) -> list[Tensor]:
    return [rows[start : start + AT_ONCE] for start in range(0, len(rows), AT_ONCE)]


def run(scale: Scale, note: NoteFn) -> tuple[Row, ...]:
    """Compare maps with the published loop and with captum.

    Args:
        scale: `full` is 12 frames of 84 x 84; `smoke` two small ones.
        note: Told what is being measured.
    """
    setting = _setting(*((12, SIDE) if scale is Scale.full else (2, 44)))
    note(f"{SUITE}: discs")
    with _threads(DISC_THREADS):
        rows = _disc_rows(setting)
    note(f"{SUITE}: windows")
    rows += _window_rows(setting)
    if scale is Scale.smoke:
        return tuple(replace(row, met=None, reason=row.reason or "smoke") for row in rows)
    return tuple(rows)


@contextmanager
def _threads(n: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _setting(n_frames: int, side: int) -> Setting:
    torch.manual_seed(0)
    front = [
        nn.Conv2d(CHANNELS, 32, 8, 4), nn.ReLU(), nn.Conv2d(32, 64, 4, 2), nn.ReLU(),
        nn.Conv2d(64, 64, 3), nn.ReLU(), nn.Flatten(),
    ]  # fmt: skip
    with torch.no_grad():
        n_units = nn.Sequential(*front)(torch.zeros(1, CHANNELS, side, side)).numel()
    network = nn.Sequential(
        *front, nn.Linear(n_units, 512), nn.ReLU(), nn.Linear(512, N_ACTIONS + 1)
    )
    for layer in network:
        if isinstance(layer, nn.Conv2d | nn.Linear):
            # as agents are initialised; torch's own weights would make maps of nearly nothing
            nn.init.orthogonal_(layer.weight, 2**0.5)
    screens = _drawn_screens(n_frames)
    frames = np.stack([[preprocessed(screen, side) for screen in stack] for stack in screens])
    return Setting(network.eval(), frames, screens[:, -1], side)


def _drawn_screens(n_frames: int) -> UInt8[np.ndarray, "frames channels rows columns colours"]:
    """Return screens of bright squares on a dark ground, each channel a step later."""
    rng = stream(0, "bench", SUITE)
    screens = np.full((n_frames, CHANNELS, *SCREEN), 25, dtype=np.uint8)
    for stack in screens:
        for _ in range(12):
            top, left, size = (int(x) for x in rng.integers(0, (190, 140, 18)))
            colour = rng.integers(0, 256, 3)
            for step, screen in enumerate(stack):
                side = slice(left + 2 * step, left + 2 * step + size + 4)
                screen[top : top + size + 4, side] = colour
    return screens


def preprocessed(
    screen: UInt8[np.ndarray, "rows columns colours"], side: int
) -> Float[np.ndarray, "rows columns"]:
    """Return a frame from 0 to 1: what is played on, in grey, at the agent's size."""
    grey = Image.fromarray(screen[PLAYED].mean(axis=2).astype(np.float32))
    return np.asarray(grey.resize((side, side), Image.Resampling.BILINEAR)) / np.float32(255)


# --- discs ---


def discs(setting: Setting) -> Work:
    """Return our way, all maps of a frame at once, shape (maps, discs) each."""
    side = setting.side
    masks = disc_masks(stride_centres(side, side, STRIDE), side, side, DISC_SIGMA)
    split = split_network([setting.network])
    assert split is not None
    # the last row is the frame as it is
    forward = BlendedForward(*split, np.concatenate([masks, np.zeros((1, side, side))]))

    def one(frame: np.ndarray) -> np.ndarray:
        hidden = blurred_frames(frame, (0, 1), BLUR_SIGMA).astype(np.float32)
        outputs = forward(torch.from_numpy(frame), torch.from_numpy(hidden)).double().numpy()
        squares = (outputs[:-1] - outputs[-1]) ** 2 / 2
        return np.stack([squares[:, some].sum(axis=1) for some in MAPS.values()])

    return lambda numbers: np.stack([one(setting.frames[k]) for k in numbers])


def disc_loop(setting: Setting, *names: str) -> Work:
    """Return the published way to maps of these names: everything anew for each disc of each."""
    network, side = setting.network, setting.side

    def one(number: int, some: slice) -> list[float]:
        frame = setting.frames[number].copy()
        with torch.no_grad():
            before = network(torch.from_numpy(frame)[None])[:, some]
            scores = []
            for row in range(0, side, STRIDE):
                for column in range(0, side, STRIDE):
                    mask = _one_disc(row, column, side)
                    frame[-1] = preprocessed(setting.screens[number], side)
                    hidden = np.stack([gaussian_filter(plane, sigma=BLUR_SIGMA) for plane in frame])
                    made = (frame * (1 - mask) + hidden * mask).astype(np.float32)
                    outputs = network(torch.from_numpy(made)[None])[:, some]
                    scores.append(float((before - outputs).pow(2).sum().mul_(0.5)))
        return scores

    return lambda numbers: np.array([[one(k, MAPS[name]) for name in names] for k in numbers])


def _one_disc(row: int, column: int, side: int) -> Float[np.ndarray, "rows columns"]:
    rows, columns = np.ogrid[-row : side - row, -column : side - column]
    disc = np.zeros((side, side))
    disc[rows * rows + columns * columns <= 1] = 1.0
    mask = gaussian_filter(disc, sigma=DISC_SIGMA)
    return np.asarray(mask / mask.max())


def _disc_rows(setting: Setting) -> list[Row]:
    ours = discs(setting)
    rows = []
    for names in (("policy",), tuple(MAPS)):

        def some(numbers: Numbers, n_maps: int = len(names)) -> np.ndarray:
            return ours(numbers)[:, :n_maps]

        measured = compare(some, disc_loop(setting, *names), setting.blocks)
        n_discs = measured.ours.shape[2]
        case = f"discs, {n_discs}, {' and '.join(names)}"
        row = _row(setting, case, "loop as published", None, measured, measured.peer)
        errors = [
            _error(measured.ours[:, k], measured.peer[:, k]) or 0.0 for k in range(len(names))
        ]
        rows.append(replace(row, error_ours=max(errors)))
    goal = f"at least {FASTER_LOOP:.0f} times as fast on {DISC_THREADS} cores, maps equal to "
    goal += f"{LARGEST_ERROR:g}"
    rows[-1] = _asked(rows[-1], goal, FASTER_LOOP)
    alone = _alone(setting, n_discs)
    rows.append(_beside(setting, f"discs, {n_discs}", compare(ours, alone, setting.blocks)))
    return rows


# --- windows ---


def windows(setting: Setting) -> Callable[[int | None], Work]:
    """Return our way, for one output or (None) all: only what a window reaches, again."""
    places = _window_places(setting.side)
    tops, lefts = torch.from_numpy(places).T.contiguous()
    split = split_network([setting.network])
    assert split is not None
    hidden = torch.zeros((len(places), CHANNELS, WINDOW, WINDOW))
    cover = _cover(setting.side)

    def one(frame: np.ndarray, output: int | None) -> np.ndarray:
        image = torch.from_numpy(frame)
        with torch.inference_mode():
            before = setting.network(image[None])[0]
        found = (before - LocalForward(*split, image)(hidden, tops, lefts)).double().numpy()
        found = found[:, :N_ACTIONS]
        picked = found if output is None else found[:, output : output + 1]
        return _spread(picked, places, cover)

    return lambda output: (
        lambda numbers: np.stack([one(setting.frames[k], output) for k in numbers])
    )


def occlusion(setting: Setting, per_eval: int) -> Callable[[int | None], Work]:
    """Return captum's way, for one output or (None) all, one after another.

    Raises:
        ImportError: It is not installed.
    """
    captum: Any = importlib.import_module("captum.attr")
    method = captum.Occlusion(setting.network)

    def one(frame: np.ndarray, output: int) -> np.ndarray:
        with torch.no_grad():
            found = method.attribute(
                torch.from_numpy(frame)[None],
                sliding_window_shapes=(CHANNELS, WINDOW, WINDOW),
                strides=(CHANNELS, WINDOW_STRIDE, WINDOW_STRIDE),
                baselines=0,
                target=output,
                perturbations_per_eval=per_eval,
            )
        return np.asarray(found[0, 0].double().numpy())

    def make(output: int | None) -> Work:
        chosen = range(N_ACTIONS) if output is None else (output,)
        return lambda numbers: np.stack(
            [np.stack([one(setting.frames[n], k) for k in chosen], axis=-1) for n in numbers]
        )

    return make


def _window_places(side: int) -> np.ndarray:
    # captum's last window along an axis ends at the end of the image
    n = -(-(side - WINDOW) // WINDOW_STRIDE) + 1
    starts = np.minimum(np.arange(n) * WINDOW_STRIDE, side - WINDOW)
    return np.array([(top, left) for top in starts for left in starts])


def _cover(side: int) -> Float[np.ndarray, "rows columns 1"]:
    counts = np.zeros((side, side, 1))
    for top, left in _window_places(side):
        counts[top : top + WINDOW, left : left + WINDOW] += 1
    return counts


def _spread(
    values: Float[np.ndarray, "windows outputs"],
    places: np.ndarray,
    cover: Float[np.ndarray, "rows columns 1"],
) -> Float[np.ndarray, "rows columns outputs"]:
    """Return, for each pixel, the mean over the windows that cover it."""
    total = np.zeros((*cover.shape[:2], values.shape[1]))
    for (top, left), value in zip(places, values, strict=True):
        total[top : top + WINDOW, left : left + WINDOW] += value
    return np.asarray(total / cover)


def _window_rows(setting: Setting) -> list[Row]:
    ours = windows(setting)
    n_windows = len(_window_places(setting.side))
    case = f"windows, {n_windows}"
    try:
        per_eval, peer = _fastest_occlusion(setting)
    except ImportError:
        return [Row(SUITE, case, "captum Occlusion", None, reason="captum is not installed")]
    version = package_version("captum")
    name = f"captum Occlusion, {per_eval} per pass"
    rows = []
    for words, output in (("one action", 0), ("all actions", None)):
        blocks = setting.blocks if output is not None else setting.blocks[:4]
        measured = compare(ours(output), peer(output), blocks)
        exact = _exact_windows(setting, output, len(blocks))
        row = _row(setting, f"{case}, {words}", name, version, measured, exact)
        goal = f"at least {FASTER_OCCLUSION:.0f} times as fast, maps equal to {LARGEST_ERROR:g}"
        rows.append(_asked(row, goal, FASTER_OCCLUSION))
    measured = compare(ours(None), _alone(setting, n_windows), setting.blocks)
    return [*rows, _beside(setting, case, measured)]


def _fastest_occlusion(setting: Setting) -> tuple[int, Callable[[int | None], Work]]:
    timed = []
    for per_eval in PER_EVAL:
        work = occlusion(setting, per_eval)(0)
        work(setting.blocks[0])
        started = time.perf_counter()
        work(setting.blocks[0])
        timed.append((time.perf_counter() - started, per_eval))
    best = min(timed)[1]
    return best, occlusion(setting, best)


def _exact_windows(setting: Setting, output: int | None, n_frames: int) -> np.ndarray:
    """Return the maps by whole passes of one row each."""
    places, cover = _window_places(setting.side), _cover(setting.side)
    maps = []
    for frame in setting.frames[:n_frames]:
        rows = np.repeat(frame[None], len(places), axis=0)
        for row, (top, left) in zip(rows, places, strict=True):
            row[:, top : top + WINDOW, left : left + WINDOW] = 0
        with torch.inference_mode():
            before = setting.network(torch.from_numpy(frame)[None])
            outputs = torch.cat([setting.network(torch.from_numpy(row)[None]) for row in rows])
        values = (before - outputs)[:, :N_ACTIONS].double().numpy()
        picked = values if output is None else values[:, output : output + 1]
        maps.append(_spread(picked, places, cover))
    return np.stack(maps)


# --- rows ---


def _alone(setting: Setting, n_rows: int) -> Work:
    rows = torch.from_numpy(setting.frames[:1]).repeat(n_rows, 1, 1, 1)

    def work(numbers: Numbers) -> np.ndarray:
        for _ in numbers:
            setting.passed(rows)
        return np.full((len(numbers), 1), np.nan)

    return work


def _beside(setting: Setting, case: str, measured: Measured) -> Row:
    row = replace(
        _row(setting, case, "whole passes alone", None, measured, measured.ours),
        error_ours=None,
        error_peer=None,
        reason="whole passes make no map, so they have no error",
    )
    goal = f"at least {IN_NETWORK} times as fast: little time beside the network"
    return replace(row, goal=goal, met=measured.ratio >= IN_NETWORK)


def _row(
    setting: Setting,
    case: str,
    peer: str,
    version: str | None,
    measured: Measured,
    exact: np.ndarray,
) -> Row:
    return Row(
        suite=SUITE,
        case=case,
        peer=peer,
        peer_version=version,
        ours_s=measured.ours_s,
        peer_s=measured.peer_s,
        ratio=measured.ratio,
        error_ours=_error(measured.ours, exact),
        error_peer=_error(measured.peer, exact),
        threads=torch.get_num_threads(),
    )


def _error(found: np.ndarray, exact: np.ndarray) -> float | None:
    if found.shape != exact.shape:
        return None
    return float(np.abs(found - exact).max() / np.abs(exact).max())


def _asked(row: Row, goal: str, least: float) -> Row:
    equal = row.error_ours is not None and row.error_ours <= LARGEST_ERROR
    return replace(row, goal=goal, met=(row.ratio or 0.0) >= least and equal)
