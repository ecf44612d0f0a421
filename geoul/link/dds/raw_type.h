// Topics of Cyclone DDS whose messages are bytes: any type by its name alone, without code that idlc generates. What
// the bytes mean is for ros_decoder.h and ros_messages.h. Source of the interface: Cyclone DDS 0.10, ddsi_sertype.h and
// ddsi_serdata.h, as ROS 2's own layer over Cyclone DDS uses them.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include <dds/dds.h>

namespace geoul::link {

struct RawTopic {
  dds_entity_t topic = 0;                 // an error of Cyclone DDS where negative
  const ddsi_sertype* sertype = nullptr;  // lives as long as the topic
};

// A topic without key of type `type` ("sensor_msgs::msg::dds_::JointState_").
RawTopic create_raw_topic(dds_entity_t participant, const std::string& topic, const std::string& type);

// Writes one message, encapsulation included. May wait for slow reliable readers, up to the writer's blocking time.
dds_return_t write_raw(dds_entity_t writer, const RawTopic& topic, std::string_view message);

// Takes all messages that wait; each is valid during its call. Returns how many.
std::size_t take_raw(dds_entity_t reader,
                     const std::function<void(std::string_view message, const dds_sample_info_t& info)>& visit);

}  // namespace geoul::link
