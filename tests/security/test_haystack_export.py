"""What stands in a workflow's settings stays data when its YAML is loaded."""

from __future__ import annotations

from haystack import Pipeline

from pipelines.haystack_export import export_haystack
from pipelines.workflow import parse
from tests.pipelines.shapes import block, definition


def test_load_of_settings_that_look_like_objects_keeps_them_as_data() -> None:
    lure = {"type": "env_var", "env_vars": ["PATH"], "strict": True}
    raw = definition(
        [block("r", "response", data={"key": lure, "type": "os.system"})],
        "s>r",
        variables={"1": {"id": "1", "name": "type", "value": "env_var"}},
    )
    text = export_haystack(parse(raw))
    components = dict(Pipeline.loads(text, allowed_modules=["pipelines.blocks"]).walk())
    assert vars(components["r"])["values"]["data"] == {"key": lure, "type": "os.system"}
    assert vars(components["s"])["variables"] == {"type": "env_var"}
