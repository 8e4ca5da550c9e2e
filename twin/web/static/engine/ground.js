// @ts-check
// The ground: the twin's terrain, or a flat surface at its own height where there is none or it is
// hidden, and what changes with it when one looks below.

import {
  Color,
  ColorGeometryInstanceAttribute,
  CesiumTerrainProvider,
  CustomHeightmapTerrainProvider,
  GeometryInstance,
  GridImageryProvider,
  NearFarScalar,
  PerInstanceColorAppearance,
  Primitive,
  Rectangle,
  RectangleGeometry,
} from "../lib/cesium.js";

/** @import {ImageryLayer, Scene, TerrainProvider} from "../lib/cesium.js" */
/** @import {StyleProfile, Twin, TwinSummary} from "../types.js" */

/** What the terrain goes by among the layers that can be hidden. */
export const TERRAIN = "terrain";

/** Posts along one side of a height tile: the more, the fewer tiles are fetched for a flat surface. */
const POSTS = 32;
/** How far below ground the bed lies against which pipes are seen, metres. */
const BED_DEPTH = 18;

/** @param {TwinSummary} twin Ground height above the ellipsoid, metres. */
export function groundHeight(twin) {
  return twin.center.ellipsoidal_height ?? twin.center.height;
}

export class Ground {
  /**
   * @param {Scene} scene
   * @param {StyleProfile} profile
   */
  constructor(scene, profile) {
    this.scene = scene;
    this.profile = profile;
    /** @type {Primitive | null} */
    this.bed = null;
    /** @type {ImageryLayer | null} */
    this.grid = null;
    /** @type {TerrainProvider | null} */
    this.flat = null;
    /** @type {TerrainProvider | null} */
    this.terrain = null;
    const { globe } = scene;
    globe.showGroundAtmosphere = false;
    globe.enableLighting = false;
    globe.maximumScreenSpaceError = 16;
    globe.translucency.frontFaceAlphaByDistance = new NearFarScalar(150, 0.12, 2500, 0.55);
    globe.translucency.backFaceAlpha = 0.35;
  }

  /**
   * Fetch the terrain of a twin. Rejects where it does not come; the ground then stays flat.
   * @param {Twin} twin
   * @param {() => boolean} wanted Whether that twin is still the one to show.
   */
  async load(twin, wanted) {
    if (!twin.terrain) return;
    const terrain = await CesiumTerrainProvider.fromUrl(twin.terrain);
    if (wanted()) this.terrain = terrain;
  }

  /** @param {boolean} shown Whether the terrain is, where there is one. */
  show(shown) {
    const wanted = (shown && this.terrain) || this.flat;
    if (wanted && this.scene.terrainProvider !== wanted) this.scene.terrainProvider = wanted;
  }

  /** @param {TwinSummary} twin */
  setTwin(twin) {
    const height = groundHeight(twin);
    const posts = new Float32Array(POSTS * POSTS).fill(height);
    this.terrain = null;
    this.flat = new CustomHeightmapTerrainProvider({
      width: POSTS,
      height: POSTS,
      callback: () => posts.slice(),
    });
    this.show(false);
    if (this.bed) this.scene.primitives.remove(this.bed);
    const [west, south, east, north] = twin.extent;
    this.bed = this.scene.primitives.add(
      new Primitive({
        geometryInstances: new GeometryInstance({
          geometry: new RectangleGeometry({
            rectangle: Rectangle.fromDegrees(west, south, east, north),
            height: height - BED_DEPTH,
            vertexFormat: PerInstanceColorAppearance.FLAT_VERTEX_FORMAT,
          }),
          attributes: {
            color: ColorGeometryInstanceAttribute.fromColor(
              Color.fromCssColorString(this.profile.underground.bed),
            ),
          },
        }),
        appearance: new PerInstanceColorAppearance({ flat: true, translucent: false }),
        allowPicking: false,
        asynchronous: false,
        show: false,
      }),
    );
  }

  /** @param {boolean} underground */
  apply(underground) {
    const { globe } = this.scene;
    const colors = underground ? this.profile.underground : this.profile.ground;
    globe.baseColor = Color.fromCssColorString(colors.base);
    globe.undergroundColor = Color.fromCssColorString(colors.base);
    this.scene.backgroundColor = Color.fromCssColorString(colors.sky);
    globe.translucency.enabled = underground;
    // Above ground the surface hides what is below it; Cesium by default lets it show through.
    globe.depthTestAgainstTerrain = !underground;
    this.scene.screenSpaceCameraController.enableCollisionDetection = !underground;
    if (this.bed) this.bed.show = underground;
    const layers = globe.imageryLayers;
    if (this.grid) layers.remove(this.grid, true);
    this.grid = layers.addImageryProvider(
      new GridImageryProvider({
        cells: 4,
        color: Color.fromCssColorString(colors.grid).withAlpha(0.35),
        glowColor: Color.TRANSPARENT,
        glowWidth: 0,
        backgroundColor: Color.TRANSPARENT,
      }),
    );
  }
}
