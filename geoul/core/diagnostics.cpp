#include "geoul/core/diagnostics.h"

#include <algorithm>
#include <utility>

namespace geoul {

std::string_view to_string(Severity severity) {
  switch (severity) {
    case Severity::kInfo: return "info";
    case Severity::kWarning: return "warning";
    case Severity::kError: return "error";
  }
  return "error";
}

std::string to_string(const Finding& finding) {
  std::string text;
  if (!finding.where.file.empty()) {
    text += finding.where.file + ":";
    if (finding.where.line > 0) text += std::to_string(finding.where.line) + ":";
    text += " ";
  }
  text += to_string(finding.severity);
  text += ": ";
  if (!finding.where.path.empty()) text += finding.where.path + ": ";
  text += finding.message;
  if (!finding.mend.empty()) text += "; " + finding.mend;
  return text;
}

void Diagnostics::add(Finding finding) {
  const bool apart = std::find(apart_.begin(), apart_.end(), finding.code) != apart_.end();
  if (finding.severity == Severity::kError && !apart) ++error_count_;
  if (findings_.size() < kMaxFindings) {
    findings_.push_back(std::move(finding));
  } else if (findings_.size() == kMaxFindings) {
    findings_.push_back({Severity::kWarning, {}, "too-many-findings", "more findings than are listed", ""});
  }
}

void Diagnostics::error(Location where, std::string code, std::string message, std::string mend) {
  add({Severity::kError, std::move(where), std::move(code), std::move(message), std::move(mend)});
}

void Diagnostics::warning(Location where, std::string code, std::string message, std::string mend) {
  add({Severity::kWarning, std::move(where), std::move(code), std::move(message), std::move(mend)});
}

void Diagnostics::info(Location where, std::string code, std::string message, std::string mend) {
  add({Severity::kInfo, std::move(where), std::move(code), std::move(message), std::move(mend)});
}

bool Diagnostics::has(std::string_view code) const {
  return std::any_of(findings_.begin(), findings_.end(), [&](const Finding& f) { return f.code == code; });
}

std::string Diagnostics::text() const {
  std::string text;
  for (const Finding& finding : findings_) text += to_string(finding) + "\n";
  return text;
}

Error Diagnostics::to_error(ErrorCode code) const {
  GEOUL_EXPECTS(!ok());
  const auto first = std::find_if(findings_.begin(), findings_.end(), [&](const Finding& f) {
    return f.severity == Severity::kError && std::find(apart_.begin(), apart_.end(), f.code) == apart_.end();
  });
  std::string message = first != findings_.end() ? to_string(*first) : "more errors than are listed";
  if (error_count_ > 1) message += " (and " + std::to_string(error_count_ - 1) + " more)";
  return {code, message};
}

}  // namespace geoul
