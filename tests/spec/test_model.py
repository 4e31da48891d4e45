import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from given.shop import SPEC
from pydantic import ValidationError

from mlsys.errors import SpecError
from mlsys.schema import OWN_COLUMNS
from mlsys.spec import Spec, fingerprint, flatten, load_spec, parse_dump, resolve
from mlsys.spec.blocks import Schedule

SPECS = sorted((Path(__file__).parents[2] / "include" / "pipelines").glob("*.yaml"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "shop.yaml"
    file.write_text(SPEC, encoding="utf-8")
    return file


def changed(path: Path, **keys: object) -> Path:
    path.write_text(yaml.safe_dump({**yaml.safe_load(SPEC), **keys}), encoding="utf-8")
    return path


@pytest.mark.parametrize("file", SPECS, ids=lambda file: file.stem)
def test_the_specs_that_come_along_are_valid(file: Path) -> None:
    assert load_spec(file).pipeline == file.stem


@pytest.mark.slow
def test_reading_specs_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom mlsys.spec import load_spec\n"
        f"[load_spec(Path(p)) for p in {[str(p) for p in SPECS]}]\n"
        "print([m for m in ('numpy','pandas','pyarrow','sklearn','xgboost','mlflow','great_expectations','sqlalchemy')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"modles": []}, "modles: no such key here. Did you mean 'models'"),
        ({"models": [{"kind": "logistc"}]}, "models.0: No model named 'logistc'. Did you mean 'logistic'"),
        ({"models": [{"kind": "rf"}]}, "Did you mean 'random_forest'"),
        ({"models": [{"kind": "logistic", "C": "big"}]}, "models.0.C"),
        ({"models": ["logistic", "logistic"]}, "two candidates have the same name"),
        ({"key": "order_nr"}, "key.0: no column 'order_nr' in `schema`. Did you mean 'order_no'"),
        ({"target": {"column": "retruned", "positive": "yes"}}, "Did you mean 'returned'"),
        ({"monitors": {"watch": [{"kind": "harmful_shift", "slices": ["chanel"]}]}}, "no column 'chanel' in `schema`"),
        ({"label": {"delay": "3 days"}}, "A duration is a whole number"),
        ({"metrics": {"primary": "auc"}}, "roc_auc"),
        ({"tuning": {"grid": {"logistc": {"C": [1]}}}}, "tuning.grid.logistc: no candidate 'logistc'. Did you mean"),
        ({"tuning": {"grid": {"logistic": {"c": [1]}}}}, "tuning.grid.logistic.c: `logistic` has no 'c'"),
        ({"tuning": {"grid": {"logistic": {"C": [1.0, -1.0]}}}}, "tuning.grid.logistic.C: `logistic` refuses a value"),
        ({"tuning": {"grid": {"logistic": {"C": [1.0]}}}}, "a grid has 2 to 1,000 combinations, not 1"),
        ({"pipeline": "other"}, "Give both the same name"),
        ({"target": {"colum": "returned", "positive": "yes"}}, "target.colum: no such key here. Did you mean 'column'"),
        ({"schema": {"gift": "bolean"}}, "schema.gift.type: must be 'integer'"),
        ({"schema": {"gift": "bolean"}}, "(did you mean 'boolean'?)"),
        ({"gates": [{"kind": "minimum", "metric": "roc_acu", "at_least": 0.5}]}, "gates.0.metric: no metric 'roc_acu'"),
        ({"models": [{"kind": "logistic", "C": {}}]}, "models.0.C: must be a number, got {}"),
        ({"split": {"kind": "time", "validation_days": 10**18}}, "split.validation_days: must be at most"),
        ({"ingest": {"lookback": "999999d"}}, "ingest.lookback: A duration is at most 36500 days"),
        ({"tags": ["x" * 101]}, "tags.0: A tag is one line of at most 100 characters"),
        ({"tags": ["a\nb"]}, "tags.0: A tag is one line of at most 100 characters"),
        ({"tags": [" "]}, "tags.0: A tag is one line"),
        ({"owner": ""}, "owner: An owner is one line of at most 100 characters"),
        ({"owner": "x" * 501}, "owner: An owner is one line of at most 100 characters"),
        ({"description": "x" * 5001}, "description: A description has at most 5,000 characters"),
        ({"pipeline": "a/b"}, "pipeline: A pipeline's name is at most 48 small letters"),
        ({"pipeline": "x" * 250}, "pipeline: A pipeline's name is at most 48 small letters"),
        ({"checks": {"rules": [{"kind": "not_null", "column": "chanel"}]}}, "checks.rules.0.column"),
        ({"schema": {"_day": "integer"}}, "schema._day: mlsys keeps a column of its own by the name '_day'"),
    ],
)
def test_a_wrong_key_is_named_with_its_path_and_a_remedy(path: Path, keys: dict[str, object], message: str) -> None:
    with pytest.raises(SpecError) as caught:
        load_spec(changed(path, **keys))
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "name", ["lr C=0.5", "rf 100%", "it's", "a/b", "a:b", "..", ".a", "", "x" * 61, "a\n", "ä", "{{ x }}"]
)
def test_a_candidates_name_is_part_of_files_and_addresses(path: Path, name: str) -> None:
    with pytest.raises(SpecError, match=r"models\.0\.name: A candidate's name is at most 60 letters"):
        load_spec(changed(path, models=[{"kind": "logistic", "name": name}]))


