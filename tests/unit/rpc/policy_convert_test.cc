#include "server/rpc/policy_convert.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "server/base/error_info.h"
#include "tests/support/status_matchers.h"

namespace bits::rpc {
namespace {

template <typename Message>
Message Parsed(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

TEST(PolicyConvertTest, ProtoAndDomainHaveTheSameFields) {
  std::set<std::string> ours = {"name", "etag", "written_fields", "file_fields", "rates_in_force"};
  for (const domain::PolicyField& field : domain::PolicyFields()) {
    EXPECT_TRUE(ours.insert(std::string(field.name)).second);
  }
  std::set<std::string> theirs;
  const auto* descriptor = v1::Policy::descriptor();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    theirs.insert(descriptor->field(i)->name());
    // What is set to the zero value must be told from what is not set.
    EXPECT_TRUE(descriptor->field(i)->has_presence() || descriptor->field(i)->is_repeated() ||
                !ours.contains(descriptor->field(i)->name()) || descriptor->field(i)->number() <= 2)
        << descriptor->field(i)->name();
  }
  EXPECT_EQ(theirs, ours);
}

TEST(PolicyConvertTest, WhatIsGivenHasEveryFieldAndTellsWhoSetIt) {
  app::PolicyView view;
  view.version = 4;
  view.written["max_jobs"] = uint64_t{9};
  view.written["of_a_newer"] = uint64_t{9};
  view.file["tombstone_retention"] = absl::Milliseconds(1500);
  view.policy = domain::ResolvePolicy(view.file, view.written);
  v1::Policy policy;
  ToProto(view, &policy);
  EXPECT_EQ(policy.name(), "policy");
  EXPECT_EQ(policy.etag(), "\"4\"");
  EXPECT_EQ(policy.max_jobs(), 9u);
  EXPECT_EQ(policy.tombstone_retention().nanos(), 500'000'000);
  EXPECT_EQ(policy.written_fields().ShortDebugString(), "paths: \"max_jobs\"");
  EXPECT_EQ(policy.file_fields().ShortDebugString(), "paths: \"tombstone_retention\"");
  // It can be given back as it is.
  const auto settings = SettingsFrom(policy, "policy.");
  BITS_ASSERT_OK(settings);
  EXPECT_EQ(domain::ResolvePolicy({}, *settings), view.policy);
}

TEST(PolicyConvertTest, RatesAndHoursComeBackAsTheyWereGiven) {
  const auto given = Parsed<v1::Policy>(R"(
    rate_limits { server: 9000 background: 0 foreground: 1024 high: 2048 normal: 0 low: 4096
                  per_host: 5000 hosts { key: "a.example" value: 6000 } }
    time_zone: "Europe/Berlin"
    work_hours { first_day: DAY_MONDAY last_day: DAY_FRIDAY start: "08:00" end: "17:30" }
    work_hours { first_day: DAY_SATURDAY last_day: DAY_SUNDAY start: "00:00" end: "24:00" }
    work_rate_limits {}
    maintenance_hours { first_day: DAY_SUNDAY last_day: DAY_SUNDAY start: "23:59" end: "00:01" })");
  const auto settings = SettingsFrom(given, "");
  BITS_ASSERT_OK(settings);
  EXPECT_EQ(settings->size(), 5u);
  app::PolicyView view;
  view.policy = domain::ResolvePolicy({}, *settings);
  view.policy.rates.until = absl::FromUnixSeconds(7);
  view.policy.rates.hours = domain::HoursKind::kWork;
  v1::Policy back;
  ToProto(view, &back);
  EXPECT_EQ(back.rate_limits().SerializeAsString(), given.rate_limits().SerializeAsString());
  EXPECT_EQ(back.time_zone(), "Europe/Berlin");
  ASSERT_EQ(back.work_hours_size(), 2);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(back.work_hours(i).DebugString(), given.work_hours(i).DebugString());
  }
  EXPECT_EQ(back.maintenance_hours(0).DebugString(), given.maintenance_hours(0).DebugString());
  EXPECT_EQ(back.rates_in_force().hours(), v1::RatesInForce::HOURS_WORK);
  EXPECT_EQ(back.rates_in_force().until().seconds(), 7);
}

TEST(PolicyConvertTest, MaskNamesWhatIsWrittenAndClearsWhatIsNotSet) {
  const auto change = PolicyChangeFrom(Parsed<v1::UpdatePolicyRequest>(R"(
    policy { max_jobs: 5 max_files_per_job: 6 etag: "\"7\"" }
    update_mask { paths: "max_jobs" paths: "events_kept" })"));
  BITS_ASSERT_OK(change);
  EXPECT_EQ(change->version, 7u);
  ASSERT_EQ(change->fields.size(), 2u);
  EXPECT_EQ(change->fields.at("max_jobs"), domain::PolicyValue(uint64_t{5}));
  EXPECT_EQ(change->fields.at("events_kept"), std::nullopt);
}

TEST(PolicyConvertTest, WithoutMaskWhatIsSetIsWrittenAndAStarWritesAll) {
  auto request = Parsed<v1::UpdatePolicyRequest>("policy { default_maximum_download_time {} }");
  auto change = PolicyChangeFrom(request);
  BITS_ASSERT_OK(change);
  EXPECT_EQ(change->version, std::nullopt);
  ASSERT_EQ(change->fields.size(), 1u);
  EXPECT_EQ(change->fields.at("default_maximum_download_time"),
            domain::PolicyValue(absl::ZeroDuration()));
  request.mutable_update_mask()->add_paths("*");
  change = PolicyChangeFrom(request);
  BITS_ASSERT_OK(change);
  EXPECT_EQ(change->fields.size(), domain::PolicyFields().size());
  EXPECT_EQ(change->fields.at("max_jobs"), std::nullopt);
}

TEST(PolicyConvertTest, WrongFieldsAreNamed) {
  const auto field_of = [](const std::string& text) {
    const auto change = PolicyChangeFrom(Parsed<v1::UpdatePolicyRequest>(text));
    EXPECT_EQ(change.status().code(), absl::StatusCode::kInvalidArgument) << text;
    const auto violations = GetFieldViolations(change.status());
    return violations.size() == 1 ? violations[0].field : "";
  };
  EXPECT_EQ(field_of("policy { max_jobs: 0 }"), "policy.max_jobs");
  EXPECT_EQ(field_of("policy { name: \"policies/1\" }"), "policy.name");
  EXPECT_EQ(field_of("policy { job_inactivity_timeout { seconds: -1 } }"),
            "policy.job_inactivity_timeout");
  EXPECT_EQ(field_of("policy { job_inactivity_timeout { seconds: 9223372036854775807 } }"),
            "policy.job_inactivity_timeout");
  EXPECT_EQ(field_of("policy { time_zone: \"Mars/Olympus\" }"), "policy.time_zone");
  EXPECT_EQ(field_of("policy { rate_limits { background: 1 } }"), "policy.rate_limits");
  for (const char* hours : {"start: \"8:00\" end: \"17:00\"", "start: \"08:00\" end: \"24:01\"",
                            "start: \"08:60\" end: \"17:00\"", "start: \"08:00\" end: \"08:00\""}) {
    EXPECT_EQ(
        field_of(std::string("policy { work_hours { first_day: DAY_MONDAY last_day: DAY_MONDAY ") +
                 hours + " } }"),
        "policy.work_hours")
        << hours;
  }
  EXPECT_EQ(field_of("policy { work_hours { start: \"08:00\" end: \"17:00\" } }"),
            "policy.work_hours");
  EXPECT_EQ(field_of("update_mask { paths: \"etag\" }"), "update_mask");
  EXPECT_EQ(field_of("update_mask { paths: \"*\" paths: \"max_jobs\" }"), "update_mask");
}

}  // namespace
}  // namespace bits::rpc
