"""Python with packages and files, in the real confined interpreter."""

from __future__ import annotations

import pytest

from core.config import Settings, get_settings
from core.errors import ValidationFailed
from core.sandbox import interpreter as interpreter_module
from core.sandbox.errors import (
    CodeFailed,
    LanguageUnavailable,
)
from core.sandbox.interpreter import needs_interpreter
from core.sandbox.outcome import SandboxFile
from core.sandbox.pool import Sandbox
from tests.core.sandbox.interpreting import run

SALES = SandboxFile("sales.csv", b"region,amount\nnorth,3\nsouth,4\n")


async def test_interpreter_given_csv_reads_it_with_pandas(interpreter: Sandbox) -> None:
    code = "import pandas as pd\npd.read_csv('sales.csv').groupby('region').amount.sum().to_dict()"
    assert (await run(interpreter, code, SALES)).result == {"north": 3, "south": 4}


async def test_interpreter_with_chart_returns_png(interpreter: Sandbox) -> None:
    code = "import matplotlib.pyplot as plt\nplt.plot([1, 3, 2])\nplt.savefig('outputs/chart.png')"
    (chart,) = (await run(interpreter, code)).files
    assert chart.name == "chart.png"
    assert chart.content.startswith(b"\x89PNG\r\n\x1a\n")


async def test_interpreter_with_open_figure_returns_it_as_png(interpreter: Sandbox) -> None:
    code = "import matplotlib.pyplot as plt\nplt.plot([1, 3, 2])\nplt.show()"
    assert [file.name for file in (await run(interpreter, code)).files] == ["figure-1.png"]


async def test_interpreter_with_numpy_values_returns_json(interpreter: Sandbox) -> None:
    code = "import numpy as np, pandas as pd\n[np.arange(3), np.int64(4), pd.DataFrame({'a': [1]})]"
    assert (await run(interpreter, code)).result == [[0, 1, 2], 4, [{"a": 1}]]


async def test_interpreter_multiplying_matrices_uses_one_thread(interpreter: Sandbox) -> None:
    code = "import numpy as np, os\na = np.ones((500, 500)) @ np.ones((500, 500))\n"
    told = await run(interpreter, code + "len(os.listdir('/proc/self/task'))")
    assert told.result == 1


async def test_interpreter_with_data_frame_writes_excel(interpreter: Sandbox) -> None:
    code = """
import os, tempfile
import pandas as pd
os.makedirs("outputs", exist_ok=True)
with tempfile.TemporaryFile() as file:
    file.write(b"1")
pd.DataFrame({"a": [1]}).to_excel("outputs/a.xlsx")
int(pd.read_excel("outputs/a.xlsx").a.sum())
"""
    told = await run(interpreter, code)
    assert (told.result, [file.name for file in told.files]) == (1, ["a.xlsx"])


@pytest.mark.parametrize("name", ["../a.csv", "a/b.csv", ".hidden", "", "outputs"])
async def test_sandbox_given_file_with_odd_name_refuses(interpreter: Sandbox, name: str) -> None:
    with pytest.raises((CodeFailed, ValidationFailed)):
        await run(interpreter, "1", SandboxFile(name, b"x"))


async def test_sandbox_with_packages_switched_off_says_so() -> None:
    sandbox = Sandbox(Settings(python_packages=False))
    with pytest.raises(LanguageUnavailable, match="NUXA_PYTHON_PACKAGES"):
        await sandbox.run("import numpy", "python", {})


async def test_sandbox_without_packages_names_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreter_module, "PACKAGES", ("numpy", "not-a-package"))
    with pytest.raises(LanguageUnavailable, match="make interpreter") as caught:
        await Sandbox(get_settings()).run("import numpy", "python", {})
    assert "not-a-package" in caught.value.message
    assert len(caught.value.message) <= 160


async def test_sandbox_on_kernel_without_landlock_refuses_packages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(interpreter_module, "landlock_version", lambda: 0)
    with pytest.raises(LanguageUnavailable, match="Landlock"):
        await Sandbox(get_settings()).run("import numpy", "python", {})


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import numpy as np", True),
        ("from matplotlib import pyplot", True),
        ("def f():\n    import pandas.api", True),
        ("open('outputs/a.csv', 'w')", True),
        ("import json", False),
        ("import json; import scipy.stats", True),
        ("# import numpy", False),
        ("important = numpy = 1", False),
        ("import " + "a," * 99_000, False),
    ],
)
def test_needs_interpreter_by_code(code: str, expected: bool) -> None:
    assert needs_interpreter(code) is expected
