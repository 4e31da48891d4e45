"""What it means when ranking, probabilities and decisions do not say the same."""

from __future__ import annotations

import pytest

from mlsys.backfill.agreement import contradictions, disagreement, looks
from mlsys.backfill.records import Look, ViewGain
from mlsys.backfill.strategies import GATED, NEVER, RECALIBRATED, WEEKLY

KINDS = (
    (Look.WITHIN, "roc_auc"),
    (Look.POOLED, "roc_auc"),
    (Look.PROBABILITIES, "log_loss"),
    (Look.DECISIONS, "accuracy"),
    (Look.DECISIONS, "f1"),
)


def gains(*signs: int, strategy: str = WEEKLY, over: str = NEVER) -> list[ViewGain]:
    """Differences of 0.02 in the order of `KINDS`, with intervals above (1), below (-1) or over (0) zero."""
    return [
        ViewGain(strategy=strategy, over=over, look=look, metric=kind, headline=True,
                 difference=0.02 * (sign or 0.5), lower=0.02 * sign - 0.01, upper=0.02 * sign + 0.01)
        for (look, kind), sign in zip(KINDS, signs, strict=True)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("signs", "meaning"),
    [
        ((0, 1, 1, 1, 1), ["The scale of the scores drifts"]),
        ((-1, 1, 1, 1, 1), ["The scale of the scores drifts"]),
        ((0, 0, 1, 1, 0), ["The ranking holds and the probabilities are no longer right"]),
        ((0, 0, 0, 1, 0), ["The ranking holds and the threshold fits retrained models better"]),
        ((1, 0, 1, 1, 1), ["Each day's rows are ranked better and all days together are not"]),
        ((1, 1, -1, 0, 0), ["The ranking gets better and the probabilities get worse"]),
        ((1, 1, 1, -1, 0), ["Decisions at the threshold get worse"]),
        ((0, 0, 1, 1, -1), ["The ranking holds and the probabilities", "Decisions at the threshold get worse"]),
        ((0, 0, 0, 1, -1), ["Decisions at the threshold get worse"]),
        ((0, -1, -1, 0, 0), ["The ranking within a day holds and nothing gets better"]),
        ((1, -1, -1, -1, -1), ["Each day's rows", "The ranking gets better and", "Decisions at the threshold"]),
    ],
)
def test_each_disagreement_has_its_meaning(signs: tuple[int, ...], meaning: list[str]) -> None:
    _, *said = disagreement(gains(*signs), [WEEKLY])
    assert len(said) == len(meaning)
    assert all(sentence.startswith(begin) for sentence, begin in zip(said, meaning, strict=True))


@pytest.mark.parametrize(
    "signs", [(1, 1, 1, 1, 1), (0, 0, 0, 0, 0), (-1, -1, -1, -1, -1), (1, 1, 1, 0, 1), (1, 1, 0, 0, 0)]
)
def test_where_all_say_the_same_nothing_is_said(signs: tuple[int, ...]) -> None:
    assert disagreement(gains(*signs), [WEEKLY]) == ()


def test_calibrating_anew_is_held_out_only_where_it_was_not_tried() -> None:
    drifting = gains(0, 1, 1, 1, 1)
    (_, untried), (_, tried) = (
        disagreement([*drifting, *lines], [WEEKLY]) for lines in ((), gains(0, 1, 1, 1, 1, strategy=RECALIBRATED))
    )
    assert untried.endswith("Retraining sets that right, and calibrating the model anew may do as much.")
    assert tried.endswith("Retraining sets that right.")


def test_of_a_recalibrated_model_it_is_said_as_of_one() -> None:
    facts, meaning = disagreement(gains(0, 0, 1, 1, 1, strategy=RECALIBRATED), [RECALIBRATED])
    assert "Recalibrating nightly is, against never retraining, better by" in facts
    assert meaning.endswith("Recalibrating sets them right.")


def test_the_facts_are_said_with_their_differences() -> None:
    facts, _ = disagreement(gains(-1, 1, 1, 1, 0), [WEEKLY])
    assert facts == (
        "The measures do not say the same. Retraining weekly is, against never retraining, better by ROC AUC over all "
        "rows (+0.02), log loss (+0.02), accuracy at the threshold (+0.02); worse by ROC AUC within days (-0.02); "
        "not separated by F1 at the threshold (+0.01)."
    )


def test_the_first_that_disagrees_is_spoken_of() -> None:
    both = [*gains(0, 0, 0, 0, 0, strategy=GATED), *gains(0, 1, 1, 1, 1)]
    facts, _ = disagreement(both, [NEVER, GATED, WEEKLY])
    assert "Retraining weekly is" in facts


def test_contradictions_go_both_ways_and_look_at_headlines_alone() -> None:
    found = gains(0, 1, -1, 0, 0)
    assert contradictions(NEVER, [NEVER, WEEKLY], found) == (found[1],)
    assert contradictions(WEEKLY, [NEVER, WEEKLY], found) == (found[2],)
    assert contradictions(NEVER, [NEVER, GATED], found) == ()
    aside = [gain.model_copy(update={"headline": False}) for gain in found]
    assert contradictions(NEVER, [NEVER, WEEKLY], aside) == ()


def test_looks_in_words() -> None:
    assert looks(gains(0, 0, 0, 0, 0)[1:3]) == "ROC AUC over all rows, log loss"
