"""Full-size experiments of chapter 02: five detectors on cells, nuclei, pedestrians and scenes."""
