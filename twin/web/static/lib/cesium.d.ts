export * from "cesium";
