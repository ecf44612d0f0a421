import { describe, expect, it } from "vitest";
import { mayDo, Session, type Fetch } from "../../src/protocol/session";

function answering(status: number, body: unknown, headers: Record<string, string> = {}): { fetch: Fetch; asked: [string, RequestInit | undefined][] } {
  const asked: [string, RequestInit | undefined][] = [];
  const fetch: Fetch = (path, init) => {
    asked.push([path, init]);
    const text = typeof body === "string" ? body : JSON.stringify(body);
    return Promise.resolve(new Response(text, { status, headers: { "Content-Type": "application/json", ...headers } }));
  };
  return { fetch, asked };
}

describe("session", () => {
  it("asks how the server is entered", async () => {
    expect(await new Session(answering(200, { entry: "open", name: "local", role: "operate" }).fetch).refresh()).toEqual({ kind: "open" });
    expect(await new Session(answering(200, { entry: "sign-in" }).fetch).refresh()).toEqual({ kind: "sign-in" });
    const signedIn = new Session(answering(200, { entry: "signed-in", name: "ann", role: "view", csrf: "c" }).fetch);
    expect(await signedIn.refresh()).toEqual({ kind: "signed-in", name: "ann", role: "view", csrf: "c" });
    expect(signedIn.subprotocols).toEqual(["geoul.csrf.c"]);
    expect(await new Session(answering(403, { error: "another account" }).fetch).refresh()).toEqual({ kind: "refused", reason: "another account" });
  });

  it("enters a server that knows no sign-in without questions", async () => {
    expect(await new Session(answering(404, "no such file").fetch).refresh()).toEqual({ kind: "open" });
    expect(await new Session(answering(200, "<html>", { "Content-Type": "text/html" }).fetch).refresh()).toEqual({ kind: "open" });
    expect(await new Session(() => Promise.reject(new Error("gone"))).refresh()).toEqual({ kind: "unreachable" });
  });

  it("signs in with JSON, and says what failed and how long to wait", async () => {
    const right = answering(200, { entry: "signed-in", name: "ann", role: "operate", csrf: "c" });
    expect((await new Session(right.fetch).signIn("ann", "p")).kind).toBe("done");
    expect(right.asked[0]![0]).toBe("api/login");
    expect(right.asked[0]![1]!.body).toBe('{"name":"ann","password":"p"}');
    const wait = await new Session(answering(429, { error: "wait" }, { "Retry-After": "8" }).fetch).signIn("ann", "p");
    expect(wait).toEqual({ kind: "failed", reason: "wait", waitSeconds: 8 });
    const odd = await new Session(answering(500, "oops").fetch).signIn("ann", "p");
    expect(odd).toEqual({ kind: "failed", reason: "the server answers 500", waitSeconds: 0 });
  });

  it("signs out with its CSRF token", async () => {
    const server = answering(200, { entry: "signed-in", name: "ann", role: "operate", csrf: "c" });
    const session = new Session(server.fetch);
    await session.refresh();
    await session.signOut();
    expect(server.asked[1]![0]).toBe("api/logout");
    expect(server.asked[1]![1]!.headers).toEqual({ "X-Geoul-Csrf": "c" });
  });

  it("knows what a role may do", () => {
    expect(mayDo("view", "operate")).toBe(false);
    expect(mayDo("operate", "operate")).toBe(true);
    expect(mayDo("administer", "operate")).toBe(true);
    expect(mayDo(undefined, "operate")).toBe(true);
  });
});
