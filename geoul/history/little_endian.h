// Integers and texts as little-endian bytes, for the formats of this module that are not MCAP.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace geoul::history {

template <class Integer>
void store(Integer value, char* out) {
  for (std::size_t i = 0; i < sizeof(Integer); ++i) out[i] = static_cast<char>(value >> (8 * i) & 0xff);
}
template <class Integer>
Integer load(const char* bytes) {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < sizeof(Integer); ++i)
    out |= std::uint64_t{static_cast<std::uint8_t>(bytes[i])} << (8 * i);
  return static_cast<Integer>(out);
}
template <class Integer>
void put(Integer value, std::string& out) {
  char bytes[sizeof(Integer)];
  store(value, bytes);
  out.append(bytes, sizeof(Integer));
}
inline void put_text(std::string_view text, std::string& out) {  // u32 length before it
  put(static_cast<std::uint32_t>(text.size()), out);
  out.append(text);
}

// Takes from the front; what does not fit makes it fail for good, and gives zeros and empty texts.
class Taker {
 public:
  explicit Taker(std::string_view bytes) : rest_(bytes) {}
  bool ok() const { return ok_; }
  bool done() const { return ok_ && rest_.empty(); }
  std::string_view rest() const { return rest_; }
  std::string_view bytes(std::uint64_t size) {
    ok_ = ok_ && size <= rest_.size();
    if (!ok_) return {};
    const std::string_view out = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return out;
  }
  template <class Integer>
  Integer integer() {
    const std::string_view out = bytes(sizeof(Integer));
    return ok_ ? load<Integer>(out.data()) : Integer{};
  }
  std::string_view text() { return bytes(integer<std::uint32_t>()); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace geoul::history
