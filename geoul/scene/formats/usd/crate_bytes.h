// Bytes of a crate file: bounds-checked little-endian reads, compressed blocks, compressed integers. Everything throws
// CrateError where the bytes are not what the format asks for; nothing of it leaves parse_crate().
// Source: AOUSD Core Specification 1.0, binary format; the layout of OpenUSD's crate files as its documentation and
// the files themselves show it.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace geoul::scene::usd {

static_assert(std::endian::native == std::endian::little, "crate files are read by copying little-endian numbers");

struct CrateError {
  std::string code, message, mend;
};

// "byte N: message", code bad-crate.
[[noreturn]] void fail_at(std::size_t byte, const std::string& message);

// What a layer may still take from memory [bytes]: a file of a few hundred bytes can ask for terabytes.
class Budget {
 public:
  Budget(std::size_t file_size, std::size_t free) : left_(free + kPerByte * file_size) {}
  void take(std::size_t n, std::size_t bytes_each) {
    if (bytes_each != 0 && n > left_ / bytes_each) spent();
    left_ -= n * bytes_each;
  }

 private:
  static constexpr std::size_t kPerByte = 256;  // a prim of 900 bytes here takes 4 bytes at least there
  [[noreturn]] void spent() const;

  std::size_t left_;
};

struct ByteReader {
  std::string_view bytes;  // the file
  std::size_t at = 0;      // from its start

  std::size_t left() const { return bytes.size() - at; }
  void need(std::uint64_t n) const {
    if (n > left()) fail_at(at, "needs " + std::to_string(n) + " bytes, the file has " + std::to_string(left()));
  }
  template <class T>
  T get() {
    need(sizeof(T));
    T x;
    std::memcpy(&x, bytes.data() + at, sizeof x);
    at += sizeof x;
    return x;
  }
  std::string_view take(std::uint64_t n) {
    need(n);
    at += static_cast<std::size_t>(n);
    return bytes.substr(at - static_cast<std::size_t>(n), static_cast<std::size_t>(n));
  }
  // A number of elements of at least `bytes_each`, which must be in the file.
  std::size_t count(std::size_t bytes_each) {
    const std::size_t begin = at;
    const auto n = get<std::uint64_t>();
    if (n > left() / bytes_each) {
      fail_at(begin, "counts " + std::to_string(n) + " elements, the file has " + std::to_string(left()) + " bytes");
    }
    return static_cast<std::size_t>(n);
  }
  void seek(std::uint64_t to) {
    if (to > bytes.size()) fail_at(at, "points to byte " + std::to_string(to) + " beyond the end of the file");
    at = static_cast<std::size_t>(to);
  }
};

// Room that is used again and again for what a block unfolds to.
class Scratch {
 public:
  // n bytes, of any content, with kSlack more behind them that may be read.
  std::span<char> room(std::size_t n);
  static constexpr std::size_t kSlack = 32;

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
};

// One LZ4 block, or chunks of them behind their number, unfolded into `out`; its part that was written.
std::span<char> decompress(std::string_view compressed, std::size_t at, std::span<char> out);

// n integers behind the size of their block: differences to the one before, each of 0 (a value common to many), 1/4,
// 1/2 or all of its bytes (64 bits: 2, 4 or 8), and two bits that say which. `Out` is what they widen to.
template <class Int, class Out>
void read_integers(ByteReader& in, std::size_t n, Scratch& scratch, Out* out);

}  // namespace geoul::scene::usd
