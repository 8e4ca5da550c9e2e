"""Drawings as SVG, right in scale: one unit of the drawing is one millimetre of paper."""
