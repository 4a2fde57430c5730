"""What must hold of a reward for closeness to an expert's explanation (Pappone et al. 2025)."""

from dataclasses import replace

import numpy as np
import torch

from pellucid.posttrain.native import pad_left, sample, token_log_probs
from pellucid.posttrain.objectives import Batch, Context, Recipe, policy_loss, prepare
from pellucid.posttrain.rewards import CachedEncoder, SemanticReward, minilm_encoder
from pellucid.posttrain.rewards.explained import explanation_of
from pellucid.posttrain.rewards.probes import LEAST_RATE, make_probes, probe_rates
from pellucid.posttrain.tasks.exam import Exam, completion
from pellucid.systems.base_models import SMOKE
from pellucid.systems.semantic_reward import MIN_WORDS, SUBJECT, base_model, questions

N_REFERENCES = 10
ABOUT_NOTHING = 0.15
"""What explanations of other questions may get on average."""


def checks() -> dict[str, bool]:
    """Return whether each holds, with the encoder that ships as a package."""
    encoder = CachedEncoder(minilm_encoder())
    examples = Exam((SUBJECT, "physics", "genetics")).examples(N_REFERENCES, seed=0)
    texts = [explanation_of(example.rationale or "") for example in examples]
    reward = SemanticReward(encoder, references=texts, min_words=MIN_WORDS)
    own = reward.similarities(texts, [[text] for text in texts], texts)
    others = [
        one
        for place, text in enumerate(texts)
        for one in reward.similarities(
            [text] * (len(texts) - 1),
            [[other] for k, other in enumerate(texts) if k != place],
            texts,
        )
    ]
    rates = probe_rates(
        lambda text, reference: reward.similarities([text], [[reference]], texts)[0], make_probes()
    )
    told = ", ".join(f"{kind} {rate.value:.0%}" for kind, rate in rates.items() if kind != "all")
    return {
        "references get 1 for themselves": bool(np.allclose(own, 1.0, atol=1e-5)),
        "explanations of other questions get about 0": bool(np.mean(others) < ABOUT_NOTHING),
        f"paraphrases are nearer than corrupted copies in 80 % ({told})": rates["all"].value
        >= LEAST_RATE,
        **_encodings(texts),
        "only the explanation is compared": _explanation_alone(reward, texts),
        **_direction(seed=0),
    }


def _encodings(texts: list[str]) -> dict[str, bool]:
    encoder = minilm_encoder()
    together = encoder(texts)
    alone = np.concatenate([encoder([text]) for text in texts])
    padded = encoder([*texts, " ".join(texts[:3])])[: len(texts)]
    before = encoder.n_truncated
    encoder([" ".join(texts * 5)])
    return {
        "batched, padded and single texts give the same vectors": bool(
            max(abs(together - alone).max(), abs(together - padded).max()) < 1e-4
        ),
        "a text that is too long is reported": before == 0 and encoder.n_truncated == 1,
    }


def _explanation_alone(reward: SemanticReward, texts: list[str]) -> bool:
    plain = replace(reward, gated=False)
    given = [completion(texts[0], letter) for letter in "ABCD"]
    spread = [f"  {text.replace('> ', '>').replace(' <', '<')}\n" for text in given]
    found = plain([*given, *spread], rationale=[texts[0]] * 8, answer=["A"] * 8)
    return len(set(found)) == 1


def _direction(seed: int) -> dict[str, bool]:
    """Return whether a step raises the response with the higher reward and lowers the other."""
    base = base_model(SMOKE, seed)
    model, tokenizer = base.copy(), base.tokenizer
    prompt = tokenizer.encode(questions(SMOKE, seed)[0][0].prompt)
    drawn = sample(
        model,
        [prompt] * 2,
        max_new_tokens=12,
        eos_id=tokenizer.eos_id,
        pad_id=tokenizer.pad_id,
        generator=torch.Generator().manual_seed(seed),
    )
    where = (*pad_left([prompt] * 2, pad_id=tokenizer.pad_id), drawn.ids, drawn.mask)
    batch = Batch(
        ids=drawn.ids,
        mask=drawn.mask,
        turns=torch.zeros_like(drawn.ids),
        groups=torch.zeros(2, dtype=torch.long),
        rewards={"semantic": torch.tensor([0.9, 0.2])},
        behaviour_log_probs=drawn.log_probs,
        contexts=torch.full((2,), int(Context.PLAIN)),
    )
    before = token_log_probs(model, *where).log_probs
    loss = policy_loss(before, batch, prepare(batch, Recipe()), Recipe()).value
    weights = list(model.parameters())
    gradients = torch.autograd.grad(loss, weights)
    with torch.no_grad():
        for weight, gradient in zip(weights, gradients, strict=True):
            weight.sub_(0.01 * gradient)
        after = token_log_probs(model, *where).log_probs
    change = torch.where(drawn.mask, after - before, 0.0).sum(1)
    return {
        "a step raises the better response": bool(change[0] > 0),
        "a step lowers the worse response": bool(change[1] < 0),
    }
