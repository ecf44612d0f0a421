#include "geoul/runtime/live_inputs.h"

#include <bit>
#include <utility>

namespace geoul::runtime {
namespace {

using history::put;

constexpr unsigned kNoUpdate = 3u << 2, kNextSignal = 1u << 4, kSameSource = 1u << 5, kSameReceive = 1u << 6;
constexpr unsigned kAnchor = 0, kNoAnchor = 1, kPatience = 2;

}  // namespace

void LiveInputWriter::update(std::size_t feed, const link::Update& update) {
  unsigned flags = static_cast<unsigned>(update.value.index()) | static_cast<unsigned>(update.quality) << 2;
  if (has_before_ && feed == feed_ && update.signal == signal_ + 1) flags |= kNextSignal;
  if (has_before_ && update.source_time == source_) flags |= kSameSource;
  if (has_before_ && update.receive_time == receive_) flags |= kSameReceive;
  put(static_cast<std::uint8_t>(flags), bytes_);
  if ((flags & kNextSignal) == 0) {
    put(static_cast<std::uint16_t>(feed), bytes_);
    put(update.signal, bytes_);
  }
  if ((flags & kSameSource) == 0) put(update.source_time.ns, bytes_);
  if ((flags & kSameReceive) == 0) put(update.receive_time.ns, bytes_);
  switch (update.value.index()) {
    case 0: put(std::bit_cast<std::uint64_t>(std::get<double>(update.value)), bytes_); break;
    case 1: put(std::get<std::int64_t>(update.value), bytes_); break;
    case 2: put(static_cast<std::uint8_t>(std::get<bool>(update.value)), bytes_); break;
    default: history::put_text(std::get<std::string>(update.value), bytes_);
  }
  has_before_ = true;
  feed_ = feed, signal_ = update.signal, source_ = update.source_time, receive_ = update.receive_time;
}

void LiveInputWriter::anchor(std::size_t feed, std::optional<Duration> anchor) {
  put(static_cast<std::uint8_t>(kNoUpdate | (anchor ? kAnchor : kNoAnchor)), bytes_);
  put(static_cast<std::uint16_t>(feed), bytes_);
  if (anchor) put(anchor->ns, bytes_);
}

void LiveInputWriter::close_row() { put(static_cast<std::uint8_t>(kNoUpdate | kPatience), bytes_); }

std::string LiveInputWriter::take() {
  has_before_ = false;
  return std::exchange(bytes_, {});
}

bool LiveInputReader::update(unsigned flags, RowMaker& maker) {
  if (!has_before_ && (flags & (kNextSignal | kSameSource | kSameReceive)) != 0) return fail();
  if ((flags & kNextSignal) != 0) {
    ++before_.signal;
  } else {
    feed_ = in_.integer<std::uint16_t>();
    before_.signal = in_.integer<std::uint32_t>();
  }
  if ((flags & kSameSource) == 0) before_.source_time.ns = in_.integer<std::int64_t>();
  if ((flags & kSameReceive) == 0) before_.receive_time.ns = in_.integer<std::int64_t>();
  before_.quality = static_cast<link::Quality>(flags >> 2 & 3u);
  switch (flags & 3u) {
    case 0: before_.value = std::bit_cast<double>(in_.integer<std::uint64_t>()); break;
    case 1: before_.value = in_.integer<std::int64_t>(); break;
    case 2: before_.value = in_.integer<std::uint8_t>() != 0; break;
    default: before_.value = std::string(in_.text());
  }
  has_before_ = true;
  if (!in_.ok() || !maker.has(feed_, before_.signal)) return fail();
  maker.update(feed_, before_);
  return true;
}

bool LiveInputReader::next(RowMaker& maker) {
  if (!ok_ || in_.rest().empty()) return false;
  const unsigned flags = in_.integer<std::uint8_t>();
  if (flags >= 1u << 7) return fail();
  if ((flags & kNoUpdate) != kNoUpdate) return update(flags, maker);
  const unsigned what = flags & 3u;
  if (flags != (kNoUpdate | what) || what > kPatience) return fail();
  if (what == kPatience) {
    maker.close_row();
    return true;
  }
  const std::size_t feed = in_.integer<std::uint16_t>();
  const Duration anchor{what == kAnchor ? in_.integer<std::int64_t>() : 0};
  if (!in_.ok() || !maker.has_feed(feed)) return fail();
  maker.set_anchor(feed, what == kAnchor ? std::optional(anchor) : std::nullopt);
  return true;
}

}  // namespace geoul::runtime
