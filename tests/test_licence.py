# SPDX-License-Identifier: BSD-3-Clause

from pathlib import Path

import skfakespot

HEADER = "# SPDX-License-Identifier: BSD-3-Clause\n"


def test_each_file_of_the_package_names_its_licence():
    files = list(Path(skfakespot.__file__).parent.rglob("*.py"))
    assert len(files) > 200
    for file in files:
        assert HEADER in file.read_text(encoding="utf-8").splitlines(keepends=True)[:2], file
