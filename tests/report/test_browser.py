"""A missing browser is no silent gap: a skip that says so, and in CI a failure."""

from __future__ import annotations

import pytest
from browser import require


@pytest.mark.parametrize(("there", "lacks"), [([], "chromium"), (["chromium"], "chromedriver")])
def test_ci_fails_where_a_browser_is_missing(monkeypatch: pytest.MonkeyPatch, there: list[str], lacks: str) -> None:
    monkeypatch.setattr("shutil.which", lambda program: program if program in there else None)
    monkeypatch.delenv("CLC_TEXT_BROWSER", raising=False)
    with pytest.raises(pytest.skip.Exception, match=f"{lacks} is not installed"):
        require()
    monkeypatch.setenv("CLC_TEXT_BROWSER", "required")
    with pytest.raises(pytest.fail.Exception, match=f"{lacks} is not installed"):
        require()
