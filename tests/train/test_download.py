"""Data files that are not there are fetched, whole or not at all."""

import hashlib
import shutil

import pytest
from tiny_digits import example

from lrtc.errors import LrtcError
from lrtc.train.command import main
from lrtc.train.data import IDX_FILES
from lrtc.train.download import Source, download

NAMES = [name for pair in IDX_FILES.values() for name in pair]


def sources(folder):
    """Return addresses of the files in a folder; the code that opens them is the same for https."""
    return {n: Source((folder / n).as_uri(), hashlib.md5((folder / n).read_bytes()).hexdigest()) for n in NAMES}


def test_only_files_that_are_not_there_are_fetched(digits, tmp_path):
    folder = tmp_path / "new" / "folder"
    assert download(folder, sources(digits)) == NAMES
    assert all((folder / name).read_bytes() == (digits / name).read_bytes() for name in NAMES)
    (folder / NAMES[0]).write_bytes(b"mine")
    (folder / NAMES[2]).unlink()
    assert download(folder, sources(digits)) == [NAMES[2]]
    assert (folder / NAMES[0]).read_bytes() == b"mine"


def test_damaged_and_unreachable_files_leave_nothing(digits, tmp_path):
    addresses = sources(digits)
    addresses[NAMES[1]] = Source(addresses[NAMES[0]].url, addresses[NAMES[1]].md5)
    with pytest.raises(
        LrtcError, match=r"what came has MD5 .* is expected\n  hint: fetch train-labels.*by other means"
    ):
        download(tmp_path / "a", addresses)
    assert [p.name for p in (tmp_path / "a").iterdir()] == [NAMES[0]]
    addresses[NAMES[0]] = Source((tmp_path / "nothing.gz").as_uri(), "")
    with pytest.raises(LrtcError, match=r"nothing.gz: .*\n  hint: --download needs internet"):
        download(tmp_path / "b", addresses)
    assert not list((tmp_path / "b").iterdir())


@pytest.mark.parametrize("folder", ["mnist", "fashion_mnist"])
def test_a_recipe_offers_it_and_fetches(folder, digits, tmp_path, monkeypatch, capsys):
    module = example(folder, monkeypatch)
    assert list(module.SOURCES) == NAMES
    options = ["--data", str(tmp_path / "data"), "--out", str(tmp_path / "net.pt"), "--cost", "--first", "8"]
    with pytest.raises(SystemExit):
        main("x", module.EXPERIMENTS, module.READ, options, module.SOURCES)
    assert "or have them fetched: --download" in capsys.readouterr().err
    main("x", module.EXPERIMENTS, module.READ, [*options, "--download"], sources(digits))
    assert "processor time of a step of 8 samples" in capsys.readouterr().out
    shutil.rmtree(tmp_path / "data")
    with pytest.raises(SystemExit):
        main("x", module.EXPERIMENTS, module.READ, [*options, "--download"], {NAMES[0]: Source("nothing:", "")})
    assert "unknown url type: nothing" in capsys.readouterr().err
