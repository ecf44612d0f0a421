#include "geoul/cli/findings.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <vector>

namespace geoul::cli {
namespace {

using runtime::CheckedFile;
using runtime::CheckedFinding;
using runtime::Mending;

constexpr const char* kBold = "1";
constexpr const char* kDim = "2";
constexpr const char* kGreen = "32";
constexpr const char* kRed = "1;31";
constexpr const char* kYellow = "1;33";
constexpr const char* kBlue = "1;34";

std::string painted(const std::string& text, const char* paint, const Style& style) {
  return style.colour ? std::string("\033[") + paint + "m" + text + "\033[0m" : text;
}

const char* word_of(Severity severity) {
  return severity == Severity::kError ? "error" : severity == Severity::kWarning ? "warning" : "note";
}
const char* paint_of(Severity severity) {
  return severity == Severity::kError ? kRed : severity == Severity::kWarning ? kYellow : kBlue;
}

std::size_t columns(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string padded(const std::string& text, std::size_t width) {
  const std::size_t n = columns(text);
  return text + std::string(width > n ? width - n : 0, ' ');
}

std::string counted(std::size_t n, const char* one, const char* many) {
  return std::to_string(n) + " " + (n == 1 ? one : many);
}

std::string counts(const CheckedFile& file) {
  std::string out;
  const auto add = [&](Severity severity, const char* one, const char* many) {
    const std::size_t n = file.count(severity);
    if (n > 0) out += (out.empty() ? "" : ", ") + counted(n, one, many);
  };
  add(Severity::kError, "error", "errors");
  add(Severity::kWarning, "warning", "warnings");
  add(Severity::kInfo, "note", "notes");
  return out.empty() ? "nothing to say" : out;
}

// "arm.urdf:118  /arm/forearm"; files below the folder of the one checked from there.
std::string place(const Finding& finding, const std::string& checked) {
  namespace fs = std::filesystem;
  std::string out;
  if (!finding.where.file.empty()) {
    const fs::path inside = fs::path(finding.where.file).lexically_relative(fs::path(checked).parent_path());
    out = inside.empty() || *inside.begin() == ".." ? finding.where.file : inside.string();
    if (finding.where.line > 0) out += ":" + std::to_string(finding.where.line);
  }
  if (!finding.where.path.empty()) out += (out.empty() ? "" : "  ") + finding.where.path;
  return out.empty() ? fs::path(checked).filename().string() : out;
}

const char* mended_by(const std::vector<CheckedFinding>& findings, std::size_t begin, std::size_t end) {
  bool automatic = false, request = false;
  for (std::size_t i = begin; i < end; ++i) {
    automatic = automatic || findings[i].mending == Mending::kAutomatic;
    request = request || findings[i].mending == Mending::kOnRequest;
  }
  return automatic ? "  --mend" : request ? "  --mend --only" : "";
}

void labelled(const char* label, const std::string& text, std::size_t indent, const Style& style, std::string& out) {
  if (text.empty()) return;
  const std::string lead = std::string(indent, ' ') + padded(label, 6);
  out += painted(lead, kDim, style) + wrapped(text, indent + 6, style.width) + "\n";
}

// All findings [begin, end) of one code.
void block(const CheckedFile& file, std::size_t begin, std::size_t end, const Style& style, std::string& out) {
  const std::vector<CheckedFinding>& findings = file.findings;
  const Finding& first = findings[begin].finding;
  const bool one_mend = std::all_of(findings.begin() + static_cast<std::ptrdiff_t>(begin),
                                    findings.begin() + static_cast<std::ptrdiff_t>(end),
                                    [&](const CheckedFinding& f) { return f.finding.mend == first.mend; });
  out += painted(word_of(first.severity), paint_of(first.severity), style) + "  " + painted(first.code, kBold, style);
  if (end - begin > 1) out += " (" + std::to_string(end - begin) + ")";
  out += painted(mended_by(findings, begin, end), kGreen, style) + "\n";
  const std::size_t most = style.all ? end - begin : first.severity == Severity::kInfo ? 2 : 5;
  for (std::size_t i = begin; i < std::min(end, begin + most); ++i) {
    const Finding& f = findings[i].finding;
    out += "  " + place(f, file.file) + "\n    " + wrapped(f.message, 4, style.width) + "\n";
    if (!one_mend) labelled("mend", f.mend, 4, style, out);
  }
  if (end - begin > most) {
    out += painted("  and " + std::to_string(end - begin - most) + " more; --all lists them", kDim, style) + "\n";
  }
  labelled("why", findings[begin].why, 2, style, out);
  if (one_mend) labelled("mend", first.mend, 2, style, out);
  out += "\n";
}

std::string status(const CheckedFile& file, const Style& style) {
  return file.ok ? painted("ok", kGreen, style) + "    " : painted("FAIL", kRed, style) + "  ";
}

// "bad-inertia 3, no-mass 1, 5 notes"
std::string codes_of(const CheckedFile& file) {
  std::string out;
  const auto& findings = file.findings;
  for (std::size_t i = 0; i < findings.size();) {
    std::size_t end = i + 1;
    while (end < findings.size() && findings[end].finding.code == findings[i].finding.code &&
           findings[end].finding.severity == findings[i].finding.severity)
      ++end;
    if (findings[i].finding.severity != Severity::kInfo) {
      out += (out.empty() ? "" : ", ") + findings[i].finding.code;
      if (end - i > 1) out += " " + std::to_string(end - i);
    }
    i = end;
  }
  if (const std::size_t notes = file.count(Severity::kInfo); notes > 0)
    out += (out.empty() ? "" : ", ") + counted(notes, "note", "notes");
  return out;
}

// How often each code was found, and in how many files; the worst first, then by name.
std::string totals(const std::vector<CheckedFile>& files, const Style& style) {
  struct Total {
    std::size_t findings = 0, files = 0;
  };
  std::map<std::pair<int, std::string>, Total> by_code;
  std::size_t longest = 4;
  for (const CheckedFile& file : files) {
    std::set<std::pair<int, std::string>> here;
    for (const CheckedFinding& f : file.findings) {
      const std::pair<int, std::string> key{-static_cast<int>(f.finding.severity), f.finding.code};
      Total& total = by_code[key];
      ++total.findings;
      total.files += here.insert(key).second ? 1 : 0;
      longest = std::max(longest, f.finding.code.size());
    }
  }
  std::string out;
  for (const auto& [key, total] : by_code) {
    const auto severity = static_cast<Severity>(-key.first);
    out += painted(padded(word_of(severity), 7), paint_of(severity), style) + "  " + padded(key.second, longest + 2) +
           counted(total.findings, "finding", "findings") + " in " + counted(total.files, "file", "files") + "\n";
  }
  return out;
}

}  // namespace

Style output_style(bool all) {
  Style style;
  style.all = all;
  const bool terminal = isatty(STDOUT_FILENO) == 1;
  const char* no_colour = std::getenv("NO_COLOR");
  style.colour = terminal && (no_colour == nullptr || *no_colour == 0);
  winsize size{};
  const char* given = std::getenv("COLUMNS");
  if (terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    style.width = size.ws_col;
  } else if (given != nullptr && std::atoi(given) > 0) {
    style.width = static_cast<std::size_t>(std::atoi(given));
  }
  style.width = std::clamp<std::size_t>(style.width, 40, 120);
  return style;
}

std::string wrapped(const std::string& text, std::size_t indent, std::size_t width) {
  std::string out;
  std::size_t at = indent;
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = text.find(' ', begin);
    if (end == std::string::npos) end = text.size();
    const std::string word = text.substr(begin, end - begin);
    const std::size_t n = columns(word);
    if (at > indent && at + 1 + n > width) {
      out += "\n" + std::string(indent, ' ');
      at = indent;
    } else if (at > indent) {
      out += ' ';
      ++at;
    }
    out += word;
    at += n;
    begin = end + 1;
  }
  return out;
}

std::string report(const CheckedFile& file, const Style& style) {
  std::string out;
  for (std::size_t i = 0; i < file.findings.size();) {
    std::size_t end = i + 1;
    const auto same = [&](const CheckedFinding& f) {
      return f.finding.code == file.findings[i].finding.code && f.finding.severity == file.findings[i].finding.severity;
    };
    while (end < file.findings.size() && same(file.findings[end])) ++end;
    block(file, i, end, style, out);
    i = end;
  }
  std::string last = painted(file.file, kBold, style) + ": " + counts(file);
  if (!file.summary.empty()) last += " (" + file.summary + ")";
  out += status(file, style) + wrapped(last, 6, style.width) + "\n";
  const auto automatic =
      static_cast<std::size_t>(std::count_if(file.findings.begin(), file.findings.end(),
                                             [](const CheckedFinding& f) { return f.mending == Mending::kAutomatic; }));
  if (automatic > 0) {
    out += "      " +
           wrapped("'geoul check FILE --mend OUT.usda' writes a copy with " + std::to_string(automatic) +
                       " of these mended",
                   6, style.width) +
           "\n";
  }
  return out;
}

std::string report(const runtime::CheckedFolder& folder, const std::string& root, const Style& style) {
  namespace fs = std::filesystem;
  std::vector<std::string> names;
  std::size_t longest = 0;
  for (const CheckedFile& file : folder.files) {
    names.push_back(fs::path(file.file).lexically_relative(root).string());
    longest = std::max(longest, columns(names.back()));
  }
  longest = std::min(longest, style.width / 2);
  std::string out;
  std::size_t bad = 0;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const CheckedFile& file = folder.files[i];
    bad += file.ok ? 0 : 1;
    std::string codes = codes_of(file);
    const std::size_t used = 6 + std::max(longest, columns(names[i])) + 2;
    if (!style.all && used + columns(codes) > style.width) {
      const std::size_t room = style.width > used + 4 ? style.width - used - 4 : 0;
      codes = room < 8 ? counts(file) : codes.substr(0, codes.rfind(',', room)) + ", ...";
    }
    out += status(file, style) + (codes.empty() ? names[i] : padded(names[i], longest) + "  " + codes) + "\n";
  }
  out += "\n" + totals(folder.files, style) + "\n";
  std::string last = counted(names.size(), "file", "files") + ": " + std::to_string(names.size() - bad) + " ok, " +
                     std::to_string(bad) + " with errors";
  if (!folder.parts.empty())
    last += "; " + counted(folder.parts.size(), "other is a part", "others are parts") + " of these";
  return out + wrapped(last, 0, style.width) + "\n";
}

std::string report(const runtime::Mended& mended, const Style& style) {
  std::string out;
  for (const runtime::MendChange& change : mended.changes) {
    out +=
        painted("mended", kGreen, style) + "  " + painted(change.code, kBold, style) + "  " +
        (change.where.path.empty() ? std::filesystem::path(change.where.file).filename().string() : change.where.path) +
        "\n    " + wrapped(change.words, 4, style.width) + "\n";
  }
  return out + (out.empty() ? "" : "\n");
}

}  // namespace geoul::cli
