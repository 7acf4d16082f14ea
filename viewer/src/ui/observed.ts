/** Values that several things are drawn by: whoever draws subscribes, whoever changes tells. */

export class Observed<T extends object> {
  private readonly listeners = new Set<(value: Readonly<T>) => void>();

  constructor(private value: T) {}

  get now(): Readonly<T> {
    return this.value;
  }

  change(part: Partial<T>): void {
    this.value = { ...this.value, ...part };
    for (const listener of this.listeners) listener(this.value);
  }

  /** Called at once and after every change. */
  follow(listener: (value: Readonly<T>) => void): void {
    this.listeners.add(listener);
    listener(this.value);
  }
}
