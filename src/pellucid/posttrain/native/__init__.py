"""The native engine of post-training: small, exact and fast on a CPU.

- `Transformer` (in-house, converts to and from the Llama and Qwen layout) or `HuggingFaceModel`;
- `CharacterTokenizer`, `WordTokenizer`, `HuggingFaceTokenizer`;
- `sample` draws completions, `token_log_probs` scores them under any prompt;
- `train` trains a policy by a method (`methods`) and a recipe, with checkpoints and a record;
- `fine_tune` is the warm start; `evaluate` and `pass_at_k` say what a model solves.
"""

from pellucid.posttrain.native.config import TrainingConfig
from pellucid.posttrain.native.conversion import from_hugging_face, to_hugging_face
from pellucid.posttrain.native.diagnosis import Diagnosis, TrainingStoppedError
from pellucid.posttrain.native.evaluating import Evaluation
from pellucid.posttrain.native.fine_tuning import fine_tune
from pellucid.posttrain.native.hugging_face import HuggingFaceModel
from pellucid.posttrain.native.hugging_face_tokenizer import HuggingFaceTokenizer
from pellucid.posttrain.native.model_folders import open_language_model
from pellucid.posttrain.native.models import Decoder, LanguageModel, Predictions
from pellucid.posttrain.native.sampling import Samples, pad_left, pad_right, sample
from pellucid.posttrain.native.scoring import Scored, token_log_probs
from pellucid.posttrain.native.solving import Solved, evaluate, pass_at_k
from pellucid.posttrain.native.stacked import StackedTransformer
from pellucid.posttrain.native.tokenizing import (
    CharacterTokenizer,
    Tokenizer,
    WordTokenizer,
    read_tokenizer,
    save_tokenizer,
    tokenizer_of,
)
from pellucid.posttrain.native.training import TrainingResult, train
from pellucid.posttrain.native.transformer import Transformer, TransformerConfig
from pellucid.posttrain.native.value_head import Valued, ValueHead, token_values

__all__ = [
    "CharacterTokenizer",
    "Decoder",
    "Diagnosis",
    "Evaluation",
    "HuggingFaceModel",
    "HuggingFaceTokenizer",
    "LanguageModel",
    "Predictions",
    "Samples",
    "Scored",
    "Solved",
    "StackedTransformer",
    "Tokenizer",
    "TrainingConfig",
    "TrainingResult",
    "TrainingStoppedError",
    "Transformer",
    "TransformerConfig",
    "ValueHead",
    "Valued",
    "WordTokenizer",
    "evaluate",
    "fine_tune",
    "from_hugging_face",
    "open_language_model",
    "pad_left",
    "pad_right",
    "pass_at_k",
    "read_tokenizer",
    "sample",
    "save_tokenizer",
    "to_hugging_face",
    "token_log_probs",
    "token_values",
    "tokenizer_of",
    "train",
]