@pytest.mark.parametrize("name", ["lr-0.5", "Forest_2", "2026.1", "x" * 60])
def test_a_plain_name_of_a_candidate_is_taken(path: Path, name: str) -> None:
    assert load_spec(changed(path, models=[{"kind": "logistic", "name": name}])).models[0].label == name


def test_a_stored_spec_from_before_a_limit_is_still_read(path: Path) -> None:
    dumped = load_spec(path).dump()
    dumped["models"][0]["name"] = "lr C=0.5"
    dumped["description"] = "x" * 6000
    assert parse_dump(dumped).models[0].label == "lr C=0.5"


def test_errors_name_file_and_line_and_shorten_what_is_long(path: Path) -> None:
    path.write_text(SPEC.replace("{kind: logistic}", f"{{kind: logistic, class_weight: {'y' * 5000}, {'x' * 900}: 1}}"))
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    line = SPEC.split("\n").index("  - {kind: logistic}") + 1
    assert str(caught.value).startswith(f"{path}:{line}: models.0.xxx")
    assert len(str(caught.value)) < 1000
    long = "x" * 5000
    path.write_text(SPEC.replace("{kind: logistic}", f"{{kind: {long}}}").replace("roc_auc, at", f"{long}, at"))
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    assert len(str(caught.value)) < 1000


def test_several_errors_have_their_lines(path: Path) -> None:
    path.write_text(SPEC.replace("{kind: logistic}", "{kind: logistic, C: x}").replace("lookback: 3d", "lookback: 3"))
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    lines = SPEC.split("\n")
    models, ingest = lines.index("  - {kind: logistic}") + 1, lines.index("ingest: {lookback: 3d, settle: 0s}") + 1
    assert f"{path}:{models}: models.0.C: " in str(caught.value)
    assert f"{path}:{ingest}: ingest.lookback: " in str(caught.value)


def test_a_missing_key_is_told_at_its_parents_line(path: Path) -> None:
    path.write_text(SPEC.replace('{column: returned, positive: "yes"}', "\n  column: returned"))
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    line = SPEC.split("\n").index('target: {column: returned, positive: "yes"}') + 1
    assert str(caught.value).startswith(f"{path}:{line}: target.positive: required, and not there")


def test_a_rule_that_fails_in_a_way_nobody_foresaw_is_one_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlsys.spec.model.contradictions", lambda _: 1 / 0)
    with pytest.raises(SpecError, match="A rule fails on this spec: ZeroDivisionError"):
        load_spec(path)


def test_a_key_given_twice_is_refused(path: Path) -> None:
    path.write_text(SPEC + "\nowner: a\nowner: b\n", encoding="utf-8")
    with pytest.raises(SpecError, match="`owner` stands twice"):
        load_spec(path)


def test_what_is_not_yaml_is_refused_with_its_line(path: Path) -> None:
    path.write_text("pipeline: shop\n  x: [", encoding="utf-8")
    with pytest.raises(SpecError, match=r"shop\.yaml:2"):
        load_spec(path)


@pytest.mark.parametrize("file", SPECS, ids=lambda file: file.stem)
def test_a_long_text_is_read_as_a_short_one(file: Path, tmp_path: Path) -> None:
    longer = tmp_path / file.name
    longer.write_text("# a remark\n" * 2000 + file.read_text(encoding="utf-8"), encoding="utf-8")
    assert load_spec(longer).dump() == load_spec(file).dump()


def test_tags_that_build_objects_are_refused(path: Path) -> None:
    path.write_text("pipeline: !!python/object/apply:os.system ['true']\n", encoding="utf-8")
    with pytest.raises(SpecError, match="Not valid YAML"):
        load_spec(path)


