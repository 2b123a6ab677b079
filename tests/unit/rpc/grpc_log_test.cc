#include "server/rpc/grpc_log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <grpc/support/log.h>
#include <gtest/gtest.h>

#include "server/base/log.h"
#include "server/base/unique_fd.h"
#include "tests/support/temp_dir.h"

namespace bits::rpc {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(GrpcLogTest, LinesAreOursUnlessTheyAreCaptured) {
  const bits::testing::TempDir dir;
  const UniqueFd file(::open((dir / "log").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  const int before = SetLogFd(file.get());
  gpr_log_verbosity_init();  // as grpc_init does
  TakeOverGrpcLog();
  gpr_log(GPR_ERROR, "one");
  {
    const GrpcLogCapture capture;
    gpr_log(GPR_ERROR, "two");
    gpr_log(GPR_ERROR, "three");
    EXPECT_EQ(capture.text(), "two; three");
  }
  gpr_log(GPR_ERROR, "four");
  SetLogFd(before);
  EXPECT_THAT(bits::testing::ReadFileOr(dir / "log", ""),
              AllOf(HasSubstr("ERROR one (grpc_log_test.cc"), HasSubstr("ERROR four"),
                    Not(HasSubstr("two")), Not(HasSubstr("three"))));
}

}  // namespace
}  // namespace bits::rpc
