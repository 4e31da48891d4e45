import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from given import records_samples, scores_samples
from given.page_reader import Page
from given.records_samples import FailedStep, Story

from mlsys.errors import IntegrityError
from mlsys.records import Candidate, Guard, KnownRows, Refit, TriedSet
from mlsys.report import card as report
from mlsys.report.card import Card
from mlsys.store import Store

STORIES: tuple[Story, ...] = ("promote", "first", "reject", "inconclusive", "historical", "error")
FAILED: tuple[FailedStep, ...] = ("validate", "train", "evaluate", "promote")
WORDS = "Promoted|Rejected|Inconclusive|Historical|Error|Failed|Unfinished"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def unfinished(card: Card) -> Card:
    return replace(card, checks=None, split=None, evaluations=None, decision=None, version=None)


def page_of(card: Card, store: Store) -> Page:
    return Page(report.render(card, store=store))


@pytest.mark.parametrize("story", STORIES)
def test_every_story_is_a_well_formed_page_of_modest_size(story: Story, store: Store) -> None:
    html = report.render(records_samples.card(store, story), store=store)
    Page(html)
    assert 20_000 < len(html.encode()) < 300_000


@pytest.mark.slow
def test_each_outcome_has_its_own_word_icon_and_colour(store: Store) -> None:
    pages = [page_of(records_samples.card(store, story), store) for story in STORIES if story != "first"]
    pages.append(page_of(records_samples.failed_card("train", store), store))
    pages.append(page_of(unfinished(records_samples.card(store)), store))
    words = {re.search(WORDS, page.text)[0] for page in pages}
    colours = {next(a["class"] for a in page.named("header")) for page in pages}
    icons = {page.named("use")[0]["href"] for page in pages}
    assert len(words) == len(colours) == len(icons) == len(pages) == 7


def test_the_same_records_give_the_same_bytes_and_no_second_write(store: Store, tmp_path: Path) -> None:
    card = records_samples.card(store)
    first = report.write(card, store=store, home=tmp_path / "a")
    written = (tmp_path / "a" / first.path).stat()
    again = report.write(card, store=store, home=tmp_path / "a")
    elsewhere = report.write(card, store=store, home=tmp_path / "b")
    assert first == again == elsewhere
    assert (tmp_path / "a" / first.path).stat().st_ino == written.st_ino


def test_the_record_names_the_file(store: Store, tmp_path: Path) -> None:
    card = records_samples.card(store)
    made = report.write(card, store=store, home=tmp_path)
    data = (tmp_path / made.path).read_bytes()
    assert made.path == f"reports/phishing/{card.plan.run_id}.html"
    assert made.n_bytes == len(data)
    assert Store(tmp_path / "other").put_bytes(data) == made.sha256


def test_nothing_is_loaded_from_elsewhere(store: Store) -> None:
    html = report.render(records_samples.card(store), store=store)
    page = Page(html)
    assert "://" not in html.replace("sqlite:///", "")
    assert "@import" not in html
    assert "url(" not in html
    assert not [tag for tag, _ in page.tags if tag in ("script", "img", "iframe", "object")]
    links = [attrs["href"] for attrs in page.named("a") + page.named("use")]
    assert {link for link in links if not link.startswith("#")} == {"../../data_docs/phishing/index.html"}


def test_data_is_never_markup(store: Store) -> None:
    evil = "<script>alert(1)</script>\"'`x`"
    card = records_samples.card(store, "historical")
    bad_check = card.checks.results[0].model_copy(update={"name": evil, "sentence": evil, "examples": (evil,)})
    classes = {evil: 3, "phishing": 4}
    side = card.split.training.model_copy(update={"classes": classes})
    gate = card.decision.gates[0].model_copy(update={"name": evil, "sentence": evil, "reason": evil})
    html = report.render(
        replace(
            card,
            checks=card.checks.model_copy(update={"results": (bad_check,)}),
            split=card.split.model_copy(update={"training": side, "left_out": {evil: 1}, "sentence": evil}),
            evaluations=card.evaluations.model_copy(update={"holdout_classes": classes}),
            candidates=tuple(
                c.model_copy(update={"name": evil, "reason": evil, "notes": (evil,), "params": {evil: evil}})
                for c in card.candidates
            ),
            decision=card.decision.model_copy(update={"sentence": evil, "advice": evil, "gates": (gate,)}),
            environment={evil: evil},
        ),
        store=store,
    )
    assert "<script" not in html
    assert html.count("&lt;script&gt;") > 15
    Page(html)


