/** What the page asks the server; every failure is one sentence for the reader. */

import { readPacked } from "../../format/container";
import type { View } from "../../format/types";
import type {
  Answered,
  Box,
  CompareQuestion,
  FolderPage,
  FolderQuery,
  FolderRow,
  GroundQuestion,
  Head,
  ImageInfo,
  KnockoutQuestion,
  Patch,
  Places,
  Session,
  Steered,
  Verdict,
} from "./messages";
import { RequestFailed, failureOf } from "./failure";

/** How a question can be given up, and how one hears under which name it runs. */
export interface Asking {
  signal?: AbortSignal;
}

type Method = "GET" | "POST" | "PUT" | "DELETE";

export class Api {
  private readonly tab = randomName();

  /**
   * @param base address of the interface, such as "api/".
   * @param token that the server asks for; null: none.
   */
  constructor(
    private readonly base: string,
    private readonly token: string | null = null,
  ) {}

  session(): Promise<Session> {
    return this.json("GET", "session");
  }

  addImage(data: Blob, asking: Asking = {}): Promise<ImageInfo> {
    return this.json("POST", "images", data, asking);
  }

  /** A picture as it is shown; fetched, because an <img> could not bear the token. */
  async image(name: string): Promise<Blob> {
    return (await this.send("GET", `images/${encodeURIComponent(name)}`)).blob();
  }

  /** A picture of the folder, its longer side not above `side` pixels. */
  async folderPicture(name: string, side: number): Promise<Blob> {
    return (await this.send("GET", `folder/pictures/${encodeURIComponent(name)}?side=${side}`)).blob();
  }

  ground(question: GroundQuestion, asking: Asking): Promise<View> {
    return this.view("ground", question, asking);
  }

  answer(image: string, question: string, asking: Asking): Promise<View> {
    return this.view("answer", { image, question }, asking);
  }

  knockout(question: KnockoutQuestion, asking: Asking): Promise<View> {
    return this.view("knockout", question, asking);
  }

  faithfulness(
    question: { image: string; phrase: string; question?: string },
    asking: Asking,
  ): Promise<View> {
    return this.view("faithfulness", question, asking);
  }

  compare(question: CompareQuestion, asking: Asking): Promise<View> {
    return this.view("compare", question, asking);
  }

  steer(
    question: { image: string; question: string; heads?: Head[]; box: Box; strength: number },
    asking: Asking,
  ): Promise<Steered> {
    return this.json("POST", "steer", question, asking);
  }

  patch(question: { image: string; phrase: string; cell: number }, asking: Asking): Promise<Patch> {
    return this.json("POST", "patch", question, asking);
  }

  folder(query: FolderQuery, asking: Asking = {}): Promise<FolderPage> {
    const filled = Object.entries(query).filter(([, value]) => value !== null && value !== "");
    const words = new URLSearchParams(filled.map(([name, value]) => [name, String(value)]));
    return this.json("GET", `folder?${words}`, undefined, asking);
  }

  decide(row: FolderRow, decision: Verdict | null, box: Box | null): Promise<Answered> {
    const { id, phrase, instance } = row;
    return this.json("PUT", "folder/decisions", { id, phrase, instance, decision, ...(box ? { box } : {}) });
  }

  async decisionsFile(): Promise<string> {
    return (await this.send("GET", "folder/decisions")).text();
  }

  queue(): Promise<Places> {
    return this.json("GET", "queue");
  }

  private async view(path: string, question: unknown, asking: Asking): Promise<View> {
    const response = await this.send("POST", path, question, asking);
    return readPacked(await response.arrayBuffer());
  }

  private async json<T>(method: Method, path: string, body?: unknown, asking: Asking = {}): Promise<T> {
    return (await this.send(method, path, body, asking)).json() as Promise<T>;
  }

  private async send(method: Method, path: string, body?: unknown, asking: Asking = {}): Promise<Response> {
    const isFile = body instanceof Blob;
    const response = await this.fetched(path, {
      method,
      headers: this.headers(body !== undefined && !isFile),
      ...(body === undefined ? {} : { body: isFile ? body : JSON.stringify(body) }),
      ...(asking.signal ? { signal: asking.signal } : {}),
    });
    if (!response.ok) throw await failureOf(response);
    return response;
  }

  /** A question that is given up closes its connection, and the server then drops its job. */
  private async fetched(path: string, request: RequestInit): Promise<Response> {
    try {
      return await fetch(this.base + path, request);
    } catch (error) {
      if (request.signal?.aborted) throw new RequestFailed("cancelled", "This was cancelled.");
      throw new RequestFailed(
        "unreachable",
        "The app does not answer. Is it still running in its terminal?",
        error,
      );
    }
  }

  private headers(hasJson: boolean): Record<string, string> {
    return {
      "x-vlmscope-tab": this.tab,
      ...(hasJson ? { "content-type": "application/json" } : {}),
      ...(this.token ? { authorization: `Bearer ${this.token}` } : {}),
    };
  }
}

function randomName(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
