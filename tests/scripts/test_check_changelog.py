"""The changelog can't differ from its fragments, and a release keeps what was released before."""

from __future__ import annotations

import changelog
import check_changelog
import pytest


@pytest.fixture
def written(project, plant):
    plant("changelog.d/README.md", "How fragments are written.\n")
    plant("changelog.d/scan.added.md", "Drops are looked\nfor.\n")
    plant("changelog.d/lock.fixed.md", "A lock is given back.\n")
    plant("CHANGELOG.md", changelog.page_with("", changelog.fragments(project)))
    return project


def test_fragments_stand_by_kind_in_one_line_each(written):
    text = (written / "CHANGELOG.md").read_text()
    assert (
        "## Not released yet\n\n### Added\n\n- Drops are looked for.\n\n### Fixed\n\n- A lock is given back.\n" in text
    )
    assert "How fragments" not in text
    assert check_changelog.check(written) == []


def test_a_new_fragment_and_a_missing_page_are_findings(written, plant):
    plant("changelog.d/page.changed.md", "It is blue.\n")
    assert [finding.remedy for finding in check_changelog.check(written)] == ["make changelog"]
    (written / "CHANGELOG.md").unlink()
    assert [finding.remedy for finding in check_changelog.check(written)] == ["make changelog"]


@pytest.mark.parametrize("name", ["page.md", "page.new.md", "Page.added.md", "a.b.added.md"])
def test_a_name_without_a_kind_is_a_finding(written, plant, name):
    plant(f"changelog.d/{name}", "What?\n")
    (finding,) = check_changelog.check(written)
    assert finding.path.name == name
    assert "added, changed, fixed, removed" in finding.remedy


def test_releases_follow_each_other_and_stay(written, plant):
    page = written / "CHANGELOG.md"
    first = changelog.released(page.read_text(), changelog.fragments(written), "0.1.0 (2026-03-01)")
    assert "Not released yet" not in first
    (written / "changelog.d" / "scan.added.md").unlink()
    (written / "changelog.d" / "lock.fixed.md").unlink()
    plant("changelog.d/page.removed.md", "The blue page.\n")
    second = changelog.released(first, changelog.fragments(written), "0.2.0 (2026-04-01)")
    headings = [line for line in second.splitlines() if line.startswith("## ")]
    assert headings == ["## 0.2.0 (2026-04-01)", "## 0.1.0 (2026-03-01)"]
    assert second.endswith(first.partition(changelog.END)[2])
    plant("CHANGELOG.md", changelog.page_with(second, changelog.fragments(written)))
    assert second.partition(changelog.END)[2] in page.read_text()
    assert check_changelog.check(written) == []


def test_nothing_is_released_twice_or_empty(written):
    text, found = (written / "CHANGELOG.md").read_text(), changelog.fragments(written)
    once = changelog.released(text, found, "0.1.0 (2026-03-01)")
    with pytest.raises(ValueError, match="nothing to release"):
        changelog.released(once, found, "0.1.0 (2026-03-02)")
    with pytest.raises(ValueError, match="nothing to release"):
        changelog.released(text, [], "0.2.0 (2026-03-02)")
