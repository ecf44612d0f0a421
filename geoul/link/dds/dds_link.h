// The link to a ROS 2 graph over DDS (Cyclone DDS), without ROS. Every ROS topic of the domain whose type Geoul knows
// (ros_types.h) can be read; a signal's name is that of ros_decoder.h, "joint_states/position/elbow", and begins with
// the topic. Nothing more is to be said: type and quality of service are taken from the writers, as they appear; a
// reader is as reliable and as durable as all of them, so that one who comes late gets tf_static too.
//
// Health: `live` while a topic that is asked for has a writer; `lost` counts what DDS says it lost. When a writer dies
// (ends, or is silent beyond its lease: 10 s with Cyclone DDS, 20 s with Fast DDS by default), the signals that it
// wrote last turn bad. Source time: ros_decoder.h; without a header, DDS's own time of writing.
//
// write(): TOPIC/data of std_msgs' Bool, [U]Int8..64, Float32, Float64 and String, where a node reads the topic
// reliably; done when DDS has its acknowledgement. Other types of command are no single value: RosPublisher sends them.
// browse(): reads along for as long as it may wait: names of joints and frames stand in the messages only.
#pragma once

#include <memory>

#include "geoul/link/dds/dds_options.h"
#include "geoul/link/link.h"

namespace geoul::link {

struct DdsLinkOptions {
  LinkOptions link = {};
  DdsOptions dds = {};
};

std::unique_ptr<Link> make_dds_link(DdsLinkOptions options);

}  // namespace geoul::link
