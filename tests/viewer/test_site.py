"""What the pages say: the list, one run, its stored steps, two runs beside each other."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from pellucid.errors import InputError
from pellucid.io.locks import release_lock, take_lock
from pellucid.report.language.write import write_report as write_language_report
from pellucid.viewer import samples
from pellucid.viewer.entries import Amount, entry_of, matched_answers
from pellucid.viewer.reading import Place, find_runs
from pellucid.viewer.site import Site, partners
from tests.report import lunar
from tests.report.language import runs
from tests.viewer.folders import agent_run, training_run


def text_of(site: Site, address: str) -> str:
    page = site.page(address)
    assert page is not None, address
    body = page.content.decode().partition("<body>")[2]
    return " ".join(re.sub(r"<(script|style).*?</\1>|<[^>]*>", " ", body, flags=re.S).split())


@pytest.fixture(scope="module")
def site(runs_folder: Path) -> Site:
    return Site(runs_folder)


def test_the_list_holds_every_run_the_newest_first(site: Site) -> None:
    assert [entry.key for entry in site.entries()] == [
        "hacked", "sums", "deeper_lander-b-309d4975", "lander-a",
    ]  # fmt: skip
    text = text_of(site, "index.html")
    assert "4 runs, the newest first" in text
    for words in ("ppo.zip", "dqn.zip", "LunarLander-v3", "Training by lite-ppo", "finished"):
        assert words in text
    assert "2026-04-12 08:15" in text


def test_a_return_comes_with_interval_and_n(site: Site) -> None:
    (entry,) = [e for e in site.entries() if e.key == "lander-a"]
    record = lunar.lunar_record()
    mean = record.returns
    assert entry.result == Amount(mean.value, mean.low, mean.high, 20, 0, "points", "return")
    assert "250 (243 to 260) n = 20" in text_of(site, "index.html")
    assert dict(entry.counts) == {"supported": 2, "weak": 1, "failed": 1, "not_measured": 1}


def test_training_shows_held_out_success_after_and_before(site: Site) -> None:
    (entry,) = [e for e in site.entries() if e.key == "sums"]
    assert entry.before is not None
    assert entry.result.value > 60 > 20 > entry.before.value
    assert entry.result.n == entry.before.n == 30
    assert "% right after training" in text_of(site, "runs/sums/index.html")


def test_stored_steps_are_those_of_the_episodes(site: Site) -> None:
    episodes = lunar.lunar_record().episodes
    first = episodes.attempted[0]
    page = text_of(site, "runs/lander-a/stored-1.html")
    assert "Episode 0" in page
    assert f"Steps 0 to 99 of {len(first)}" in page
    assert lunar.ACTIONS[int(first.actions[0])] in page
    assert all(name in page for name in lunar.INPUTS)
    second = text_of(site, "runs/lander-a/stored-2.html")
    assert f"Steps 100 to {len(first) - 1} of {len(first)}" in second
    assert "page 2 of" in second


def test_each_episode_leads_to_its_first_page(site: Site) -> None:
    page = site.page("runs/lander-a/index.html")
    assert page is not None
    numbers = [int(n) for n in re.findall(r'stored-(\d+)\.html">page', page.content.decode())]
    episodes = lunar.lunar_record().episodes.attempted
    assert len(numbers) == len(episodes)
    for index in (0, 7, len(episodes) - 1):
        assert f"Episode {index} " in text_of(site, f"runs/lander-a/stored-{numbers[index]}.html")


def test_every_kept_answer_is_on_a_page(site: Site) -> None:
    run, n_rows, n_pages = runs.run(), 0, 0
    for number in range(1, 100):
        page = site.page(f"runs/sums/stored-{number}.html")
        if page is None:
            break
        n_pages += 1
        n_rows += page.content.count(b'class="answer-row"')
    assert n_pages == 7
    assert n_rows == len([s for s in run.samples if s.context != "answered"])


def test_two_runs_are_matched_by_question(site: Site) -> None:
    text = text_of(site, "compare/deeper_lander-b-309d4975/lander-a.html")
    for explanation in lunar.lunar_record().explanations:
        assert text.count(explanation.question) == 1
    assert "not asked in this run" not in text
    assert "a difference here is no finding" in text


def test_a_question_that_one_run_was_not_asked_stays(tmp_path: Path) -> None:
    record = lunar.lunar_record(with_frames=False)
    agent_run(tmp_path / "all", record)
    agent_run(tmp_path / "few", replace(record, explanations=record.explanations[:1]))
    text = text_of(Site(tmp_path), "compare/all/few.html")
    assert text.count("not asked in this run") == len(record.explanations) - 1
    assert text == text_of(Site(tmp_path), "compare/all/few.html")
    assert text_of(Site(tmp_path), "compare/few/all.html").count("not asked in this run") == 4


def test_of_many_shared_prompts_the_first_are_shown_and_all_are_counted(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "compare/hacked/sums.html"
    monkeypatch.setattr(samples, "SHARED_PROMPTS", 1000)
    n = text_of(site, address).count("First run")
    assert f"{n} prompts that both kept" in text_of(site, address)
    monkeypatch.setattr(samples, "SHARED_PROMPTS", 2)
    few = text_of(site, address)
    assert few.count("First run") == 2
    assert f"The first 2 of {n} prompts that both kept" in few


def test_two_training_runs_stand_beside_each_other_by_prompt(site: Site) -> None:
    page = site.page("compare/hacked/sums.html")
    assert page is not None
    text = page.content.decode()
    assert text.count('class="panes split"') == 20
    assert text.count("First run") == text.count("Second run") == 20


def test_runs_of_two_kinds_are_not_put_beside_each_other(site: Site) -> None:
    assert site.page("compare/lander-a/sums.html") is None
    entries = site.entries()
    of_agent = next(e for e in entries if e.kind == "agent")
    assert {other.kind for other, _ in partners(of_agent, entries)} == {"agent"}


def test_equal_questions_match_before_equal_methods(site: Site) -> None:
    (entry,) = [e for e in site.entries() if e.key == "lander-a"]
    asked = entry.answers[0]
    reworded = replace(asked, question="other words")
    assert matched_answers([asked], [reworded, asked]) == [1]
    assert matched_answers([asked], [reworded]) == [0]
    assert matched_answers([asked], [replace(reworded, method="x")]) == [None]


def test_of_several_answers_to_a_question_those_of_one_method_stand_side_by_side(
    site: Site,
) -> None:
    (entry,) = [e for e in site.entries() if e.key == "lander-a"]
    first, second, third = (replace(entry.answers[0], method=name) for name in "abc")
    assert matched_answers([first, second, third], [second]) == [None, 0, None]
    assert matched_answers([first, second], [third, first]) == [1, 0]


def test_a_single_run_is_a_list_of_one(runs_folder: Path) -> None:
    site = Site(runs_folder / "lander-a")
    assert [e.key for e in site.entries()] == ["lander-a"]
    assert site.page("runs/lander-a/report.html") is not None


def test_an_empty_folder_says_what_a_run_is(tmp_path: Path) -> None:
    assert "There is no run in this folder" in text_of(Site(tmp_path), "index.html")


@pytest.mark.parametrize("name", ["nothing", "file"])
def test_what_is_no_folder_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="expected a folder of runs"):
        Site(tmp_path / name)


def test_a_run_in_progress_shows_what_it_has(tmp_path: Path) -> None:
    run = runs.run(state="running")
    training_run(tmp_path / "now", run)
    take_lock(tmp_path / "now" / "run.lock", on=tmp_path)
    try:
        site = Site(tmp_path)
        assert site.entries()[0].state == "running"
        text = text_of(site, "runs/now/index.html")
        assert "This run is being written" in text
        assert "There is no report yet" in text
        assert site.page("runs/now/report.html") is None
        assert "What is" in text_of(site, "runs/now/stored-1.html")
    finally:
        release_lock(tmp_path / "now" / "run.lock")
    assert site.entries()[0].state == "cut off"
    assert "was cut off" in text_of(site, "runs/now/index.html")


def test_a_report_on_the_record_of_others_is_a_run_without_stored_steps(tmp_path: Path) -> None:
    write_language_report(runs.record(source_kind="JSONL file"), tmp_path / "imported")
    site = Site(tmp_path)
    (entry,) = site.entries()
    assert (entry.kind, entry.has_report, entry.state) == ("training", True, "finished")
    assert "was not written by pellucid" in text_of(site, "runs/imported/index.html")


def test_a_report_that_could_do_something_is_not_shown(tmp_path: Path) -> None:
    run = agent_run(tmp_path / "run", lunar.lunar_record(with_frames=False))
    page = run / "report.html"
    page.write_text(page.read_text().replace("</body>", '<iframe src="x"></iframe></body>'))
    text = text_of(Site(tmp_path), "runs/run/report.html")
    assert "the stored report is not shown: it holds <iframe>" in text.replace("&lt;", "<").replace(
        "&gt;", ">"
    )
    assert "Read the report" not in text


def test_damaged_parts_are_said_and_the_rest_is_shown(tmp_path: Path) -> None:
    run = agent_run(tmp_path / "run", lunar.lunar_record(with_frames=False))
    (run / "episodes" / "episodes.safetensors").write_bytes(b"x" * 100)
    (run / "run.json").write_text("{")
    text = text_of(Site(tmp_path), "runs/run/index.html")
    assert "What is stored cannot be read" in text
    assert "run.json is not strict JSON" in text
    assert "Read the report" in text


def test_runs_are_found_to_a_depth_and_not_in_runs(tmp_path: Path) -> None:
    for name in ("a/b/c/d", "a/b/c/d/e", "run/inside", "run"):
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / name / "run.json").write_text("{}")
    assert [p.name for p in find_runs(tmp_path).places] == ["a/b/c/d", "run"]


def test_too_many_runs_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pellucid.viewer.reading.MOST_RUNS", 2)
    for i in range(4):
        (tmp_path / str(i)).mkdir()
        (tmp_path / str(i) / "run.json").write_text("{}")
    found = find_runs(tmp_path)
    assert len(found.places) == 2
    assert "More than 2 runs" in found.left_out[0]
    assert "More than 2 runs" in text_of(Site(tmp_path), "index.html")


def test_keys_of_odd_names_are_plain_and_differ(tmp_path: Path) -> None:
    names = ["a b", "a_b", "<script>", "ü", "a/b", "x" * 200, "\udcff", "CON"]
    keys = [Place(tmp_path, name).key for name in names]
    assert len(set(keys)) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", key) for key in keys)


def test_an_entry_reads_nothing_of_a_run_it_cannot_read(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("[]")
    entry = entry_of(Place(tmp_path, "."))
    assert entry.problem == "run.json holds no object"
    assert (entry.answers, entry.has_report, entry.subject) == ((), False, "")
