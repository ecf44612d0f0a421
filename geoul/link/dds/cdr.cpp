#include "geoul/link/dds/cdr.h"

#include <algorithm>

#include "geoul/core/contract.h"

namespace geoul::link {
namespace {

constexpr std::size_t kEncapsulation = 4;

void append_utf8(std::uint32_t code, std::string& out) {
  if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) code = 0xFFFD;  // no character
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | code >> 18);
    out += static_cast<char>(0x80 | (code >> 12 & 0x3F));
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

}  // namespace

CdrReader::CdrReader(std::string_view message) : message_(message), end_(message.size()) {
  if (message.size() < kEncapsulation) {
    fail("cut-off");
  } else if (message[0] != 0 || (message[1] != 0 && message[1] != 1)) {
    fail("encapsulation");
  } else {
    swap_ = message[1] == 0;
    at_ = kEncapsulation;
  }
}

void CdrReader::fail(const char* code) {
  if (fault_ != nullptr) return;
  fault_ = code;
  end_ = at_;
}

std::string_view CdrReader::bytes(std::uint64_t size, std::size_t alignment) {
  if (size == 0 || fault_ != nullptr) return {};
  const std::size_t from = at_ + (alignment - (at_ - kEncapsulation) % alignment) % alignment;
  if (from > end_ || size > end_ - from) return fail("cut-off"), std::string_view();
  at_ = from + static_cast<std::size_t>(size);
  return message_.substr(from, static_cast<std::size_t>(size));
}

std::string_view CdrReader::string() {
  const auto length = number<std::uint32_t>();
  if (length == 0) return {};  // some writers leave the zero of an empty string out
  const std::string_view text = bytes(length);
  if (!ok()) return {};
  if (text.back() != '\0') return fail("string-end"), std::string_view();
  return text.substr(0, text.size() - 1);
}

std::string CdrReader::wide_string() {
  const std::uint32_t length = count(4);
  std::string out;
  for (std::uint32_t i = 0; i < length && ok(); ++i) append_utf8(number<std::uint32_t>(), out);
  return out;
}

std::uint32_t CdrReader::count(std::uint64_t least) {
  const auto items = number<std::uint32_t>();
  if (least > 0 && items > left() / least) return fail("count"), 0;
  return items;
}

void CdrReader::swap_each(char* data, std::size_t count, std::size_t size) {
  for (std::size_t i = 0; i < count; ++i) std::reverse(data + i * size, data + (i + 1) * size);
}

CdrWriter::CdrWriter() : message_("\0\1\0\0", kEncapsulation) {}

void CdrWriter::align(std::size_t size) {
  const std::size_t at = message_.size() - kEncapsulation;
  message_.append((size - at % size) % size, '\0');
}

void CdrWriter::string(std::string_view text) {
  count(text.size() + 1);
  message_.append(text);
  message_ += '\0';
}

void CdrWriter::count(std::size_t items) {
  GEOUL_EXPECTS(items <= UINT32_MAX);
  number(static_cast<std::uint32_t>(items));
}

}  // namespace geoul::link