@pytest.mark.slow
def test_headings_go_down_one_level_at_a_time(store: Store) -> None:
    page = page_of(records_samples.card(store), store)
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_tables_and_drawings_say_what_they_are(store: Store) -> None:
    page = page_of(records_samples.card(store), store)
    assert all(attrs.get("scope") in ("row", "col") for attrs in page.named("th"))
    assert len(page.named("caption")) == len(page.named("table"))
    pictures = [attrs for attrs in page.named("svg") if "aria-hidden" not in attrs]
    assert pictures
    assert all(attrs.get("role") == "img" for attrs in pictures)
    assert len(page.named("title")) >= len(pictures)
    assert page.named("html")[0]["lang"] == "en"


def test_ids_are_unique_and_every_inner_link_has_its_place(store: Store) -> None:
    page = page_of(records_samples.card(store), store)
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    inner = {attrs["href"][1:] for _, attrs in page.tags if (attrs.get("href") or "").startswith("#")}
    assert len(ids) == len(set(ids))
    assert inner <= set(ids)


def test_promotion_says_who_served_before_and_after(store: Store) -> None:
    card = records_samples.card(store)
    said = report.headline(card)
    assert (said.word, said.before, said.after) == ("Promoted", scores_samples.CHAMPION, card.decision.challenger)


def test_a_dry_run_never_says_promoted(store: Store) -> None:
    card = records_samples.card(store)
    assert card.version is not None
    unchanged = card.version.model_copy(update={"changed": False, "champion": card.decision.champion})
    said = report.headline(replace(card, version=unchanged))
    assert said.word == "Would be promoted"
    assert said.after == said.before == scores_samples.CHAMPION


def test_a_decision_alone_is_no_promotion(store: Store) -> None:
    said = report.headline(replace(records_samples.card(store), version=None))
    assert (said.word, said.after) == ("Unfinished", scores_samples.CHAMPION)


def test_a_rejection_without_champion_does_not_speak_of_one(store: Store) -> None:
    card = records_samples.card(store, "reject")
    alone = card.decision.model_copy(update={"champion": None})
    version = card.version.model_copy(update={"champion": None, "decision": alone})
    assert report.headline(replace(card, decision=alone, version=version)).meaning == "There is still no champion."


def test_first_champion_shows_no_comparison(store: Store) -> None:
    text = page_of(records_samples.card(store, "first"), store).text
    assert "There was no champion to compare with" in text
    assert "Challenger against champion" not in text


def test_a_broken_champion_is_loud_and_without_models_nothing_is_drawn(store: Store) -> None:
    card = records_samples.card(store, "error")
    page = page_of(card, store)
    assert "The champion's file is not what was recorded (its SHA-256 differs)" in page.text
    assert "No model was scored, so there are no curves." in page.text
    assert not [attrs for attrs in page.named("svg") if attrs.get("class") == "plot"]


def test_a_champion_alone_is_shown_when_no_candidate_could_be_scored(store: Store) -> None:
    card = replace(records_samples.card(store, "reject"), evaluations=scores_samples.evaluations(store, best=None))
    nobody = replace(card, decision=card.decision.model_copy(update={"challenger": None}))
    text = page_of(nobody, store).text
    assert "Challenger none" in text
    assert "Challenger against champion" not in text


def test_a_failed_candidate_gives_its_reason_beside_the_others(store: Store) -> None:
    text = page_of(records_samples.card(store, "historical"), store).text
    assert "random_forest could not be fitted. The fit ran into its time limit of 1h." in text
    assert "Candidates" in text


def test_an_undefined_metric_has_its_reason_in_tooltip_and_footnote(store: Store) -> None:
    page = page_of(records_samples.card(store), store)
    assert "No row was predicted positive" in [attrs.get("title") for attrs in page.named("td")]
    assert "undefined: No row was predicted positive" in page.text


def test_all_eleven_metrics_are_listed_with_the_primary_one_first(store: Store) -> None:
    html = report.render(records_samples.card(store), store=store)
    table = html.split('<table class="metrics">')[1].split("</table>")[0]
    titles = re.findall(r'<th scope="row">([^<]+)<', table)
    assert titles[0] == "ROC AUC"
    assert len(titles) == len(set(titles)) == 11


