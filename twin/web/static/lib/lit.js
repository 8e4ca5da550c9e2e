// The one place that names Lit's version; types are in lit.d.ts.
export * from "/static/vendor/lit@3.3.3/index.js";
