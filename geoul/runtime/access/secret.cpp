#include "geoul/runtime/access/secret.h"

#include <sodium.h>

#include <cstdlib>
#include <cstring>
#include <utility>

#include "geoul/core/contract.h"

namespace geoul::runtime::access {
namespace {

constexpr std::string_view kPrefix = "geoul_";
constexpr std::string_view kArgon = "$argon2id$v=19$m=";
constexpr unsigned long kMaxMemory = 1ul << 20, kMaxPasses = 16;  // [KiB], -

void make_ready() {
  static const int state = sodium_init();
  GEOUL_EXPECTS(state >= 0);
}

}  // namespace

Secret::Secret(std::string_view bytes) : bytes_(std::make_unique<char[]>(bytes.size())), size_(bytes.size()) {
  std::memcpy(bytes_.get(), bytes.data(), size_);
}

Secret Secret::take(std::string& source) {
  Secret out{std::string_view(source)};
  wipe(source);
  return out;
}

Secret::~Secret() { wipe(bytes_.get(), size_); }

Secret::Secret(Secret&& other) noexcept : bytes_(std::move(other.bytes_)), size_(std::exchange(other.size_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this == &other) return *this;
  wipe(bytes_.get(), size_);
  bytes_ = std::move(other.bytes_);
  size_ = std::exchange(other.size_, 0);
  return *this;
}

void wipe(void* bytes, std::size_t size) {
  if (size > 0) sodium_memzero(bytes, size);
}

void wipe(std::string& text) {
  text.resize(text.capacity());
  wipe(text.data(), text.size());
  text.clear();
}

Hash hash_of(const Secret& secret) {
  make_ready();
  Hash out{};
  const std::string_view bytes = secret.reveal();
  crypto_generichash(out.data(), out.size(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                     nullptr, 0);
  return out;
}

bool same(const Hash& a, const Hash& b) { return sodium_memcmp(a.data(), b.data(), a.size()) == 0; }

Secret random_token() {
  make_ready();
  std::array<unsigned char, 32> bits{};
  randombytes_buf(bits.data(), bits.size());
  constexpr int kVariant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
  std::array<char, sodium_base64_ENCODED_LEN(32, kVariant)> text{};
  sodium_bin2base64(text.data(), text.size(), bits.data(), bits.size(), kVariant);
  std::string whole = std::string(kPrefix) + text.data();
  wipe(bits.data(), bits.size());
  wipe(text.data(), text.size());
  return Secret::take(whole);
}

std::string random_name(std::size_t count) {
  make_ready();
  std::string out;
  while (out.size() < count) out.push_back("abcdefghijklmnopqrstuvwxyz234567"[randombytes_uniform(32)]);
  return out;
}

std::string hash_password(const Secret& password, const PasswordCost& cost) {
  make_ready();
  std::array<char, crypto_pwhash_STRBYTES> out{};
  const std::string_view bytes = password.reveal();
  const int failed = crypto_pwhash_str_alg(out.data(), bytes.data(), bytes.size(), cost.passes, cost.memory,
                                           crypto_pwhash_ALG_ARGON2ID13);
  return failed ? std::string() : std::string(out.data());
}

bool password_matches(const Secret& password, const std::string& hash) {
  make_ready();
  if (!is_password_hash(hash)) return false;
  const std::string_view bytes = password.reveal();
  return crypto_pwhash_str_verify(hash.c_str(), bytes.data(), bytes.size()) == 0;
}

bool is_password_hash(const std::string& text) {
  if (text.rfind(kArgon, 0) != 0 || text.size() >= crypto_pwhash_STRBYTES) return false;
  char* rest = nullptr;
  const unsigned long memory = std::strtoul(text.c_str() + kArgon.size(), &rest, 10);
  if (memory < 8 || memory > kMaxMemory || std::strncmp(rest, ",t=", 3) != 0) return false;
  const unsigned long passes = std::strtoul(rest + 3, &rest, 10);
  if (passes < 1 || passes > kMaxPasses || std::strncmp(rest, ",p=1$", 5) != 0) return false;
  const std::string_view salt_and_hash(rest + 5);
  constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  return salt_and_hash.size() == 22 + 1 + 43 && salt_and_hash[22] == '$' &&
         salt_and_hash.substr(0, 22).find_first_not_of(kBase64) == std::string_view::npos &&
         salt_and_hash.substr(23).find_first_not_of(kBase64) == std::string_view::npos;
}

}  // namespace geoul::runtime::access
