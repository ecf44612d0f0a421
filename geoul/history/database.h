// A database as the catalogue needs it: statements with numbered values ($1, $2, ...; SQL that SQLite and PostgreSQL
// both read), integers, texts and bytes. One .cpp each; what they share is tested on both.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "geoul/core/result.h"

namespace geoul::history {

struct SqlBytes {
  std::string bytes;
  bool operator==(const SqlBytes&) const = default;
};
using SqlValue = std::variant<std::int64_t, std::string, SqlBytes>;
using SqlRow = std::vector<SqlValue>;

// Not thread-safe. Errors: kUnavailable (no connection, locked, disk full), kBadInput (the file is damaged), kInternal
// (a statement that is wrong).
class Database {
 public:
  virtual ~Database() = default;
  // Runs one statement, and returns its rows. Outside of a transaction it is on the disk when this returns.
  virtual Result<std::vector<SqlRow>> run(const std::string& sql, const std::vector<SqlValue>& values = {}) = 0;
  virtual const char* bytes_type() const = 0;         // of a column
  virtual const char* begin_transaction() const = 0;  // that writes
  // Everything that the database finds wrong with itself.
  virtual Result<std::vector<std::string>> check() = 0;
};

// Makes the file where there is none. Write-ahead log, every commit synced.
Result<std::unique_ptr<Database>> open_sqlite(const std::string& path);
// A connection string of libpq: "postgresql://user@host/name" or "host=/run/postgresql dbname=geoul".
Result<std::unique_ptr<Database>> open_postgresql(const std::string& connection);

}  // namespace geoul::history
