// @ts-check
// The scene of one twin: everything the user interface asks of the engine goes through here.
// It knows no language and no element but the one it draws into.

import {
  Cartesian2,
  Cartesian3,
  CesiumWidget,
  ClockStep,
  Color,
  CreditDisplay,
  DirectionalLight,
  Ion,
  JulianDate,
  Math as CesiumMath,
  PointPrimitiveCollection,
  SceneTransforms,
  ScreenSpaceEventHandler,
  ScreenSpaceEventType,
  Transforms,
  Matrix4,
} from "../lib/cesium.js";
import { CameraMan } from "./camera.js";
import { Ground, TERRAIN } from "./ground.js";
import { Layer } from "./layer.js";

/** @import {Mode} from "./layer.js" */
/** @import {Entry, Picked, StyleProfile, Twin} from "../types.js" */

/**
 * @typedef {object} Quality
 * @property {number} msaaSamples
 * @property {number} maximumScreenSpaceError Pixels.
 */

/** @type {Record<"high" | "low", Quality>} */
export const QUALITY = {
  high: { msaaSamples: 4, maximumScreenSpaceError: 16 },
  low: { msaaSamples: 1, maximumScreenSpaceError: 16 },
};

/** Noon-like light on an autumn day; the sun comes with the shadow tools. */
const WHEN = JulianDate.fromIso8601("2026-10-01T03:00:00Z");
const LIGHT = { azimuth: 215, elevation: 42 };

