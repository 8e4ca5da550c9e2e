// @ts-check
// Entry of the page.

import { exposeProbe } from "./probe.js";
import "./ui/app.js";

const app = /** @type {import("./ui/app.js").TwinApp} */ (document.querySelector("twin-app"));
exposeProbe(() => app.context);
