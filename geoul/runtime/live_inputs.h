// The inputs of a RowMaker as bytes: what a live site's history records. Many inputs a message (topic "geoul/input",
// behind the u64 number of the first one). Little-endian; each input begins with a byte of flags:
//   bits 0-1  type of the value: 0 double (8 bytes), 1 integer (8), 2 boolean (1), 3 text (u32 length, bytes)
//   bits 2-3  quality: 0 good, 1 uncertain, 2 bad; 3: no update, see below
//   bit 4     the link is that of the update before, the signal the next one; else u16 link, u32 signal follow
//   bit 5     the source time is that of the update before; else i64 [ns] follows
//   bit 6     the same of the receive time
// then the value. Where bits 2-3 are 3, bits 0-1 say: 0 an anchor is set (u16 link, i64 [ns]), 1 it is forgotten (u16
// link), 2 patience has ended. Links are in the order of the site file, signals in that of Bindings::columns.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "geoul/history/little_endian.h"
#include "geoul/link/signal.h"
#include "geoul/runtime/row_maker.h"

namespace geoul::runtime {

class LiveInputWriter {
 public:
  void update(std::size_t feed, const link::Update& update);
  void anchor(std::size_t feed, std::optional<Duration> anchor);
  void close_row();

  const std::string& bytes() const { return bytes_; }
  bool empty() const { return bytes_.empty(); }
  std::string take();  // and begins anew

 private:
  std::string bytes_;
  bool has_before_ = false;  // an update in these bytes
  std::size_t feed_ = 0;
  std::uint32_t signal_ = 0;
  Time source_, receive_;
};

class LiveInputReader {
 public:
  LiveInputReader() : in_({}) {}
  explicit LiveInputReader(std::string_view bytes) : in_(bytes) {}
  // Gives the next input to the maker; false at the end, and for good where the bytes are no input of it.
  bool next(RowMaker& maker);
  bool ok() const { return ok_; }

 private:
  bool fail() { return ok_ = false; }
  bool update(unsigned flags, RowMaker& maker);

  history::Taker in_;
  bool ok_ = true;
  bool has_before_ = false;
  std::size_t feed_ = 0;
  link::Update before_;
};

}  // namespace geoul::runtime
