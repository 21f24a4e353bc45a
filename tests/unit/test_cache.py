from __future__ import annotations

import enum
import functools
import logging
import subprocess
import sys
import textwrap
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from workbench import cache
from workbench.cache import cached, clear, entry, versioned
from workbench.errors import RecordError, WorkbenchError
from workbench.records import NextTokens

calls: list[object] = []


class Size(enum.Enum):
    SMALL = 1
    LARGE = 2


@dataclass(frozen=True)
class Inner:
    strength: float = 1.0


@dataclass(frozen=True)
class Config:
    k: int = 3
    words: tuple[str, ...] = ("·the", "🇫🇷")
    inner: Inner = field(default_factory=Inner)
    more: object = None


def table(model, config):
    calls.append(config)
    probability = torch.arange(1, config.k + 1).float() / 100
    tokens = (config.words * config.k)[: config.k]
    return NextTokens(model.name, "p", tokens, torch.arange(config.k), probability, None, str(config.more))


@torch.no_grad()
def wrapped(model, config):
    return table(model, config)


def prose(model, config):
    return {"not": "a record"}


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "cache"))
    calls.clear()


@pytest.fixture
def model():
    return SimpleNamespace(name="tiny", fingerprint="ab12")


def test_the_same_question_is_computed_once(model, caplog):
    caplog.set_level(logging.INFO, "workbench.cache")
    first = cached(table, model, Config())
    second = cached(table, model, Config())
    assert first == second
    assert len(calls) == 1
    assert ["Computed in" in caplog.messages[0], "Read" in caplog.messages[1]] == [True, True]
    assert entry(table, model, Config()).parent == cache.folder()
    assert cached(wrapped, model, Config()) == first
    assert len(calls) == 2


def test_refresh_computes_and_keeps_the_new_result(model, monkeypatch):
    cached(table, model, Config())
    model.name = "renamed, but of the same fingerprint"
    assert cached(table, model, Config()).model == "tiny"
    assert cached(table, model, Config(), refresh=True).model == model.name
    assert cached(table, model, Config()).model == model.name
    assert len(calls) == 2


def test_whatever_changes_a_result_changes_its_entry(model):
    configs = [
        Config(),
        Config(k=4),
        Config(words=("·the",)),
        Config(words=("·the", "🇫🇷", "")),
        Config(inner=Inner(2.0)),
        *(Config(more=m) for m in (1, 1.0, "1", True, (1,), ((1,),), {"a": 1}, {"a": None}, Size.SMALL)),
        *(Config(more=m) for m in (Size.LARGE, Path("1"), Inner(), "Inner()", -0.0, 0.0, 1e-30, [])),
    ]
    entries = {entry(table, model, config) for config in configs}
    entries |= {entry(table, SimpleNamespace(fingerprint="ab13"), Config()), entry(wrapped, model, Config())}
    assert len(entries) == len(configs) + 2
    assert entry(table, model, Config(more={"a": 1, "b": 2})) == entry(
        table, model, Config(more={"b": 2, "a": 1})
    )


def test_the_entry_is_the_same_in_another_process(model, tmp_path):
    """Python's own hashes differ from run to run; the key must not."""
    (tmp_path / "method.py").write_text(
        textwrap.dedent("""
        from dataclasses import dataclass
        from types import SimpleNamespace
        from workbench.cache import entry

        @dataclass(frozen=True)
        class Config:
            words: tuple[str, ...] = ("a", "b")
            weights: dict = None

        def run(model, config):
            return [x for x in config.words if x in {"a", "b", "c", "d"}]

        if __name__ != "__main__":
            print(entry(run, SimpleNamespace(fingerprint="f"), Config(weights={"x": 1.5, "y": 2})))
        """)
    )
    sys.path.insert(0, str(tmp_path))
    try:
        from method import Config as OtherConfig
        from method import run
    finally:
        sys.path.remove(str(tmp_path))
    here = entry(run, SimpleNamespace(fingerprint="f"), OtherConfig(weights={"y": 2, "x": 1.5}))
    there = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import method"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert there.stdout.strip() == str(here)


def code(body: str, decorate=lambda function: function):
    """A function `run` of one fixed name with this body."""
    space: dict = {"__name__": "method"}
    exec("def run(model, config):\n" + textwrap.indent(body, "    "), space)
    return decorate(space["run"])


def test_an_edited_function_and_a_raised_version_are_new_entries(model):
    bodies = [
        "return 1",
        "return 2",
        "return 1.0",
        "return model",
        "return config",
        "return config.a",
        "return config.b",
        "try:\n    return 1\nexcept ValueError:\n    return 2",
        "return [x for x in config]",
        "return [x + 1 for x in config]",
        "return config in {'a', 'b'}",
        "return config in {'a', 'c'}",
    ]
    entries = {entry(code(body), model, Config()) for body in bodies}
    entries |= {entry(code("return 1", versioned(2)), model, Config())}
    assert len(entries) == len(bodies) + 1
    assert entry(code("return 1", versioned(1)), model, Config()) in entries
    assert entry(code("# a comment\n\nreturn 1"), model, Config()) in entries


