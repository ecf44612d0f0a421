#include "geoul/runtime/access/certificate.h"

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <memory>
#include <set>

#include "geoul/runtime/access/users.h"

namespace geoul::runtime::access {
namespace {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using Bio = std::unique_ptr<BIO, Freed<BIO_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using X509Pointer = std::unique_ptr<X509, Freed<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>>;

constexpr const char* kOrganization = "Geoul self-signed";  // tells our own from a person's
constexpr long kDays = 825, kRenewDays = 30;
constexpr std::size_t kMaxFile = 256 << 10;

Error openssl_error(const std::string& what) {
  const unsigned long code = ERR_get_error();
  std::array<char, 160> words{};
  ERR_error_string_n(code, words.data(), words.size());
  ERR_clear_error();
  return {ErrorCode::kBadInput, what + (code ? std::string(": ") + words.data() : std::string())};
}

bool is_address(const std::string& name) {
  ASN1_OCTET_STRING* octets = a2i_IPADDRESS(name.c_str());
  ASN1_OCTET_STRING_free(octets);
  return octets != nullptr;
}

// Letters, digits, '.', '-', ':': what else could say more than a name to OpenSSL's configuration syntax.
bool is_plain(const std::string& name) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:";
  return !name.empty() && name.size() < 254 && name.find_first_not_of(kPlain) == std::string::npos;
}

bool add_extension(X509* certificate, int nid, const std::string& value) {
  const Extension extension(X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool fill(X509* certificate, EVP_PKEY* key, const std::vector<std::string>& names, Time now) {
  const std::time_t seconds = now.ns / 1'000'000'000;
  std::array<unsigned char, 16> serial{};
  if (RAND_bytes(serial.data(), serial.size()) != 1) return false;
  serial[0] &= 0x7f;
  BIGNUM* number = BN_bin2bn(serial.data(), serial.size(), nullptr);
  const bool numbered = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
  BN_free(number);
  std::time_t from = seconds - 3600;  // clocks of clients may lag
  X509_NAME* name = X509_get_subject_name(certificate);
  const auto add = [name](const char* field, const std::string& value) {
    return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(value.data()),
                                      static_cast<int>(value.size()), -1, 0) == 1;
  };
  std::string alternatives;
  for (const std::string& one : names) {
    alternatives += (alternatives.empty() ? "" : ",") + std::string(is_address(one) ? "IP:" : "DNS:") + one;
  }
  return numbered && X509_set_version(certificate, 2) == 1 &&
         X509_time_adj_ex(X509_getm_notBefore(certificate), 0, 0, &from) &&
         X509_time_adj_ex(X509_getm_notAfter(certificate), kDays, 0, &from) && X509_set_pubkey(certificate, key) == 1 &&
         add("O", kOrganization) && add("CN", names.front().substr(0, 64)) &&
         X509_set_issuer_name(certificate, name) == 1 &&
         add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
         add_extension(certificate, NID_key_usage, "critical,digitalSignature") &&
         add_extension(certificate, NID_ext_key_usage, "serverAuth") &&
         add_extension(certificate, NID_subject_alt_name, alternatives) &&
         X509_sign(certificate, key, EVP_sha256()) > 0;
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<std::size_t>(size));
}

std::string fingerprint_of(X509* certificate) {
  std::array<unsigned char, 32> hash{};
  unsigned int size = 0;
  X509_digest(certificate, EVP_sha256(), hash.data(), &size);
  std::string out;
  for (const unsigned char byte : hash) {
    if (!out.empty()) out.push_back(':');
    out.push_back("0123456789ABCDEF"[byte >> 4]);
    out.push_back("0123456789ABCDEF"[byte & 15]);
  }
  return out;
}

X509Pointer parse(std::string_view pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(std::min<std::size_t>(pem.size(), INT_MAX))));
  return X509Pointer(bio ? PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr) : nullptr);
}

bool is_ours(X509* certificate) {
  std::array<char, 64> name{};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_organizationName, name.data(), name.size());
  return std::string_view(name.data()) == kOrganization &&
         X509_NAME_cmp(X509_get_subject_name(certificate), X509_get_issuer_name(certificate)) == 0;
}

Time expiry_of(X509* certificate) {
  std::tm utc{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &utc) != 1) return {};
  return Time{static_cast<std::int64_t>(timegm(&utc)) * 1'000'000'000};
}

bool covers(X509* certificate, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const bool found = is_address(name) ? X509_check_ip_asc(certificate, name.c_str(), 0) == 1
                                        : X509_check_host(certificate, name.c_str(), name.size(), 0, nullptr) == 1;
    if (!found) return false;
  }
  return true;
}

// Of an encrypted key nothing is asked on the terminal: it is refused.
int no_password(char*, int, int, void*) { return 0; }

}  // namespace

