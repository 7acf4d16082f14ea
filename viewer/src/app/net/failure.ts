/** A question that was not answered. */
export class RequestFailed extends Error {
  override name = "RequestFailed";

  /**
   * @param kind a word for programs, such as "bad-image".
   * @param message one sentence for the reader.
   */
  constructor(
    readonly kind: string,
    message: string,
    cause?: unknown,
  ) {
    super(message, { cause });
  }

  /** Given up by the reader or by a newer question: nothing that has to be said. */
  get isCancelled(): boolean {
    return this.kind === "cancelled" || this.kind === "superseded";
  }
}

/** The server's own words, or words about its status where it has none. */
export async function failureOf(response: Response): Promise<RequestFailed> {
  try {
    const body: unknown = await response.json();
    const error = (body as { error?: { kind?: unknown; message?: unknown } }).error;
    if (typeof error?.message === "string") return new RequestFailed(String(error.kind), error.message);
  } catch {
    // a proxy in between answers in HTML; its status is all that can be said
  }
  return new RequestFailed(
    `status-${response.status}`,
    `The app answered with status ${response.status}. Try again.`,
  );
}

/** Anything that was thrown, as a sentence. */
export function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function isCancelled(error: unknown): boolean {
  return error instanceof RequestFailed && error.isCancelled;
}
