"""Draw docs/images/analysis.png, what the analysis finds in the bundled violin: python docs/make_analysis_picture.py."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path

from luthier.analysis.controls import analyse
from luthier.data.audio_files import load_audio
from luthier.dsp.feature_definition import FeatureDefinition
from luthier.evaluation.plots import controls_plot, figure_to_png
from luthier.features.extract import extract_features

PICTURE = Path(__file__).resolve().parent / "images" / "analysis.png"
SECONDS = 5


def main() -> None:
    """Analyse the beginning of the violin that comes with the package, and draw its controls."""
    definition = FeatureDefinition()
    rates = {"sample_rate": definition.sample_rate, "hop_length": definition.hop_length}
    with as_file(files("luthier.apps") / "demo_audio" / "violin.flac") as path:
        audio = load_audio(path, definition.sample_rate)[0][:, : SECONDS * definition.sample_rate]
    f0_hz = extract_features(audio, definition).f0_hz
    controls = analyse(audio, f0_hz, n_harmonics=60, n_bands=65, **rates)
    PICTURE.write_bytes(figure_to_png(controls_plot(controls, **rates)))


if __name__ == "__main__":
    main()