std::vector<std::string> certificate_names(const std::vector<std::string>& more) {
  std::vector<std::string> out = {"localhost", "127.0.0.1", "::1"};
  std::array<char, 256> machine{};
  if (gethostname(machine.data(), machine.size() - 1) == 0) {
    out.emplace_back(machine.data());
    out.push_back(std::string(machine.data()) + ".local");
  }
  out.insert(out.end(), more.begin(), more.end());
  std::set<std::string> seen;
  std::erase_if(out, [&](const std::string& name) { return !is_plain(name) || !seen.insert(name).second; });
  return out;
}

Result<Certificate> make_certificate(const std::vector<std::string>& names, Time now) {
  for (const std::string& name : names) {
    if (!is_plain(name)) return Error{ErrorCode::kBadInput, "'" + name.substr(0, 64) + "' is no name of a host"};
  }
  const Key key(EVP_EC_gen("P-256"));
  const X509Pointer certificate(X509_new());
  if (names.empty() || !key || !certificate || !fill(certificate.get(), key.get(), names, now)) {
    return openssl_error("cannot make a certificate");
  }
  const Bio pem(BIO_new(BIO_s_mem())), key_pem(BIO_new(BIO_s_secmem()));
  if (!pem || !key_pem || PEM_write_bio_X509(pem.get(), certificate.get()) != 1 ||
      PEM_write_bio_PKCS8PrivateKey(key_pem.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return openssl_error("cannot write a certificate");
  }
  std::string secret = text_of(key_pem.get());
  return Certificate{text_of(pem.get()),
                     Secret::take(secret),
                     fingerprint_of(certificate.get()),
                     expiry_of(certificate.get()),
                     true,
                     {}};
}

Result<Certificate> read_certificate(std::string_view pem, std::string_view key_text, Time now) {
  const X509Pointer certificate = parse(pem);
  if (!certificate) return openssl_error("this is no certificate in PEM");
  const Bio bio(BIO_new_mem_buf(key_text.data(), static_cast<int>(std::min<std::size_t>(key_text.size(), INT_MAX))));
  const Key key(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr) : nullptr);
  if (!key) return openssl_error("this is no private key in PEM without a password");
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    return openssl_error("the key does not belong to the certificate");
  }
  Certificate out{std::string(pem),
                  Secret(key_text),
                  fingerprint_of(certificate.get()),
                  expiry_of(certificate.get()),
                  is_ours(certificate.get()),
                  {}};
  if (out.expires <= now) return Error{ErrorCode::kBadInput, "the certificate has expired"};
  return out;
}

Result<Certificate> load_or_make_certificate(const std::filesystem::path& folder, const std::vector<std::string>& names,
                                             Time now) {
  if (Result<void> made = make_private_folder(folder); !made) return made.error();
  const std::filesystem::path file = folder / "certificate.pem", key_file = folder / "key.pem";
  // Two that start at once must agree on one certificate.
  const int lock = ::open((folder / "certificate.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock < 0 || ::flock(lock, LOCK_EX) != 0) {
    if (lock >= 0) ::close(lock);
    return Error{ErrorCode::kUnavailable, "cannot write in '" + folder.string() + "'; give another with --access"};
  }
  const std::unique_ptr<const int, void (*)(const int*)> held(&lock,
                                                              [](const int* descriptor) { ::close(*descriptor); });

  Result<std::string> pem = read_private_file(file, kMaxFile), key = read_private_file(key_file, kMaxFile);
  if (!pem && pem.error().code != ErrorCode::kNotFound) return pem.error();
  if (!key && key.error().code != ErrorCode::kNotFound) return key.error();
  if (pem && key) {
    Result<Certificate> read = read_certificate(*pem, *key, now);
    wipe(*key);
    const X509Pointer parsed = parse(*pem);
    const bool ours = parsed && is_ours(parsed.get());
    if (!ours && !read) {
      return Error{ErrorCode::kBadInput, file.string() + ": " + read.error().message +
                                             "; put a certificate and its key.pem there, or remove both"};
    }
    const Duration left = read ? read->expires - now : Duration{};
    if (read && (!ours || (left > Duration::from_seconds(86400.0 * kRenewDays) && covers(parsed.get(), names)))) {
      return read;
    }
  } else if (pem) {  // a key without its certificate is what is left of a start that was cut off
    return Error{ErrorCode::kBadInput,
                 file.string() + " has no key.pem beside it; put its key there, or remove the certificate"};
  }
  Result<Certificate> made = make_certificate(names, now);
  if (!made) return made;
  std::error_code ignored;
  std::filesystem::remove(file, ignored);  // never a certificate with another's key
  if (Result<void> done = write_private_file(key_file, made->key.reveal()); !done) return done.error();
  if (Result<void> done = write_private_file(file, made->pem); !done) return done.error();
  return made;
}

}  // namespace geoul::runtime::access
