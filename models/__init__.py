"""What the city is: ids, CRS and datums, geometry arrays, features, findings, twin definitions."""
