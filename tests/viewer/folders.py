"""Folders of runs for the viewer's tests: hand-made records, stored as the real ones are."""

from dataclasses import replace
from pathlib import Path

from pellucid.io import strict_json
from pellucid.posttrain.recording import RunRecord, RunWriter
from pellucid.report.language.record import LanguageRecord
from pellucid.report.language.write import write_report as write_language_report
from pellucid.report.record import RunRecord as AgentRecord
from pellucid.report.write import write_report
from pellucid.rollouts.storage import save_episodes
from tests.report import lunar
from tests.report.language import runs


def agent_run(folder: Path, record: AgentRecord, *, state: str = "finished") -> Path:
    """Store an agent's run: its head, its episodes and its report."""
    (folder / "episodes").mkdir(parents=True)
    save_episodes(record.episodes, folder / "episodes")
    spec = record.episodes.spec
    document = {
        "schema": 1,
        "run_id": record.run_id,
        "time": record.time,
        "command": record.command,
        "inputs": {"agent": record.agent.name, "env": spec.id if spec else None},
        "state": state,
        "seconds": record.seconds,
        "pid": 1,
        "parts": {},
    }
    (folder / "run.json").write_text(strict_json.dumps(document))
    write_report(record, folder)
    return folder


def training_run(folder: Path, run: RunRecord, *, report: LanguageRecord | None = None) -> Path:
    """Store a training run as an engine writes it, and its report."""
    prompts = list(dict.fromkeys(s.prompt_id for s in run.samples))
    writer = RunWriter.start(folder, run.head, prompt_ids=prompts)
    for update in run.updates:
        writer.record_update(update, [s for s in run.samples if s.step == update.step])
    for step in sorted({row.step for row in run.evaluations}):
        writer.record_evaluation([row for row in run.evaluations if row.step == step])
    writer.set_state(run.state, run.diagnosis)
    if report is not None:
        write_language_report(report, folder)
    return folder


def usual(folder: Path) -> Path:
    """Two agents' runs, one of them nested, and two training runs."""
    agent_run(folder / "lander-a", lunar.lunar_record())
    second = lunar.lunar_record(with_frames=False)
    other = replace(second.agent, name="dqn.zip")
    later = replace(second, run_id="other", time="2026-05-01T10:00:00+00:00", agent=other)
    agent_run(folder / "deeper" / "lander-b", later)
    training_run(folder / "sums", runs.run(), report=runs.record())
    training_run(folder / "hacked", runs.run(hacking=True), report=runs.record(hacking=True))
    return folder
