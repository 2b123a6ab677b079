#include "server/transfer/sidecar.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace bits::transfer {
namespace {

using domain::ChecksumAlgorithm;

const std::string kHexA(64, 'a');
const std::string kHexB(64, 'b');
const std::string kMd5Hex(32, 'c');

std::string Find(const std::string& text, const std::string& leaf = "a.iso",
                 ChecksumAlgorithm algorithm = ChecksumAlgorithm::kSha256) {
  const SidecarDigest found = DigestIn(text, algorithm, leaf);
  EXPECT_NE(found.hex.empty(), found.fault.empty());
  EXPECT_EQ(found.fault.find("iso"), std::string::npos);
  return found.hex;
}

TEST(SidecarTest, DigestAlone) {
  for (const std::string& text : {kHexA, kHexA + "\n", "  " + kHexA + "\r\n\r\n", "\n\n" + kHexA,
                                  "\xEF\xBB\xBF" + kHexA + "\n", std::string(64, 'A')}) {
    EXPECT_EQ(Find(text), kHexA) << text;
    EXPECT_EQ(Find(text, ""), kHexA) << text;
  }
}

TEST(SidecarTest, OnlyLineWhateverItsName) {
  for (const char* rest : {"  a.iso", " *a.iso", "  other.iso", "\ta.iso", "  dir/b c.iso", "  "}) {
    EXPECT_EQ(Find(kHexA + rest), kHexA) << rest;
  }
  EXPECT_EQ(Find("SHA256 (a.iso) = " + kHexA), kHexA);
  EXPECT_EQ(Find("SHA256(other)= " + kHexA), kHexA);
  EXPECT_EQ(Find("SHA2-256(a.iso)= " + kHexA), kHexA);
  EXPECT_EQ(Find("sha-256 (a (1) = b.iso) = " + kHexA), kHexA);
}

TEST(SidecarTest, LineOfTheName) {
  const std::string b = kHexB + "  b.iso\n";
  for (const std::string& line :
       {kHexA + "  a.iso", kHexA + " *a.iso", kHexA + "  ./pub/a.iso", kHexA + "  C:\\pub\\a.iso",
        "SHA256 (a.iso) = " + kHexA, "SHA256 (x/a.iso) = " + kHexA}) {
    EXPECT_EQ(Find(b + line + "\r\n" + kHexB + "  ba.iso\n"), kHexA) << line;
    EXPECT_EQ(Find(line + "\n" + b), kHexA) << line;
  }
  EXPECT_EQ(Find(b + "\\" + kHexA + "  new\\nline\\\\.iso", "new\nline\\.iso"), kHexA);
  EXPECT_EQ(Find(b + kHexA + "  with space .iso", "with space .iso"), kHexA);
  EXPECT_EQ(Find(b + kHexA + "  a.iso\n" + kHexA + "  x/a.iso"), kHexA);  // they agree
}

TEST(SidecarTest, NoLineFits) {
  EXPECT_EQ(Find(kHexB + "  b.iso\n" + kHexA + "  ba.iso\n"), "");
  EXPECT_EQ(Find(kHexB + "  b.iso\n" + kHexA + "  a.iso.sig\n"), "");
  EXPECT_EQ(Find(kHexB + "  x/a.iso\n" + kHexA + "  y/a.iso\n"), "");  // which?
  EXPECT_EQ(Find(kHexB + "\n" + kHexA + "\n"), "");
  EXPECT_EQ(Find(kHexB + "  b.iso\n" + kHexA + "  c.iso\n", ""), "");
  for (const std::string& text :
       {std::string(), std::string("<html>not found</html>"), std::string(63, 'a'),
        std::string(65, 'a'), kMd5Hex + "  a.iso", "MD5 (a.iso) = " + kMd5Hex,
        "SHA512 (a.iso) = " + kHexA, "SHA256 (a.iso) = " + kHexA + "0", kHexA + "a.iso",
        "SHA256 (a.iso = " + kHexA, "SHA256 a.iso) = " + kHexA, "= ( )" + kHexA,
        std::string(70'000, 'a'), std::string(1000, '\0'), std::string("\\"), std::string("(=)"),
        std::string("x") + kHexA}) {
    EXPECT_EQ(Find(text), "") << text.substr(0, 80);
  }
}

TEST(SidecarTest, PassesOverWhatIsNoLineOfTheAlgorithm) {
  const std::string text =
      "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n# a.iso: 17 bytes\n"
      "MD5 (a.iso) = " +
      kMd5Hex + "\nSHA256 (a.iso) = " + kHexA + "\nSHA512 (a.iso) = " + std::string(128, 'd') +
      "\nSHA256 (b.iso) = " + kHexB + "\n-----BEGIN PGP SIGNATURE-----\nabc=\n";
  EXPECT_EQ(Find(text), kHexA);
  EXPECT_EQ(Find(text, "b.iso"), kHexB);
  EXPECT_EQ(Find(text, "b.iso", ChecksumAlgorithm::kMd5), kMd5Hex);  // the only one
  EXPECT_EQ(Find("00c0ffee  a.iso\n", "a.iso", ChecksumAlgorithm::kCrc32c), "00c0ffee");
}

TEST(SidecarTest, LongestIsRead) {
  const std::string line = kHexB + "  b.iso\n";
  std::string text;
  while (text.size() + 2 * line.size() <= kLongestSidecar) text += line;
  EXPECT_EQ(Find(text + kHexA + "  a.iso"), kHexA);
  text += kHexA + "  a.iso\n" + std::string(200, '\n');
  EXPECT_EQ(Find(text), "");
}

// Whatever the bytes: what is found is a digest, and it stands in the text.
TEST(SidecarTest, AnyBytes) {
  std::mt19937_64 random(1);
  const std::vector<std::string> pieces = {
      kHexA,  kHexB, kMd5Hex,       "a.iso", "SHA256", "SHA2-256", "(", ")",  "=",
      " ",    "  ",  "*",           "\\",    "\n",     "\r\n",     "/", "\t", std::string(1, '\0'),
      "\xff", "b",   "\xEF\xBB\xBF"};
  int found = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (uint64_t n = random() % 12; n > 0; --n) text += pieces[random() % pieces.size()];
    for (const char* leaf : {"a.iso", ""}) {
      const SidecarDigest digest = DigestIn(text, ChecksumAlgorithm::kSha256, leaf);
      ASSERT_NE(digest.hex.empty(), digest.fault.empty());
      if (digest.hex.empty()) continue;
      ++found;
      ASSERT_EQ(digest.hex.size(), 64u);
      ASSERT_NE(text.find(digest.hex.substr(0, 32)), std::string::npos);
    }
  }
  EXPECT_GT(found, 100);
}

TEST(LeafOfTest, LastComponentDecoded) {
  EXPECT_EQ(LeafOf("https://h/pub/a.iso"), "a.iso");
  EXPECT_EQ(LeafOf("https://h/a.iso?x=/b.iso#/c"), "a.iso");
  EXPECT_EQ(LeafOf("https://h/my%20file%2B1.iso"), "my file+1.iso");
  EXPECT_EQ(LeafOf("https://h/100%"), "100%");
  EXPECT_EQ(LeafOf("https://h/%4"), "%4");
  EXPECT_EQ(LeafOf("https://h/%zz"), "%zz");
  EXPECT_EQ(LeafOf("https://h/"), "");
  EXPECT_EQ(LeafOf("https://h"), "");
  EXPECT_EQ(LeafOf("https://h?x=/y"), "");
  EXPECT_EQ(LeafOf(""), "");
  EXPECT_EQ(LeafOf("file:///root/a%2fb"), "a/b");
}

}  // namespace
}  // namespace bits::transfer
