"""Every page and message that shows the name has the new one."""

import pytest
from conftest import Browser, soup


@pytest.mark.parametrize("path", ["/", "/profile", "/profile/username", "/nowhere"])
def test_a_page_has_the_new_name(jane: Browser, path: str) -> None:
    page = jane.get(path).text
    assert soup(page).title.get_text().strip().endswith("– Example")
    assert "Example" in soup(page).footer.get_text()
    assert "Vestibule" not in page
