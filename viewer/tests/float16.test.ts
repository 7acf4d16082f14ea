import { expect, it } from "vitest";
import { decodeHalf, halfTable } from "../src/format/float16";
import fixture from "./fixtures/float16.json";

it("knows all 65,536 values of half precision", () => {
  const bits = Uint16Array.from({ length: 1 << 16 }, (_, index) => index);
  const values = decodeHalf(bits);
  // every NaN has the same bytes, as in the fixture
  const bytes = new Uint8Array(values.map((value) => (Number.isNaN(value) ? NaN : value)).buffer);
  let state = 0x811c9dc5;
  for (const byte of bytes) state = Math.imul(state ^ byte, 0x01000193) >>> 0;
  expect(String(state)).toBe(fixture.sum);
});

it("says which value is which", () => {
  const expected = fixture.every97th;
  const table = halfTable();
  expected.forEach((text, step) => {
    const value = table[97 * step]!;
    if (text === null) expect(value).toBeNaN();
    else if (text.endsWith("inf")) expect(value).toBe(text === "inf" ? Infinity : -Infinity);
    else expect(Object.is(value, Number(text)), `bits ${97 * step}`).toBe(true);
  });
});
