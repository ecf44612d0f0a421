// What still has to be sent, bounded: a queue of messages of many channels that forgets the oldest of a channel when
// its reader is too slow. The newest message of every channel always survives, order is kept, nothing ever blocks. Of
// channels that tell a state only the newest message waits.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "geoul/core/time.h"

namespace geoul::runtime {

struct Frame {
  std::uint32_t channel_id = 0;
  Time time;
  std::shared_ptr<const std::string> payload;
};

struct OutboxLimits {
  std::size_t frames_per_channel = 64;  // at least 1
  std::size_t bytes = 32u << 20;        // of payloads in all; may be exceeded only by one frame a channel
};

// Not thread-safe.
class Outbox {
 public:
  explicit Outbox(OutboxLimits limits = {});

  // Appends; returns how many older frames were dropped to make room. O(number of channels).
  std::size_t push(Frame frame);
  // Puts the frame in the place of those of its channel that wait, keeping the turn of the oldest; true where there
  // were any. O(number of channels).
  bool replace(Frame frame);
  // The oldest frame of the channels that are ready (empty: of all), or nothing. O(number of channels).
  std::optional<Frame> pop(const std::function<bool(std::uint32_t channel_id)>& ready = {});
  bool holds(std::uint32_t channel_id) const;
  // Forgets all frames of a channel; they do not count as dropped.
  void erase(std::uint32_t channel_id);

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    std::uint64_t sequence = 0;
    Frame frame;
  };
  void drop_front(std::deque<Entry>& queue);

  OutboxLimits limits_;
  std::map<std::uint32_t, std::deque<Entry>> channels_;
  std::uint64_t next_sequence_ = 0;
  std::size_t size_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace geoul::runtime
