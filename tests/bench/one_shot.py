"""The Schematron as a script runs it: a processor, a compilation and a run for each set, then gone.

    python one_shot.py RULES.xslt... < invoice.xml

It loads nothing else, so that the other pipeline is not charged for what is ours.
"""

from __future__ import annotations

import sys

import saxonche


def judge(xml: bytes, stylesheets: list[str]) -> None:
    """Run each of ``stylesheets`` on ``xml``; whether rules fired is all that is looked at."""
    for path in stylesheets:
        processor = saxonche.PySaxonProcessor(license=False)
        executable = processor.new_xslt30_processor().compile_stylesheet(stylesheet_file=path, encoding="UTF-8")
        svrl = executable.transform_to_string(xdm_node=processor.parse_xml(xml_text=xml.decode()))
        assert "fired-rule" in str(svrl)


if __name__ == "__main__":
    judge(sys.stdin.buffer.read(), sys.argv[1:])
