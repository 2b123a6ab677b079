#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/temp_dir.h"
#include "tests/unit/client/cli_fixture.h"

namespace bits::testing {
namespace {

using cli::ExitCode;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class NotificationsCommandTest : public CliTest {
 protected:
  NotificationsCommandTest() {
    handlers_.list_notifications = [this](const v1::ListNotificationsRequest& request,
                                          v1::ListNotificationsResponse& response) {
      asked_.push_back(request.parent() + " " + request.page_token());
      v1::Notification& notification = *response.add_notifications();
      notification.set_name(request.parent() + "/notifications/" +
                            (request.page_token().empty() ? "3" : "4"));
      notification.set_flag(v1::NOTIFY_FLAG_FILE_TRANSFERRED);
      notification.set_state(request.page_token().empty() ? v1::Notification::STATE_DEAD
                                                          : v1::Notification::STATE_PENDING);
      notification.set_tries(20);
      notification.mutable_error()->set_code("BG_E_HTTP_ERROR_500");
      if (request.page_token().empty()) response.set_next_page_token("more");
      return grpc::Status::OK;
    };
    handlers_.replay_notification = [this](const v1::ReplayNotificationRequest& request,
                                           v1::Notification& notification) {
      asked_.push_back(request.name());
      notification.set_name(request.name());
      return grpc::Status::OK;
    };
    handlers_.update_job = [this](const v1::UpdateJobRequest& request, v1::Job& job) {
      updates_.push_back(request);
      job = request.job();
      return grpc::Status::OK;
    };
    Serve();
  }

  const std::string id_ = IdOf(1);
  std::vector<std::string> asked_;
  std::vector<v1::UpdateJobRequest> updates_;
  TempDir dir_;
};

TEST_F(NotificationsCommandTest, AllPagesAreShown) {
  const Ran ran = Run({"notifications", id_});
  EXPECT_EQ(ran.code, ExitCode::kOk) << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("3  "), HasSubstr("file  given up  (20 tries)"),
                             HasSubstr("BG_E_HTTP_ERROR_500"), HasSubstr("4  "),
                             HasSubstr("waits, tried again at")));
  EXPECT_THAT(asked_, ElementsAre("jobs/" + id_ + " ", "jobs/" + id_ + " more"));
  EXPECT_EQ(Run({"notifications"}).code, ExitCode::kUsage);
}

TEST_F(NotificationsCommandTest, ReplayNamesOne) {
  EXPECT_EQ(Run({"replay", id_, "3"}).code, ExitCode::kOk);
  EXPECT_THAT(asked_, ElementsAre("jobs/" + id_ + "/notifications/3"));
  for (const char* wrong : {"0", "x", "-1"}) {
    EXPECT_EQ(Run({"replay", id_, wrong}).code, ExitCode::kUsage) << wrong;
  }
  EXPECT_EQ(Run({"replay", id_}).code, ExitCode::kUsage);
}

TEST_F(NotificationsCommandTest, OptionsSetWhatIsToldAndWhere) {
  WriteFile(dir_ / "secret", "whsec_x\n");
  const Ran ran = Run({"set", id_, "--notify=transferred,file", "--webhook=https://x/hook",
                       "--webhook-secret-file=" + (dir_ / "secret")});
  EXPECT_EQ(ran.code, ExitCode::kOk) << ran.err;
  ASSERT_EQ(updates_.size(), 1u);
  EXPECT_THAT(updates_[0].update_mask().paths(),
              ElementsAre("notifications.flags", "notifications.webhook"));
  const v1::NotificationOptions& options = updates_[0].job().notifications();
  EXPECT_THAT(options.flags(), ElementsAre(1, 16));
  EXPECT_EQ(options.webhook().uri(), "https://x/hook");
  EXPECT_EQ(options.webhook().secret(), "whsec_x");
  EXPECT_EQ(Run({"set", id_, "--no-webhook", "--notify=default"}).code, ExitCode::kOk);
  ASSERT_EQ(updates_.size(), 2u);
  EXPECT_FALSE(updates_[1].job().notifications().has_webhook());
  EXPECT_THAT(updates_[1].job().notifications().flags(), ElementsAre());
}

TEST_F(NotificationsCommandTest, OptionsSetACommandLine) {
  EXPECT_EQ(Run({"set", id_, "--command=/usr/bin/x", "--command-argument=a b",
                 "--command-argument=--c"}).code,
            ExitCode::kOk);
  EXPECT_EQ(Run({"set", id_, "--no-command"}).code, ExitCode::kOk);
  ASSERT_EQ(updates_.size(), 2u);
  EXPECT_THAT(updates_[0].update_mask().paths(), ElementsAre("notifications.command_line"));
  const v1::CommandLine& command = updates_[0].job().notifications().command_line();
  EXPECT_EQ(command.program(), "/usr/bin/x");
  EXPECT_THAT(command.arguments(), ElementsAre("a b", "--c"));
  EXPECT_FALSE(updates_[1].job().notifications().has_command_line());
}

TEST_F(NotificationsCommandTest, WrongOptionsAskNothing) {
  const std::vector<std::vector<std::string>> wrong = {
      {"set", id_, "--notify=everything"},
      {"set", id_, "--notify="},
      {"set", id_, "--webhook=https://x/", "--no-webhook"},
      {"set", id_, "--webhook-secret-file=/x"},
      {"set", id_, "--command-argument=x"},
      {"set", id_, "--command=/x", "--no-command"},
      {"set", id_, "--webhook=https://x/", "--webhook-secret-file=/no/such/file"}};
  for (const auto& words : wrong) EXPECT_EQ(Run(words).code, ExitCode::kUsage) << words.back();
  EXPECT_TRUE(updates_.empty());
}

}  // namespace
}  // namespace bits::testing
