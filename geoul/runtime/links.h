// Links: from a site's words to a live connection. The scheme of the URL says the protocol:
//   mqtt[s]://HOST[:PORT]        MQTT, Sparkplug B or plain topics     payload version user password_file ca_file
//                                certificate_file key_file host_id time_pointer
//   opc.tcp://HOST[:4840]        OPC UA                                security user password_file publishing_s
//                                sampling_s queue
//   ros2://localhost, //eth0     ROS 2 over DDS                        domain node_name
//   rtde://HOST[:30004]          a Universal Robots controller          frequency_hz inputs analog_output
//   modbus://HOST[:502]          a Modbus TCP device                    unit_id byte_order gap
//   rosbag:BAG                   a ROS 2 bag (MCAP), played             speed loop
//   csv:FILE[,FILE]              a recording, played as if it were live time_column speed loop
// Each protocol's keys are checked when the site is read; the adapters themselves are geoul/link's.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "geoul/core/result.h"
#include "geoul/link/link.h"
#include "geoul/runtime/site.h"

namespace geoul::runtime {

// All keys that some protocol takes beside those of LinkSpec.
const std::vector<std::string>& link_option_keys();

std::vector<std::string> link_examples();  // of URLs, one a protocol

// What is wrong with the words of a link, with the remedy; none where they are right.
std::optional<Error> check_link(const LinkSpec& spec);

// The link, not started, asked for these signals by their names of the protocol. kNotFound where a file of secrets or
// certificates is missing, kUnsupported where this build lacks the protocol.
// units: (signals) that they are taken in, or empty.
Result<std::unique_ptr<link::Link>> make_link(const LinkSpec& spec, std::vector<std::string> signals,
                                              std::function<Time()> now, std::vector<link::ExpectedUnit> units = {});

// How old a signal of the link may be. Plants that send everything again and again are silent for half a second at
// most; those that send what changed (MQTT, OPC UA) are believed for as long as the link is live.
Duration stale_after(const LinkSpec& spec);

// Gives a link of the site other words, "ID=URL[,key=value...]": its URL, prefix and options are replaced; signals with
// names of their own in the site keep them.
std::optional<Error> replace_link(Site& site, const std::string& words);

}  // namespace geoul::runtime
