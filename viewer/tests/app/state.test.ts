import { describe, expect, it, vi } from "vitest";
import { fragmentOf, linked } from "../../src/app/fragment";
import { headsFrom, headsText } from "../../src/app/heads_text";
import { EMPTY, Store } from "../../src/app/state";
import { RTL } from "../blocks/fake_context";

describe("heads as text", () => {
  it.each([
    [
      "L2H3, L4H1",
      [
        [2, 3],
        [4, 1],
      ],
    ],
    [
      "l2h3 4.1;5:0",
      [
        [2, 3],
        [4, 1],
        [5, 0],
      ],
    ],
    ["L1H1,L1H1", [[1, 1]]],
    ["", []],
  ])("reads %s", (text, heads) => expect(headsFrom(text)).toEqual(heads));

  it("says which part is none, and which the model does not have", () => {
    expect(headsFrom("L2H3, <b>")).toBe("Heads are written L2H3, L4H1; “<b>” is none.");
    expect(headsFrom("L2H3", [2, 8])).toContain("layers 0 to 1");
    expect(headsFrom("L1H8", [2, 8])).toContain("heads 0 to 7");
  });

  it("writes what it reads", () => {
    expect(
      headsText([
        [2, 3],
        [10, 0],
      ]),
    ).toBe("L2H3, L10H0");
    expect(headsText(null)).toBe("");
  });
});

describe("the address", () => {
  const state = {
    ...EMPTY,
    image: { image: "ab12", width: 4, height: 3 },
    phrase: `red & "round" #1 ${RTL}`,
    question: "What? + why",
    method: "gem",
    heads: [[2, 3]] as [number, number][],
    locked: [
      [0, 1],
      [1, 1],
    ] as [number, number][],
    mode: "patch" as const,
  };

  it("says the state, and is read again", () => {
    const { image, state: read } = linked(`#${fragmentOf(state)}`);
    expect(image).toBe("ab12");
    expect(read).toEqual({
      phrase: state.phrase,
      question: state.question,
      method: "gem",
      heads: [[2, 3]],
      locked: [
        [0, 1],
        [1, 1],
      ],
      mode: "patch",
    });
  });

  it("is short where nothing was chosen", () => {
    expect(fragmentOf(EMPTY)).toBe("");
    expect(linked("").state).toEqual({
      phrase: "",
      question: "",
      method: null,
      heads: null,
      locked: [],
      mode: "look",
    });
  });

  it("loses only what cannot be read", () => {
    const { state: read } = linked("#phrase=cat&heads=L2H&locked=x&mode=evil");
    expect(read).toMatchObject({ phrase: "cat", heads: null, locked: [], mode: "look" });
  });
});

describe("the state", () => {
  it("tells what changed, once, and not what stayed", () => {
    const store = new Store();
    const heard = vi.fn();
    store.heard((_, changed) => heard([...changed]));
    store.set({ phrase: "cat", locked: [] });
    store.set({ phrase: "cat" });
    expect(heard.mock.calls).toEqual([[["phrase"]]]);
    store.set({ locked: [[1, 2]] });
    store.set({ locked: [[1, 2]] });
    expect(heard).toHaveBeenCalledTimes(2);
  });
});
