#include "server/rpc/request_digest.h"

#include <gtest/gtest.h>

#include <string>

#include "bits/v1/job_service.pb.h"

namespace bits::rpc {
namespace {

v1::CreateJobRequest Request() {
  v1::CreateJobRequest request;
  request.mutable_job()->set_display_name("job");
  for (int i = 0; i < 50; ++i) {
    (*request.mutable_job()->mutable_labels())["key" + std::to_string(i)] = "value";
  }
  request.set_request_id("0b54b2a1-9d2c-4a5e-8f00-aabbccddeeff");
  return request;
}

TEST(RequestDigestTest, TheOrderOfAMapDoesNotMatter) {
  v1::CreateJobRequest other;
  for (int i = 49; i >= 0; --i) {
    (*other.mutable_job()->mutable_labels())["key" + std::to_string(i)] = "value";
  }
  other.mutable_job()->set_display_name("job");
  EXPECT_EQ(Fingerprint("CreateJob", Request()), Fingerprint("CreateJob", other));
  EXPECT_EQ(Fingerprint("CreateJob", other).size(), 32u);
}

TEST(RequestDigestTest, EveryOtherDifferenceDoes) {
  const std::string fingerprint = Fingerprint("CreateJob", Request());
  EXPECT_NE(fingerprint, Fingerprint("CreateJobs", Request()));
  v1::CreateJobRequest request = Request();
  request.set_start(true);
  EXPECT_NE(fingerprint, Fingerprint("CreateJob", request));
  request = Request();
  (*request.mutable_job()->mutable_labels())["key0"] = "other";
  EXPECT_NE(fingerprint, Fingerprint("CreateJob", request));
  request = Request();
  request.add_files();
  EXPECT_NE(fingerprint, Fingerprint("CreateJob", request));

  // Two methods with the same bytes on the wire.
  v1::ResumeJobRequest resume;
  v1::SuspendJobRequest suspend;
  EXPECT_NE(Digest("x", resume), Digest("x", suspend));
  EXPECT_NE(Digest("x", resume), Digest("", resume));
}

TEST(RequestDigestTest, TheSecretOfAWebhookDoesNotMatter) {
  v1::CreateJobRequest request = Request();
  v1::Webhook& webhook = *request.mutable_job()->mutable_notifications()->mutable_webhook();
  webhook.set_uri("https://x/");
  webhook.set_secret("whsec_one");
  const std::string fingerprint = Fingerprint("CreateJob", request);
  EXPECT_NE(fingerprint, Fingerprint("CreateJob", Request()));
  webhook.set_secret("whsec_two");
  EXPECT_EQ(fingerprint, Fingerprint("CreateJob", request));
  webhook.set_uri("https://y/");
  EXPECT_NE(fingerprint, Fingerprint("CreateJob", request));
}

TEST(RequestDigestTest, APageTokenIsBoundToAllButItself) {
  v1::ListJobsRequest request;
  request.set_filter("state = STATE_QUEUED");
  const std::string binding = PageBinding("anna", request);
  request.set_page_token("x");
  EXPECT_EQ(binding, PageBinding("anna", request));
  EXPECT_NE(binding, PageBinding("bert", request));
  request.set_show_final(true);
  EXPECT_NE(binding, PageBinding("anna", request));
  request.set_show_final(false);
  request.set_filter("state = STATE_ERROR");
  EXPECT_NE(binding, PageBinding("anna", request));
}

}  // namespace
}  // namespace bits::rpc
