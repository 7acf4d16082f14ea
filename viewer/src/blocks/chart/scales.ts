/** From values to places on an axis, and the round values that an axis names. */

export interface Scale {
  (value: number): number;
  ticks: number[];
  domain: [number, number];
}

/** Even steps; the domain grows to round values where `round` is set. */
export function linear(domain: [number, number], range: [number, number], count = 5): Scale {
  const [low, high] = widened(domain);
  const place = (value: number): number => range[0] + ((value - low) / (high - low)) * (range[1] - range[0]);
  return Object.assign(place, {
    ticks: roundValues(low, high, count),
    domain: [low, high] as [number, number],
  });
}

/** Equal factors are equal distances; every value must be above 0. */
export function logarithmic(domain: [number, number], range: [number, number], ticks?: number[]): Scale {
  const [low, high] = widened([Math.log10(domain[0]), Math.log10(domain[1])]);
  const place = (value: number): number =>
    range[0] + ((Math.log10(value) - low) / (high - low)) * (range[1] - range[0]);
  const named = ticks ?? decades(low, high);
  return Object.assign(place, { ticks: named, domain: [10 ** low, 10 ** high] as [number, number] });
}

/** Values of 1, 2 or 5 times a power of ten within [low, high], about `count` of them. */
export function roundValues(low: number, high: number, count: number): number[] {
  const rough = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => tidy((first + at) * step));
}

/** Only whole numbers: layers and heads have no halves. */
export function wholeTicks(scale: Scale, count: number): number[] {
  const [low, high] = scale.domain;
  const all = roundValues(low, high, count).filter(Number.isInteger);
  return all.length > 0 ? all : [Math.ceil(low)];
}

/** A number as an axis or a table shows it: four digits at most, no exponent where none is needed. */
export function shown(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (value !== 0 && (Math.abs(value) < 1e-4 || Math.abs(value) >= 1e7)) return value.toExponential(1);
  const digits = Number(value.toPrecision(4));
  return String(digits).replace("-", "−");
}

function decades(low: number, high: number): number[] {
  const whole = Array.from(
    { length: Math.floor(high + 1e-9) - Math.ceil(low - 1e-9) + 1 },
    (_, at) => 10 ** (Math.ceil(low - 1e-9) + at),
  );
  return whole.length >= 2 ? whole.map(tidy) : [tidy(10 ** low), tidy(10 ** high)];
}

function widened([low, high]: [number, number]): [number, number] {
  if (low < high) return [low, high];
  const half = Math.abs(low) * 0.1 || 0.5;
  return [low - half, low + half];
}

function tidy(value: number): number {
  return Number(value.toPrecision(12));
}
