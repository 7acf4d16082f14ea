/** Addresses of a folder's pictures; the least recently shown give their memory back. */

import type { Api } from "../net/api";

const KEPT = 240;

export class FolderPictures {
  private readonly urls = new Map<string, Promise<string>>();

  constructor(private readonly api: Pick<Api, "folderPicture">) {}

  url(name: string, side: number): Promise<string> {
    const key = `${side} ${name}`;
    const known = this.urls.get(key);
    this.urls.delete(key);
    const url = known ?? this.fetched(name, side, key);
    this.urls.set(key, url);
    this.makeRoom();
    return url;
  }

  private async fetched(name: string, side: number, key: string): Promise<string> {
    try {
      return URL.createObjectURL(await this.api.folderPicture(name, side));
    } catch (error) {
      this.urls.delete(key); // asked again the next time
      throw error;
    }
  }

  private makeRoom(): void {
    for (const [key, url] of this.urls) {
      if (this.urls.size <= KEPT) return;
      this.urls.delete(key);
      url.then((address) => URL.revokeObjectURL(address)).catch(() => undefined);
    }
  }
}
