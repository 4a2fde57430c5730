"""Names of what is in the folder of a training run, and the number of its layout."""

SCHEMA = 1
KIND = "training"
RUN_FILE = "run.json"
UPDATES_FILE, SAMPLES_FILE = "updates.jsonl", "samples.jsonl"
TOKENS_FILE, EVALUATIONS_FILE = "tokens.jsonl", "evaluations.jsonl"
ROW_FILES = (UPDATES_FILE, SAMPLES_FILE, TOKENS_FILE, EVALUATIONS_FILE)
CHECKPOINTS = "checkpoints"
MAX_RUN_BYTES = 16 * 1024**2
