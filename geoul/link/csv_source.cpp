#include "geoul/link/csv_source.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>

#include "geoul/core/nearest.h"

namespace geoul::link {
namespace {

std::string quoted(std::string_view text) {
  constexpr std::size_t kShown = 40;
  std::string out = "'";
  for (const char c : text.substr(0, kShown)) out += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
  return out + (text.size() > kShown ? "...'" : "'");
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Hands out lines without their ends, and counts them.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {
    if (rest_.starts_with("\xEF\xBB\xBF")) rest_.remove_prefix(3);
  }
  bool next(std::string_view& line) {
    if (rest_.empty()) return false;
    const std::size_t end = rest_.find_first_of("\r\n");
    line = rest_.substr(0, end);
    ++number_;
    if (end == std::string_view::npos) {
      rest_ = {};
    } else {
      rest_.remove_prefix(rest_.substr(end).starts_with("\r\n") ? end + 2 : end + 1);
    }
    return true;
  }
  int number() const { return number_; }

 private:
  std::string_view rest_;
  int number_ = 0;
};

// Cuts a line into fields. False where a quote is not closed.
bool split(std::string_view line, std::vector<std::string_view>& fields) {
  fields.clear();
  while (true) {
    std::size_t end = 0;
    if (line.starts_with('"')) {
      for (end = 1;; ++end) {
        end = line.find('"', end);
        if (end == std::string_view::npos) return false;
        if (end + 1 < line.size() && line[end + 1] == '"')
          ++end;  // a doubled quote stands for itself
        else
          break;
      }
      end = line.find(',', end);
    } else {
      end = line.find(',');
    }
    fields.push_back(line.substr(0, end));
    if (end == std::string_view::npos) return true;
    line.remove_prefix(end + 1);
  }
}

std::string_view unquoted(std::string_view field) {
  field = trimmed(field);
  if (field.size() >= 2 && field.front() == '"' && field.back() == '"') field = field.substr(1, field.size() - 2);
  return trimmed(field);
}

// "2014-02-08 15:25:00.5", as csv_source.h says; none where it is no date of the years 1700 to 2250.
std::optional<Time> parse_date_time(std::string_view text) {
  if (!text.empty() && (text.back() == 'Z' || text.back() == 'z')) text.remove_suffix(1);
  const auto part = [&](std::size_t at, std::size_t digits, char before, int& value) {
    if (text.size() < at + digits || (at > 0 && text[at - 1] != before)) return false;
    const char* begin = text.data() + at;
    if (!std::all_of(begin, begin + digits, [](char c) { return c >= '0' && c <= '9'; })) return false;
    return std::from_chars(begin, begin + digits, value).ec == std::errc();
  };
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (!part(0, 4, 0, year) || !part(5, 2, '-', month) || !part(8, 2, '-', day)) return std::nullopt;
  if (text.size() < 11 || (text[10] != 'T' && text[10] != ' ')) return std::nullopt;
  if (!part(11, 2, text[10], hour) || !part(14, 2, ':', minute)) return std::nullopt;
  if (text.size() > 16 && !part(17, 2, ':', second)) return std::nullopt;
  std::int64_t fraction = 0;  // [ns]
  if (text.size() > 19) {
    std::string_view digits = text.substr(20);
    if (text[19] != '.' || digits.empty() || digits.size() > 9) return std::nullopt;
    for (std::size_t i = 0; i < 9; ++i) {
      if (i < digits.size() && (digits[i] < '0' || digits[i] > '9')) return std::nullopt;
      fraction = 10 * fraction + (i < digits.size() ? digits[i] - '0' : 0);
    }
  }
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || hour > 23 || minute > 59 || second > 60 || year < 1700 || year > 2250) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return Time{(days * 86400 + hour * 3600 + minute * 60 + second) * 1'000'000'000 + fraction};
}

class Parser {
 public:
  Parser(std::string_view text, const std::string& file, const CsvOptions& options, Diagnostics& diagnostics)
      : lines_(text), file_(file), options_(options), diagnostics_(diagnostics) {
    out_.file = file;
    out_.columns = options.columns;
  }

  std::optional<Recording> run() {
    const std::size_t errors = diagnostics_.error_count();
    if (!read_header()) return std::nullopt;
    std::string_view line;
    while (lines_.next(line)) {
      if (trimmed(line).empty()) continue;
      in_row_ = true;
      row_lost_ = !read_row(line);
      in_row_ = false;
      if (diagnostics_.error_count() - errors >= kMaxErrors) {
        error("", "too-many-errors", "further rows were not read", "mend the rows above first");
        break;
      }
    }
    if (out_.time.empty() && diagnostics_.error_count() == errors) {
      error("", "no-rows", "there is a header, but no row of values",
            "record it again, or take the file out of the list");
    }
    if (diagnostics_.error_count() != errors) return std::nullopt;
    return std::move(out_);
  }

