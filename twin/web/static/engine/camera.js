// @ts-check
// Where one looks from, and the moves that buttons and keys make.

import {
  Cartesian2,
  Cartesian3,
  Cartographic,
  HeadingPitchRange,
  IntersectionTests,
  Math as CesiumMath,
  Matrix4,
  Ray,
  Ellipsoid,
} from "../lib/cesium.js";

/** @import {Camera, Scene} from "../lib/cesium.js" */
/** @import {TwinSummary, View} from "../types.js" */
import { groundHeight } from "./ground.js";

/** @typedef {"home" | "top" | "oblique" | "north" | "in" | "out" | "left" | "right" | "up" | "down" | "turn-left" | "turn-right" | "tilt-up" | "tilt-down"} Move */

const HOME = { heading: 28, pitch: -32, range: 1500 };
/** Heights from which pipes are looked for: from 600 m a street's bundle is a few pixels wide. */
const SEARCH = [600, 2000];
const CLOSE = { pitch: -32, range: 110 };

export class CameraMan {
  /**
   * @param {Scene} scene
   * @param {boolean} still Jump instead of fly (reduced motion).
   */
  constructor(scene, still) {
    this.scene = scene;
    this.still = still;
    this.flying = false;
    /** @type {TwinSummary | null} */
    this.twin = null;
  }

  /** @returns {Camera} */
  get camera() {
    return this.scene.camera;
  }

  /** @returns {View} */
  get view() {
    const { positionCartographic: at, heading, pitch } = this.camera;
    return {
      lon: CesiumMath.toDegrees(at.longitude),
      lat: CesiumMath.toDegrees(at.latitude),
      height: at.height,
      heading: CesiumMath.toDegrees(heading),
      pitch: CesiumMath.toDegrees(pitch),
    };
  }

  /** @param {View} view */
  jump(view) {
    this.camera.setView({
      destination: Cartesian3.fromDegrees(view.lon, view.lat, view.height),
      orientation: {
        heading: CesiumMath.toRadians(view.heading),
        pitch: CesiumMath.toRadians(view.pitch),
        roll: 0,
      },
    });
  }

  /** The whole twin from the side. */
  home() {
    if (!this.twin) return;
    const { lon, lat } = this.twin.center;
    const target = Cartesian3.fromDegrees(lon, lat, groundHeight(this.twin));
    this.#flyAround(target, HOME.heading, HOME.pitch, HOME.range);
  }

  /** True where single pipes can be told apart. */
  get near() {
    return this.#target().range <= CLOSE.range * 2;
  }

  /**
   * Look for something from straight above what is now in the middle of the picture; nothing is
   * drawn from there.
   * @param {() => Cartesian2 | null} search Answers with a place of the canvas.
   * @returns {Cartesian3 | null} The point of the ground at that place.
   */
  fromAbove(search) {
    const { target } = this.#target();
    const { view } = this;
    let found = null;
    for (const height of SEARCH) {
      this.camera.lookAt(target, new HeadingPitchRange(0, -CesiumMath.PI_OVER_TWO, height));
      this.camera.lookAtTransform(Matrix4.IDENTITY);
      const at = search();
      found ??= at && this.#onGround(at);
      if (found) break;
    }
    this.jump(view);
    return found?.point ?? null;
  }

  /** @param {Cartesian3} target What to see from near, as one sees a thing in a trench. */
  inspect(target) {
    this.#flyAround(target, this.view.heading, CLOSE.pitch, CLOSE.range);
  }

  /**
   * @param {Cartesian3} target
   * @param {number} range Metres
   */
  goTo(target, range) {
    this.#flyAround(target, this.view.heading, HOME.pitch, range);
  }

