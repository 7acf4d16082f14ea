/** IEEE 754 half precision, which no browser reads from a typed array everywhere yet. */

let table: Float32Array | null = null;

/** The 65,536 values of half precision in the order of their bits, made at first use (256 kB). */
export function halfTable(): Float32Array {
  table ??= Float32Array.from({ length: 1 << 16 }, (_, bits) => halfValue(bits));
  return table;
}

/** Half-precision bits to values. */
export function decodeHalf(bits: Uint16Array): Float32Array {
  const values = halfTable();
  const decoded = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) decoded[i] = values[bits[i]!]!;
  return decoded;
}

function halfValue(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24; // subnormal, and both zeros
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
