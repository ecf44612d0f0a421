// How the server is entered (docs/security.md): asks /api/session before the first connection, signs in and out. A server
// without these addresses (another program that speaks the protocol) is entered without questions.

export type Role = "view" | "operate" | "approve" | "administer";
const ROLES: readonly Role[] = ["view", "operate", "approve", "administer"];

// Whether a role may what another one is needed for. An unknown role is let try: the server decides.
export function mayDo(role: string | undefined, needed: Role): boolean {
  const have = ROLES.indexOf(role as Role);
  return have < 0 || have >= ROLES.indexOf(needed);
}

export type Entry =
  | { kind: "open" } // nothing to sign in to
  | { kind: "signed-in"; name: string; role: string; csrf: string }
  | { kind: "sign-in" } // a name and a password are needed
  | { kind: "refused"; reason: string }
  | { kind: "unreachable" };

export type SignInResult = { kind: "done"; entry: Entry } | { kind: "failed"; reason: string; waitSeconds: number };

export type Fetch = (path: string, init?: RequestInit) => Promise<Response>;

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

async function fieldsOf(response: Response): Promise<Record<string, unknown>> {
  try {
    const value: unknown = await response.json();
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function entryOf(fields: Record<string, unknown>): Entry {
  if (fields.entry === "sign-in") return { kind: "sign-in" };
  if (fields.entry !== "signed-in") return { kind: "open" };
  return { kind: "signed-in", name: text(fields.name), role: text(fields.role), csrf: text(fields.csrf) };
}

export class Session {
  entry: Entry = { kind: "unreachable" };

  constructor(private readonly fetch: Fetch = (path, init) => globalThis.fetch(path, { ...init, credentials: "same-origin" })) {}

  // Asks the server anew.
  async refresh(): Promise<Entry> {
    try {
      const response = await this.fetch("api/session");
      const isJson = (response.headers.get("Content-Type") ?? "").startsWith("application/json");
      if (response.status === 403) this.entry = { kind: "refused", reason: text((await fieldsOf(response)).error) };
      else this.entry = response.ok && isJson ? entryOf(await fieldsOf(response)) : { kind: "open" };
    } catch {
      this.entry = { kind: "unreachable" };
    }
    return this.entry;
  }

  async signIn(name: string, password: string): Promise<SignInResult> {
    let response: Response;
    try {
      const body = JSON.stringify({ name, password });
      response = await this.fetch("api/login", { method: "POST", headers: { "Content-Type": "application/json" }, body });
    } catch {
      return { kind: "failed", reason: "the server does not answer", waitSeconds: 0 };
    }
    const fields = await fieldsOf(response);
    if (response.ok) {
      this.entry = entryOf(fields);
      return { kind: "done", entry: this.entry };
    }
    const wait = Number(response.headers.get("Retry-After") ?? 0);
    return { kind: "failed", reason: text(fields.error) || `the server answers ${response.status}`, waitSeconds: Number.isFinite(wait) ? wait : 0 };
  }

  async signOut(): Promise<void> {
    if (this.entry.kind !== "signed-in") return;
    const { csrf } = this.entry;
    await this.fetch("api/logout", { method: "POST", headers: { "X-Geoul-Csrf": csrf } }).catch(() => undefined);
    await this.refresh();
  }

  // What a WebSocket of this page offers beside its protocol.
  get subprotocols(): string[] {
    return this.entry.kind === "signed-in" ? [`geoul.csrf.${this.entry.csrf}`] : [];
  }
}
