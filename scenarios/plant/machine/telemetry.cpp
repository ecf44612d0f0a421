#include "scenarios/plant/machine/telemetry.h"

#include <algorithm>
#include <cmath>

namespace geoul::plant {
namespace {

constexpr std::uint64_t kStream = 200;  // of the seed

}  // namespace

Telemetry::Telemetry(Machine machine, const TransportTruth& transport, std::uint64_t seed)
    : machine_(std::move(machine)), transport_(transport), random_(seed, kStream) {}

double Telemetry::due() const {
  const double period = machine_.time();
  return rows_.empty() ? period : std::min(period, rows_.front().due);
}

Result<std::optional<Telemetry::Row>> Telemetry::next() {
  if (!rows_.empty() && rows_.front().due <= machine_.time()) {
    std::optional<Row> row = std::move(rows_.front());
    rows_.pop_front();
    return row;
  }
  if (const auto moved = machine_.cycle(); !moved) return moved.error();
  const double late = -transport_.jitter * std::log(1 - random_.uniform());
  const double due = machine_.row_time() + transport_.delay + late;
  rows_.push_back({rows_.empty() ? due : std::max(due, rows_.back().due), machine_.row()});
  return std::optional<Row>{};
}

}  // namespace geoul::plant
