/** One kind of question that a page asks again and again: only the answer to the newest is shown. */

import { isCancelled } from "./failure";

export interface Handlers<T> {
  show(value: T): void;
  fail(error: unknown): void;
  /** True from the moment that a question goes out until nothing is asked any more. */
  busy?(asking: boolean): void;
}

export class Live<T> {
  private controller: AbortController | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly handlers: Handlers<T>) {}

  /**
   * Ask, `delay` milliseconds from now; whatever was asked before is given up, its answer never shown.
   */
  ask(run: (signal: AbortSignal) => Promise<T>, delay = 0): void {
    this.drop();
    if (delay > 0) this.timer = setTimeout(() => void this.run(run), delay);
    else void this.run(run);
  }

  /** Give up what is asked. */
  cancel(): void {
    const was = this.controller;
    this.drop();
    if (was) this.handlers.busy?.(false);
  }

  private drop(): void {
    clearTimeout(this.timer);
    this.controller?.abort();
    this.controller = null;
  }

  private async run(run: (signal: AbortSignal) => Promise<T>): Promise<void> {
    const controller = new AbortController();
    this.controller = controller;
    this.handlers.busy?.(true);
    try {
      const value = await run(controller.signal);
      // an answer that arrives although a newer question was asked is an old one
      if (this.controller === controller) this.handlers.show(value);
    } catch (error) {
      if (this.controller === controller && !isCancelled(error)) this.handlers.fail(error);
    } finally {
      if (this.controller === controller) {
        this.controller = null;
        this.handlers.busy?.(false);
      }
    }
  }
}