 private:
  static constexpr std::size_t kMaxErrors = 20;  // of one file: a wrong file would fill the screen

  void error(std::string column, std::string code, std::string message, std::string mend) {
    const Severity severity = in_row_ && options_.skip_bad_rows ? Severity::kWarning : Severity::kError;
    diagnostics_.add(
        {severity, {file_, lines_.number(), std::move(column)}, std::move(code), std::move(message), std::move(mend)});
  }

  bool read_header() {
    std::string_view line;
    bool found = false;
    while (!found && lines_.next(line)) found = !trimmed(line).empty();
    if (!found) {
      error("", "empty-file", "the file is empty", "give a recording with a header row and rows of values");
      return false;
    }
    if (!split(line, fields_)) {
      error("", "open-quote", "a quote in the header is not closed", "close it on the same line");
      return false;
    }
    width_ = fields_.size();
    if (width_ > options_.max_columns) {
      error("", "too-large", "the header has " + std::to_string(width_) + " columns",
            "split the file: at most " + std::to_string(options_.max_columns) + " are read");
      return false;
    }
    std::vector<std::string> names;
    for (const std::string_view field : fields_) names.emplace_back(unquoted(field));
    const bool numeric = std::all_of(names.begin(), names.end(), [](const std::string& name) {
      double value = 0;
      return std::from_chars(name.data(), name.data() + name.size(), value).ec == std::errc();
    });
    if (numeric) {
      error("", "no-header", "the first row holds numbers, not names", "add a header row with the columns' names");
      return false;
    }
    bool ok = find_column(names, options_.time_column, time_field_);
    for (const std::string& column : options_.columns) {
      std::size_t field = 0;
      ok = find_column(names, column, field) && ok;
      value_fields_.push_back(field);
    }
    return ok;
  }

  bool find_column(const std::vector<std::string>& names, const std::string& column, std::size_t& field) {
    const auto first = std::find(names.begin(), names.end(), column);
    if (first == names.end()) {
      const std::string otherwise = "the file has " + std::to_string(names.size()) + " columns, from '" +
                                    names.front() + "' to '" + names.back() + "'";
      error(column, "no-column", "no column has this name", did_you_mean(column, names, otherwise));
      return false;
    }
    if (std::find(first + 1, names.end(), column) != names.end()) {
      error(column, "duplicate-column", "two columns have this name", "rename one of them");
      return false;
    }
    field = static_cast<std::size_t>(first - names.begin());
    return true;
  }

  // False where the row was refused.
  bool read_row(std::string_view line) {
    if (!split(line, fields_)) {
      error("", "open-quote", "a quote is not closed", "close it on the same line");
      return false;
    }
    if (fields_.size() != width_) {
      const bool is_short = fields_.size() < width_;
      error("", is_short ? "short-row" : "long-row",
            "the row has " + std::to_string(fields_.size()) + " fields, the header " + std::to_string(width_),
            is_short ? "the row was cut off: delete it or record it again"
                     : "quote text that holds commas, or delete the row");
      return false;
    }
    Time time;
    if (!read_time(time)) return false;
    const std::size_t kept = out_.values.size();
    bool ok = true;
    for (std::size_t c = 0; c < value_fields_.size(); ++c) {
      double value = 0;
      ok = read_number(value_fields_[c], options_.columns[c], value) && ok;
      out_.values.push_back(value);
    }
    ok = check_time(time) && ok;
    if (!ok) {
      out_.values.resize(kept);
      return false;
    }
    add_time(time);
    return true;
  }

  bool read_time(Time& time) {
    if (const std::optional<Time> date = parse_date_time(unquoted(fields_[time_field_]))) {
      time = *date;
      return true;
    }
    double seconds = 0;
    if (!read_number(time_field_, options_.time_column, seconds)) return false;
    seconds *= options_.time_unit;
    if (!(std::abs(seconds) < 9e9)) {
      error(options_.time_column, "not-finite", "the time " + quoted(fields_[time_field_]) + " is beyond 285 years",
            "check the time unit in the site file");
      return false;
    }
    time = Time::from_seconds(seconds);
    return true;
  }

  bool check_time(Time time) {
    if (out_.time.empty() || time > out_.time.back()) return true;
    const double step = (time - out_.time.back()).seconds();
    error(options_.time_column, "time-backwards",
          "time goes " + std::string(step < 0 ? "back by " + std::to_string(-step) + " s"
                                              : "nowhere: the row before has the same"),
          "sort the rows by time, or delete the repeated ones");
    return false;
  }

