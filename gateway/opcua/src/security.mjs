// Certificates: our own, made at first use, and those of others, which nobody trusts until a person says so.
// A store is a folder: own/ (our certificate and private key), trusted/certs/ (who may talk to us; issuers there, too),
// issuers/ (of chains), rejected/ (who came and is not known). Trusting is moving a file from rejected/ to trusted/certs/.
import crypto from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { OPCUACertificateManager } from "node-opcua-certificate-manager";

const DAY_MS = 24 * 3600 * 1000;
const OWN_VALID_DAYS = 5 * 365;
const RENEW_BEFORE_DAYS = 30;
const MAX_REJECTED = 1000; // files; a stranger must not fill the disk

// A store and our own certificate in it: {manager, certificateFile, privateKeyFile, applicationUri}. role: "client" or
// "server"; each has a key of its own. It is read at each call, and where `watched` also when a person moves a file in it.
export async function openStore(folder, role, names, { watched = false } = {}) {
  const root = path.join(folder, role);
  fs.mkdirSync(root, { recursive: true, mode: 0o700 });
  const manager = new OPCUACertificateManager({ rootFolder: root, automaticallyAcceptUnknownCertificate: false,
    disableFileWatchers: !watched, keySize: 2048 });
  await manager.initialize();
  const applicationUri = `urn:${os.hostname()}:geoul:${role}`;
  const certificateFile = path.join(root, "own", "certs", "geoul.pem");
  if (!isUsable(certificateFile, applicationUri)) {
    await manager.createSelfSignedCertificate({
      applicationUri, subject: `/CN=geoul ${role} on ${os.hostname()}`.slice(0, 64), dns: [os.hostname(), ...names.dns],
      ip: names.ip, startDate: new Date(Date.now() - 3600 * 1000), validity: OWN_VALID_DAYS, outputFile: certificateFile });
  }
  return { manager, root, certificateFile, privateKeyFile: manager.privateKey, applicationUri };
}

function isUsable(file, applicationUri) {
  if (!fs.existsSync(file)) return false;
  const own = new crypto.X509Certificate(fs.readFileSync(file));
  return Date.parse(own.validTo) - Date.now() > RENEW_BEFORE_DAYS * DAY_MS &&
    (own.subjectAltName ?? "").includes(applicationUri);
}

export function thumbprint(der) {
  return crypto.createHash("sha1").update(der).digest("hex"); // what OPC UA calls the thumbprint (part 6, 6.2.2)
}

export function fileThumbprint(file) {
  return thumbprint(new crypto.X509Certificate(fs.readFileSync(file)).raw);
}

function oneLine(text) {
  return text.replaceAll("\n", ", ");
}

// Keeps a certificate that nobody knows where a person finds it; its path.
function reject(root, certificate, print) {
  const name = /CN=([^\n]*)/.exec(certificate.subject)?.[1].replaceAll(/[^\w.-]/g, "_") ?? "unnamed";
  const file = path.join(root, "rejected", `${name.slice(0, 40)}[${print}].pem`);
  const known = fs.readdirSync(path.dirname(file)).length;
  if (!fs.existsSync(file) && known < MAX_REJECTED) fs.writeFileSync(file, certificate.toString());
  return file;
}

// Null where the certificate of `who` ("the server opc.tcp://cell:4840") may be trusted, else one line: why not, and
// what a person does about it.
export async function distrust(store, der, who) {
  if (!der || der.length === 0) return `${who} has no certificate, so nothing can be signed or encrypted; give it one`;
  let certificate;
  try {
    certificate = new crypto.X509Certificate(der);
  } catch {
    return `${who} has a certificate that cannot be read; give it a proper one`;
  }
  const print = thumbprint(certificate.raw);
  const described = `(${oneLine(certificate.subject)}; thumbprint ${print})`;
  const now = Date.now();
  if (Date.parse(certificate.validTo) < now) {
    return `the certificate of ${who} expired on ${certificate.validTo} ${described}; make it a new one there, then trust that`;
  }
  if (Date.parse(certificate.validFrom) > now) {
    return `the certificate of ${who} is valid only from ${certificate.validFrom} ${described}; set the clocks of both machines`;
  }
  const status = await store.manager.verifyCertificate(der, { acceptCertificateWithValidIssuerChain: true });
  if (status === "Good") return null;
  if (status === "BadCertificateUntrusted") {
    const move = `mv '${reject(store.root, certificate, print)}' '${path.join(store.root, "trusted", "certs")}/'`;
    return `the certificate of ${who} is not trusted yet ${described}; compare the thumbprint with the one shown there, and if ` +
      `they agree: ${move}`;
  }
  if (status === "BadCertificateChainIncomplete") {
    return `the issuer of the certificate of ${who} is unknown ${described}; put the issuer's certificate into ` +
      `'${path.join(store.root, "issuers", "certs")}' and '${path.join(store.root, "trusted", "certs")}'`;
  }
  if (/Revocation/.test(status)) {
    return `nobody says whether the certificate of ${who} was revoked ${described}; put its issuer's list (CRL) into ` +
      `'${path.join(store.root, "issuers", "crl")}'`;
  }
  return `the certificate of ${who} is refused: ${status} ${described}; give it a proper one`;
}
