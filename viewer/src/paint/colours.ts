/** The colour tables that Python draws with as well: src/vlmscope/viz/colours.json. */

import colours from "../../../src/vlmscope/viz/colours.json";

export type Rgb = [number, number, number];
export type ColourMap = keyof typeof colours.maps;

/** Anchors of a map from dark to bright, evenly spaced, linear between. */
export function anchorsOf(name: ColourMap): Rgb[] {
  return colours.maps[name].map(rgbOf);
}

/** Colours told apart as well as can be, for classes. */
export function paletteColour(index: number): Rgb {
  return rgbOf(colours.palette[index % colours.palette.length]!);
}

/** The colour of a value in 0..1, rounded as Python rounds it: halves to even. */
export function colourAt(anchors: readonly Rgb[], value: number): Rgb {
  const position = Math.min(1, Math.max(0, value)) * (anchors.length - 1);
  const index = Math.min(Math.floor(position), anchors.length - 2);
  const share = position - index;
  const [a, b] = [anchors[index]!, anchors[index + 1]!];
  return [0, 1, 2].map((channel) => halfToEven(a[channel]! + (b[channel]! - a[channel]!) * share)) as Rgb;
}

/** A CSS gradient from low to high. */
export function gradientOf(name: ColourMap): string {
  return `linear-gradient(to right, ${anchorsOf(name)
    .map((rgb) => `rgb(${rgb.join(" ")})`)
    .join(", ")})`;
}

function rgbOf(hex: string): Rgb {
  const value = Number.parseInt(hex, 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

function halfToEven(value: number): number {
  const floor = Math.floor(value);
  return value - floor === 0.5 ? floor + (floor & 1) : Math.round(value);
}