def test_every_value_of_the_spec_has_its_source(store: Store) -> None:
    card = records_samples.card(store)
    html = report.render(card, store=store)
    rows = re.findall(r'<tr class="from-([a-z-]+)"><th scope="row">([^<]+)</th>', html)
    assert {key.replace("\u200b", ""): origin.replace("-", " ") for origin, key in rows} == card.spec["origins"]


@pytest.mark.slow
def test_a_refit_is_said(store: Store) -> None:
    card = records_samples.card(store)
    judged = next(candidate for candidate in card.candidates if not candidate.baseline)
    refused = Guard(name="churn", passed=False, observed=0.3, limit=0.1, sentence="It changes 0.3 of the answers")
    again = {"candidate_id": Candidate.refitted(judged.candidate_id), "refit": Refit(on="all")}
    refitted = judged.model_copy(update=again)
    failed = {"status": "failed", "reason": refused.sentence, "refit": Refit(on="all", guards=(refused,))}
    stopped = refitted.model_copy(update=failed)
    assert "was not itself judged" not in page_of(card, store).text
    assert "was not itself judged" in page_of(replace(card, candidates=(*card.candidates, refitted)), store).text
    said = page_of(replace(card, candidates=(*card.candidates, stopped)), store).text
    assert "does not serve, the judged model does: It changes 0.3 of the answers" in said
    assert "could not be fitted" not in said


def test_rows_that_the_champion_knows_and_its_twin_are_said(store: Store) -> None:
    card = records_samples.card(store)
    assert card.evaluations is not None
    known = card.evaluations.model_copy(
        update={"known_rows": KnownRows(n_rows=31, n_holdout=1200), "twin": "f00-logistic"}
    )
    said = page_of(replace(card, evaluations=known), store).text
    assert "fitted on 31 of the 1,200 holdout rows" in said
    assert "its judged twin" in said
    unknown = known.model_copy(
        update={"known_rows": KnownRows(n_rows=0, n_holdout=9, unknown="the rows of run a are gone")}
    )
    assert "is not known: the rows of run a are gone" in page_of(replace(card, evaluations=unknown), store).text


def test_a_password_in_a_url_is_masked(store: Store) -> None:
    card = records_samples.card(store)
    source = {**card.spec["spec"]["source"], "url": "postgresql://reader:s3cret@db/prod"}
    html = report.render(
        replace(card, spec={**card.spec, "spec": {**card.spec["spec"], "source": source}}), store=store
    )
    assert "s3cret" not in html
    assert "postgresql://reader:***@db/prod" in html


@pytest.mark.parametrize("field", ["training_key", "spec_fingerprint"])
def test_a_replay_finds_its_keys(field: str, store: Store) -> None:
    card = records_samples.card(store)
    text = page_of(card, store).text
    wanted = {getattr(card.plan, field), card.snapshot.fingerprint, card.decision.decision_key}
    wanted |= {candidate.model for candidate in card.candidates}
    assert all(key in text for key in wanted)


def test_a_lost_evaluation_writes_nothing(store: Store, tmp_path: Path) -> None:
    card = records_samples.card(store)
    lost = replace(card, evaluations=card.evaluations.model_copy(update={"details": "0" * 64}))
    with pytest.raises(IntegrityError, match="missing"):
        report.write(lost, store=store, home=tmp_path)
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize("step", FAILED)
def test_every_failure_is_a_well_formed_page_with_sentence_step_and_champion(step: FailedStep, store: Store) -> None:
    card = records_samples.failed_card(step, store)
    html = report.render(card, store=store)
    text = Page(html).text
    assert "The run broke off; the champion stays." in text
    assert f"In the step {step} " in text
    assert card.failure is not None
    assert card.failure.split("`")[-1] in text
    assert html == report.render(records_samples.failed_card(step, store), store=store)


@pytest.mark.parametrize("step", FAILED)
def test_the_parts_of_a_failed_run_can_all_be_reached(step: FailedStep, store: Store) -> None:
    page = page_of(records_samples.failed_card(step, store), store)
    parts = [attrs["id"] for attrs in page.named("section")]
    links = [attrs["href"] for attrs in page.named("a") if str(attrs["href"]).startswith("#")]
    assert links == [f"#{part}" for part in parts]


