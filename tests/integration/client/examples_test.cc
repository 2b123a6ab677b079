// The examples in other languages, with stubs made from the protos.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/client/bitsctl_run.h"

namespace bits::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class ExampleTest : public BitsctlTest, public ::testing::WithParamInterface<const char*> {
 protected:
  // 77: what it needs cannot be had here.
  Ran RunExample(const std::string& url, const std::string& local) {
    return Running({BITS_EXAMPLE_SCRIPTS "/run_" + std::string(GetParam()) + "_example.sh",
                    BITS_EXAMPLE_WORK, bitsd_->address(), url, local},
                   state_.path(), environment_)
        .Wait(absl::Minutes(8));
  }
};

TEST_P(ExampleTest, FetchesAFileAndToldOfAnErrorSaysWhich) {
  const std::string content = MakeContent(500'000, 6);
  origin_->Put("/a", content);
  const Ran fetched = RunExample(origin_->Url("/a"), "a");
  if (fetched.code == 77) GTEST_SKIP() << fetched.err;
  EXPECT_EQ(fetched.code, 0) << fetched.out << fetched.err;
  EXPECT_EQ(Local("a"), content);
  EXPECT_THAT(fetched.out,
              AllOf(HasSubstr("created jobs/"), HasSubstr("STATE_TRANSFERRED 500000"),
                    HasSubstr("GetError is refused: BG_E_ERROR_INFORMATION_UNAVAILABLE"),
                    HasSubstr("completed")));

  const Ran failed = RunExample(origin_->Url("/missing"), "b");
  EXPECT_EQ(failed.code, 3) << failed.out << failed.err;
  EXPECT_THAT(failed.out, AllOf(HasSubstr("STATE_ERROR"),
                                HasSubstr("BG_E_HTTP_ERROR_404 0x80190194 HTTP 404: ")));
  EXPECT_EQ(Local("b"), "(none)");
}

INSTANTIATE_TEST_SUITE_P(Languages, ExampleTest, ::testing::Values("python", "go"),
                         [](const auto& language) { return std::string(language.param); });

}  // namespace
}  // namespace bits::testing
