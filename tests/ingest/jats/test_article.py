"""Scientific articles in JATS: what is read of them, in which order, and what is never lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest import jats
from ingest.document import Piece, Reading
from ingest.failures import CorruptDocument
from ingest.limits import Limits
from ingest.read import read_document

_DOCTYPE = '<!DOCTYPE article PUBLIC "-//NLM//DTD JATS v1.2//EN" "JATS-archivearticle1.dtd">\n'
_ARTICLE = """<article xmlns:mml="http://www.w3.org/1998/Math/MathML" xml:lang="en-GB">
<front>
<journal-meta><journal-title>Journal of Ropes</journal-title><issn>1234-5678</issn></journal-meta>
<article-meta>
<article-id pub-id-type="doi">10.1/ropes</article-id>
<title-group><article-title>Knots in <italic>wet</italic>
  ropes</article-title><subtitle>A survey</subtitle></title-group>
<contrib-group>
<contrib contrib-type="author"><name><surname>Reep</surname><given-names>Ada</given-names></name>
<role>Software</role><xref ref-type="aff" rid="a1">1</xref></contrib>
<contrib contrib-type="author"><collab>Rope Group</collab></contrib>
<contrib contrib-type="editor"><name><surname>Touw</surname><given-names>Ben</given-names></name>
<role>Editor</role><xref ref-type="aff" rid="a2">2</xref></contrib>
</contrib-group>
<aff id="a1"><label>1</label><institution>Quay School</institution><country>Malta</country></aff>
<aff id="a2"><label>2</label><institution>Harbour House</institution></aff>
<pub-date><year>2021</year></pub-date><volume>7</volume>
<permissions><license><license-p>Free to copy.</license-p></license></permissions>
<abstract><p>Ropes slip.</p><sec><title>Methods</title><p>We pulled.</p></sec></abstract>
<kwd-group><kwd>rope</kwd><kwd>knot</kwd></kwd-group>
</article-meta></front>
<body><sec><label>1.</label><title>Introduction</title><!-- unseen --><?unseen?>
<p>Loads of 10<sup>5</sup> N and CO<sub>2</sub>, p = 0.05<xref ref-type="bibr"><sup>3</sup></xref>
are&nbsp;known:<list><list-item><p>hemp</p><list><list-item><p>old</p></list-item></list>
</list-item><list-item><label>(b)</label><p>flax</p></list-item></list>and others.</p>
<sec><title>Strength</title>
<p>It is <inline-formula><alternatives><inline-graphic/><tex-math>\\documentclass{minimal}
\\begin{document}$$F=ma$$\\end{document}</tex-math><mml:math><mml:mi>F</mml:mi></mml:math>
</alternatives></inline-formula> here.</p>
<disp-formula><mml:math><mml:mi>x</mml:mi><mml:mo>=</mml:mo><mml:mfrac><mml:mi>a</mml:mi>
<mml:msup><mml:mi>b</mml:mi><mml:mn>2</mml:mn></mml:msup></mml:mfrac></mml:math></disp-formula>
<fig><label>Fig 1</label><caption><title>A knot.</title><p>Seen from above.</p></caption></fig>
<boxed-text><caption><title>Box 1</title></caption><p>Mind the gap.</p></boxed-text>
<odd-new-thing><p>Held by what is not known.</p></odd-new-thing>
</sec></sec></body>
<back><ack><p>Thanks to all.</p></ack>
<glossary><title>Words</title><def-list><def-item><term>Bend</term><def><p>A knot.</p></def>
</def-item></def-list></glossary>
<ref-list><ref><label>1</label><element-citation><person-group><name><surname>Ashley</surname>
<given-names>CW</given-names></name><name><surname>Day</surname><given-names>C</given-names></name>
</person-group><year>1944</year><article-title>Of knots.</article-title><source>Rope J</source>
<volume>2</volume><issue>1</issue><fpage>5</fpage><lpage>9</lpage>
<pub-id pub-id-type="doi">10.1/x</pub-id></element-citation></ref>
<ref><mixed-citation><name><surname>Budworth</surname><given-names>G</given-names></name>.
<source>Knots</source>. <year>1997</year>;<volume>3</volume>.</mixed-citation></ref></ref-list>
</back></article>"""


def _read(folder: Path, xml: str) -> Reading:
    path = folder / "a.nxml"
    path.write_text(xml, encoding="utf-8")
    reading = jats.read(path)
    assert reading is not None
    return reading


def _told(pieces: list[Piece]) -> list[str]:
    marks = {"text": "", "list": "- "}
    return [marks.get(p.kind, "#" * p.level + " ") + p.text for p in pieces]


def test_an_article_is_read_in_its_order(tmp_path: Path) -> None:
    reading = _read(tmp_path, _DOCTYPE + _ARTICLE)
    assert reading.languages == ("en",)
    assert reading.warnings == []
    assert _told(reading.pieces) == [
        "# Knots in wet ropes: A survey",
        "Ada Reep, Rope Group",
        "Quay School, Malta",
        "Journal of Ropes, 2021, volume 7, doi 10.1/ropes",
        "## Abstract",
        "Ropes slip.",
        "### Methods",
        "We pulled.",
        "Keywords: rope, knot",
        "## 1. Introduction",
        "Loads of 10^5 N and CO2, p = 0.05 3 are known:",
        "- hemp",
        "- old",
        "- (b) flax",
        "and others.",
        "### Strength",
        "It is F=ma here.",
        "x = a/b^2",
        "Fig 1 A knot. Seen from above.",
        "Box 1",
        "Mind the gap.",
        "Held by what is not known.",
        "## Acknowledgments",
        "Thanks to all.",
        "## Words",
        "- Bend: A knot.",
        "## References",
        "- 1. Ashley CW, Day C (1944). Of knots. Rope J 2(1): 5–9. doi: 10.1/x",
        "- Budworth G. Knots. 1997;3.",
        "## Article information",
        "Ada Reep: Software",
        "Ben Touw: Editor, Harbour House",
        "### Permissions",
        "Free to copy.",
    ]


def test_spans_without_bound_are_told_and_not_followed(tmp_path: Path) -> None:
    rows = '<tr><td colspan="99999" rowspan="99999">wide</td><td>end</td></tr>' + "<tr/>" * 2000
    reading = _read(tmp_path, f"<article><body><table>{rows}</table></body></article>")
    (told,) = reading.warnings
    assert told.startswith("A table's merged cells span more places than are filled")
    (table,) = reading.pieces
    assert len(table.text) < 500_000


@pytest.mark.parametrize("name", ['xmlns="http://jats.nlm.nih.gov"', ""])
def test_namespaces_do_not_matter(tmp_path: Path, name: str) -> None:
    power = "<m:math><m:msup><m:mi>x</m:mi><m:mn>2</m:mn></m:msup></m:math>"
    body = f"<body><p>Words, {power}.</p></body>"
    reading = _read(tmp_path, f"<article {name}>{body}<odd>More.</odd></article>")
    assert (_told(reading.pieces), reading.warnings) == (["Words, x^2.", "More."], [])


def test_a_letter_within_an_article_has_a_title_of_its_own(tmp_path: Path) -> None:
    stub = (
        "<front-stub><title-group><article-title>Reply</article-title></title-group></front-stub>"
    )
    inner = f"<sub-article>{stub}<body><sec><title>On 1</title></sec></body></sub-article>"
    reading = _read(tmp_path, f"<article><body><p>All.</p></body>{inner}</article>")
    assert _told(reading.pieces) == ["All.", "## Reply", "### On 1"]


@pytest.mark.parametrize("doctype", [_DOCTYPE, ""])
def test_entities_of_a_dtd_that_is_not_there_lose_no_text(tmp_path: Path, doctype: str) -> None:
    xml = f"{doctype}<article><body><p>a&nbsp;b &alpha;&odd; c</p></body></article>"
    reading = _read(tmp_path, xml)
    assert (_told(reading.pieces), reading.warnings) == (["a b α&odd; c"], [])


def test_damage_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    reading = _read(tmp_path, "<article><body><p>All of it</p>\n<p>or <b>some")
    assert _told(reading.pieces) == ["All of it", "or some"]
    assert reading.warnings == [
        "The XML is damaged in line 2: text may be missing from there.",
    ]


def test_what_is_nested_too_deeply_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorruptDocument, match="nested too deeply"):
        _read(tmp_path, f"<article><body>{'<sec>' * 3000}deep{'</sec>' * 3000}</body></article>")


@pytest.mark.parametrize(
    "xml",
    [
        "<article><title>DocBook</title><para>Words of it.</para></article>",
        "<articles><article><front/></article></articles>",
        "<note><p>Words of it.</p></note>",
    ],
)
def test_other_xml_is_no_article(tmp_path: Path, xml: str) -> None:
    (tmp_path / "a.xml").write_text(xml)
    assert jats.read(tmp_path / "a.xml") is None


def test_an_article_is_read_as_one_and_other_xml_as_before(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    limits = Limits(ocr="off")
    path.write_text(f'<?xml version="1.0"?>{_DOCTYPE}{_ARTICLE}')
    document = read_document(path, "a.xml", limits, "eng", lambda *_: None)
    fig = next(e for e in document.elements if e.text.startswith("Fig 1"))
    assert fig.heading_path == ("Knots in wet ropes: A survey", "1. Introduction", "Strength")
    path.write_text('<?xml version="1.0"?><note><p>Words of it.</p></note>')
    other = read_document(path, "a.xml", limits, "eng", lambda *_: None)
    assert other.text == "Words of it."
