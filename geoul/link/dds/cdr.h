// CDR, the bytes of a ROS 2 message: four bytes of encapsulation (0, then 0 for big or 1 for little endian, then two
// that mean nothing), then the fields. A number is aligned to its own size, counted from after the encapsulation; a
// string is a 32-bit length with its terminating zero, then the bytes; a sequence is a 32-bit count, then its items (an
// empty one adds no padding for items that it has not). ROS 2 sends the first version of the encoding only ("plain
// CDR"), and all its types are final. Source: OMG, DDSI-RTPS 2.3, clause 10; CORBA 3.3 part 2, clause 9.3.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace geoul::link {

static_assert(std::endian::native == std::endian::little, "numbers are copied as they are on little-endian machines");

// Reads one message from bytes that anybody may have made. After the first fault everything reads as zero or empty.
// Codes of faults: encapsulation, cut-off, string-end, count.
class CdrReader {
 public:
  explicit CdrReader(std::string_view message);

  bool ok() const { return fault_ == nullptr; }
  const char* fault() const { return fault_; }  // code; null: none
  std::size_t fault_at() const { return at_; }  // byte of the message
  std::size_t left() const { return end_ - at_; }
  std::size_t at() const { return at_; }

  template <class T>
  T number() {
    static_assert(std::is_arithmetic_v<T>);
    T value{};
    array(std::span(&value, 1));
    return value;
  }
  bool truth() { return number<std::uint8_t>() != 0; }
  // Without its terminating zero; valid as long as the message is.
  std::string_view string();
  // UTF-16 as ROS 2 sends wstring: a count, then units of 32 bits with Fast DDS 2 and Cyclone DDS alike. As UTF-8.
  std::string wide_string();
  // A count of items of at least `least` bytes each; a fault where so many cannot follow.
  std::uint32_t count(std::uint64_t least);
  // The next `size` bytes as they are, aligned to `alignment` where there are any.
  std::string_view bytes(std::uint64_t size, std::size_t alignment = 1);
  template <class T>
  void array(std::span<T> out) {
    const std::string_view from = bytes(out.size_bytes(), sizeof(T));
    if (from.size() != out.size_bytes()) return;
    std::memcpy(out.data(), from.data(), from.size());
    if (swap_ && sizeof(T) > 1) swap_each(reinterpret_cast<char*>(out.data()), out.size(), sizeof(T));
  }
  bool swapped() const { return swap_; }
  void fail(const char* code);
  static void swap_each(char* data, std::size_t count, std::size_t size);

 private:
  std::string_view message_;
  std::size_t at_ = 0, end_ = 0;
  bool swap_ = false;
  const char* fault_ = nullptr;
};

// Writes one message, little-endian.
class CdrWriter {
 public:
  CdrWriter();

  template <class T>
  void number(T value) {
    array(std::span<const T>(&value, 1));
  }
  void string(std::string_view text);
  void count(std::size_t items);  // below 2^32
  template <class T>
  void array(std::span<const T> items) {
    if (items.empty()) return;
    align(sizeof(T));
    message_.append(reinterpret_cast<const char*>(items.data()), items.size_bytes());
  }
  std::string take() { return std::move(message_); }

 private:
  void align(std::size_t size);

  std::string message_;
};

}  // namespace geoul::link
