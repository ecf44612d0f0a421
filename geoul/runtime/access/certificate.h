// The server's TLS certificate: FOLDER/certificate.pem and key.pem. Where there is none, a self-signed one is made at
// first start (ECDSA P-256, SHA-256, 825 days, key for its owner only); one of ours that is about to expire, or lacks a
// name, is made anew. A person may put a certificate of an authority there: it is used as it is, and refused with the
// remedy where it has expired or does not fit its key.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "geoul/core/result.h"
#include "geoul/core/time.h"
#include "geoul/runtime/access/secret.h"

namespace geoul::runtime::access {

struct Certificate {
  std::string pem;          // with the chain, if any
  Secret key;               // PEM
  std::string fingerprint;  // SHA-256 of the certificate: "AB:CD:..."
  Time expires;
  bool self_signed = false;  // made here
  std::string note;          // why it is kept nowhere; empty where it is
};

// localhost, *.localhost's addresses 127.0.0.1 and ::1, this machine's name, and `more` (names or IP addresses).
std::vector<std::string> certificate_names(const std::vector<std::string>& more);

Result<Certificate> make_certificate(const std::vector<std::string>& names, Time now);
// `folder` is made where it is missing.
Result<Certificate> load_or_make_certificate(const std::filesystem::path& folder, const std::vector<std::string>& names,
                                             Time now);
// kBadInput where the texts are no certificate and its key, or it has expired.
Result<Certificate> read_certificate(std::string_view pem, std::string_view key, Time now);

}  // namespace geoul::runtime::access
