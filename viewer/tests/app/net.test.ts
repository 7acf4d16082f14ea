import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Api } from "../../src/app/net/api";
import { RequestFailed } from "../../src/app/net/failure";
import { Live } from "../../src/app/net/live";
import { takeToken } from "../../src/app/net/token";
import { FakeServer, Refused, SESSION, settled } from "./fake_server";
import { scene } from "./packing";

let server: FakeServer;

beforeEach(() => {
  server = new FakeServer().on("GET session", () => SESSION).view("POST ground", () => [scene("cat")]);
  vi.spyOn(globalThis, "fetch").mockImplementation(server.fetch as typeof fetch);
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe("the interface", () => {
  it("bears the token and one name of its tab", async () => {
    const api = new Api("api/", "secret");
    await api.session();
    await api.ground({ image: "a", phrase: "cat", all_heads: true }, {});
    const [first, second] = server.received;
    expect(first?.headers["authorization"]).toBe("Bearer secret");
    expect(second?.headers["x-vlmscope-tab"]).toMatch(/^[0-9a-f]{24}$/);
    expect(second?.headers["x-vlmscope-tab"]).toBe(first?.headers["x-vlmscope-tab"]);
    expect(second?.body).toEqual({ image: "a", phrase: "cat", all_heads: true });
    expect(new Api("api/", null)).not.toEqual(api);
  });

  it("reads a packed view", async () => {
    const view = await new Api("api/").ground({ image: "a", phrase: "cat", all_heads: true }, {});
    expect(view.blocks[0]).toMatchObject({ type: "scene", title: "cat", map: { shape: [4] } });
  });

  it("says failures in the server's words", async () => {
    server.on("POST images", () => new Refused(400, "bad-image", "This is not an image."));
    const failure = new Api("api/").addImage(new Blob(["x"]));
    await expect(failure).rejects.toMatchObject({ kind: "bad-image", message: "This is not an image." });
  });

  it("says what a proxy's page and a dead server mean", async () => {
    const answered = vi.spyOn(globalThis, "fetch").mockResolvedValue(new Response("<html>", { status: 502 }));
    await expect(new Api("api/").session()).rejects.toThrow("The app answered with status 502");
    answered.mockRejectedValue(new TypeError("failed"));
    await expect(new Api("api/").session()).rejects.toThrow("Is it still running");
  });

  it("leaves empty filters out of the folder's address", async () => {
    server.on("GET folder", () => ({ total: 0, rows: [] }));
    await new Api("api/").folder({ offset: 0, limit: 5, least_score: 0.5, warning: false, decision: null });
    expect(server.received[0]?.path).toBe("folder?offset=0&limit=5&least_score=0.5&warning=false");
  });
});

describe("a live question", () => {
  const handlers = () => ({ show: vi.fn(), fail: vi.fn(), busy: vi.fn() });

  it("shows only the newest answer, in whatever order they come", async () => {
    const shown = handlers();
    const live = new Live<string>(shown);
    const answers: ((value: string) => void)[] = [];
    for (const _ of [0, 1, 2]) live.ask(() => new Promise((answer) => answers.push(answer)));
    answers[2]?.("third");
    await settled();
    answers[0]?.("first");
    answers[1]?.("second");
    await settled();
    expect(shown.show.mock.calls).toEqual([["third"]]);
    expect(shown.busy.mock.calls.at(-1)).toEqual([false]);
  });

  it("gives older questions up", () => {
    const live = new Live<string>(handlers());
    const signals: AbortSignal[] = [];
    for (const _ of [0, 1]) live.ask((signal) => (signals.push(signal), new Promise(() => undefined)));
    expect(signals.map((signal) => signal.aborted)).toEqual([true, false]);
    live.cancel();
    expect(signals[1]?.aborted).toBe(true);
  });

  it("waits for a pause in typing", () => {
    vi.useFakeTimers();
    const live = new Live<string>(handlers());
    const asked = vi.fn(() => new Promise<string>(() => undefined));
    for (const _ of "circle") {
      live.ask(asked, 60);
      vi.advanceTimersByTime(30);
    }
    expect(asked).not.toHaveBeenCalled();
    vi.advanceTimersByTime(31);
    expect(asked).toHaveBeenCalledTimes(1);
  });

  it("says failures of the newest, and none that it caused itself", async () => {
    const shown = handlers();
    const live = new Live<string>(shown);
    live.ask(() => Promise.reject(new RequestFailed("superseded", "newer")));
    await settled();
    expect(shown.fail).not.toHaveBeenCalled();
    live.ask(() => Promise.reject(new RequestFailed("bad-phrase", "empty")));
    await settled();
    expect(shown.fail).toHaveBeenCalledTimes(1);
    let fail: (error: Error) => void = () => undefined;
    live.ask(() => new Promise((_, no) => (fail = no)));
    live.ask(() => Promise.resolve("fine"));
    fail(new Error("old"));
    await settled();
    expect(shown.fail).toHaveBeenCalledTimes(1);
    expect(shown.show).toHaveBeenCalledWith("fine");
  });
});

describe("the token", () => {
  it("is taken out of the address, and kept for the tab alone", () => {
    sessionStorage.clear();
    history.replaceState(null, "", "/?token=s3cret&x=1#phrase=cat");
    expect(takeToken()).toBe("s3cret");
    expect(location.href).toMatch(/\/\?x=1#phrase=cat$/);
    expect(takeToken()).toBe("s3cret");
    sessionStorage.clear();
    expect(takeToken()).toBeNull();
    history.replaceState(null, "", "/");
  });
});
