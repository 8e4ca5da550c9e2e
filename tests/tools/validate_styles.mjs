// Validates MapLibre styles with the validator of the style specification.
//
//   node validate_styles.mjs        a JSON object of styles by name on standard input
//
// Prints the faults of each by the same names: a JSON object of lists of sentences.
import { readFileSync } from "node:fs";
import { validateStyleMin } from "@maplibre/maplibre-gl-style-spec";

const faults = {};
for (const [name, style] of Object.entries(JSON.parse(readFileSync(0, "utf8")))) {
  faults[name] = validateStyleMin(style).map(({ message }) => message);
}
process.stdout.write(JSON.stringify(faults));
