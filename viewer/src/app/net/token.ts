/** The token that a server beyond this machine asks for. */

const KEY = "vlmscope-token";

/** The token of the address, taken out of it so that it is in no history and no shared link; or the tab's own. */
export function takeToken(): string | null {
  const address = new URL(location.href);
  const given = address.searchParams.get("token");
  if (given === null) return kept();
  address.searchParams.delete("token");
  history.replaceState(null, "", address);
  keep(given);
  return given;
}

function kept(): string | null {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function keep(token: string): void {
  try {
    sessionStorage.setItem(KEY, token);
  } catch {
    return; // the token then lasts until the page is loaded again
  }
}