def test_a_file_edited_after_its_import_is_not_mistaken_for_what_runs(model, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "edited_method.py").write_text("def run(model, config):\n    return 1\n")
    import edited_method

    before = entry(edited_method.run, model, Config())
    (tmp_path / "edited_method.py").write_text("def run(model, config):\n    return 'another result'\n")
    assert entry(edited_method.run, model, Config()) == before


def damage(path: Path, how: str) -> None:
    content = path.read_bytes()
    middle = len(content) - 9
    flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    path.write_bytes({"flipped": flipped, "truncated": content[:-5], "empty": b"", "text": b"oops" * 99}[how])


@pytest.mark.parametrize("how", ["flipped", "truncated", "empty", "text"])
def test_a_damaged_entry_is_noticed_and_made_again(model, caplog, how):
    good = cached(table, model, Config())
    path = entry(table, model, Config())
    damage(path, how)
    assert cached(table, model, Config()) == good
    assert len(calls) == 2
    assert "computed again" in caplog.text
    assert cached(table, model, Config()) == good
    assert len(calls) == 2


def test_an_entry_of_an_older_record_is_made_again(model, monkeypatch):
    cached(table, model, Config())
    monkeypatch.setattr(NextTokens, "VERSION", 2)
    cached(table, model, Config())
    cached(table, model, Config())
    assert len(calls) == 2


def test_a_result_that_cannot_be_kept_is_returned_all_the_same(model, caplog):
    cache.folder().parent.mkdir(parents=True)
    cache.folder().write_text("a file where the folder should be")
    assert cached(table, model, Config()).model == "tiny"
    assert "could not be kept" in caplog.text


def test_clear_deletes_results_and_nothing_else(model):
    assert clear() == 0
    for k in (1, 2, 3):
        cached(table, model, Config(k=k))
    other = cache.folder() / "notes.txt"
    other.write_text("mine")
    (cache.folder() / ".table-12.safetensors.34.part").write_text("left by a writer that was killed")
    assert clear() == 3
    assert list(cache.folder().iterdir()) == [other]
    cached(table, model, Config(k=1))
    assert len(calls) == 4


def test_without_the_variable_results_are_under_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("WORKBENCH_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.folder() == tmp_path / ".cache" / "interp-workbench" / "results"


# ---- several writers


def test_threads_asking_at_once_all_get_whole_records(model):
    barrier, seen = threading.Barrier(6), []

    def ask():
        barrier.wait()
        for k in range(1, 6):
            seen.append((k, cached(table, model, Config(k=k), refresh=k % 2 == 0)))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 30
    assert all(record == table(model, Config(k=k)) for k, record in seen)
    assert not list(cache.folder().glob(".*"))


def test_processes_writing_one_file_never_show_half_of_it(tmp_path):
    target = tmp_path / "entry"
    script = """
        import sys
        from workbench.atomic import replacing
        for i in range(150):
            with replacing(sys.argv[1]) as draft:
                draft.write_bytes(sys.argv[2].encode() * 50_000)
    """
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(script), str(target), letter],
            cwd=Path(__file__).parents[2],
        )
        for letter in "ab"
    ]
    reads = set()
    while any(writer.poll() is None for writer in writers):
        if target.exists():
            content = target.read_bytes()
            assert len(content) == 50_000
            assert len(set(content)) == 1
            reads.add(content[:1])
    assert [writer.returncode for writer in writers] == [0, 0]
    assert reads <= {b"a", b"b"}
    assert target.read_bytes() in (b"a" * 50_000, b"b" * 50_000)
    assert list(tmp_path.iterdir()) == [target]


# ---- what can't be kept


class Method:
    def run(self, model, config):
        return None

    def __call__(self, model, config):
        return None


def closure(seen):
    def run(model, config):
        return seen

    return run


@pytest.mark.parametrize(
    "function",
    [lambda model, config: None, functools.partial(table, k=1), Method().run, Method(), closure(1), len],
    ids=["lambda", "partial", "method", "callable", "closure", "builtin"],
)
def test_a_function_that_its_name_does_not_decide_is_refused(model, function):
    with pytest.raises(WorkbenchError, match=r"Give a plain function of \(model, config\)"):
        cached(function, model, Config())


def test_models_without_fingerprint_and_configs_of_other_kinds_are_refused(model):
    for wrong in (object(), SimpleNamespace(fingerprint=None), SimpleNamespace(fingerprint="")):
        with pytest.raises(WorkbenchError, match="no fingerprint to keep results under"):
            cached(table, wrong, Config())
    for config in ({"k": 1}, Config, None):
        with pytest.raises(WorkbenchError, match="Give an instance of a dataclass"):
            cached(table, model, config)
    nan = float("nan")
    for more in (torch.zeros(2), nan, object(), {1: "a"}, {"a", "b"}, b"bytes", [[nan]], table):
        with pytest.raises(WorkbenchError, match=r"^config\.more.* can't be part of a key"):
            cached(table, model, Config(more=more))
    with pytest.raises(WorkbenchError, match=r"^config\.inner\.strength is inf"):
        cached(table, model, replace(Config(), inner=Inner(float("inf"))))
    assert not calls


def test_only_records_are_kept(model):
    with pytest.raises(RecordError, match="returned a dict"):
        cached(prose, model, Config())
    assert clear() == 0
