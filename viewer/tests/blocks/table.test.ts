import { describe, expect, it } from "vitest";
import { drawTable } from "../../src/blocks/table";
import { leadingNumber, sorted } from "../../src/blocks/table_order";
import type { TableBlock } from "../../src/format/types";
import { EVIL } from "./fake_context";

const BLOCK: TableBlock = {
  type: "table",
  columns: ["head", "mass", "n"],
  rows: [
    ["L2H3", "0.5 [0.4, 0.6]", "1,204"],
    ["L10H1", "–", "9"],
    ["L2H10", "0.75 [0.7, 0.8]", "80"],
  ],
  words: [true, false, false],
  note: "Means.",
};

function column(table: HTMLElement, at: number): (string | null)[] {
  return [...table.querySelectorAll("tbody tr")].map((row) => row.children[at]?.textContent ?? null);
}

function click(table: HTMLElement, at: number): void {
  table.querySelectorAll<HTMLButtonElement>("th button")[at]?.click();
}

describe("table", () => {
  it("is in the order of its rows first", () => {
    const table = drawTable(BLOCK);
    expect(column(table, 0)).toEqual(["L2H3", "L10H1", "L2H10"]);
    expect([...table.querySelectorAll("th")].map((cell) => cell.getAttribute("aria-sort"))).toEqual([
      "none",
      "none",
      "none",
    ]);
    expect(table.querySelector(".v-caption")?.textContent).toBe("Means.");
  });

  it("keeps short names in one piece, and lets sentences wrap", () => {
    const rows = [["image->query"], ["two words"], ["x".repeat(40)]];
    const table = drawTable({ type: "table", columns: ["edges"], rows, words: [true], note: "" });
    const kept = [...table.querySelectorAll("td")].map((cell) => cell.classList.contains("whole"));
    expect(kept).toEqual([true, false, false]);
  });

  it("sorts numbers by value, largest first, and back again", () => {
    const table = drawTable(BLOCK);
    click(table, 2);
    expect(column(table, 2)).toEqual(["1,204", "80", "9"]);
    expect(table.querySelectorAll("th")[2]?.getAttribute("aria-sort")).toBe("descending");
    click(table, 2);
    expect(column(table, 2)).toEqual(["9", "80", "1,204"]);
    click(table, 2);
    expect(column(table, 2)).toEqual(["1,204", "9", "80"]);
    expect(table.querySelectorAll("th")[2]?.getAttribute("aria-sort")).toBe("none");
  });

  it("sorts words by letters with numbers in them, A first", () => {
    const table = drawTable(BLOCK);
    click(table, 0);
    expect(column(table, 0)).toEqual(["L2H3", "L2H10", "L10H1"]);
    expect(table.querySelector("th")?.getAttribute("aria-sort")).toBe("ascending");
  });

  it("keeps cells without a value last either way", () => {
    const table = drawTable(BLOCK);
    click(table, 1);
    expect(column(table, 1)[2]).toBe("–");
    click(table, 1);
    expect(column(table, 1)).toEqual(["0.5 [0.4, 0.6]", "0.75 [0.7, 0.8]", "–"]);
  });

  it("is sorted by buttons that keys reach, in a frame that keys scroll", () => {
    const table = drawTable(BLOCK);
    expect(table.querySelectorAll("th button")).toHaveLength(3);
    const frame = table.querySelector<HTMLElement>(".v-scroll");
    expect([frame?.tabIndex, frame?.getAttribute("aria-label")]).toEqual([0, "Table: head, mass, n"]);
  });

  it("keeps markup as text", () => {
    const table = drawTable({ type: "table", columns: [EVIL], rows: [[EVIL]], words: [true] });
    expect(table.querySelector("td")?.textContent).toBe(EVIL);
    expect(table.querySelector("th")?.textContent).toBe(EVIL);
    expect(table.querySelector("img, b")).toBeNull();
  });
});

describe("order", () => {
  it.each([
    ["1,204", 1204],
    ["−0.31 [−0.4, −0.2]", -0.31],
    ["12.5%", 12.5],
    ["(3)", 3],
    ["1e-5", 1e-5],
    [".5", 0.5],
  ])("reads %s", (text, number) => {
    expect(leadingNumber(text)).toBe(number);
  });

  it("finds no number in words", () => {
    expect(leadingNumber("none")).toBeNaN();
  });

  it("keeps the order of equal rows", () => {
    expect(
      sorted(
        [
          ["1", "a"],
          ["1", "b"],
          ["2", "c"],
        ],
        0,
        "descending",
      ).map((row) => row[1]),
    ).toEqual(["c", "a", "b"]);
  });
});
