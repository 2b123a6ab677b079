// file:// as a source, which BITS takes too (bits.md 9.1), and checksums, which it does not have.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "tests/conformance/harness/world.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {
namespace {

using v1::Checksum;
using v1::Job;

namespace fs = std::filesystem;

Checksum ChecksumOf(Checksum::Algorithm algorithm, const std::string& hex) {
  Checksum checksum;
  checksum.set_algorithm(algorithm);
  checksum.set_hex(hex);
  return checksum;
}

TEST(FileSource, IsCopiedWithItsTimeAndStays) {
  TestBitsd& bitsd = SharedWorld().bitsd;
  const std::string content = MakeContent(3'000'000, 1);
  const std::string source = bitsd.InRoot("a source");
  WriteFile(source, content);
  fs::last_write_time(source, fs::last_write_time(source) - std::chrono::hours(1000));
  const std::string job = bitsd.Fetch("file://" + bitsd.root() + "/a%20source");
  BITS_ASSERT_OK(bitsd.Await(job, Job::STATE_TRANSFERRED));
  BITS_ASSERT_ACCEPTED(bitsd.Complete(job));
  EXPECT_TRUE(ReadFileOr(bitsd.PathOf(job), "-") == content);
  EXPECT_TRUE(FileExists(source));
  const auto difference = fs::last_write_time(bitsd.PathOf(job)) - fs::last_write_time(source);
  EXPECT_LT(std::chrono::abs(difference), std::chrono::seconds(2));
}

TEST(FileSource, ThatIsNotThereIsFatal) {
  TestBitsd& bitsd = SharedWorld().bitsd;
  const std::string job = bitsd.Fetch("file://" + bitsd.root() + "/not-there");
  BITS_ASSERT_OK(bitsd.Await(job, Job::STATE_ERROR));
  const Reply<v1::Error> error = bitsd.GetError(job);
  EXPECT_EQ(error->hresult(), 0x80070002u);
  EXPECT_EQ(error->code(), "ERROR_FILE_NOT_FOUND");
  EXPECT_EQ(error->context(), v1::ERROR_CONTEXT_REMOTE_FILE);
  EXPECT_EQ(error->protocol(), "file");
}

TEST(FileSource, OutsideTheRootsIsAccessDenied) {
  TestBitsd& bitsd = SharedWorld().bitsd;
  const TempDir outside;
  WriteFile(outside / "secret", "secret");
  fs::create_symlink(outside / "secret", bitsd.InRoot("link-to-secret"));
  for (const std::string& path : {outside / "secret", bitsd.InRoot("link-to-secret")}) {
    const std::string job = bitsd.Fetch("file://" + path);
    BITS_ASSERT_OK(bitsd.Await(job, Job::STATE_ERROR));
    EXPECT_EQ(bitsd.GetError(job)->code(), "E_ACCESSDENIED");
  }
}

TEST(Checksum, ThatMatchesLetsTheJobBecomeTransferred) {
  World& world = SharedWorld();
  const std::string url = world.Serve("123456789");
  JobSpec spec;
  for (const Checksum& checksum :
       {ChecksumOf(Checksum::ALGORITHM_SHA256,
                   "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"),
        ChecksumOf(Checksum::ALGORITHM_SHA512,
                   "d9e6762dd1c8eaf6d61b3c6192fc408d4d6d5f1176d0c29169bc24e71c3f274a"
                   "d27fcd5811b313d681f7e55ec02d73d499c95455b6b5bb503acf574fba8ffe85"),
        ChecksumOf(Checksum::ALGORITHM_MD5, "25F9E794323B453885F5181F1B624D0B"),
        ChecksumOf(Checksum::ALGORITHM_CRC32C, "e3069283")}) {
    spec.files.push_back({url, "", checksum});
  }
  const std::string job = world.bitsd.Create(spec);
  BITS_EXPECT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
}

TEST(Checksum, MismatchIsValidationFailedAndResumeFetchesAnew) {
  World& world = SharedWorld();
  for (auto algorithm : {Checksum::ALGORITHM_MD5, Checksum::ALGORITHM_CRC32C}) {
    const std::string path = world.Put("wrong");
    const Checksum checksum =
        ChecksumOf(algorithm, algorithm == Checksum::ALGORITHM_MD5
                                  ? "25f9e794323b453885f5181f1b624d0b"
                                  : "e3069283");
    const std::string job =
        world.bitsd.Create({.files = {{world.Url(path), "", checksum}}});
    BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_ERROR));
    const Reply<v1::Error> error = world.bitsd.GetError(job);
    EXPECT_EQ(error->hresult(), 0x80200053u);
    EXPECT_EQ(error->code(), "BG_E_VALIDATION_FAILED");
    EXPECT_EQ(error->file(), job + "/files/1");
    EXPECT_EQ(world.bitsd.GetFile(job)->progress().bytes_transferred(), 0u);
    world.origin->Change(path, [](Resource& resource) {
      resource.body = std::make_shared<std::string>("123456789");
    });
    BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
    BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
    BITS_ASSERT_ACCEPTED(world.bitsd.Complete(job));
    EXPECT_EQ(ReadFileOr(world.bitsd.PathOf(job), "-"), "123456789");
  }
}

TEST(Checksum, IsOverTheWholeFileAlsoAfterAnInterruption) {
  World& world = SharedWorld();
  const std::string path = world.Put("123456789");
  world.origin->Script(path, {{.cut_after = 4}});
  const std::string job = world.bitsd.Create(
      {.files = {{world.Url(path), "", ChecksumOf(Checksum::ALGORITHM_CRC32C, "e3069283")}}});
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSIENT_ERROR));
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  EXPECT_EQ(world.origin->BytesSent(path), 9u);
}

}  // namespace
}  // namespace bits::testing
