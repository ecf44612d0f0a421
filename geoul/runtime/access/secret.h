// A password or token while it is in memory: it cannot be copied, printed or formatted, and its bytes are wiped when it
// dies. Whoever needs the bytes says reveal(), so that a search finds every place.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>

namespace geoul::runtime::access {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string_view bytes);
  // Takes the bytes over and wipes where they stood.
  static Secret take(std::string& source);
  ~Secret();
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;

  std::string_view reveal() const { return {bytes_.get(), size_}; }
  bool empty() const { return size_ == 0; }

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
};

std::ostream& operator<<(std::ostream&, const Secret&) = delete;
std::string to_string(const Secret&) = delete;

// What is kept of a secret of 256 random bits: its BLAKE2b-256 (RFC 7693).
using Hash = std::array<std::uint8_t, 32>;
Hash hash_of(const Secret& secret);
bool same(const Hash& a, const Hash& b);  // in a time that does not depend on the bytes

// "geoul_" and 256 random bits as 43 characters of base64url (RFC 4648, clause 5).
Secret random_token();
// `count` random characters of a to z and 2 to 7.
std::string random_name(std::size_t count);
void wipe(std::string& text);
void wipe(void* bytes, std::size_t size);

// Argon2id (RFC 9106). The default is its second recommended choice with one lane: three passes over 64 MiB.
struct PasswordCost {
  std::uint64_t passes = 3;
  std::size_t memory = std::size_t{64} << 20;  // [byte]
};
// "$argon2id$v=19$..."; empty where there is not enough memory.
std::string hash_password(const Secret& password, const PasswordCost& cost);
bool password_matches(const Secret& password, const std::string& hash);
// Whether the text is a hash that password_matches can check at a cost of at most 1 GiB and 16 passes.
bool is_password_hash(const std::string& text);

}  // namespace geoul::runtime::access
