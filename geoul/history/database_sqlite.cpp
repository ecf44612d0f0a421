#include <sqlite3.h>

#include <map>

#include "geoul/history/database.h"

namespace geoul::history {
namespace {

constexpr int kBusyTimeoutMs = 10'000;

struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
struct Close {
  void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
};

class Sqlite : public Database {
 public:
  Sqlite(std::string path, sqlite3* database) : path_(std::move(path)), database_(database) {
    sqlite3_busy_timeout(database, kBusyTimeoutMs);
  }

  Result<std::vector<SqlRow>> run(const std::string& sql, const std::vector<SqlValue>& values) override {
    const Result<sqlite3_stmt*> statement = prepare(sql);
    if (!statement) return statement.error();
    Result<std::vector<SqlRow>> out = rows(*statement, values);
    sqlite3_reset(*statement);
    sqlite3_clear_bindings(*statement);
    return out;
  }
  const char* bytes_type() const override { return "BLOB"; }
  const char* begin_transaction() const override { return "BEGIN IMMEDIATE"; }

  Result<std::vector<std::string>> check() override {
    const Result<std::vector<SqlRow>> found = run("PRAGMA integrity_check", {});
    if (!found) return found.error();
    std::vector<std::string> out;
    for (const SqlRow& row : *found) {
      if (const auto* text = std::get_if<std::string>(&row.at(0)); text != nullptr && *text != "ok")
        out.push_back(*text);
    }
    return out;
  }

 private:
  Error fail() const {
    const int code = sqlite3_errcode(database_.get()) & 0xff;
    const std::string message = path_ + ": catalogue: " + sqlite3_errmsg(database_.get());
    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) {
      return {ErrorCode::kBadInput,
              message + "; move the file away: it is made again from the segments, without events and decisions"};
    }
    const bool wrong = code == SQLITE_ERROR || code == SQLITE_CONSTRAINT || code == SQLITE_MISUSE;
    return {wrong ? ErrorCode::kInternal : ErrorCode::kUnavailable, message};
  }

  Result<sqlite3_stmt*> prepare(const std::string& sql) {
    auto& kept = statements_[sql];
    if (!kept) {
      sqlite3_stmt* made = nullptr;
      if (sqlite3_prepare_v2(database_.get(), sql.c_str(), -1, &made, nullptr) != SQLITE_OK) return fail();
      kept.reset(made);
    }
    return kept.get();
  }

  Result<std::vector<SqlRow>> rows(sqlite3_stmt* statement, const std::vector<SqlValue>& values) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      const int at = sqlite3_bind_parameter_index(statement, ("$" + std::to_string(i + 1)).c_str());
      if (at == 0) continue;
      const int code = std::visit([&](const auto& value) { return bind(statement, at, value); }, values[i]);
      if (code != SQLITE_OK) return fail();
    }
    std::vector<SqlRow> out;
    for (int code = 0; (code = sqlite3_step(statement)) != SQLITE_DONE;) {
      if (code != SQLITE_ROW) return fail();
      SqlRow& row = out.emplace_back();
      for (int column = 0; column < sqlite3_column_count(statement); ++column) row.push_back(value(statement, column));
    }
    return out;
  }

  static int bind(sqlite3_stmt* s, int at, std::int64_t value) { return sqlite3_bind_int64(s, at, value); }
  static int bind(sqlite3_stmt* s, int at, const std::string& value) {
    return sqlite3_bind_text64(s, at, value.data(), value.size(), SQLITE_STATIC, SQLITE_UTF8);
  }
  static int bind(sqlite3_stmt* s, int at, const SqlBytes& value) {
    return sqlite3_bind_blob64(s, at, value.bytes.data(), value.bytes.size(), SQLITE_STATIC);
  }
  static SqlValue value(sqlite3_stmt* s, int column) {
    const int type = sqlite3_column_type(s, column);
    if (type == SQLITE_INTEGER) return std::int64_t{sqlite3_column_int64(s, column)};
    const auto* data =
        static_cast<const char*>(type == SQLITE_BLOB ? sqlite3_column_blob(s, column)
                                                     : static_cast<const void*>(sqlite3_column_text(s, column)));
    std::string bytes(data == nullptr ? "" : data, static_cast<std::size_t>(sqlite3_column_bytes(s, column)));
    if (type == SQLITE_BLOB) return SqlBytes{std::move(bytes)};
    return bytes;
  }

  std::string path_;
  std::unique_ptr<sqlite3, Close> database_;
  std::map<std::string, std::unique_ptr<sqlite3_stmt, Finalize>, std::less<>> statements_;
};

}  // namespace

Result<std::unique_ptr<Database>> open_sqlite(const std::string& path) {
  sqlite3* raw = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX, nullptr);
  const std::string message = raw == nullptr ? "out of memory" : sqlite3_errmsg(raw);
  auto out = std::make_unique<Sqlite>(path, raw);
  if (code != SQLITE_OK) return Error{ErrorCode::kUnavailable, path + ": catalogue: " + message};
  for (const char* setting : {"PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL"}) {
    if (const auto done = out->run(setting, {}); !done) return done.error();
  }
  return std::unique_ptr<Database>(std::move(out));
}

}  // namespace geoul::history
