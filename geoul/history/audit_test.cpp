// The audit trail against hands that change, delete, move and cut.
#include "geoul/history/audit.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <iterator>

namespace geoul::history {
namespace {

namespace fs = std::filesystem;

class Audit : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("geoul_audit_" + std::to_string(::getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    file_ = folder_ / "audit.log";
    catalogue_ = std::move(Catalogue::open(folder_ / "catalogue.sqlite")).value();
  }
  void TearDown() override {
    catalogue_.reset();
    fs::remove_all(folder_);
  }
  void append(int records) {
    Result<AuditTrail> trail = AuditTrail::open(file_, *catalogue_, 1);
    ASSERT_TRUE(trail) << trail.error().message;
    for (int i = 0; i < records; ++i)
      ASSERT_TRUE(trail->append(Time{1000 + i}, "operator \\ 거울", "drag", "{\"body\":\n\t\"/A\"}"));
  }
  std::string text() const {
    std::ifstream in(file_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void write(const std::string& text) const { std::ofstream(file_, std::ios::binary) << text; }
  void write(const std::vector<AuditRow>& rows) const {
    std::string out;
    for (const AuditRow& row : rows) out += encode_audit(row);
    write(out);
  }
  std::vector<AuditRow> rows() const {
    Diagnostics none;
    return read_audit(text(), "", none);
  }
  Diagnostics verify(const std::string& head = {}) {
    Diagnostics out;
    const Result<AuditCheck> check = verify_audit(file_, *catalogue_, 1, head, out);
    EXPECT_TRUE(check);
    if (check) head_ = check->head;
    return out;
  }
  // Rewrites every hash from record `from` on, as somebody would who knows the format.
  static void rehash(std::vector<AuditRow>& rows, std::size_t from) {
    for (std::size_t i = from; i < rows.size(); ++i) {
      rows[i].sequence = static_cast<std::int64_t>(i) + 1;
      rows[i].previous = i == 0 ? std::string(64, '0') : rows[i - 1].hash;
      rows[i].hash = audit_hash(rows[i]);
    }
  }

  fs::path folder_, file_;
  std::unique_ptr<Catalogue> catalogue_;
  std::string head_;
};

TEST_F(Audit, AChainThatNobodyTouchedIsWholeAndGoesOn) {
  append(5);
  append(3);
  const Diagnostics found = verify();
  EXPECT_TRUE(found.findings().empty()) << found.text();
  EXPECT_EQ(head_, audit_head(rows()));
  EXPECT_EQ(head_.substr(0, 2), "8:");
  EXPECT_EQ(rows()[3].payload, "{\"body\":\n\t\"/A\"}");
  EXPECT_EQ(rows()[3].actor, "operator \\ 거울");
  EXPECT_TRUE(verify(head_).ok());
  EXPECT_EQ(verify("9:00").error_count(), 1u);
}

// SHA-256 of the bytes as Python's hashlib gives it.
TEST_F(Audit, TheHashIsThatOfTheFormat) {
  const AuditRow row{1, Time{7}, "a", "b", "c", std::string(64, '0'), {}};
  EXPECT_EQ(audit_hash(row), "1ebacd3b88811273f3f2363b424042e185cbaf235db694202a96e6c303e602a8");
}

TEST_F(Audit, AFlipOfAnyBitOfTheFileIsFoundOut) {
  append(4);
  const std::string sound = text();
  for (std::size_t at = 0; at < sound.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string image = sound;
      image[at] = static_cast<char>(image[at] ^ 1 << bit);
      Diagnostics found;
      const auto read = read_audit(image, "", found);
      check_chain(read, "", found);
      // The last line's end alone looks like a record on its way; the catalogue knows better.
      if (found.ok()) {
        ASSERT_EQ(at, sound.size() - 1);
        write(image);
        ASSERT_TRUE(verify().has("audit-lacks"));
      }
    }
  }
}

TEST_F(Audit, AChangedRecordIsNamed) {
  append(6);
  auto changed = rows();
  changed[2].actor = "somebody";
  write(changed);
  EXPECT_TRUE(verify().has("audit-hash"));
  EXPECT_NE(verify().text().find("record 3"), std::string::npos) << verify().text();
  changed[2].hash = audit_hash(changed[2]);  // with its own hash put right
  write(changed);
  EXPECT_TRUE(verify().has("audit-chain"));
  rehash(changed, 2);  // with all later ones put right: the catalogue tells
  write(changed);
  EXPECT_FALSE(verify().has("audit-chain"));
  EXPECT_TRUE(verify().has("audit-differs"));
  EXPECT_FALSE(AuditTrail::open(file_, *catalogue_, 1));
}

TEST_F(Audit, ADeletedRecordIsNamed) {
  append(6);
  auto changed = rows();
  changed.erase(changed.begin() + 2);
  write(changed);
  EXPECT_TRUE(verify().has("audit-order"));
  EXPECT_TRUE(verify().has("audit-chain"));
  EXPECT_NE(verify().text().find("records 3 to 3 are missing"), std::string::npos) << verify().text();
  rehash(changed, 2);
  write(changed);
  EXPECT_TRUE(verify().has("audit-differs"));
  EXPECT_TRUE(verify().has("audit-lacks"));
}

TEST_F(Audit, MovedRecordsAreNamed) {
  append(6);
  auto changed = rows();
  std::swap(changed[1], changed[4]);
  write(changed);
  EXPECT_TRUE(verify().has("audit-order"));
  EXPECT_TRUE(verify().has("audit-chain"));
}

TEST_F(Audit, ACutEndIsNamed) {
  append(6);
  ASSERT_TRUE(verify().ok());
  const std::string kept = head_;
  auto changed = rows();
  changed.resize(4);
  write(changed);
  EXPECT_TRUE(verify().has("audit-lacks"));
  EXPECT_FALSE(AuditTrail::open(file_, *catalogue_, 1));
  // In the catalogue too: only the head that was kept tells.
  {
    auto other = std::move(Catalogue::open(folder_ / "other.sqlite")).value();
    for (const AuditRow& row : changed) ASSERT_TRUE(other->add_audit(1, row));
    catalogue_ = std::move(other);
  }
  EXPECT_TRUE(verify().ok());
  EXPECT_TRUE(verify(kept).has("audit-head"));
}

TEST_F(Audit, ACatalogueThatWasChangedIsNamed) {
  append(3);
  ASSERT_TRUE((*open_sqlite(folder_ / "catalogue.sqlite"))->run("DELETE FROM audit WHERE sequence = 3"));
  EXPECT_TRUE(verify().has("audit-lacks"));
  ASSERT_TRUE((*open_sqlite(folder_ / "catalogue.sqlite"))->run("UPDATE audit SET actor = 'x' WHERE sequence = 2"));
  EXPECT_TRUE(verify().has("audit-hash"));
}

TEST_F(Audit, ACrashBetweenFileAndCatalogueIsMended) {
  append(3);
  AuditRow next{4, Time{5}, "a", "b", "c", rows().back().hash, {}};
  next.hash = audit_hash(next);
  write(text() + encode_audit(next) + "5\t99\ttorn");
  append(1);
  EXPECT_TRUE(verify().findings().empty()) << verify().text();
  EXPECT_EQ(rows().size(), 5u);
}

// testdata/bad_audits/expected.txt: file, code.
TEST(AuditFiles, BadOnesAreNamed) {
  const fs::path folder = GEOUL_SOURCE_DIR "/geoul/history/testdata/bad_audits";
  std::ifstream expected(folder / "expected.txt");
  std::string file, code;
  int count = 0;
  for (; expected >> file >> code; ++count) {
    Diagnostics found;
    const Result<std::string> bytes = read_file(folder / file, 1 << 20);
    ASSERT_TRUE(bytes) << file;
    check_chain(read_audit(*bytes, file, found), file, found);
    EXPECT_EQ(code == "-" ? found.findings().empty() : found.has(code), true) << file << "\n" << found.text();
  }
  EXPECT_EQ(count, 10);
}

}  // namespace
}  // namespace geoul::history