export class City extends EventTarget {
  /**
   * Events: `picked` (detail: Picked | null), `legend`, `moved`, `failed` (detail: Error),
   * `layer-failed` (detail: {layer, error}).
   * @param {HTMLElement} container
   * @param {StyleProfile} profile
   * @param {{quality: Quality, still: boolean}} options
   */
  constructor(container, profile, { quality, still }) {
    super();
    this.profile = profile;
    this.quality = quality;
    // No account, no service of others: nothing in this page leaves its own server.
    Ion.defaultAccessToken = "";
    CreditDisplay.cesiumCredit = /** @type {any} */ (undefined);
    this.widget = new CesiumWidget(container, {
      baseLayer: false,
      skyBox: false,
      skyAtmosphere: false,
      scene3DOnly: true,
      requestRenderMode: true,
      maximumRenderTimeChange: Infinity,
      msaaSamples: quality.msaaSamples,
      showRenderLoopErrors: false,
      creditContainer: document.createElement("div"),
      contextOptions: { webgl: { alpha: false, powerPreference: "high-performance" } },
    });
    const { scene, clock } = this.widget;
    this.scene = scene;
    clock.currentTime = WHEN;
    clock.clockStep = ClockStep.TICK_DEPENDENT;
    clock.shouldAnimate = false;
    scene.highDynamicRange = false;
    scene.fog.enabled = false;
    if (scene.sun) scene.sun.show = false;
    if (scene.moon) scene.moon.show = false;
    scene.screenSpaceCameraController.maximumZoomDistance = 40_000;
    scene.screenSpaceCameraController.minimumZoomDistance = 2;
    scene.camera.percentageChanged = 0.01;
    this.ground = new Ground(scene, profile);
    this.cameraMan = new CameraMan(scene, still);
    /** @type {Layer[]} */
    this.layers = [];
    /** @type {Twin | null} */
    this.twin = null;
    /** @type {Mode} */
    this.mode = {
      underground: false,
      ground: 0,
      selected: null,
      hidden: new Set(),
      highlight: Color.fromCssColorString(profile.highlight),
    };
    this.loading = 0;
    this.going = 0;
    this.frames = 0;
    scene.postRender.addEventListener(() => (this.frames += 1));
    scene.renderError.addEventListener((/** @type {unknown} */ _scene, /** @type {Error} */ e) =>
      this.#tell("failed", e),
    );
    scene.canvas.addEventListener("webglcontextlost", () =>
      this.#tell("failed", new Error("WebGL context lost")),
    );
    scene.camera.changed.addEventListener(() => this.#tell("moved", null));
    scene.camera.moveEnd.addEventListener(() => this.#tell("moved", null));
    const handler = new ScreenSpaceEventHandler(scene.canvas);
    handler.setInputAction((/** @type {{position: Cartesian2}} */ click) => {
      const picked = this.pick(click.position.x, click.position.y);
      this.#tell("picked", picked);
      if (picked) this.#mark(click.position);
    }, ScreenSpaceEventType.LEFT_CLICK);
    this.markers = scene.primitives.add(new PointPrimitiveCollection());
  }

  /**
   * Show another twin; resolves when the tilesets' entry files are there (tiles follow).
   * @param {Twin} twin
   */
  async setTwin(twin) {
    for (const layer of this.layers) layer.remove(this.scene);
    this.twin = twin;
    this.cameraMan.twin = twin;
    this.mode = { ...this.mode, ground: twin.center.height };
    this.ground.setTwin(twin);
    this.ground.apply(this.mode.underground);
    this.scene.light = this.#light(twin);
    const layers = twin.layers
      .filter((info) => info.tileset && this.profile.layers[info.id])
      .map((info) => {
        const style = this.profile.layers[info.id];
        return new Layer(info, style, () => this.#tell("legend", null));
      });
    this.layers = layers;
    this.loading += 1;
    await Promise.all([
      this.#loadTerrain(twin),
      ...layers.map(async (layer) => {
        layer.apply(this.mode);
        try {
          await layer.load(this.scene, this.quality.maximumScreenSpaceError);
        } catch (error) {
          this.#tell("layer-failed", { layer: layer.info, error });
        }
        // Another twin may have been chosen while this one was being fetched.
        if (this.layers !== layers) layer.remove(this.scene);
      }),
    ]);
    this.loading -= 1;
    this.scene.requestRender();
  }

  /** @param {Partial<Mode>} change */
  apply(change) {
    const before = this.mode;
    this.mode = { ...before, ...change };
    if (this.mode.underground !== before.underground) this.ground.apply(this.mode.underground);
    if (this.mode.selected !== before.selected) this.markers.removeAll();
    this.ground.show(!this.mode.hidden.has(TERRAIN));
    for (const layer of this.layers) layer.apply(this.mode);
    this.scene.requestRender();
  }

  /** @param {Twin} twin */
  async #loadTerrain(twin) {
    try {
      await this.ground.load(twin, () => this.twin === twin);
    } catch (error) {
      this.#tell("layer-failed", { layer: { id: TERRAIN }, error });
    }
    this.ground.show(!this.mode.hidden.has(TERRAIN));
  }

  /**
   * Look at all of a layer.
   * @param {string} id
   */
  goToLayer(id) {
    const sphere = this.layers.find((layer) => layer.id === id)?.tileset?.boundingSphere;
    if (!sphere) return;
    this.cameraMan.goTo(sphere.center, Math.min(Math.max(sphere.radius * 3, 30), 1500));
  }

  /**
   * Come near to the pipe that lies nearest to the middle of the picture. Does nothing where the
   * camera is near already, or where the visitor has gone on to something else.
   */
  async goBelow() {
    const { twin, cameraMan } = this;
    if (cameraMan.near) return;
    this.going += 1;
    try {
      await this.frame();
      if (!this.mode.underground || this.twin !== twin) return;
      const target = cameraMan.fromAbove(() => this.#nearest("pipes"));
      if (target) cameraMan.inspect(target);
    } finally {
      this.going -= 1;
    }
  }

  /**
   * What is at a place of the canvas (CSS pixels).
   * @param {number} x
   * @param {number} y
   * @returns {Picked | null}
   */
  pick(x, y) {
    // In the underground view the faded buildings stand before the pipes: look behind them first.
    const faded = this.layers.filter((layer) => layer.faded && layer.tileset?.show);
    for (const layer of faded) /** @type {any} */ (layer.tileset).show = false;
    const first = this.#pick(x, y);
    for (const layer of faded) /** @type {any} */ (layer.tileset).show = true;
    return first ?? (faded.length > 0 ? this.#pick(x, y) : null);
  }

  /**
   * @param {number} lon Degrees
   * @param {number} lat Degrees
   * @param {number} height Metres above the ellipsoid
   * @returns {Picked | null} What is seen where this point is on the screen.
   */
  pickAt(lon, lat, height) {
    const at = this.toScreen(lon, lat, height);
    return at ? this.pick(at.x, at.y) : null;
  }

  /**
   * @param {number} lon
   * @param {number} lat
   * @param {number} height
   * @returns {{x: number, y: number} | null} CSS pixels in the canvas, null when out of sight.
   */
  toScreen(lon, lat, height) {
    const world = Cartesian3.fromDegrees(lon, lat, height);
    const at = SceneTransforms.worldToWindowCoordinates(this.scene, world);
    return at ? { x: at.x, y: at.y } : null;
  }

  /**
   * The legend of every layer with what its loaded tiles hold.
   * @returns {{layer: Layer, entries: Entry[]}[]}
   */
  get legend() {
    return this.layers.map((layer) => ({
      layer,
      entries: [...layer.entries.values()].sort(
        (a, b) => (a.group ?? "").localeCompare(b.group ?? "") || b.order - a.order,
      ),
    }));
  }

  /** True when nothing is being fetched, decoded or flown for the present view. */
  get settled() {
    return this.going === 0 && this.loading === 0 && this.#idle;
  }

  /** Resolves after the next rendered frame. */
  async frame() {
    await new Promise((resolve) => {
      const stop = this.scene.postRender.addEventListener(() => {
        stop();
        resolve(undefined);
      });
      this.scene.requestRender();
    });
  }

  /** Resolves when the view has been settled for some frames: a queue may be empty before it fills. */
  async settle() {
    await this.#calm(() => this.settled);
  }

  get #idle() {
    return (
      !this.cameraMan.flying &&
      this.scene.globe.tilesLoaded &&
      this.layers.every((l) => !l.tileset || !l.tileset.show || l.tileset.tilesLoaded)
    );
  }

  /** @param {() => boolean} [condition] */
  async #calm(condition = () => this.#idle) {
    for (let frames = 0; frames < 3; ) {
      await this.frame();
      frames = condition() ? frames + 1 : 0;
    }
  }

  /**
   * The place (CSS pixels) of a layer's feature nearest to the middle of the canvas, found by
   * quarters: an area that holds none is never looked into again.
   * @param {string} id
   * @returns {Cartesian2 | null}
   */
  #nearest(id) {
    const others = this.layers.filter((layer) => layer.id !== id && layer.tileset?.show);
    for (const layer of others) /** @type {any} */ (layer.tileset).show = false;
    const { clientWidth, clientHeight } = this.scene.canvas;
    const middle = new Cartesian2(clientWidth / 2, clientHeight / 2);
    /** @type {(at: Cartesian2, size: number) => Cartesian2 | null} */
    const search = (at, size) => {
      if (!this.scene.pick(at, size, size)) return null;
      if (size <= 8) return at;
      const half = size / 2;
      const quarters = [-half / 2, half / 2]
        .flatMap((x) => [-half / 2, half / 2].map((y) => new Cartesian2(at.x + x, at.y + y)))
        .sort((a, b) => Cartesian2.distance(a, middle) - Cartesian2.distance(b, middle));
      for (const quarter of quarters) {
        const found = search(quarter, half);
        if (found) return found;
      }
      return null;
    };
    const found = search(middle, Math.max(clientWidth, clientHeight));
    for (const layer of others) /** @type {any} */ (layer.tileset).show = true;
    return found;
  }

  /**
   * A dot where the visitor clicked: the colour alone is hard to find on a thin pipe.
   * @param {Cartesian2} at
   */
  #mark(at) {
    const position = this.scene.pickPosition(at);
    if (!position) return;
    this.markers.removeAll();
    this.markers.add({
      position,
      color: this.mode.highlight,
      pixelSize: 9,
      outlineColor: Color.BLACK,
      outlineWidth: 2,
      disableDepthTestDistance: Infinity,
    });
    this.scene.requestRender();
  }

  /**
   * @param {number} x
   * @param {number} y
   * @returns {Picked | null}
   */
  #pick(x, y) {
    const object = this.scene.pick(new Cartesian2(x, y));
    for (const layer of this.layers) {
      const picked = layer.describe(object);
      if (picked) return picked;
    }
    return null;
  }

  /**
   * A fixed light over the twin, so that the four sides of a block differ.
   * @param {Twin} twin
   */
  #light(twin) {
    const frame = Transforms.eastNorthUpToFixedFrame(
      Cartesian3.fromDegrees(twin.center.lon, twin.center.lat),
    );
    const azimuth = CesiumMath.toRadians(LIGHT.azimuth);
    const elevation = CesiumMath.toRadians(LIGHT.elevation);
    const down = new Cartesian3(
      -Math.sin(azimuth) * Math.cos(elevation),
      -Math.cos(azimuth) * Math.cos(elevation),
      -Math.sin(elevation),
    );
    return new DirectionalLight({
      direction: Matrix4.multiplyByPointAsVector(frame, down, new Cartesian3()),
      intensity: 2.2,
    });
  }

  /**
   * @param {string} type
   * @param {unknown} detail
   */
  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
