#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/base/error_info.h"
#include "server/rpc/validate.h"
#include "tests/support/status_matchers.h"

namespace bits::rpc {
namespace {

using ::bits::testing::HasCode;
using ::bits::testing::HasReason;
using ::testing::AllOf;

// Which properties an update writes.
std::string Written(const domain::Update& update) {
  std::string written;
  if (update.display_name) written += "display_name ";
  if (update.description) written += "description ";
  if (update.priority) written += "priority ";
  if (update.minimum_retry_delay) written += "minimum_retry_delay ";
  if (update.no_progress_timeout) written += "no_progress_timeout ";
  if (update.maximum_download_time) written += "maximum_download_time ";
  if (update.labels) written += "labels ";
  if (update.max_parallel_files) written += "max_parallel_files ";
  if (update.require_ranges) written += "require_ranges ";
  if (update.max_bytes_per_second) written += "max_bytes_per_second ";
  if (update.dynamic_content) written += "dynamic_content ";
  if (update.high_performance) written += "high_performance ";
  if (update.max_download_size) written += "max_download_size ";
  if (update.notification_interval) written += "minimum_notification_interval ";
  if (update.auto_complete) written += "auto_complete ";
  if (update.retry) written += "retry_options ";
  if (update.timing && update.timing->not_before) written += "not_before_time ";
  if (update.timing && update.timing->deadline) written += "deadline ";
  return written;
}

v1::UpdateJobRequest Request(const std::vector<std::string>& paths) {
  v1::UpdateJobRequest request;
  request.mutable_job()->set_display_name("new");
  for (const std::string& path : paths) request.mutable_update_mask()->add_paths(path);
  return request;
}

constexpr char kEverything[] =
    "display_name description priority minimum_retry_delay no_progress_timeout "
    "maximum_download_time labels max_parallel_files require_ranges max_bytes_per_second "
    "dynamic_content high_performance max_download_size minimum_notification_interval "
    "auto_complete retry_options not_before_time deadline ";

TEST(UpdateTest, WritesWhatTheMaskNames) {
  for (const std::string& path :
       {std::string("display_name"), std::string("description"), std::string("priority"),
        std::string("minimum_retry_delay"), std::string("no_progress_timeout"),
        std::string("maximum_download_time"), std::string("labels"),
        std::string("not_before_time"), std::string("deadline"),
        std::string("auto_complete"), std::string("retry_options"),
        std::string("minimum_notification_interval")}) {
    const auto update = UpdateFrom(Request({path}));
    BITS_ASSERT_OK(update) << path;
    EXPECT_EQ(Written(*update), path + " ");
  }
  EXPECT_EQ(Written(*UpdateFrom(Request({"transfer_options"}))),
            "max_parallel_files require_ranges max_bytes_per_second "
            "dynamic_content high_performance max_download_size ");
  EXPECT_EQ(Written(*UpdateFrom(Request({"transfer_options.max_parallel_files"}))),
            "max_parallel_files ");
  EXPECT_EQ(Written(*UpdateFrom(Request({"transfer_options.require_ranges"}))), "require_ranges ");
  EXPECT_EQ(Written(*UpdateFrom(Request({"labels", "priority", "labels"}))), "priority labels ");
  EXPECT_EQ(Written(*UpdateFrom(Request({"*"}))), kEverything);
}

TEST(UpdateTest, AnUnsetPropertyInTheMaskMeansItsDefault) {
  const auto update = UpdateFrom(Request({"*"}));
  BITS_ASSERT_OK(update);
  EXPECT_EQ(update->display_name, "new");
  EXPECT_EQ(update->description, "");
  EXPECT_EQ(update->priority, domain::Priority::kNormal);
  EXPECT_EQ(update->minimum_retry_delay, absl::Seconds(600));
  EXPECT_EQ(update->no_progress_timeout, absl::Hours(14 * 24));
  EXPECT_EQ(update->maximum_download_time, absl::Hours(90 * 24));
  EXPECT_TRUE(update->labels->empty());
  EXPECT_EQ(update->max_parallel_files, 0u);
  EXPECT_EQ(update->require_ranges, false);
  EXPECT_EQ(update->retry, domain::RetryOptions());
  EXPECT_EQ(update->auto_complete, false);
  EXPECT_EQ(update->timing->not_before, absl::InfinitePast());
  EXPECT_EQ(update->timing->deadline, absl::InfiniteFuture());
}

TEST(UpdateTest, WithoutAMaskWhatIsPopulated) {
  EXPECT_EQ(Written(*UpdateFrom(v1::UpdateJobRequest())), "");
  EXPECT_EQ(Written(*UpdateFrom(Request({}))), "display_name ");
  v1::UpdateJobRequest request = Request({});
  request.mutable_job()->mutable_transfer_options()->set_max_parallel_files(3);
  request.mutable_job()->mutable_no_progress_timeout();
  (*request.mutable_job()->mutable_labels())["a"] = "b";
  // What was not said of transfer_options stays.
  EXPECT_EQ(Written(*UpdateFrom(request)),
            "display_name no_progress_timeout labels max_parallel_files ");
}

TEST(UpdateTest, OtherPathsAreRefused) {
  for (const std::vector<std::string>& paths : std::vector<std::vector<std::string>>{
           {"state"},
           {"name"},
           {"owner"},
           {"type"},
           {"etag"},
           {"progress"},
           {"error_count"},
           {"colour"},
           {""},
           {"labels.team"},
           {"job.display_name"},
           {"displayName"},
           {"transfer_options."},
           {"minimum_retry_delay.seconds"},
           {"*", "labels"},
           {"labels", "*"},
           {"labels", "state"},
       }) {
    const auto update = UpdateFrom(Request(paths));
    EXPECT_THAT(update,
                AllOf(HasCode(absl::StatusCode::kInvalidArgument), HasReason("E_INVALIDARG")))
        << paths.back();
    EXPECT_EQ(GetFieldViolations(update.status())[0].field, "update_mask");
  }
}

TEST(UpdateTest, ValuesAreCheckedIfTheyAreWritten) {
  v1::UpdateJobRequest request = Request({"priority"});
  request.mutable_job()->set_description(std::string(1025, 'd'));
  BITS_EXPECT_OK(UpdateFrom(request));
  request.mutable_update_mask()->add_paths("description");
  EXPECT_THAT(UpdateFrom(request), HasReason("BG_E_STRING_TOO_LONG"));
}

// BITS: SetDisplayName has another code than CreateJob for it.
TEST(UpdateTest, ANameThatIsTooLong) {
  v1::UpdateJobRequest request = Request({"display_name"});
  request.mutable_job()->set_display_name(std::string(257, 'n'));
  EXPECT_THAT(UpdateFrom(request), HasReason("BG_E_STRING_TOO_LONG"));
  request.mutable_job()->clear_display_name();
  EXPECT_THAT(UpdateFrom(request), HasReason("E_INVALIDARG"));
}

TEST(UpdateTest, ARetryDelayIsRaisedToFiveSeconds) {
  v1::UpdateJobRequest request = Request({"minimum_retry_delay"});
  request.mutable_job()->mutable_minimum_retry_delay()->set_seconds(1);
  EXPECT_EQ(UpdateFrom(request)->minimum_retry_delay, absl::Seconds(5));
}

TEST(UpdateFileTest, WritesTheRemoteNameAlone) {
  v1::UpdateFileRequest request;
  request.mutable_file()->set_remote_name("http://h/x");
  EXPECT_EQ(*FileUpdateFrom(request)->remote_name, "http://h/x");
  for (const char* path : {"*", "remote_name"}) {
    request.mutable_update_mask()->add_paths(path);
    EXPECT_EQ(*FileUpdateFrom(request)->remote_name, "http://h/x");
    request.clear_update_mask();
  }
  for (const char* path : {"local_name", "checksum", "", "file.remote_name"}) {
    request.mutable_update_mask()->add_paths(path);
    EXPECT_EQ(GetFieldViolations(FileUpdateFrom(request).status())[0].field, "update_mask");
    request.clear_update_mask();
  }
  request.mutable_file()->set_remote_name("h/x");
  EXPECT_EQ(GetFieldViolations(FileUpdateFrom(request).status())[0].field, "file.remote_name");
}

TEST(UpdateFileTest, WritesTheValidationState) {
  v1::UpdateFileRequest request;
  request.mutable_file()->set_validation_state(v1::File::VALIDATION_STATE_INVALID);
  EXPECT_EQ(FileUpdateFrom(request)->valid, false);
  EXPECT_FALSE(FileUpdateFrom(request)->remote_name.has_value());
  request.mutable_update_mask()->add_paths("validation_state");
  request.mutable_file()->set_remote_name("not written");
  EXPECT_EQ(FileUpdateFrom(request)->valid, false);
  EXPECT_FALSE(FileUpdateFrom(request)->remote_name.has_value());
  request.mutable_file()->clear_validation_state();
  EXPECT_EQ(GetFieldViolations(FileUpdateFrom(request).status())[0].field,
            "file.validation_state");
}

}  // namespace
}  // namespace bits::rpc
