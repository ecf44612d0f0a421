// Failures of a connection in one line that says what a person does about it.

const REMEDIES = [
  [/ECONNREFUSED/, (t) => `nothing listens at ${t.url}; start the plant's OPC UA server there, or correct the url`],
  [/ENOTFOUND|EAI_AGAIN/, (t) => `the host of ${t.url} is not known; correct its name, or use its address`],
  [/EHOSTUNREACH|ENETUNREACH/, (t) => `${t.url} cannot be reached from this machine; check cable, network and firewall`],
  [/ETIMEDOUT|[Tt]imeout|timed out/, (t) => `${t.url} does not answer in time; check the network, the firewall and the load of the plant's server`],
  [/BadUserAccessDenied|BadIdentityTokenRejected|BadIdentityTokenInvalid/,
    (t) => (t.user ? `the plant refuses user '${t.user}'; check the name and the password, and that the plant has this user`
      : "the plant lets nobody in without a name; set user and password")],
  [/BadCertificateUntrusted|BadSecurityChecksFailed|BadCertificateUriInvalid|BadCertificateUseNotAllowed/,
    (t) => `the plant does not trust this twin's certificate; have it trust ${t.certificateFile} (thumbprint ${t.print})`],
  [/BadCertificateTimeInvalid/, () => "the plant says that this twin's certificate is out of its time; set the clocks of both machines"],
  [/BadTooManySessions/, () => "the plant has no session left; end another client, or raise its limit"],
  [/BadTcpEndpointUrlInvalid|BadTcpServerTooBusy/, (t) => `the plant refuses the address ${t.url}; use the host name that its server is set up with`],
  [/premature|socket has been disconnected|ECONNRESET|Connection Break|connection.*(closed|broken|lost)/i,
    (t) => `${t.url} ended the connection; see the log of the plant's server for the reason`],
];

// target: {url, user, certificateFile, print}
export function explain(error, target) {
  const text = String(error?.message ?? error).replaceAll(/\s+/g, " ").trim();
  for (const [pattern, remedy] of REMEDIES) {
    if (pattern.test(text)) return remedy(target);
  }
  return `${target.url}: ${text.slice(0, 300)}`;
}

const WRITE_REMEDIES = {
  BadNotWritable: "the plant does not let it be written",
  BadUserAccessDenied: "the plant does not let this user write it; use a user who may",
  BadTypeMismatch: "the plant wants another type",
  BadOutOfRange: "the plant says that it is out of range",
  BadNodeIdUnknown: "the plant has it no more",
};

export function explainWrite(statusCode) {
  return `${WRITE_REMEDIES[statusCode.name] ?? statusCode.description} (${statusCode.name})`;
}
