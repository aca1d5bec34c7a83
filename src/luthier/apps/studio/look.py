"""How the page looks: the colours of the reports, and fonts that every computer has."""

from __future__ import annotations

import gradio

ACCENT, PAPER = "#a8323f", "#f7f5f2"
QUIET = "#8a9097"
RED = gradio.themes.Color(
    "#fbf3f3", "#f6e3e4", "#ebc4c7", "#dd9ba1", "#cb6b74", ACCENT, "#962c38", "#7d2530", "#651f28", "#521a22", "#3d1319"
)
WAVEFORM = gradio.WaveformOptions(waveform_color=QUIET, waveform_progress_color=ACCENT)

CSS = """
main.fillable { width: 100%; max-width: 62rem !important; }
.note { border-left: .3rem solid; padding: .5rem .8rem; margin: .3rem 0; background: var(--background-fill-primary); }
.note.grey { border-color: #8a9097; } .note.green { border-color: #2b8a3e; }
.note.yellow { border-color: #c98a00; } .note.red { border-color: #d1313f; }
.html-container { padding: 0 !important; }
.prose table.lights { border-collapse: collapse; width: 100%; }
.prose table.lights, .prose .lights tr { border: 0; }
.prose .lights :is(td, th) { text-align: left; vertical-align: top; padding: .35rem .8rem .35rem 0; border: 0;
  border-top: 1px solid var(--border-color-primary); }
.prose .lights th { font-weight: 600; overflow-wrap: anywhere; width: 30%; }
.light { width: 6rem; font-size: .85rem; font-weight: 700; white-space: nowrap; }
.light::before { content: ""; display: inline-block; width: .75rem; height: .75rem; border-radius: 50%;
  margin-right: .4rem; background: currentColor; }
.light.green { color: #2b8a3e; } .light.yellow { color: #c98a00; }
.light.red { color: #d1313f; } .light.grey { color: #8a9097; }
.progress textarea { font-family: ui-monospace, monospace; font-size: .85rem; }
iframe { width: 100%; height: 70vh; border: 1px solid var(--border-color-primary); border-radius: .5rem; }
"""


def look() -> gradio.Theme:
    """Colours and fonts."""
    theme = gradio.themes.Soft(
        primary_hue=RED, secondary_hue=RED, neutral_hue="stone",
        font=("system-ui", "sans-serif"), font_mono=("ui-monospace", "monospace"),
    )  # fmt: skip
    plain = {"background_fill": "transparent", "text_color": "*body_text_color", "text_weight": "600"}
    labels = {f"block_{kind}_{key}": value for kind in ("label", "title") for key, value in plain.items()}
    dark = {f"{key}_dark": value for key, value in labels.items() if "weight" not in key}
    lines = {"block_label_border_width": "0", "block_border_width": "1px", "input_border_width": "1px"}
    return theme.set(**labels, **dark, **lines, block_shadow="none", input_shadow="none", body_background_fill=PAPER)
