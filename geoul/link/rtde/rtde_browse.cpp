#include "geoul/link/rtde/rtde_browse.h"

#include <algorithm>
#include <chrono>

#include "geoul/link/rtde/rtde_client.h"
#include "geoul/link/rtde/rtde_variables.h"

namespace geoul::link {
namespace {

Time steady_now() { return {std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count()}; }

// Names of outputs in lists that one setup may hold.
std::vector<std::vector<std::string>> grouped_names() {
  std::vector<std::vector<std::string>> groups(1);
  std::size_t bytes = 0;
  for (const RtdeVariable& variable : rtde_outputs()) {
    if (bytes + variable.name.size() + 1 > kRtdeNamesLimit) {
      groups.emplace_back();
      bytes = 0;
    }
    groups.back().push_back(variable.name);
    bytes += variable.name.size() + 1;
  }
  return groups;
}

void append_offers(const std::vector<std::string>& names, const std::vector<RtdeType>& types,
                   const std::vector<Value>& values, std::vector<OfferedSignal>& offers) {
  std::size_t next = 0;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const RtdeVariable* variable = find_output(names[i]);
    const std::size_t count = element_count(types[i]);
    for (std::size_t e = 0; e < count; ++e, ++next) {
      OfferedSignal offer{names[i], value_type(types[i]), variable->unit, variable->description, false, ""};
      if (count > 1) offer.name += "_" + std::to_string(e);
      if (next < values.size()) offer.value = to_string(values[next]);
      offers.push_back(std::move(offer));
    }
  }
}

// The outputs of one group that the controller has, and one package of their values (none where it sends none).
Result<void> browse_group(RtdeClient& client, std::vector<std::string> names, double frequency, Time end,
                          const Interrupt& stop, std::vector<OfferedSignal>& offers) {
  auto recipe = client.setup_outputs(frequency, names);
  if (!recipe) return recipe.error();
  std::vector<std::string> found;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (element_count(recipe->types[i]) > 0) found.push_back(names[i]);
  }
  if (found.empty()) return {};
  if (found.size() < names.size()) {
    if (const auto again = client.reconnect(); !again) return again.error();
    recipe = client.setup_outputs(frequency, found);
    if (!recipe) return recipe.error();
  }
  if (const auto started = client.start(); !started) return started.error();
  std::vector<Value> values;
  while (values.empty() && steady_now() < end) {
    const auto package = client.next(std::min(end - steady_now(), Duration{500'000'000}), stop);
    if (!package) return package.error();
    if (!*package) break;
    if ((*package)->type != RtdePackageType::kData) continue;
    if (const auto read = decode_data(**package, recipe->types, values); !read) return read.error();
  }
  if (const auto paused = client.pause(); !paused) return paused.error();
  append_offers(found, recipe->types, values, offers);
  return {};
}

}  // namespace

Result<std::vector<OfferedSignal>> browse_rtde(const RtdeOptions& options, Duration patience, const Interrupt& stop) {
  const Time end = steady_now() + patience;
  auto client = RtdeClient::connect(options.host, options.port, patience, stop);
  if (!client) return client.error();
  std::vector<OfferedSignal> offers;
  for (std::vector<std::string>& names : grouped_names()) {
    const auto done = browse_group(*client, std::move(names), options.frequency, end, stop, offers);
    if (!done) return done.error();
  }
  for (const std::string& name : rtde_writable_names()) {
    const auto read_back = std::find_if(offers.begin(), offers.end(), [&](const auto& o) { return o.name == name; });
    if (read_back != offers.end()) {
      read_back->can_write = true;
      continue;
    }
    const RtdeVariable* input = find_input(name);
    const bool is_bit = !input;  // of a masked group: "standard_digital_output_3"
    offers.push_back({name, is_bit ? ValueType::kBoolean : value_type(input->type), "",
                      (is_bit ? "output" : input->description) + "; not tried", true, ""});
  }
  return offers;
}

}  // namespace geoul::link
