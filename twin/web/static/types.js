/**
 * What the server answers and what the viewer keeps: types only, no code.
 *
 * @typedef {{zh: string, en: string}} Words A name in both languages.
 *
 * @typedef {object} TwinSummary An entry of GET /twins.
 * @property {string} id
 * @property {Words} name
 * @property {{lon: number, lat: number, height: number, ellipsoidal_height?: number}} center
 *   Degrees; ground height in metres, of the storage vertical datum and above the ellipsoid.
 * @property {[number, number, number, number]} extent West, south, east, north in degrees.
 *
 * @typedef {object} LayerInfo
 * @property {string} id
 * @property {Words} title
 * @property {string | null} tileset Address of tileset.json, null before tiling.
 * @property {number} features
 * @property {string | null} version
 *
 * @typedef {TwinSummary & {layers: LayerInfo[], terrain?: string | null}} Twin GET /twins/{twin};
 *   `terrain` is the address of quantized-mesh tiles, null before there are any.
 *
 * @typedef {object} FeatureRecord GET /twins/{twin}/features/{id}.
 * @property {string} id
 * @property {string} table
 * @property {Record<string, unknown>} attributes
 * @property {Record<string, Words>} labels
 * @property {Record<string, unknown>} [dataset]
 * @property {{file?: string | null, sheet?: string | null, row?: number | null}} [source]
 *
 * @typedef {object} StyleClass
 * @property {string} id
 * @property {string} zh
 * @property {string} en
 * @property {string} color CSS colour.
 * @property {string[]} [codes] Values that are this class.
 * @property {string[]} [words] Parts of values (lower case) that make this class.
 *
 * @typedef {object} LayerStyle
 * @property {string} [property] The tile property that decides the class.
 * @property {StyleClass[]} [classes]
 * @property {StyleClass} [other]
 * @property {boolean} [storeys] Entries are storeys; the materials keep their own colours.
 * @property {number} [shade] How much neighbouring features differ in lightness, 0..1.
 * @property {number} [blend] Share of these colours against the tiles' own, 0..1; absent keeps the
 *   tiles' own and multiplies.
 * @property {string} [buried] Features of this kind are shown in the underground view only.
 * @property {number} [points] Lightness of points (wells, fittings) against their lines.
 * @property {boolean} [plain] Drawn as it is: photographs and points have their own colours.
 * @property {boolean} [above] Shown above ground only: it would hide what lies below.
 * @property {number} [pixels] Largest size of a point on the screen.
 * @property {number} [underground] Opacity in the underground view; absent is opaque.
 *
 * @typedef {object} StyleProfile
 * @property {string} highlight
 * @property {{base: string, grid: string, sky: string}} ground
 * @property {{base: string, grid: string, sky: string, bed: string}} underground
 * @property {Record<string, LayerStyle>} layers
 *
 * @typedef {object} Entry A line of the legend that can be hidden: a class or a storey.
 * @property {string} id
 * @property {string} zh
 * @property {string} en
 * @property {string | null} color
 * @property {string | null} group Name of the building that a storey is in.
 * @property {number} order Lines are sorted downwards by this.
 * @property {number} count Features seen so far in loaded tiles.
 *
 * @typedef {object} View Camera; degrees and metres above the ellipsoid.
 * @property {number} lon
 * @property {number} lat
 * @property {number} height
 * @property {number} heading
 * @property {number} pitch
 *
 * @typedef {object} Picked
 * @property {string} id
 * @property {string} layer
 * @property {Record<string, unknown>} properties The row of the tile's property table.
 */

export {};
