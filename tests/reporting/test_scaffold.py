from pathlib import Path

import pytest

from reporting import check_template, load_template, scaffold_template


def test_a_new_template_is_right_from_the_start(tmp_path: Path) -> None:
    folder = scaffold_template(tmp_path / "deep" / "monthly", "monthly")

    assert [] == check_template(folder)
    assert "monthly" == load_template(folder).name


def test_an_empty_folder_may_be_filled(tmp_path: Path) -> None:
    assert [] == check_template(scaffold_template(tmp_path, "monthly"))


def test_a_folder_with_anything_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("kept")

    with pytest.raises(FileExistsError):
        scaffold_template(tmp_path, "monthly")
    assert ["mine.txt"] == [path.name for path in tmp_path.iterdir()]


@pytest.mark.parametrize("name", ["", "two words", 'a"b', "../a", "-x"])
def test_a_name_that_no_template_can_have_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="is no name for a template"):
        scaffold_template(tmp_path / "new", name)
    assert not (tmp_path / "new").exists()