  void add_time(Time time) {
    Quality quality = Quality::kGood;
    if (options_.period.ns > 0 && !out_.time.empty() && !row_lost_ &&
        (time - out_.time.back()).ns * 2 > options_.period.ns * 3) {
      quality = Quality::kUncertain;
      diagnostics_.warning({file_, lines_.number(), options_.time_column}, "gap",
                           std::to_string((time - out_.time.back()).seconds()) +
                               " s since the row before, where the period is " +
                               std::to_string(options_.period.seconds()) + " s",
                           "rows may be missing here");
    }
    out_.time.push_back(time);
    out_.quality.push_back(quality);
  }

  bool read_number(std::size_t field, const std::string& column, double& value) {
    std::string_view text = unquoted(fields_[field]);
    const std::string place = "field " + std::to_string(field + 1);
    if (text.empty()) {
      error(column, "empty-value", place + " is empty", "this column is used: delete the row, or fill the value in");
      return false;
    }
    const std::string_view written = text;
    if (text.size() > 1 && text.front() == '+' && text[1] != '-') text.remove_prefix(1);
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code == std::errc::result_out_of_range) {
      error(column, "not-finite", place + " holds " + quoted(written) + ", outside the range of numbers",
            "delete the row, or put a number that was measured");
      return false;
    }
    if (code != std::errc() || end != text.data() + text.size()) {
      error(column, "not-a-number", place + " holds " + quoted(written),
            "write a decimal number with a point, such as 1.25");
      return false;
    }
    if (!std::isfinite(value)) {
      error(column, "not-finite", place + " holds " + quoted(written),
            "delete the row, or put a number that was measured");
      return false;
    }
    return true;
  }

  Lines lines_;
  const std::string& file_;
  const CsvOptions& options_;
  Diagnostics& diagnostics_;
  Recording out_;
  std::vector<std::string_view> fields_;
  std::size_t width_ = 0, time_field_ = 0;
  bool in_row_ = false;    // past the header
  bool row_lost_ = false;  // the row before was refused: what follows it is no gap
  std::vector<std::size_t> value_fields_;
};

}  // namespace

std::optional<Recording> parse_csv(std::string_view text, const std::string& file, const CsvOptions& options,
                                   Diagnostics& diagnostics) {
  GEOUL_EXPECTS(!options.time_column.empty());
  GEOUL_EXPECTS(options.time_unit > 0);
  return Parser(text, file, options, diagnostics).run();
}

std::optional<std::vector<std::string>> read_csv_header(const std::string& file, Diagnostics& diagnostics,
                                                        std::size_t max_columns) {
  constexpr std::size_t kLongest = std::size_t{1} << 24;
  std::error_code failure;
  std::ifstream stream(file, std::ios::binary);
  if (!std::filesystem::is_regular_file(file, failure) || !stream) {
    diagnostics.error({file, 0, ""}, "not-found", "there is no such file", "check the path");
    return std::nullopt;
  }
  std::string text;
  for (std::string block(1 << 16, '\0'); stream && text.size() < kLongest;) {
    stream.read(block.data(), static_cast<std::streamsize>(block.size()));
    text.append(block, 0, static_cast<std::size_t>(stream.gcount()));
    if (text.find_first_of("\r\n", text.find_first_not_of("\xEF\xBB\xBF\r\n\t ")) != std::string::npos) break;
  }
  Lines lines(text);
  std::string_view line;
  std::vector<std::string_view> fields;
  while (trimmed(line).empty() && lines.next(line)) continue;
  if (trimmed(line).empty() || text.size() >= kLongest || !split(line, fields) || fields.size() > max_columns) {
    diagnostics.error({file, lines.number(), ""}, "no-header", "the file does not begin with a row of names",
                      "give a recording with a header row");
    return std::nullopt;
  }
  std::vector<std::string> names;
  for (const std::string_view field : fields) names.emplace_back(unquoted(field));
  return names;
}

std::optional<Recording> read_csv(const std::string& file, const CsvOptions& options, Diagnostics& diagnostics) {
  std::error_code failure;
  if (!std::filesystem::is_regular_file(file, failure)) {
    diagnostics.error({file, 0, ""}, "not-found", "there is no such file",
                      "check the path; it is relative to the site file");
    return std::nullopt;
  }
  const auto size = std::filesystem::file_size(file, failure);
  if (!failure && size > options.max_bytes) {
    diagnostics.error({file, 0, ""}, "too-large", "the file has " + std::to_string(size >> 20) + " MiB",
                      "split it: at most " + std::to_string(options.max_bytes >> 20) + " MiB are read");
    return std::nullopt;
  }
  std::ifstream stream(file, std::ios::binary);
  std::string text;
  if (!failure) text.resize(size);
  if (failure || !stream.read(text.data(), static_cast<std::streamsize>(size))) {
    diagnostics.error({file, 0, ""}, "not-found", "the file cannot be read", "check its permissions");
    return std::nullopt;
  }
  return parse_csv(text, file, options, diagnostics);
}

}  // namespace geoul::link
