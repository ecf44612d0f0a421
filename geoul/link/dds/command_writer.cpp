#include "geoul/link/dds/command_writer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "geoul/link/dds/cdr.h"

namespace geoul::link {
namespace {

constexpr Duration kPatience{2'000'000'000};

// The value as an integer where it is a whole number.
std::optional<std::int64_t> integer_of(const Value& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return *integer;
  const double number = number_of(value);
  if (std::holds_alternative<std::string>(value) || std::nearbyint(number) != number || std::abs(number) > 9e15)
    return {};
  return static_cast<std::int64_t>(number);
}

template <class T>
std::optional<std::string> whole(const Value& value) {
  const std::optional<std::int64_t> number = integer_of(value);
  if (!number || !std::in_range<T>(*number)) return std::nullopt;
  CdrWriter cdr;
  cdr.number(static_cast<T>(*number));
  return cdr.take();
}

template <class T>
std::optional<std::string> real(const Value& value) {
  if (std::holds_alternative<std::string>(value)) return std::nullopt;
  CdrWriter cdr;
  cdr.number(static_cast<T>(number_of(value)));
  return cdr.take();
}

std::optional<std::string> truth(const Value& value) {
  const std::optional<std::int64_t> number = integer_of(value);
  if (!number || *number < 0 || *number > 1) return std::nullopt;
  CdrWriter cdr;
  cdr.number(static_cast<std::uint8_t>(*number));
  return cdr.take();
}

std::optional<std::string> text(const Value& value) {
  const auto* string = std::get_if<std::string>(&value);
  if (string == nullptr) return std::nullopt;
  CdrWriter cdr;
  cdr.string(*string);
  return cdr.take();
}

struct Encoder {
  std::string_view type;
  std::optional<std::string> (*encode)(const Value&);
};
constexpr Encoder kEncoders[] = {
    {"std_msgs/msg/Bool", truth},
    {"std_msgs/msg/Int8", whole<std::int8_t>},
    {"std_msgs/msg/UInt8", whole<std::uint8_t>},
    {"std_msgs/msg/Int16", whole<std::int16_t>},
    {"std_msgs/msg/UInt16", whole<std::uint16_t>},
    {"std_msgs/msg/Int32", whole<std::int32_t>},
    {"std_msgs/msg/UInt32", whole<std::uint32_t>},
    {"std_msgs/msg/Int64", whole<std::int64_t>},
    {"std_msgs/msg/UInt64", whole<std::uint64_t>},
    {"std_msgs/msg/Float32", real<float>},
    {"std_msgs/msg/Float64", real<double>},
    {"std_msgs/msg/String", text},
};

}  // namespace

Result<std::string> encode_command(std::string_view type, const Value& value) {
  const auto* encoder =
      std::find_if(std::begin(kEncoders), std::end(kEncoders), [&](const Encoder& e) { return e.type == type; });
  if (encoder == std::end(kEncoders)) {
    return Error{ErrorCode::kUnsupported, "dds: " + std::string(type) +
                                              " is no single value: only std_msgs' Bool, Int, UInt, Float and String "
                                              "can be written"};
  }
  std::optional<std::string> message = encoder->encode(value);
  if (message) return std::move(*message);
  return Error{ErrorCode::kBadInput, "dds: " + std::string(type) + " cannot hold '" + to_string(value) + "'"};
}

Result<std::uint64_t> CommandWriter::write(const std::string& topic, const std::string& type, const Value& value) {
  auto message = encode_command(type, value);
  if (!message) return message.error();
  auto at = writers_.find({topic, type});
  if (at == writers_.end()) {
    auto made = node_.create_writer(topic, type, {});
    if (!made) return made.error();
    at = writers_.emplace(std::pair(topic, type), *made).first;
  }
  const std::uint64_t ticket = intake_.next_ticket();
  pending_.push_back({ticket, at->second, std::move(*message), false, intake_.now() + kPatience});
  return ticket;
}

void CommandWriter::poll() {
  const Time now = intake_.now();
  std::erase_if(pending_, [&](Pending& command) {
    if (!command.is_sent) {
      dds_publication_matched_status_t matched{};
      dds_get_publication_matched_status(command.writer.entity, &matched);
      if (matched.current_count > 0) {
        const dds_return_t sent = write_raw(command.writer.entity, command.writer.topic, command.message);
        if (sent != DDS_RETCODE_OK) {
          intake_.finish_write({command.ticket, false, "dds: not sent: " + dds_error(sent)});
          return true;
        }
        command.is_sent = true;
      }
    }
    if (command.is_sent && dds_wait_for_acks(command.writer.entity, 0) == DDS_RETCODE_OK) {
      intake_.finish_write({command.ticket, true, ""});
      return true;
    }
    if (now < command.until) return false;
    intake_.finish_write({command.ticket, false,
                          command.is_sent ? "dds: no acknowledgement within 2 s; is the node alive?"
                                          : "dds: no reader within 2 s; is the node alive?"});
    return true;
  });
}

}  // namespace geoul::link
