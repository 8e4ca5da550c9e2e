// The one place that names CesiumJS's version; types are in cesium.d.ts. Cesium finds its workers
// and assets beside the module it was loaded from.
export * from "/static/vendor/cesium@1.145.0/index.js";
