"""``python -m evals``: how good search and answers are, measured offline on sets with gold."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from core.config import Settings, get_settings
from core.models import chat
from evals import answers as answer_eval
from evals import (
    behaviour,
    bench_commands,
    cited,
    compare,
    formats,
    ocr,
    reading_report,
    report,
    retrieval,
    speech,
    support_judge,
)
from evals.asking import SoFar
from evals.behaviour import loaded
from evals.cases import AnswerSet, Half, RetrievalSet, load_answers, load_retrieval
from evals.scratch import ScratchBase, opened, servers
from evals.writing import HtmlFile, JsonFile, write

_OWN = Path(__file__).parent / "data"

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Measure search and answers offline, through the same ingestion and search code that "
    "serves users. Without NUXA_DATABASE_URL the commands start their own PostgreSQL and Valkey. "
    "Without --data they run on a small set that comes with the project.",
)

app.add_typer(bench_commands.app)
app.add_typer(behaviour.app)

_Limit = Annotated[int | None, typer.Option(help="Ask only the first N questions.", min=1)]
_Keep = Annotated[
    bool,
    typer.Option(
        help="Keep the base, and use it again next time if the documents are the same: spares the "
        "embedding. After a change of ingestion run without it."
    ),
]
_Model = Annotated[str | None, typer.Option(help="A chat model in the place of NUXA_CHAT_MODEL.")]
_Seed = Annotated[
    int | None, typer.Option(help="Draw the limited questions by this, in place of the first.")
]
_Without = Annotated[
    str | None,
    typer.Option(help="Leave out files of such names, *2023*: are questions on them declined?"),
]
_Baseline = Annotated[
    Path | None,
    typer.Option(
        help="A report written by --json; ends with 1 if a figure fell below it.",
        callback=lambda path: path and _report(path),
    ),
]
_Tolerance = Annotated[float, typer.Option(help="A figure may fall by this much.", min=0)]
_Language = Annotated[str, typer.Option(help="Language of the documents: en, de …, or auto.")]


@app.command("retrieval")
def retrieval_command(
    data: Annotated[
        Path, typer.Option(help="Folder with corpus.jsonl[.gz], queries.jsonl and qrels/*.tsv.")
    ] = _OWN / "retrieval",
    split: Annotated[str | None, typer.Option(help="Name of the qrels file, if several.")] = None,
    limit: _Limit = None,
    half: Annotated[
        Half | None, typer.Option(help="Only the queries of one half: tune on a, report b.")
    ] = None,
    queries: Annotated[
        str | None, typer.Option(help="Language of the queries: reads queries.<language>.jsonl.")
    ] = None,
    json_file: JsonFile = None,
    html_file: HtmlFile = None,
    baseline: _Baseline = None,
    tolerance: _Tolerance = 0.005,
    keep: _Keep = False,
    language: _Language = "en",
) -> None:
    """Rank a BEIR set in keyword, vector and hybrid mode, side by side.

    Prints NDCG@10, Recall@10 and @100 and MRR@10 as trec_eval means them (every judged query
    counts, a document by its best chunk), those of reciprocal rank fusion (rrf) of the keyword and
    the vector ranking, and the latency of single searches.

    Example: python -m evals retrieval --data scifact --split test --keep --html scifact.html
    """
    cases = loaded(lambda: load_retrieval(data, split, limit, half, queries))
    with servers() as settings:
        found = asyncio.run(_retrieval(settings, cases, keep, language))
    report.print_retrieval(Console(), found)
    write(found, json_file, html_file, report.retrieval_page)
    _hold(found, baseline, tolerance)


@app.command("answers")
def answers_command(
    data: Annotated[
        Path, typer.Option(help="Folder with qna.jsonl and the documents it names.")
    ] = _OWN / "answers",
    limit: _Limit = None,
    json_file: JsonFile = None,
    html_file: HtmlFile = None,
    baseline: _Baseline = None,
    tolerance: _Tolerance = 0.005,
    keep: _Keep = False,
    language: _Language = "en",
    copilot: Annotated[bool, typer.Option(help="Ask the copilot too, not only the search.")] = True,
    model: _Model = None,
    seed: _Seed = None,
    without: _Without = None,
    minutes: behaviour.Minutes = None,
    resume: behaviour.Resume = False,
    judge: Annotated[
        str | None,
        typer.Option(help="A chat model that judges whether quotes support what cites them."),
    ] = None,
) -> None:
    """Ask questions about files: is the right document found, and what does the copilot cite?

    Prints for how many questions with one gold document the first result comes from it, and for
    how many with several at least three quarters of them are among ten documents. Then what the
    copilot's answers are worth: correct, borne out by marks, their citations right and complete,
    how many cited statements answer the question by people's labels, where the set has some, and
    how many questions are declined that no document answers. Quotes are cut out of stored text, so
    that a quote is there says nothing.

    Example: python -m evals answers --data qa/sec10q --keep --json filings.json
    Example: python -m evals answers --data qa/sec10q --without "*NVDA*"
    """
    cases = loaded(lambda: load_answers(data, limit, seed, without))
    behaviour.choose(model)
    name = get_settings().chat_model
    so_far = loaded(lambda: SoFar.of(minutes, json_file, name, resume))
    with servers() as settings:
        found = asyncio.run(_answers(settings, cases, keep, language, so_far if copilot else None))
    if judge and copilot:
        texts = {question.id: question.text for question in cases.questions}
        judged = support_judge.judge_answers(found["answers"], texts, chat.stream, judge)
        found["supported"] = asyncio.run(judged)
    found["model"] = name
    report.print_answers(Console(), found)
    write(found, json_file, html_file, report.answers_page)
    _hold(found, baseline, tolerance)


@app.command("compare")
def compare_command(
    before: Annotated[Path, typer.Argument(help="A report written by --json.")],
    after: Annotated[Path, typer.Argument(help="Another of the same set.")],
    tolerance: _Tolerance = 0.005,
    html_file: HtmlFile = None,
) -> None:
    """Compare two reports of one set, figure by figure; ends with 1 if one fell.

    "By chance" is how likely so large a difference in NDCG@10 is if neither is better: a paired
    randomisation test over the queries.

    Example: python -m evals compare before.json after.json --html changes.html
    """
    _hold(loaded(lambda: compare.load_report(after)), before, tolerance, html_file)


@app.command("speech")
def speech_command(
    data: Annotated[Path, typer.Option(help="Folder with manifest.jsonl and the clips it names.")],
    json_file: JsonFile = None,
) -> None:
    """Transcribe clips and compare with what is said in them: word error rate, clip by clip.

    Example: python -m evals speech --data speech
    """
    clips = loaded(lambda: speech.load(data))
    found = asyncio.run(speech.run(get_settings(), clips))
    for line in speech.lines(found):
        typer.echo(line)
    if json_file is not None:
        json_file.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


@app.command("ocr")
def ocr_command(
    data: Annotated[
        Path, typer.Option(help="Folder with X.gold.txt beside scans X.*, or with gold.jsonl.")
    ] = _OWN / "ocr",
    languages: Annotated[str, typer.Option(help="Tesseract's languages, joined by '+'.")] = "eng",
    turned: Annotated[bool, typer.Option(help="Read pages turned by 90, 180, 270, too.")] = True,
    json_file: JsonFile = None,
    html_file: HtmlFile = None,
    baseline: _Baseline = None,
    tolerance: _Tolerance = 0.005,
) -> None:
    """Read scans and compare with what stands on them.

    Prints word recall (words in any order), how many words and characters are right in order, how
    many fields of forms were found as they are, and how many turned pages were read. Ends with 1
    if a scan was refused or a turned page not read.

    Example: python -m evals ocr --data documents --html ocr.html
    """
    scans = loaded(lambda: ocr.load(data))
    found = asyncio.run(ocr.run(scans, languages, data.resolve().name, turned))
    reading_report.print_measures(Console(), found)
    write(found, json_file, html_file, reading_report.ocr_page)
    _hold(found, baseline, tolerance)
    if ocr.has_unread(found):
        raise typer.Exit(1)


@app.command("ingest")
def ingest_command(
    data: Annotated[Path, typer.Option(help="Folder with files of any kind, in folders.")] = _OWN
    / "answers",
    json_file: JsonFile = None,
    html_file: HtmlFile = None,
    baseline: _Baseline = None,
    tolerance: _Tolerance = 0.005,
) -> None:
    """Read files of many formats, malformed ones too: each must give text or say why not.

    Where a file X has an X.expected.md beside it, prints which share of its words, headings and
    cells of tables were found. Ends with 1 if a file crashed, hung or gave no reason.

    Example: python -m evals ingest --data documents --html ingest.html
    """
    files = loaded(lambda: formats.load(data))
    found = asyncio.run(formats.run(files, data.resolve().name))
    reading_report.print_measures(Console(), found)
    write(found, json_file, html_file, reading_report.formats_page)
    _hold(found, baseline, tolerance)
    if formats.has_broken(found):
        raise typer.Exit(1)


@app.command("formats")
def formats_command(
    data: Annotated[Path, typer.Option(help="Folder with documents and their truth.json.")] = _OWN
    / "formats",
    json_file: JsonFile = None,
) -> None:
    """Read the documents of many formats that come with the project.

    Prints which share of their words, headings and cells of tables was found. Ends with 1 where
    that is less than is held to.
    """
    found = asyncio.run(formats.run(loaded(lambda: formats.load(data)), data.resolve().name))
    reading_report.print_measures(Console(), found)
    means = formats.means(found)
    Console().print({name: round(mean, 3) for name, mean in means.items()})
    write(found | {"means": means}, json_file, None, reading_report.formats_page)
    if any(means.get(name, 0.0) < bar for name, bar in formats.BARS.items()):
        raise typer.Exit(1)


async def _retrieval(
    settings: Settings, cases: RetrievalSet, keep: bool, language: str
) -> dict[str, Any]:
    async with opened(settings) as services:
        scratch = ScratchBase(services, cases.name, cases.checksum, language)
        async with scratch.filled(retrieval.sources(cases.corpus), keep=keep) as base_id:
            results = await retrieval.run(
                services.store, scratch.workspace_id, base_id, cases, retrieval.MODES
            )
            failed = await scratch.failures(base_id)
    return retrieval.to_json(cases, results) | {"failedDocuments": failed}


async def _answers(
    settings: Settings, cases: AnswerSet, keep: bool, language: str, so_far: SoFar | None
) -> dict[str, Any]:
    async with opened(settings) as services:
        scratch = ScratchBase(services, cases.name, cases.checksum, language)
        async with scratch.filled(answer_eval.sources(cases.files), keep=keep) as base_id:
            found = await answer_eval.run(services.store, scratch.workspace_id, base_id, cases)
            if so_far is not None:
                args = services, scratch.workspace_id, base_id, cases
                found |= await cited.run(*args, so_far.minutes, so_far.rows, so_far.keep)
            failed = await scratch.failures(base_id)
    return found | {"failedDocuments": failed}


def _report(path: Path) -> Path:
    """Refuse at once what is no report: when all is measured would be late."""
    loaded(lambda: compare.load_report(path))
    return path


def _hold(
    found: dict[str, Any], baseline: Path | None, tolerance: float, page: Path | None = None
) -> None:
    """Compare with a baseline, if there is one; ends with 1 if a figure fell."""
    if baseline is None:
        return
    changes = loaded(lambda: compare.changes(compare.load_report(baseline), found))
    compare.print_changes(Console(), changes)
    if page is not None:
        title = f"{found['dataset']}: against {baseline.name}"
        page.write_text(compare.changes_page(changes, title), encoding="utf-8")
    if compare.fallen(changes, tolerance):
        raise typer.Exit(1)


if __name__ == "__main__":
    app()