  /** @param {Move} move */
  move(move) {
    const { target, range } = this.#target();
    const { heading, pitch } = this.view;
    const step = range * 0.12;
    const around = (/** @type {number} */ h, /** @type {number} */ p, /** @type {number} */ r) =>
      this.#flyAround(target, h, p, r, 0.35);
    const shift = (/** @type {number} */ right, /** @type {number} */ ahead) => {
      const angle = CesiumMath.toRadians(heading);
      const east = right * Math.cos(angle) + ahead * Math.sin(angle);
      const north = ahead * Math.cos(angle) - right * Math.sin(angle);
      const at = Cartographic.fromCartesian(target);
      const lat = at.latitude + north / 6.371e6;
      const lon = at.longitude + east / (6.371e6 * Math.cos(at.latitude));
      const moved = Cartesian3.fromRadians(lon, lat, at.height);
      this.#flyAround(moved, heading, pitch, range, 0.25);
    };
    /** @type {Record<Move, () => void>} */
    const moves = {
      home: () => this.home(),
      top: () => around(0, -89.9, range),
      oblique: () => around(heading, HOME.pitch, range),
      north: () => around(0, pitch, range),
      in: () => around(heading, pitch, range / 1.6),
      out: () => around(heading, pitch, range * 1.6),
      left: () => shift(-step, 0),
      right: () => shift(step, 0),
      up: () => shift(0, step),
      down: () => shift(0, -step),
      "turn-left": () => around(heading - 15, pitch, range),
      "turn-right": () => around(heading + 15, pitch, range),
      "tilt-up": () => around(heading, Math.min(pitch + 10, -3), range),
      "tilt-down": () => around(heading, Math.max(pitch - 10, -89.9), range),
    };
    moves[move]();
  }

  /** Metres on the ground that one pixel covers in the middle of the picture. */
  get metresPerPixel() {
    const { range } = this.#target();
    const fov = /** @type {{fovy?: number}} */ (this.camera.frustum).fovy ?? 1;
    return (2 * range * Math.tan(fov / 2)) / this.scene.canvas.clientHeight;
  }

  /** The point of the ground in the middle of the picture, or one straight ahead. */
  #target() {
    const { camera, scene } = this;
    const middle = new Cartesian2(scene.canvas.clientWidth / 2, scene.canvas.clientHeight / 2);
    const hit = this.#onGround(middle);
    if (hit && hit.distance < 2e4) return { target: hit.point, range: hit.distance };
    const ahead = new Ray(camera.positionWC, camera.directionWC);
    return { target: Ray.getPoint(ahead, 300), range: 300 };
  }

  /**
   * @param {Cartesian2} at CSS pixels in the canvas.
   * @returns {{point: Cartesian3, distance: number} | null}
   */
  #onGround(at) {
    const height = this.twin ? groundHeight(this.twin) : 0;
    const { x, y, z } = Ellipsoid.WGS84.radii;
    const surface = new Ellipsoid(x + height, y + height, z + height);
    const ray = this.camera.getPickRay(at);
    const hit = ray && IntersectionTests.rayEllipsoid(ray, surface);
    if (!ray || !hit || hit.start <= 0) return null;
    return { point: Ray.getPoint(ray, hit.start), distance: hit.start };
  }

  /**
   * @param {Cartesian3} target
   * @param {number} heading Degrees
   * @param {number} pitch Degrees
   * @param {number} range Metres
   * @param {number} [seconds]
   */
  #flyAround(target, heading, pitch, range, seconds = 1.2) {
    const { camera, scene } = this;
    camera.cancelFlight();
    const from = this.view;
    const offset = new HeadingPitchRange(
      CesiumMath.toRadians(heading),
      CesiumMath.toRadians(pitch),
      range,
    );
    // lookAt works out the place; the flight then starts from where the camera was.
    camera.lookAt(target, offset);
    camera.lookAtTransform(Matrix4.IDENTITY);
    const to = this.view;
    if (this.still || seconds === 0) {
      scene.requestRender();
      return;
    }
    this.jump(from);
    this.flying = true;
    const done = () => {
      this.flying = false;
      scene.requestRender();
    };
    camera.flyTo({
      destination: Cartesian3.fromDegrees(to.lon, to.lat, to.height),
      orientation: {
        heading: CesiumMath.toRadians(to.heading),
        pitch: CesiumMath.toRadians(to.pitch),
        roll: 0,
      },
      duration: seconds,
      complete: done,
      cancel: done,
    });
  }
}
