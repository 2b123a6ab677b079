#include "server/platform/secret_box.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "absl/strings/escaping.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace bits::testing {
namespace {

using absl::StatusCode;
using platform::SecretBox;
using ::testing::HasSubstr;

class SecretBoxTest : public ::testing::Test {
 protected:
  std::string Key(const std::string& name, const std::string& content, mode_t mode = 0600) {
    WriteFile(dir_ / name, content);
    ::chmod((dir_ / name).c_str(), mode);
    return dir_ / name;
  }
  const TempDir dir_;
};

TEST_F(SecretBoxTest, OpensWhatItSealedForThatContextOnly) {
  BITS_ASSERT_OK_AND_ASSIGN(const auto box, SecretBox::Open({}));
  for (const std::string& text : {std::string(), std::string("secret"), std::string(100'000, 's')}) {
    BITS_ASSERT_OK_AND_ASSIGN(const std::string sealed, box->Seal(Secret(text), "a job"));
    EXPECT_TRUE(text.empty() || sealed.find(text) == std::string::npos);
    EXPECT_EQ(box->Open(sealed, "a job")->Reveal(), text);
    EXPECT_THAT(box->Open(sealed, "another job"), HasCode(StatusCode::kDataLoss));
    EXPECT_NE(*box->Seal(Secret(text), "a job"), sealed);  // never twice the same nonce
  }
}

TEST_F(SecretBoxTest, AnyChangeIsFoundOut) {
  BITS_ASSERT_OK_AND_ASSIGN(const auto box, SecretBox::Open({}));
  BITS_ASSERT_OK_AND_ASSIGN(const std::string sealed, box->Seal(Secret("secret"), "job"));
  for (size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(box->Open(changed, "job").ok()) << i;
    EXPECT_FALSE(box->Open(sealed.substr(0, i), "job").ok()) << i;
  }
}

TEST_F(SecretBoxTest, KeyMayBeBytesHexadecimalOrBase64) {
  const std::string bytes = "0123456789abcdef\xff\x01\x02\x03\x04\x05\x06\x07uvwxyz\n\r";
  ASSERT_EQ(bytes.size(), 32u);
  BITS_ASSERT_OK_AND_ASSIGN(const auto raw, SecretBox::Open({Key("raw", bytes)}));
  EXPECT_TRUE(raw->durable());
  BITS_ASSERT_OK_AND_ASSIGN(const std::string sealed, raw->Seal(Secret("secret"), "job"));
  for (const std::string& other :
       {Key("hex", absl::BytesToHexString(bytes) + "\n"),
        Key("base64", absl::Base64Escape(bytes) + "\n")}) {
    BITS_ASSERT_OK_AND_ASSIGN(const auto box, SecretBox::Open({other}));
    EXPECT_EQ(box->Open(sealed, "job")->Reveal(), "secret");
  }
}

TEST_F(SecretBoxTest, TheFirstKeySealsAllOpen) {
  const std::string a = Key("a", std::string(32, 'a'));
  const std::string b = Key("b", std::string(32, 'b'));
  BITS_ASSERT_OK_AND_ASSIGN(const auto old_box, SecretBox::Open({a}));
  BITS_ASSERT_OK_AND_ASSIGN(const auto both, SecretBox::Open({b, a}));
  BITS_ASSERT_OK_AND_ASSIGN(const auto new_box, SecretBox::Open({b}));
  BITS_ASSERT_OK_AND_ASSIGN(const std::string sealed, old_box->Seal(Secret("secret"), "job"));
  EXPECT_EQ(both->Open(sealed, "job")->Reveal(), "secret");
  EXPECT_THAT(new_box->Open(sealed, "job"), HasCode(StatusCode::kNotFound));
  BITS_ASSERT_OK_AND_ASSIGN(const std::string anew, both->Seal(Secret("secret"), "job"));
  EXPECT_EQ(new_box->Open(anew, "job")->Reveal(), "secret");
}

TEST_F(SecretBoxTest, KeyOfTheProcessEndsWithIt) {
  BITS_ASSERT_OK_AND_ASSIGN(const auto one, SecretBox::Open({}));
  BITS_ASSERT_OK_AND_ASSIGN(const auto other, SecretBox::Open({}));
  EXPECT_FALSE(one->durable());
  BITS_ASSERT_OK_AND_ASSIGN(const std::string sealed, one->Seal(Secret("secret"), "job"));
  EXPECT_THAT(other->Open(sealed, "job"), HasCode(StatusCode::kNotFound));
}

TEST_F(SecretBoxTest, FileThatIsNoKeyOfItsOwnersIsRefused) {
  const std::string good(32, 'k');
  for (const std::string& path :
       {dir_ / "missing", Key("short", "too short"), Key("long", good + "k"),
        Key("hex", std::string(63, 'a')), Key("group", good, 0640), Key("others", good, 0604),
        dir_.path()}) {
    const auto opened = SecretBox::Open({path});
    EXPECT_THAT(opened, HasCode(StatusCode::kInvalidArgument)) << path;
    EXPECT_THAT(std::string(opened.status().message()), HasSubstr(path));
  }
}

}  // namespace
}  // namespace bits::testing
