"""The Models page as HTML, without Airflow."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from given.shop import day, edit_spec, newest_run

from mlsys import pipeline
from mlsys.live import known_evidence
from mlsys.monitoring.monitoring import monitor
from mlsys.monitoring.versions import measure_versions
from mlsys.orchestration.page import overview, rendering
from mlsys.orchestration.page.addresses import Places
from mlsys.orchestration.page.overview import Glance
from mlsys.orchestration.page.rendering import May
from mlsys.planning.plan import RunRequest
from mlsys.planning.refused import record_refused
from mlsys.promotion import by_hand
from mlsys.testing.gates import live_evidence
from mlsys.workspace import Workspace

NOW = datetime(2026, 5, 14, 9, 0, tzinfo=UTC)
PLACES = Places("/air", "/air/mlsys", "http://mlflow.test")
ALL = May(retrain=True, answer=True, roll_back=True, hold=True)


@pytest.fixture
def glance(work: Workspace) -> Glance:
    return overview.glance(work, "shop", at=NOW)


def list_page(work: Workspace, *glances: Glance, may: May = ALL) -> str:
    return rendering.list_page(work, glances, {each.pipeline: may for each in glances}, PLACES)


def one_page(work: Workspace, *, may: May = ALL, on: date | None = None, at: datetime = NOW) -> str:
    return rendering.pipeline_page(work, overview.detail(work, "shop", at=at), may, PLACES, on=on)


class _Tags(HTMLParser):
    """Which elements are open at the end, and which were closed without being open."""

    VOID = frozenset({"meta", "link", "input"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        """An element of a drawing, closed where it begins."""

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def unbalanced(html: str) -> list[str]:
    tags = _Tags()
    tags.feed(html)
    return tags.wrong + tags.open


@pytest.mark.parametrize("may", [ALL, May()])
def test_every_element_is_closed(work: Workspace, glance: Glance, may: May) -> None:
    waiting = replace(glance, waiting=glance.judged[0])
    assert unbalanced(list_page(work, glance, waiting, may=may)) == []
    assert unbalanced(one_page(work, may=may, on=date(2026, 5, 10))) == []
    assert unbalanced(rendering.outcomes_page(work, "shop", PLACES)) == []
    assert unbalanced(rendering.message_page(PLACES, "No", ["Because."], link=("On", "/"))) == []


def test_nothing_is_loaded_from_elsewhere_and_no_script_or_style_stands_in_the_page(work: Workspace) -> None:
    html = one_page(work)
    loaded = re.findall(r'<(?:link|script|img|iframe)[^>]*(?:href|src)="([^"]*)"', html)
    assert {address.split("?")[0] for address in loaded} == {
        "data:,", "/air/mlsys/static/models.css", "/air/mlsys/static/models.js"
    }  # fmt: skip
    assert not re.search(r"<style|\son[a-z]+=|\sstyle=|<script>", html)


def test_a_page_with_its_files_is_small() -> None:
    # What a browser fetches once; a page itself grows with its decisions.
    assert sum(len(rendering.asset(name)[0]) for name in ("models.css", "models.js")) < 28_000


def test_the_list_says_who_serves_and_links_to_the_details(work: Workspace, glance: Glance) -> None:
    html = list_page(work, glance)
    run_id = glance.judged[0].decision.run_id
    assert glance.champion is not None
    champion = glance.champion.change
    assert f"<b>{champion.version}</b>" in html
    assert 'title="Will this order come back?"' in html
    assert f"champion knows up to {champion.last_day}" in html
    assert f'href="/air/mlsys/reports/shop/{run_id}.html"' in html
    assert 'href="/air/mlsys/pipelines/shop"' in html


def test_the_run_in_airflow_is_linked_by_its_quoted_name(work: Workspace, glance: Glance) -> None:
    asked = replace(glance.judged[0], asked_by="retrain_shop/manual__2026-05-12T02:00:00+00:00")
    detail = overview.detail(work, "shop", at=NOW)
    html = rendering.pipeline_page(work, replace(detail, decisions=(asked,)), ALL, PLACES, on=None)
    assert 'href="/air/dags/retrain_shop/runs/manual__2026-05-12T02%3A00%3A00%2B00%3A00"' in html


def test_why_a_run_was_asked_for_stands_beside_its_decision(work: Workspace, glance: Glance) -> None:
    asked = replace(glance.judged[0], asked_for="Monitors, data up to 2026-05-11: its channel moved.")
    detail = overview.detail(work, "shop", at=NOW)
    html = rendering.pipeline_page(work, replace(detail, decisions=(asked,)), ALL, PLACES, on=None)
    assert "<b>Why it ran:</b> Monitors, data up to 2026-05-11: its channel moved." in html


def test_who_may_only_read_sees_no_button(work: Workspace, glance: Glance) -> None:
    waiting = replace(glance, waiting=glance.judged[0])
    for html in (list_page(work, waiting, may=May()), one_page(work, may=May())):
        assert "data-dialog" not in html
        assert "<dialog" not in html
    assert "Waits for a person" in list_page(work, waiting, may=May())


def test_who_may_answer_finds_the_form_to_answer_with(work: Workspace, glance: Glance) -> None:
    assert '<dialog id="answer"' in list_page(work, glance)
    assert '<dialog id="answer"' in one_page(work)


def test_only_earlier_versions_can_serve_again(work: Workspace) -> None:
    from given.shop import newest_run

    from mlsys.promotion.by_hand import promote_by_hand, roll_back

    assert "data-version" not in one_page(work)
    promote_by_hand(work, "shop", newest_run(work), candidate=None, reason="for the test")
    assert re.findall(r'data-version="([^"]+)"', one_page(work)) == ["1.0.0"]
    roll_back(work, "shop", version="1.0.0", reason="for the test")
    assert re.findall(r'data-version="([^"]+)"', one_page(work)) == ["1.0.1"]


def waiting_page(work: Workspace, shop: Path, *, may: May = ALL, asked_by: str = "retrain_shop/manual__1") -> str:
    """Return the page of a pipeline whose newest run waits for a person."""
    edit_spec(shop / "pipelines", gates=["min_rows"], approval={"required": True, "timeout": "2d"})
    start = pipeline.take_snapshot(work, RunRequest("shop", day=day(11), request_id=asked_by, asked_by="airflow"))
    assert start.plan is not None
    assert start.snapshot is not None
    checks = pipeline.validate(work, start.plan, start.snapshot)
    prepared = pipeline.split(work, start.plan, start.snapshot, checks)
    found = pipeline.evaluate(work, prepared, candidates=pipeline.train_all(work, prepared))
    pipeline.decide(work, prepared, evaluations=found)
    return one_page(work, may=may)


def test_who_is_asked_sees_gates_both_models_and_the_deadline(work: Workspace, shop: Path) -> None:
    html = waiting_page(work, shop)
    box = html[html.index('data-box="shop"') : html.index("by day of data")]
    assert unbalanced(html) == []
    assert "without an answer until <b><time" in box
    assert "1.0.0 serves on" in box
    assert "Too few" not in box
    assert box.count("p-pass") == 1
    assert re.findall(r'<th scope="row">([a-z_]+)</th>', box)[:2] == ["roc_auc", "pr_auc"]
    assert box.count('data-label="challenger"') == box.count('data-label="champion"') > 4
    assert re.findall(r'data-choice="(\w+)" data-does="([^"]+)"', box) == [
        ("Approve", "Let it serve"), ("Reject", "1.0.0 serves on")
    ]  # fmt: skip
    assert 'data-request="retrain_shop/manual__1"' in box


def test_who_may_not_answer_sees_what_there_is_to_decide_and_no_button(work: Workspace, shop: Path) -> None:
    html = waiting_page(work, shop, may=May())
    assert 'data-box="shop"' in html
    assert "data-choice" not in html


def test_a_run_of_the_command_line_that_waits_is_answered_there(work: Workspace, shop: Path) -> None:
    html = waiting_page(work, shop, asked_by="cli-1")
    assert "data-choice" not in html
    assert "mlsys promote shop " in html


def test_old_data_and_a_champion_below_its_minimum_are_marked(work: Workspace, shop: Path) -> None:
    minimum = {"kind": "minimum", "metric": "roc_auc", "at_least": 0.99}
    edit_spec(shop / "pipelines", gates=["min_rows", minimum, {"kind": "freshness", "max_age": "1d"}])
    seen = overview.glance(work, "shop", at=NOW + timedelta(days=30))
    html = list_page(work, seen)
    assert "1 below its minimum" in html
    assert '<span class="pill p-s-stale">old</span>' in html
    assert "days behind" in html
    one = one_page(work, at=NOW + timedelta(days=30))
    assert one.count('<span class="pill p-s-stale">old</span>') == 2  # the data, and what the champion knows
    assert ">below its minimum</span>" in one
    assert '">old</span>' not in one_page(work, at=NOW - timedelta(days=2))


def test_what_people_wrote_is_text_and_no_markup(work: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from given.shop import newest_run

    from mlsys.promotion.by_hand import promote_by_hand

    monkeypatch.setenv("LOGNAME", "<b>eve</b>")
    promote_by_hand(work, "shop", newest_run(work), candidate=None, reason='<img src=x onerror="alert(1)"> & "so"')
    html = one_page(work)
    assert "<img" not in html
    assert "&lt;img src=x onerror=" in html
    assert "<b>eve" not in html
    assert "&lt;b&gt;eve" in html


def test_who_served_on_a_day_is_answered(work: Workspace) -> None:
    served = work.ledger.champion("shop")
    assert served is not None
    assert served.at is not None
    answered = one_page(work, on=served.at.date())
    assert '<div class="answer">' in answered
    assert "until now" in answered
    assert "Nothing served on 2026-05-10" in one_page(work, on=date(2026, 5, 10))


def test_a_pipeline_without_a_run_says_so(work: Workspace, shop: Path) -> None:
    known = (shop / "pipelines" / "shop.yaml").read_text(encoding="utf-8")
    known = known.replace("pipeline: shop", "pipeline: later")
    (shop / "pipelines" / "later.yaml").write_text(known, encoding="utf-8")
    later = overview.detail(work, "later", at=NOW)
    assert "No run yet" in list_page(work, later.glance)
    html = rendering.pipeline_page(work, later, ALL, PLACES, on=None)
    assert "No run has been judged yet" in html
    assert "No version has served yet" in html


def test_what_needs_a_person_stands_first_and_is_counted(work: Workspace, glance: Glance, shop: Path) -> None:
    (shop / "pipelines" / "zoo.yaml").write_text("pipeline: zoo\n", encoding="utf-8")
    html = list_page(work, glance, overview.glance(work, "zoo", at=NOW))
    assert html.index(">zoo</a>") < html.index(">shop</a>")
    assert "1 failed" in html
    assert "Its spec is wrong" in html
    assert html.index('data-state="failed"') < html.index('data-state="fine"')


def test_a_run_that_waits_is_no_green_promotion(work: Workspace, glance: Glance) -> None:
    assert 'p-promote">promote' in list_page(work, glance)
    html = list_page(work, replace(glance, waiting=glance.judged[-1]))
    assert "waits for a person</span>" in html
    assert 'p-promote">promote' not in html


def test_a_request_that_became_no_run_leads_to_its_card(work: Workspace, glance: Glance) -> None:
    assert glance.newest is not None
    failed = replace(glance.newest, status="failed", sentence="No such file.", card="request-abc")
    assert "/reports/shop/request-abc.html" in list_page(work, replace(glance, newest=failed))


def test_without_pipelines_the_page_says_what_to_do(work: Workspace) -> None:
    assert "include/pipelines" in list_page(work)


def test_a_failed_run_and_its_reason_are_shown(work: Workspace, glance: Glance) -> None:
    assert glance.newest is not None
    failed = replace(glance.newest, status="failed", step="validate", sentence="Too many rows are bad.")
    html = list_page(work, replace(glance, newest=failed))
    assert "The newest run failed in validate." in html
    assert "Too many rows are bad." in html


def test_each_run_stands_with_its_day_and_its_outcome_the_newest_first(work: Workspace) -> None:
    asked = RunRequest("shop", partition_key=str(day(12)), request_id="retrain_shop/s 1", asked_by="airflow")
    record_refused(work, asked, reason="data_refused", sentence="No such <file>.")
    html = rendering.outcomes_page(work, "shop", PLACES)
    rows = html.split("<tbody>")[1].split("<tr>")[1:]
    assert [re.search(r"\d{4}-\d\d-\d\d", row).group() for row in rows] == [str(day(i)) for i in (12, 11, 10)]  # type: ignore[union-attr]
    assert [re.findall(r'class="pill p-[^"]*">([^<]*)', row) for row in rows] == [
        ["failed"],
        ["historical", "train"],
        ["promoted 1.0.0"],
    ]
    assert "No such &lt;file&gt;." in rows[0]
    assert "/air/dags/retrain_shop/runs/s%201" in rows[0]
    assert f"/air/mlsys/reports/shop/{newest_run(work)}.html" in rows[1]


def test_only_what_serves_is_shown_as_promoted(work: Workspace, shop: Path) -> None:
    edit_spec(shop / "pipelines", gates=["min_rows"], registries=["files"])
    pipeline.run(work, RunRequest("shop", day=day(12), mode="dry"))
    newest = rendering.outcomes_page(work, "shop", PLACES).split("<tbody>")[1].split("<tr>")[1]
    assert "passes the gates" in newest
    assert "p-promote" not in newest
    assert "passes the one gate and" in newest
    pipeline.run(work, RunRequest("shop", day=day(12), approval=True))
    newest = rendering.outcomes_page(work, "shop", PLACES).split("<tbody>")[1].split("<tr>")[1]
    assert "waits for a person" in newest
    assert "Decide…" in newest


def test_the_list_of_outcomes_is_cut_and_says_so(work: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Older ones" not in rendering.outcomes_page(work, "shop", PLACES)
    monkeypatch.setattr(rendering, "OUTCOMES", 1)
    html = rendering.outcomes_page(work, "shop", PLACES)
    assert "Older ones" in html
    assert html.count("<tr>") == 2


def test_without_a_run_the_list_of_outcomes_says_what_to_do(work: Workspace) -> None:
    assert "No run yet" in rendering.outcomes_page(work, "later", PLACES)


def test_the_walk_forward_report_is_linked_when_there_is_one(work: Workspace) -> None:
    assert "Walk-forward" not in one_page(work)
    report = work.home / "reports" / "shop" / "walk-forward.html"
    report.write_text("<!doctype html>", encoding="utf-8")
    assert 'href="/air/mlsys/reports/shop/walk-forward.html"' in one_page(work)


def test_the_plan_of_a_change_is_linked_when_there_is_one(work: Workspace) -> None:
    assert "Plan of a change" not in one_page(work)
    (work.home / "reports" / "shop" / "plan.html").write_text("<!doctype html>", encoding="utf-8")
    assert 'href="/air/mlsys/reports/shop/plan.html">Plan of a change' in one_page(work)


def test_the_drift_page_is_linked_beside_what_the_monitors_saw(work: Workspace) -> None:
    assert "drift.html" not in one_page(work)
    monitor(work, "shop", day=day(11))
    assert 'href="/air/mlsys/reports/shop/drift.html"' in one_page(work)


def test_the_page_of_the_versions_is_linked_when_they_were_measured(work: Workspace) -> None:
    monitor(work, "shop", day=day(11))
    assert "versions.html" not in one_page(work)
    measure_versions(work, "shop", day=day(11))
    assert 'href="/air/mlsys/reports/shop/versions.html"' in one_page(work)


def test_the_code_that_loads_the_champion_is_told(work: Workspace, shop: Path) -> None:
    html = one_page(work)
    assert "mlsys.load_champion(&#34;shop&#34;)" in html
    (shop / "pipelines" / "shop.yaml").unlink()
    assert "load_champion" not in one_page(work)


def test_mlflow_is_linked_where_a_browser_can_reach_it() -> None:
    assert PLACES.model("shop", "3") == "http://mlflow.test/#/models/shop/versions/3"
    assert Places("", "/mlsys").model("shop", "3") is None


def test_a_request_from_elsewhere_has_no_page_in_airflow() -> None:
    assert PLACES.run("cli-1234") is None


def test_a_page_that_stands_by_itself_gets_a_way_back() -> None:
    found = rendering.with_way_back('<html><body class="x"><p>1</p></body>', "<shop>", PLACES, nonce="n1")
    assert '<body class="x"><p style=' in found
    assert '<a href="/air/mlsys/pipelines/%3Cshop%3E">&lt;shop&gt;</a>' in found
    assert '<script nonce="n1" src="/air/mlsys/static/models.js?v=' in found


def test_no_other_file_is_handed_out() -> None:
    with pytest.raises(LookupError):
        rendering.asset("../models/base.html.j2")


def test_a_hold_is_said_on_both_pages_and_can_be_released(work: Workspace) -> None:
    assert 'data-dialog="hold"' in one_page(work)
    by_hand.hold(work, "shop", reason="audit <week>", who="ann", until=datetime(2100, 1, 2, tzinfo=UTC))
    html, listed = one_page(work), list_page(work, overview.glance(work, "shop", at=NOW))
    for page in (html, listed):
        assert "Held by ann" in page
        assert "audit &lt;week&gt;" in page
        assert "2100-01-02 00:00" in page
    assert 'data-dialog="release"' in html
    assert 'data-dialog="hold"' not in html
    assert unbalanced(html) == unbalanced(listed) == []
    assert 'data-dialog="release"' not in one_page(work, may=May())


def test_who_put_a_champion_in_place_for_a_time_is_named_with_its_end(work: Workspace) -> None:
    run_id, end = work.ledger.decisions("shop")[-1].run_id, datetime(2100, 1, 2, tzinfo=UTC)
    by_hand.promote_by_hand(work, "shop", run_id, candidate="prior", reason="a test", who="ann", expires=end)
    for page in (one_page(work), list_page(work, overview.glance(work, "shop", at=NOW))):
        assert re.search(r"put in place by hand by ann <b>until <time[^>]*>2100-01-02 00:00", page)


def test_what_is_tried_beside_the_champion_is_shown(work: Workspace) -> None:
    assert "Tried beside" not in one_page(work)
    known_evidence.keep(work.home, "shop", [live_evidence("a-logistic", "better")], at=NOW)
    page = one_page(work)
    assert "Tried beside the champion" in page
    assert "truly better" in page
    assert "1,000 of 2,000" in page
