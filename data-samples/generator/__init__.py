"""The generator of the sample deliveries. Everything here is invented; only the places are real."""

import os

# openpyxl writes other bytes where lxml happens to be installed; it looks here when it is imported.
os.environ["OPENPYXL_LXML"] = "False"
