#include "geoul/link/rtde/rtde_controller.h"

#include <algorithm>
#include <cmath>

#include "geoul/link/csv_source.h"

namespace geoul::link {
namespace {

constexpr std::size_t kMaxRecipes = 255;

// Variables of which the header names every element, and the names of their columns.
std::vector<RtdeVariable> variables_in(const std::vector<std::string>& header, std::vector<std::string>& columns) {
  std::vector<RtdeVariable> found;
  for (const RtdeVariable& variable : rtde_outputs()) {
    if (variable.name == "timestamp") continue;
    const std::vector<std::string> names = signal_names(variable);
    const bool has_all = std::all_of(names.begin(), names.end(), [&](const std::string& name) {
      return std::find(header.begin(), header.end(), name) != header.end();
    });
    if (!has_all) continue;
    found.push_back(variable);
    columns.insert(columns.end(), names.begin(), names.end());
  }
  return found;
}

void append_text(RtdeLevel level, const std::string& message, std::vector<std::uint8_t>& out) {
  append_package(RtdePackageType::kText, encode_text({level, message, "RTDE"}), out);
}

}  // namespace

std::optional<RtdeColumns> read_rtde_columns(const std::vector<std::string>& files, Diagnostics& diagnostics) {
  RtdeColumns out;
  CsvOptions options{.time_column = "timestamp"};
  for (const std::string& file : files) {
    const auto header = read_csv_header(file, diagnostics);
    if (!header) return std::nullopt;
    std::vector<std::string> columns;
    auto variables = variables_in(*header, columns);
    if (out.time.empty()) {
      out.variables = std::move(variables);
      out.width = columns.size();
      options.columns = columns;
    } else if (columns != options.columns) {
      diagnostics.error({file, 1, ""}, "other-columns", "the file has other columns than the first",
                        "play files of one recording");
      return std::nullopt;
    }
    const auto recording = read_csv(file, options, diagnostics);
    if (!recording) return std::nullopt;
    if (!out.time.empty() && recording->time.front() <= out.time.back()) {
      diagnostics.error({file, 2, "timestamp"}, "time-backwards", "the file begins before the one before it ends",
                        "give the files in the order of their times");
      return std::nullopt;
    }
    out.time.insert(out.time.end(), recording->time.begin(), recording->time.end());
    out.values.insert(out.values.end(), recording->values.begin(), recording->values.end());
  }
  if (out.variables.empty()) {
    diagnostics.error({files.empty() ? "" : files.front(), 1, ""}, "no-column", "no column is a variable of RTDE",
                      "name columns as in actual_q_0 or robot_mode");
    return std::nullopt;
  }
  return out;
}

RtdeController::RtdeController(RtdeColumns columns, RtdeControllerVersion version)
    : columns_(std::move(columns)), version_(version) {
  GEOUL_EXPECTS(columns_.values.size() == columns_.time.size() * columns_.width);
  for (const RtdeVariable& variable : columns_.variables) add_output(variable);
  add_output(*find_output("timestamp"));
  for (const RtdeVariable& variable : rtde_outputs()) {
    const bool is_register = variable.name.find("put_bit_register") != std::string::npos ||
                             variable.name.find("put_int_register") != std::string::npos ||
                             variable.name.find("put_double_register") != std::string::npos;
    const bool follows_input =
        variable.name == "actual_digital_output_bits" || variable.name == "target_speed_fraction";
    if (is_register || follows_input) add_output(variable);
  }
  if (!columns_.time.empty()) play(0, columns_.time.front());
}

void RtdeController::add_output(const RtdeVariable& variable) {
  const auto [at, is_new] = slots_.try_emplace(variable.name, Slot{variable.type, values_.size()});
  if (is_new) values_.resize(values_.size() + element_count(variable.type), 0.0);
}

std::optional<RtdeController::Slot> RtdeController::output(std::string_view name) const {
  const auto at = slots_.find(name);
  return at == slots_.end() ? std::nullopt : std::optional(at->second);
}

void RtdeController::set(std::string_view name, double value) {
  const auto slot = output(name);
  if (slot && element_count(slot->type) == 1) values_[slot->first] = value;
}

void RtdeController::play(std::size_t row, Time timestamp) {
  GEOUL_EXPECTS(row < columns_.time.size());
  show(std::span(columns_.values).subspan(row * columns_.width, columns_.width), timestamp);
}

void RtdeController::show(std::span<const double> row, Time timestamp) {
  GEOUL_EXPECTS(row.size() == columns_.width);
  std::copy(row.begin(), row.end(), values_.begin());
  set("timestamp",
      static_cast<double>(timestamp.ns) / 1e9);  // divided: the nearest number, as a file's decimals are read
  const auto bits = static_cast<std::uint64_t>(values_[output("actual_digital_output_bits")->first]);
  set("actual_digital_output_bits", static_cast<double>((bits & ~written_mask_) | (written_bits_ & written_mask_)));
  if (written_speed_) set("target_speed_fraction", *written_speed_);
}

RtdeType RtdeController::input(const std::string& name, int client) const {
  const RtdeVariable* variable = find_input(name);
  if (!variable) return RtdeType::kNotFound;
  const auto at = reserved_.find(name);
  return at == reserved_.end() || at->second == client ? variable->type : RtdeType::kInUse;
}

void RtdeController::leave(int client) {
  std::erase_if(reserved_, [&](const auto& entry) { return entry.second == client; });
}

void RtdeController::write(const std::vector<std::string>& names, const std::vector<Value>& values) {
  const auto given = [&](const std::string& name) -> std::optional<double> {
    const auto at = std::find(names.begin(), names.end(), name);
    if (at == names.end()) return std::nullopt;
    return number_of(values[static_cast<std::size_t>(at - names.begin())]);
  };
  const auto set_bits = [&](const std::string& stem, int shift) {
    const auto mask = given(stem + "_mask"), bits = given(stem);
    if (!mask || !bits) return;
    const std::uint64_t m = static_cast<std::uint64_t>(*mask) << shift, b = static_cast<std::uint64_t>(*bits) << shift;
    written_mask_ |= m;
    written_bits_ = (written_bits_ & ~m) | (b & m);
  };
  set_bits("standard_digital_output", 0);
  set_bits("configurable_digital_output", 8);
  set_bits("tool_digital_output", 16);
  if (given("speed_slider_mask") == 1.0 && given("speed_slider_fraction")) {
    written_speed_ = std::clamp(*given("speed_slider_fraction"), 0.0, 1.0);
  }
  for (const std::string& name : names) {
    if (name.starts_with("input_")) set(name, *given(name));
  }
}

bool RtdeSession::receive(Bytes bytes, std::vector<std::uint8_t>& out) {
  reader_.append(bytes);
  while (true) {
    const auto package = reader_.next();
    if (!package) {
      append_text(RtdeLevel::kException, package.error().message, out);
      return false;
    }
    if (!*package) return true;
    answer(**package, out);
  }
}

void RtdeSession::answer(const RtdePackage& package, std::vector<std::uint8_t>& out) {
  using P = RtdePackageType;
  if (package.type == P::kProtocolVersion) {
    const auto version = decode_protocol_version(package);
    if (!version) return append_text(RtdeLevel::kError, version.error().message, out);
    negotiated_ = *version == kRtdeVersion;
    return append_package(P::kProtocolVersion, encode_accepted(negotiated_), out);
  }
  if (package.type == P::kControllerVersion) {
    return append_package(P::kControllerVersion, encode_controller_version(controller_.version()), out);
  }
  if (!negotiated_) {
    return append_text(RtdeLevel::kError, "agree on protocol version 2 first: version 1 is not simulated", out);
  }
  switch (package.type) {
    case P::kSetupOutputs: return setup_outputs(package, out);
    case P::kSetupInputs: return setup_inputs(package, out);
    case P::kStart: {
      started_ = outputs_valid_ && !outputs_.empty();
      return append_package(P::kStart, encode_accepted(started_), out);
    }
    case P::kPause: {
      started_ = false;
      return append_package(P::kPause, encode_accepted(true), out);
    }
    case P::kData: return take_inputs(package, out);
    default: return;  // a text message of the client, for the controller's log
  }
}

void RtdeSession::setup_outputs(const RtdePackage& package, std::vector<std::uint8_t>& out) {
  const auto setup = decode_output_setup(package);
  started_ = false;
  outputs_.clear();
  outputs_valid_ = false;
  if (!setup) return append_text(RtdeLevel::kError, setup.error().message, out);
  RtdeRecipe recipe;
  for (const std::string& name : setup->names) {
    const auto slot = controller_.output(name);
    recipe.types.push_back(slot ? slot->type : RtdeType::kNotFound);
    if (slot) outputs_.push_back(*slot);
  }
  outputs_valid_ = outputs_.size() == setup->names.size();
  if (!outputs_valid_) outputs_.clear();
  output_recipe_ = outputs_valid_ ? 1 : 0;
  recipe.id = output_recipe_;
  divisor_ = static_cast<std::uint64_t>(std::max(1.0, std::round(std::min(cycle_ / setup->frequency, 1e9))));
  append_package(RtdePackageType::kSetupOutputs, encode_recipe(recipe), out);
}

void RtdeSession::setup_inputs(const RtdePackage& package, std::vector<std::uint8_t>& out) {
  const auto names = decode_input_setup(package);
  if (!names) return append_text(RtdeLevel::kError, names.error().message, out);
  if (inputs_.size() >= kMaxRecipes) return append_text(RtdeLevel::kError, "no more than 255 input recipes", out);
  RtdeRecipe recipe;
  bool is_ours = true;
  for (const std::string& name : *names) {
    recipe.types.push_back(controller_.input(name, client_));
    is_ours = is_ours && element_count(recipe.types.back()) > 0;
  }
  if (is_ours) {
    for (const std::string& name : *names) controller_.reserve(name, client_);
    inputs_.push_back({*names, recipe.types});
    recipe.id = static_cast<std::uint8_t>(inputs_.size());
  }
  append_package(RtdePackageType::kSetupInputs, encode_recipe(recipe), out);
}

void RtdeSession::take_inputs(const RtdePackage& package, std::vector<std::uint8_t>& out) {
  const auto id = decode_data_recipe(package);
  if (!id || *id == 0 || *id > inputs_.size()) {
    return append_text(RtdeLevel::kWarning, "a data package of no recipe of inputs was ignored", out);
  }
  const Input& input = inputs_[*id - 1u];
  std::vector<Value> values;
  if (const auto read = decode_data(package, input.types, values); !read) {
    return append_text(RtdeLevel::kWarning, read.error().message + "; it was ignored", out);
  }
  ++writes_;
  if (values.size() == input.names.size()) controller_.write(input.names, values);
}

void RtdeSession::append_data(std::vector<std::uint8_t>& out) const {
  std::vector<std::uint8_t> payload = {output_recipe_};
  for (const RtdeController::Slot& slot : outputs_) {
    for (std::size_t e = 0; e < element_count(slot.type); ++e) {
      append_element(slot.type, controller_.values()[slot.first + e], payload);
    }
  }
  if (payload.size() <= 65532) append_package(RtdePackageType::kData, payload, out);
}

}  // namespace geoul::link
