"""The drill that `mlsys doctor` runs: it works here, and notices where demotion does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlsys.live import concluding, drill


@pytest.mark.slow
def test_the_drill_is_passed_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    done = drill.drill()
    assert done.ok, done.sentence
    assert "made way" in done.sentence
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize(("verdict", "said"), [("open", "was not taken back"), ("better", "as good as the one before")])
def test_a_test_that_sees_nothing_or_everything_fails_the_drill(
    verdict: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = concluding.evidence

    def blind(*given: object, **named: object) -> list[object]:
        return [each.model_copy(update={"verdict": verdict}) for each in honest(*given, **named)]  # type: ignore[arg-type]

    monkeypatch.setattr(concluding, "evidence", blind)
    done = drill.drill()
    assert not done.ok
    assert said in done.sentence
