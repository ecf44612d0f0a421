#include "geoul/link/dds/subscription.h"

#include <algorithm>

namespace geoul::link {
namespace {

std::vector<std::string> names_of(const Intake& intake, const std::vector<std::uint32_t>& signals) {
  std::vector<std::string> names;
  for (const std::uint32_t signal : signals) names.push_back(intake.options().signals[signal]);
  return names;
}

}  // namespace

Subscription::Subscription(RosNode& node, const RosType& type, Subscribed what, Intake& intake)
    : node_(node),
      type_(type),
      what_(std::move(what)),
      intake_(intake),
      decoder_(names_of(intake, what_.signals)),
      last_writer_(what_.signals.size(), 0) {}

Result<std::unique_ptr<Subscription>> Subscription::open(RosNode& node, const RosType& type, Subscribed what,
                                                         Intake& intake) {
  std::unique_ptr<Subscription> made(new Subscription(node, type, std::move(what), intake));
  Subscription* self = made.get();
  dds_listener_t* listener = dds_create_listener(self);
  dds_lset_data_available(listener,
                          [](dds_entity_t reader, void* s) { static_cast<Subscription*>(s)->receive(reader); });
  dds_lset_sample_lost(listener, [](dds_entity_t, const dds_sample_lost_status_t status, void* s) {
    static_cast<Subscription*>(s)->intake_.count_lost(status.total_count_change);
  });
  dds_lset_liveliness_changed(listener, [](dds_entity_t, const dds_liveliness_changed_status_t status, void* s) {
    static_cast<Subscription*>(s)->count_writers(status);
  });
  dds_lset_requested_incompatible_qos(
      listener, [](dds_entity_t, const dds_requested_incompatible_qos_status_t, void* s) {
        auto* subscription = static_cast<Subscription*>(s);
        const std::lock_guard lock(subscription->mutex_);
        subscription->problem_ = "a writer offers less than is asked for (reliability or durability): it is not heard";
      });
  // calls may come before create_reader returns, from this thread too: no lock is held here
  auto endpoint = node.create_reader(self->what_.topic, self->what_.type, self->what_.qos, listener);
  dds_delete_listener(listener);
  if (!endpoint) return endpoint.error();
  self->endpoint_ = *endpoint;
  return made;
}

Subscription::~Subscription() {
  if (endpoint_.entity > 0) node_.remove(endpoint_);  // waits for the listener's calls
}

void Subscription::receive(dds_entity_t reader) {
  const std::lock_guard lock(mutex_);
  take_raw(reader, [this](std::string_view message, const dds_sample_info_t& info) {
    ++messages_;
    items_.clear();
    Diagnostics diagnostics;
    const bool is_sound = decoder_.decode(common_ros_types(), type_, what_.topic, message, items_, diagnostics);
    if (!is_sound) {
      problem_ = to_string(diagnostics.findings().front());
      return;
    }
    for (Intake::Item& item : items_) {
      last_writer_[item.signal] = info.publication_handle;
      item.signal = what_.signals[item.signal];
      // a stamp of 0 was never set; DDS knows when the message was written
      if (!item.source_time || item.source_time->ns == 0) item.source_time = Time{info.source_timestamp};
    }
    intake_.deliver(items_);
  });
}

void Subscription::count_writers(const dds_liveliness_changed_status_t& status) {
  alive_ = static_cast<int>(status.alive_count);
  if (status.alive_count_change >= 0 && status.alive_count > 0) return;
  const std::lock_guard lock(mutex_);
  mark_bad(status.last_publication_handle, status.alive_count == 0);
}

void Subscription::mark_bad(dds_instance_handle_t writer, bool all) {
  for (std::size_t i = 0; i < last_writer_.size(); ++i) {
    if (last_writer_[i] != 0 && (all || last_writer_[i] == writer)) intake_.mark_bad(what_.signals[i]);
  }
}

std::string Subscription::missing_signal() const {
  if (messages_ == 0) return {};
  const std::lock_guard lock(mutex_);
  const auto at = std::find(last_writer_.begin(), last_writer_.end(), dds_instance_handle_t{0});
  if (at == last_writer_.end()) return {};
  return intake_.options().signals[what_.signals[static_cast<std::size_t>(at - last_writer_.begin())]];
}

std::string Subscription::problem() const {
  const std::lock_guard lock(mutex_);
  return problem_;
}

}  // namespace geoul::link
