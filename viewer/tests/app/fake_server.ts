/** A server that answers in memory; answers can be held back to see what a page does meanwhile. */

import { packed } from "./packing";

export interface Received {
  method: string;
  path: string;
  body: Record<string, unknown> | Blob | null;
  headers: Record<string, string>;
  signal: AbortSignal | null;
}

export type Reply = (request: Received) => unknown;

/** An answer that is an error of the server. */
export class Refused {
  constructor(
    readonly status: number,
    readonly kind: string,
    readonly message: string,
  ) {}
}

export class FakeServer {
  readonly received: Received[] = [];
  private readonly replies = new Map<string, Reply>();
  private gates: (() => void)[] | null = null;

  /** Answer what begins with `route` ("POST ground"): bytes, a Blob, JSON values or a Refused. */
  on(route: string, reply: Reply): this {
    this.replies.set(route, reply);
    return this;
  }

  view(route: string, blocks: (request: Received) => unknown[]): this {
    return this.on(route, (request) => packed("view", blocks(request)));
  }

  /** Answers wait from now on until they are let go. */
  hold(): void {
    this.gates = [];
  }

  /** Let the held answers go, in an order of their numbers. */
  async release(order?: number[]): Promise<void> {
    const gates = this.gates ?? [];
    this.gates = null;
    for (const at of order ?? gates.map((_, number) => number)) {
      gates[at]?.();
      await settled();
    }
  }

  asked(path: string): Received[] {
    return this.received.filter((each) => each.path.startsWith(path));
  }

  readonly fetch = async (address: string, init: RequestInit = {}): Promise<Response> => {
    const request = received(address, init);
    this.received.push(request);
    const { gates } = this;
    if (gates) await new Promise<void>((go) => gates.push(go));
    if (request.signal?.aborted) throw new DOMException("aborted", "AbortError");
    const route = [...this.replies.keys()].filter((each) =>
      `${request.method} ${request.path}`.startsWith(each),
    );
    const longest = route.sort((a, b) => b.length - a.length)[0];
    const reply = longest === undefined ? undefined : this.replies.get(longest);
    return responseOf(
      reply ? reply(request) : new Refused(404, "not-found", "There is nothing at this address."),
    );
  };
}

/** Let everything that is waiting for nothing run. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 12; turn += 1) await Promise.resolve();
  await new Promise((done) => setTimeout(done, 0));
}

function received(address: string, init: RequestInit): Received {
  const { body } = init;
  return {
    method: init.method ?? "GET",
    path: address.replace(/^api\//, ""),
    body:
      typeof body === "string"
        ? (JSON.parse(body) as Record<string, unknown>)
        : body instanceof Blob
          ? body
          : null,
    headers: (init.headers ?? {}) as Record<string, string>,
    signal: init.signal ?? null,
  };
}

function responseOf(value: unknown): Response {
  if (value instanceof Refused) {
    return new Response(JSON.stringify({ error: { kind: value.kind, message: value.message } }), {
      status: value.status,
    });
  }
  if (value instanceof Uint8Array) return new Response(value as Uint8Array<ArrayBuffer>);
  return new Response(JSON.stringify(value));
}

export const SESSION = {
  vlmscope: "0",
  model: {
    id: "tiny-llava",
    family: "llava",
    kind: "decoder",
    layers: 2,
    heads: 2,
    dtype: "float32",
    device: "cpu",
  },
  methods: [
    { id: "localization-heads", title: "Localization heads" },
    { id: "mean-attention", title: "Mean attention" },
    { id: "gem", title: "GEM" },
  ],
  method: "localization-heads",
  heads: [[1, 0]],
  heads_source: "discovered",
  limits: { bytes: 1000, pixels: 10_000, phrase: 200 },
  folder: null as unknown,
  features: { answer: true, knockout: true, steer: true, lens: true, faithfulness: true },
};
