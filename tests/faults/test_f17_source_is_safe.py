"""F17: the source never calls what could run the content of a file."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "pellucid"
BUILTINS = {"eval", "exec", "compile", "__import__"}
MODULES = {"pickle", "cloudpickle", "dill", "shelve", "marshal", "joblib", "jsonpickle", "imp"}
KEYWORDS = {"allow_pickle": True, "trust_remote_code": True, "weights_only": False, "shell": True}
# calls by their dotted end; `yaml.safe_load` and `json.load` are other names
CALLS = {"joblib.load", "yaml.load", "yaml.unsafe_load", "yaml.full_load", "os.system", "os.popen"}
CALLS |= {"torch.hub.load", "pd.read_pickle", "pandas.read_pickle"}


def dotted(node: ast.expr) -> str:
    """Return `a.b.c` for a chain of attributes, and only the end of it for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return ""


def findings(source: str) -> list[str]:
    """Return what a piece of source may not have."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [a.name for a in node.names if a.name.partition(".")[0] in MODULES]
        elif isinstance(node, ast.ImportFrom):
            names = {(node.module or "").partition(".")[0], *(a.name for a in node.names)}
            found += sorted(names & MODULES)
        elif isinstance(node, ast.Call):
            found += _call_findings(node)
        elif isinstance(node, ast.Name) and node.id in BUILTINS:
            found.append(f"the name {node.id}")  # also when it is only passed on
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found += [m for m in MODULES if node.value == m]  # as for import_module("pickle")
    return found


def _call_findings(node: ast.Call) -> list[str]:
    name = dotted(node.func)
    found = [name for call in CALLS if name == call or name.endswith(f".{call}")]
    if name.endswith("yaml.load") or (name.startswith("shap.") and "load" in name):
        found.append(name)
    if name == "torch.load" and not any(k.arg == "weights_only" for k in node.keywords):
        found.append("torch.load without weights_only")
    for keyword in node.keywords:
        value = keyword.value
        if keyword.arg in KEYWORDS and not (
            isinstance(value, ast.Constant) and value.value is not KEYWORDS[keyword.arg]
        ):
            found.append(f"{keyword.arg}={ast.unparse(value)}")
    return found


def test_f17_no_source_file_has_an_unsafe_call() -> None:
    files = sorted(SOURCE.rglob("*.py"))
    assert len(files) > 30
    found = {str(f.relative_to(SOURCE)): findings(f.read_text("utf-8")) for f in files}
    assert {name: what for name, what in found.items() if what} == {}


def test_f17_only_one_file_opens_torch_files() -> None:
    users = {
        f.relative_to(SOURCE).as_posix()
        for f in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(f.read_text("utf-8")))
        if isinstance(node, ast.Call) and dotted(node.func) in ("torch.load", "torch.jit.load")
    }
    assert users == {"io/artifacts.py"}


@pytest.mark.parametrize(
    "source",
    [
        "eval('1')",
        "map(exec, lines)",
        "import pickle",
        "import cloudpickle as c",
        "from joblib import load",
        "from pickle import loads",
        "import_module('pickle')",
        "np.load(p, allow_pickle=True)",
        "np.load(p, allow_pickle=flag)",
        "torch.load(p)",
        "torch.load(p, weights_only=False)",
        "torch.load(p, weights_only=safe)",
        "yaml.load(text)",
        "AutoModel.from_pretrained(n, trust_remote_code=True)",
        "shap.Explainer.load(f)",
        "subprocess.run(c, shell=True)",
        "os.system(c)",
    ],
)
def test_f17_the_check_finds(source: str) -> None:
    assert findings(source) != []


@pytest.mark.parametrize(
    "source",
    [
        "re.compile('x')",
        "model.eval()",
        "np.load(p, allow_pickle=False)",
        "torch.load(p, weights_only=True)",
        "yaml.safe_load(text)",
        "import pickletools",
        "'a pickle, which runs code'",
    ],
)
def test_f17_the_check_passes(source: str) -> None:
    assert findings(source) == []
