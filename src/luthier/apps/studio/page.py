"""The page: three tabs, one for each thing that a musician wants to do."""

from __future__ import annotations

import gradio

from luthier.apps.studio.build_tab import build_tab
from luthier.apps.studio.check_tab import check_tab
from luthier.apps.studio.play_tab import play_tab
from luthier.apps.studio.workshop import Workshop

PLAYED_AT_ONCE = 2
"""Melodies; the others wait for their turn and are told so."""


def studio_page(workshop: Workshop) -> gradio.Blocks:
    """Lay out the page."""
    with gradio.Blocks(title="Luthier studio", analytics_enabled=False) as page:
        gradio.Markdown("# Luthier\nFrom recordings of an instrument to an instrument that you can play.")
        recordings = gradio.State(None)
        with gradio.Tabs():
            with gradio.Tab("1  Check"):
                check_tab(workshop, recordings)
            with gradio.Tab("2  Build"):
                built = build_tab(page, workshop, recordings)
            with gradio.Tab("3  Play") as tab:
                play_tab(workshop, tab, built)
    page.queue(default_concurrency_limit=PLAYED_AT_ONCE)
    return page
