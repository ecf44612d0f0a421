// Imported before the library: Node.js 18 (Debian 12) has the cryptography of browsers, but not under its global name.
import { webcrypto } from "node:crypto";

globalThis.crypto ??= webcrypto;