@pytest.mark.parametrize(
    ("step", "first", "gap"),
    [
        ("validate", "checks", "Not reached: split, training, evaluation, gates, promotion."),
        ("train", "candidates", "Not reached: evaluation, gates, promotion."),
        ("evaluate", "candidates", "Not reached: gates, promotion."),
    ],
)
def test_what_failed_stands_first_and_what_was_not_reached_is_said_once(
    step: FailedStep, first: str, gap: str, store: Store
) -> None:
    page = page_of(records_samples.failed_card(step, store), store)
    assert page.named("section")[0]["id"] == first
    assert page.text.count("Not reached") == page.text.count(gap) == 1


def test_refused_data_shows_the_checks_that_refused_it(store: Store) -> None:
    text = page_of(records_samples.failed_card("validate", store), store).text
    assert "31 of 178 rows have no value." in text
    assert "bad rows of the newest day 18.5 % 33 of 178 tolerated 2.0 %" in text


def test_a_failed_training_shows_every_reason(store: Store) -> None:
    card = records_samples.failed_card("train", store)
    text = page_of(card, store).text
    assert text.count("The fit ran into its time limit of 1h.") == len(card.candidates)


def test_what_was_done_before_a_failure_but_not_kept_is_said(store: Store) -> None:
    lost = replace(records_samples.failed_card("evaluate", store), checks=None, split=None)
    assert "Done before, but not kept: checks, split." in page_of(lost, store).text


def test_a_failure_after_the_decision_keeps_the_gates(store: Store) -> None:
    page = page_of(records_samples.failed_card("promote", store), store)
    assert "Decided before promote" in page.text
    assert "gates" in [attrs["id"] for attrs in page.named("section")]
    assert "Not reached" not in page.text


def test_a_failure_after_the_promotion_does_not_say_that_the_champion_stays(store: Store) -> None:
    version = records_samples.card(store).version
    said = report.headline(replace(records_samples.failed_card("promote", store), version=version))
    assert said.word == "Failed"
    assert said.meaning == "The run broke off after its promotion: the new champion serves."
    assert version is not None
    assert said.after == version.champion


def test_a_failure_without_champion_does_not_speak_of_one(store: Store) -> None:
    card = records_samples.failed_card("validate", store)
    said = report.headline(replace(card, plan=card.plan.model_copy(update={"champion": None})))
    assert said.meaning == "The run broke off; there is still no champion."


def test_an_unfinished_run_names_what_has_no_record(store: Store) -> None:
    text = page_of(unfinished(records_samples.card(store)), store).text
    assert "Without a record: checks, split, evaluation, gates, promotion." in text


def test_a_failure_is_never_markup_and_never_tells_a_password(store: Store) -> None:
    card = replace(
        records_samples.failed_card("validate", store), failure="<script> at postgresql://reader:s3cret@db/prod"
    )
    html = report.render(card, store=store)
    assert "<script" not in html
    assert "s3cret" not in html


def test_a_card_that_promoted_says_how_to_load_the_champion(store: Store) -> None:
    page = page_of(records_samples.card(store, "promote"), store)
    assert "use" in [attrs["id"] for attrs in page.named("section")]
    assert 'mlsys.load_champion("phishing")' in page.text
    assert 'mlflow.sklearn.load_model("models:/phishing@champion")' in page.text


@pytest.mark.parametrize("story", ["reject", "inconclusive", "historical", "error"])
def test_a_card_that_changed_nothing_says_nothing_of_that(story: Story, store: Store) -> None:
    assert "load_champion" not in page_of(records_samples.card(store, story), store).text


@pytest.mark.slow
def test_the_way_through_a_registry_that_the_spec_leaves_out_is_not_shown(store: Store) -> None:
    card = records_samples.card(store, "promote")
    alone = {**card.spec, "spec": {**card.spec["spec"], "registries": [{"kind": "mlflow"}]}}
    text = page_of(replace(card, spec=alone), store).text
    assert "models:/phishing@champion" in text
    assert "load_champion" not in text


@pytest.mark.slow
def test_a_tuned_candidate_lists_the_best_sets_and_the_spec_s_own(store: Store) -> None:
    card = records_samples.card(store)
    trials = (
        TriedSet(params={"max_depth": 3, "learning_rate": 0.0412}, value=0.9712, seconds=1.2),
        TriedSet(value=0.9644, seconds=1.1, own=True),
    )
    tuned = tuple(c.model_copy(update={"trials": trials if c.name == "xgboost" else ()}) for c in card.candidates)
    text = page_of(replace(card, candidates=tuned), store).text
    assert "The best sets that tuning tried" in text
    assert "max_depth 3" in text
    assert text.index("0.971") < text.index("the spec's own")
    assert "tuning tried" not in page_of(card, store).text