def test_an_override_wins_and_its_source_is_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLSYS_SET", "models.0.C=0.1; training.seed=7")
    resolved = resolve(path, ["models.0.C=0.5"])
    assert resolved.spec.models[0].C == 0.5
    assert resolved.spec.training.seed == 7
    assert resolved.origins["models.0.C"] == "run parameter"
    assert resolved.origins["training.seed"] == "environment"
    assert resolved.origins["models.0.kind"] == "file"
    assert resolved.origins["models.0.max_iter"] == "default"
    assert resolved.origins["schema.channel"] == "file"


@pytest.mark.parametrize("text", ["models.0.Q=1", "models.9.C=1", "nothing=1", "owner.x=1", "C"])
def test_an_override_of_nothing_is_refused(path: Path, text: str) -> None:
    with pytest.raises(SpecError):
        resolve(path, [text])


@pytest.mark.parametrize("file", SPECS, ids=lambda file: file.stem)
def test_a_stored_spec_reads_back_as_it_was(file: Path) -> None:
    spec = load_spec(file)
    assert parse_dump(spec.dump()) == spec
    assert isinstance(parse_dump(spec.dump()), Spec)


@pytest.mark.parametrize("file", SPECS, ids=lambda file: file.stem)
def test_changing_any_leaf_changes_the_fingerprint(file: Path) -> None:
    dumped = load_spec(file).dump()
    original = fingerprint(dumped)
    ignored = ["description", "owner", "tags", "schedule", "approval", "notify", "scoring", "monitors", "registries"]
    ignored += ["explanations", "serving"]
    for leaf in flatten(dumped):
        if leaf.split(".")[0] not in ignored:
            assert fingerprint(_with(dumped, leaf.split("."), "something else")) != original, leaf


def test_parameters_of_components_are_part_of_the_dump(path: Path) -> None:
    assert load_spec(path).dump()["models"][0]["C"] == 1.0


def _with(value: object, path: list[str], new: object) -> object:
    if not path:
        return new
    if isinstance(value, dict):
        return {k: _with(v, path[1:], new) if str(k) == path[0] else v for k, v in value.items()}
    assert isinstance(value, list)
    return [_with(v, path[1:], new) if str(i) == path[0] else v for i, v in enumerate(value)]


@pytest.mark.parametrize(("text", "seconds"), [("10s", 10), ("10m", 600), ("1h", 3600)])
def test_a_spec_may_be_scanned_for_drops(text: str, seconds: int) -> None:
    assert Schedule(scan=text).scan == timedelta(seconds=seconds)


def test_a_scan_all_the_time_is_refused() -> None:
    with pytest.raises(ValidationError, match="more often than every 10s"):
        Schedule(scan="5s")
    assert Schedule().scan is None


@pytest.mark.parametrize("name", sorted(OWN_COLUMNS))
def test_a_column_called_like_one_of_our_own_is_refused_unless_a_run_has_stored_it(path: Path, name: str) -> None:
    columns = {**yaml.safe_load(SPEC)["schema"], name: "integer"}
    with pytest.raises(SpecError, match=f"schema.{name}: mlsys keeps a column of its own .* Give yours another one"):
        load_spec(changed(path, schema=columns))
    stored = load_spec(changed(path)).dump()
    stored["schema"][name] = "integer"
    assert name in parse_dump(stored).columns


def test_a_key_called_like_the_score_is_refused_and_a_feature_is_not(path: Path) -> None:
    columns = {**yaml.safe_load(SPEC)["schema"], "y_score": "number"}
    assert "y_score" in load_spec(changed(path, schema=columns)).columns
    with pytest.raises(SpecError, match=r"key\.0: mlsys keeps a column of its own by the name 'y_score'"):
        load_spec(changed(path, schema=columns, key="y_score"))


def test_of_several_classes_the_one_that_is_said_is_no_key(path: Path) -> None:
    mapping = yaml.safe_load(SPEC)
    several = {"column": mapping["target"]["column"], "task": "multiclass"}
    columns = {**mapping["schema"], "y_class": "category"}
    assert load_spec(changed(path, schema=columns, key="y_class")).key == ("y_class",)
    gates = [{"kind": "minimum", "metric": "log_loss", "at_most": 1}]
    with pytest.raises(SpecError, match=r"key\.0: mlsys keeps a column of its own by the name 'y_class'"):
        load_spec(changed(path, schema=columns, key="y_class", target=several, metrics={}, gates=gates, monitors={}))


def test_a_spec_of_what_comes_along_asks_no_other_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def looked_for(**_: object) -> None:
        raise AssertionError("a look through all installed packages takes milliseconds, for every spec at every parse")

    monkeypatch.setattr("mlsys.components.entry_points", looked_for)
    path = tmp_path / "shop.yaml"
    path.write_text(SPEC + "# read anew\n")
    assert load_spec(path).metrics.primary
