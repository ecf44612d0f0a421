#include "geoul/runtime/server/outbox.h"

#include "geoul/core/contract.h"

namespace geoul::runtime {

Outbox::Outbox(OutboxLimits limits) : limits_(limits) { GEOUL_EXPECTS(limits.frames_per_channel >= 1); }

void Outbox::drop_front(std::deque<Entry>& queue) {
  bytes_ -= queue.front().frame.payload->size();
  --size_;
  queue.pop_front();
}

std::size_t Outbox::push(Frame frame) {
  GEOUL_EXPECTS(frame.payload != nullptr);
  std::deque<Entry>& queue = channels_[frame.channel_id];
  bytes_ += frame.payload->size();
  ++size_;
  queue.push_back({next_sequence_++, std::move(frame)});

  std::size_t dropped = 0;
  while (queue.size() > limits_.frames_per_channel) {
    drop_front(queue);
    ++dropped;
  }
  while (bytes_ > limits_.bytes) {
    std::deque<Entry>* oldest = nullptr;
    for (auto& [id, other] : channels_) {
      if (other.size() > 1 && (!oldest || other.front().sequence < oldest->front().sequence)) oldest = &other;
    }
    if (!oldest) break;
    drop_front(*oldest);
    ++dropped;
  }
  return dropped;
}

bool Outbox::replace(Frame frame) {
  GEOUL_EXPECTS(frame.payload != nullptr);
  std::deque<Entry>& queue = channels_[frame.channel_id];
  if (queue.empty()) {
    push(std::move(frame));
    return false;
  }
  const std::uint64_t turn = queue.front().sequence;
  while (queue.size() > 1) drop_front(queue);
  queue.front().sequence = turn;
  bytes_ += frame.payload->size();
  bytes_ -= queue.front().frame.payload->size();
  queue.front().frame = std::move(frame);
  return true;
}

bool Outbox::holds(std::uint32_t channel_id) const {
  const auto at = channels_.find(channel_id);
  return at != channels_.end() && !at->second.empty();
}

std::optional<Frame> Outbox::pop(const std::function<bool(std::uint32_t channel_id)>& ready) {
  std::deque<Entry>* oldest = nullptr;
  for (auto& [id, queue] : channels_) {
    if (queue.empty() || (oldest && queue.front().sequence > oldest->front().sequence)) continue;
    if (!ready || ready(id)) oldest = &queue;
  }
  if (!oldest) return std::nullopt;
  Frame frame = std::move(oldest->front().frame);
  oldest->pop_front();
  --size_;
  bytes_ -= frame.payload->size();
  return frame;
}

void Outbox::erase(std::uint32_t channel_id) {
  const auto it = channels_.find(channel_id);
  if (it == channels_.end()) return;
  while (!it->second.empty()) drop_front(it->second);
  channels_.erase(it);
}

}  // namespace geoul::runtime
