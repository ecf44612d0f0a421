#include <libpq-fe.h>

#include <charconv>
#include <map>

#include "geoul/history/database.h"

namespace geoul::history {
namespace {

// Types of columns, as the server's table pg_type numbers them.
constexpr Oid kBool = 16, kBytea = 17, kInt8 = 20, kInt4 = 23, kText = 25;

struct Clear {
  void operator()(PGresult* result) const { PQclear(result); }
};
struct Finish {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
using Answer = std::unique_ptr<PGresult, Clear>;

class Postgresql : public Database {
 public:
  explicit Postgresql(PGconn* connection) : connection_(connection) {}

  Result<std::vector<SqlRow>> run(const std::string& sql, const std::vector<SqlValue>& values) override {
    std::vector<std::string> texts;  // the values in text form, but for bytes
    std::vector<Oid> types;
    std::vector<const char*> data;
    std::vector<int> lengths, formats;
    texts.reserve(values.size());
    for (const SqlValue& value : values) {
      const auto* integer = std::get_if<std::int64_t>(&value);
      const auto* bytes = std::get_if<SqlBytes>(&value);
      const std::string& text = integer != nullptr ? texts.emplace_back(std::to_string(*integer))
                                : bytes != nullptr ? bytes->bytes
                                                   : std::get<std::string>(value);
      types.push_back(integer != nullptr ? kInt8 : bytes != nullptr ? kBytea : kText);
      data.push_back(text.c_str());
      lengths.push_back(static_cast<int>(text.size()));
      formats.push_back(bytes != nullptr ? 1 : 0);
      if (bytes == nullptr && text.find('\0') != std::string::npos)
        return Error{ErrorCode::kUnsupported, "catalogue: PostgreSQL keeps no text with a zero byte"};
    }
    const int count = static_cast<int>(values.size());
    if (values.empty()) return rows(Answer(PQexec(connection_.get(), sql.c_str())));
    std::string& name = prepared_[sql];
    if (name.empty()) {
      const std::string wanted = "s" + std::to_string(prepared_.size());
      const Answer made(PQprepare(connection_.get(), wanted.c_str(), sql.c_str(), count, types.data()));
      if (PQresultStatus(made.get()) != PGRES_COMMAND_OK) return fail(made);
      name = wanted;
    }
    return rows(
        Answer(PQexecPrepared(connection_.get(), name.c_str(), count, data.data(), lengths.data(), formats.data(), 0)));
  }
  const char* bytes_type() const override { return "BYTEA"; }
  const char* begin_transaction() const override { return "BEGIN"; }
  // A server checks its own pages (initdb --data-checksums); a wrong page is an error of the statement that meets it.
  Result<std::vector<std::string>> check() override { return std::vector<std::string>{}; }

 private:
  Error fail(const Answer& answer) const {
    std::string message = answer ? PQresultErrorMessage(answer.get()) : PQerrorMessage(connection_.get());
    if (const std::size_t end = message.find('\n'); end != std::string::npos) message.resize(end);
    const bool lost = PQstatus(connection_.get()) != CONNECTION_OK;
    const char* state = answer ? PQresultErrorField(answer.get(), PG_DIAG_SQLSTATE) : nullptr;
    const std::string_view kind = state == nullptr ? "" : std::string_view(state).substr(0, 2);
    // 42: the statement; 23: a constraint; XX: damaged data.
    const ErrorCode code = lost                           ? ErrorCode::kUnavailable
                           : kind == "42" || kind == "23" ? ErrorCode::kInternal
                           : kind == "XX"                 ? ErrorCode::kBadInput
                                                          : ErrorCode::kUnavailable;
    return {code, "catalogue in PostgreSQL: " + message};
  }

  Result<std::vector<SqlRow>> rows(const Answer& answer) const {
    const ExecStatusType status = PQresultStatus(answer.get());
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) return fail(answer);
    std::vector<SqlRow> out(static_cast<std::size_t>(PQntuples(answer.get())));
    for (std::size_t row = 0; row < out.size(); ++row) {
      for (int column = 0; column < PQnfields(answer.get()); ++column)
        out[row].push_back(value(answer, static_cast<int>(row), column));
    }
    return out;
  }

  static SqlValue value(const Answer& answer, int row, int column) {
    const char* text = PQgetvalue(answer.get(), row, column);
    const auto size = static_cast<std::size_t>(PQgetlength(answer.get(), row, column));
    switch (PQftype(answer.get(), column)) {
      case kInt8:
      case kInt4: {
        std::int64_t out = 0;
        std::from_chars(text, text + size, out);
        return out;
      }
      case kBool: return std::int64_t{text[0] == 't'};
      case kBytea: {
        std::size_t length = 0;
        unsigned char* bytes = PQunescapeBytea(reinterpret_cast<const unsigned char*>(text), &length);
        SqlBytes out{std::string(reinterpret_cast<const char*>(bytes), length)};
        PQfreemem(bytes);
        return out;
      }
      default: return std::string(text, size);
    }
  }

  std::unique_ptr<PGconn, Finish> connection_;
  std::map<std::string, std::string> prepared_;  // name by statement
};

void be_silent(void*, const char*) {}

}  // namespace

Result<std::unique_ptr<Database>> open_postgresql(const std::string& connection) {
  PGconn* raw = PQconnectdb(connection.c_str());
  auto out = std::make_unique<Postgresql>(raw);
  if (PQstatus(raw) != CONNECTION_OK) {
    std::string message = PQerrorMessage(raw);
    while (!message.empty() && message.back() == '\n') message.pop_back();
    return Error{ErrorCode::kUnavailable, "catalogue in PostgreSQL: " + message};
  }
  PQsetNoticeProcessor(raw, be_silent, nullptr);  // "relation already exists, skipping"
  return std::unique_ptr<Database>(std::move(out));
}

}  // namespace geoul::history
