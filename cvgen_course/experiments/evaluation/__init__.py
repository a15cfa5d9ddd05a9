"""Chapter 06 at full size: `cvgen evaluate`, and how the embedded glyph classifier was trained."""
