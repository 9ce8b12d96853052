"""Output folders: whole or not at all, never over a stranger's files."""

from __future__ import annotations

from pathlib import Path

import pytest

from lrtc.driver import open_model
from lrtc.errors import LrtcError
from lrtc.output import MANIFEST, check_folder, write_folder


def test_writes_then_replaces_what_it_wrote(tmp_path: Path):
    out = tmp_path / "deep" / "out"
    write_folder(out, {"a.c": "one\n", "rtl/b.sv": "x\n"}, {"version": "1"})
    assert (out / "rtl" / "b.sv").read_text() == "x\n"
    write_folder(out, {"a.c": "two\n"}, {"version": "1"})
    assert sorted(p.name for p in out.iterdir()) == ["a.c", MANIFEST]
    assert (out / "a.c").read_text() == "two\n"
    assert [p.name for p in out.parent.iterdir()] == ["out"], "no temporary folder stays behind"


def test_refuses_a_file_a_foreign_folder_and_added_files(tmp_path: Path):
    file = tmp_path / "file"
    file.write_text("mine")
    with pytest.raises(LrtcError, match="is a file, not a folder"):
        write_folder(file, {"a": ""}, {})
    with pytest.raises(LrtcError, match="is a file"):
        check_folder(file / "below")
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.tex").write_text("mine")
    with pytest.raises(LrtcError, match="did not write"):
        write_folder(foreign, {"a": ""}, {})
    assert [p.name for p in foreign.iterdir()] == ["thesis.tex"]
    ours = write_folder(tmp_path / "ours", {"a": ""}, {})
    (ours / "notes.txt").write_text("mine")
    with pytest.raises(LrtcError, match=r"beside those that lrtc wrote: notes\.txt"):
        write_folder(ours, {"a": "new"}, {})
    assert (ours / "a").read_text() == ""


@pytest.mark.parametrize("text", ["", "[]", '{"files": 3}', '{"files": [1]}', "\x00"])
def test_a_broken_manifest_does_not_make_a_folder_ours(tmp_path: Path, text: str):
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(LrtcError, match="did not write"):
        check_folder(tmp_path)


def test_a_failure_in_the_middle_keeps_the_old_folder(tmp_path: Path):
    out = write_folder(tmp_path / "out", {"a": "old"}, {})
    with pytest.raises(LrtcError, match="could not be written"):
        write_folder(out, {"a": "new", "a/b": "a is no folder"}, {})
    assert (out / "a").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_an_empty_folder_is_fine(tmp_path: Path):
    (tmp_path / "empty").mkdir()
    assert (write_folder(tmp_path / "empty", {"a": "1"}, {}) / "a").is_file()


def test_a_name_longer_than_any_file_may_have_is_refused(tmp_path):
    """Found by fuzzing: `-o` of 5,000 letters ended in a traceback."""
    with pytest.raises(LrtcError, match="cannot be looked at: File name too long"):
        check_folder(tmp_path / ("x" * 5000))


@pytest.mark.parametrize("name", ["x" * 5000 + ".onnx", "x" * 5000 + ".pt", "x" * 5000])
def test_a_model_of_such_a_name_is_refused(name: str):
    with pytest.raises(LrtcError):
        open_model(name)
