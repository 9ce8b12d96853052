"""Options and fixtures that every folder of tests shares."""

from __future__ import annotations

from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden files anew instead of comparing")


@pytest.fixture
def golden(request: pytest.FixtureRequest):
    """Return a function golden(name, text): text equals tests/golden/name, or becomes it under --update-golden."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.is_file(), f"{path} is missing: run pytest --update-golden and look at what it wrote"
        assert text == path.read_text(encoding="utf-8"), f"{path.name} differs: --update-golden if this is meant"

    return compare


@pytest.fixture(autouse=True)
def _verify_every_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """In tests every compile compares the outputs before and after every pass."""
    from lrtc import driver

    monkeypatch.setattr(driver, "VERIFY", True)
