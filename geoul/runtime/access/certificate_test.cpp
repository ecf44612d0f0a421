#include "geoul/runtime/access/certificate.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <thread>

#include "geoul/runtime/access/users.h"

namespace geoul::runtime::access {
namespace {

constexpr Time kNow{1'800'000'000'000'000'000};
constexpr Duration kDay{86'400'000'000'000};

class CertificateFolder : public testing::Test {
 protected:
  CertificateFolder() : folder_(std::filesystem::temp_directory_path() / ("geoul_tls_" + std::to_string(getpid()))) {}
  ~CertificateFolder() override { std::filesystem::remove_all(folder_); }
  Result<Certificate> load(Time now, const std::vector<std::string>& more = {}) {
    return load_or_make_certificate(folder_, certificate_names(more), now);
  }
  static unsigned mode(const std::filesystem::path& file) {
    struct stat found {};
    return ::stat(file.c_str(), &found) == 0 ? found.st_mode & 0777 : 0;
  }
  std::filesystem::path folder_;
};

TEST_F(CertificateFolder, IsMadeOnceForItsOwnerOnlyAndKept) {
  const auto first = load(kNow);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_TRUE(first->self_signed);
  EXPECT_EQ(first->fingerprint.size(), 95u);
  EXPECT_EQ(mode(folder_), 0700u);
  EXPECT_EQ(mode(folder_ / "key.pem"), 0600u);
  const auto second = load(kNow + kDay);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->fingerprint, first->fingerprint);
  EXPECT_EQ(second->key.reveal(), first->key.reveal());
}

TEST_F(CertificateFolder, OursIsMadeAnewBeforeItExpiresOrForAnotherName) {
  const std::string first = load(kNow)->fingerprint;
  const std::string named = load(kNow, {"twin.example.org", "192.0.2.7"})->fingerprint;
  EXPECT_NE(named, first);
  EXPECT_EQ(load(kNow, {"twin.example.org"})->fingerprint, named);
  EXPECT_EQ(load(kNow + kDay * 790, {"twin.example.org"})->fingerprint, named);
  EXPECT_NE(load(kNow + kDay * 800, {"twin.example.org"})->fingerprint, named);
}

// The program openssl, where it is installed, is the judge of what the certificate says.
TEST_F(CertificateFolder, SaysWhatItShould) {
  ASSERT_TRUE(load(kNow, {"twin.example.org"}));
  const std::string command =
      "openssl x509 -noout -text -in " + (folder_ / "certificate.pem").string() + " 2>/dev/null";
  std::string text;
  FILE* pipe = ::popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::array<char, 4096> part{};
  while (const std::size_t count = std::fread(part.data(), 1, part.size(), pipe)) text.append(part.data(), count);
  if (::pclose(pipe) != 0) GTEST_SKIP() << "the program openssl is not installed";
  for (const char* words : {"ASN1 OID: prime256v1", "ecdsa-with-SHA256", "DNS:localhost", "IP Address:127.0.0.1",
                            "DNS:twin.example.org", "CA:FALSE", "TLS Web Server Authentication", "Digital Signature"}) {
    EXPECT_NE(text.find(words), std::string::npos) << words << "\n" << text;
  }
}

TEST_F(CertificateFolder, WhatDoesNotFitIsRefusedWithItsRemedy) {
  const auto foreign = make_certificate({"x"}, kNow), other = make_certificate({"x"}, kNow);
  EXPECT_FALSE(read_certificate(foreign->pem, other->key.reveal(), kNow));  // another's key
  EXPECT_FALSE(read_certificate(foreign->pem, foreign->key.reveal(), kNow + kDay * 900));
  EXPECT_FALSE(read_certificate("", "", kNow));
  EXPECT_FALSE(read_certificate(foreign->pem.substr(0, 200), foreign->key.reveal(), kNow));
  EXPECT_FALSE(make_certificate({"a,DNS:b"}, kNow));
  EXPECT_FALSE(make_certificate({}, kNow));

  ASSERT_TRUE(load(kNow));
  ::chmod((folder_ / "key.pem").c_str(), 0644);
  const auto open = load(kNow);
  ASSERT_FALSE(open);
  EXPECT_NE(open.error().message.find("chmod 600"), std::string::npos) << open.error().message;
  ::chmod((folder_ / "key.pem").c_str(), 0600);
  ::chmod(folder_.c_str(), 0777);
  EXPECT_FALSE(load(kNow));
  ::chmod(folder_.c_str(), 0700);
  std::ofstream(folder_ / "certificate.pem") << "a person's own, badly copied";
  const auto damaged = load(kNow);
  ASSERT_FALSE(damaged);
  EXPECT_NE(damaged.error().message.find("certificate.pem"), std::string::npos);
}

TEST_F(CertificateFolder, ManyThatStartAtOnceAgreeOnOne) {
  std::array<std::string, 6> prints;
  std::vector<std::thread> threads;
  for (std::string& print : prints) threads.emplace_back([&] { print = load(kNow)->fingerprint; });
  for (std::thread& thread : threads) thread.join();
  for (const std::string& print : prints) EXPECT_EQ(print, prints[0]);
}

}  // namespace
}  // namespace geoul::runtime::access
